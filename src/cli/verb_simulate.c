#include "cli/simulate.h"
#include "cli/time_arg.h"

#include <string.h>

#define HOTTEST_MAX 100000

static struct {
	char *from, *to, *timezone, *limit, *by, *hottest, *catch_up, *table, *diff;
	char **actions;
	gboolean histogram, missed, prune;
} given;

static const GOptionEntry options[] = {
	{"from", 0, 0, G_OPTION_ARG_FILENAME, &given.from, "fires due at this time or later (default now)",
		"TIME"},
	{"to", 0, 0, G_OPTION_ARG_FILENAME, &given.to, "fires due before this (default a day after --from)",
		"TIME"},
	{"action", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &given.actions,
		"of this action alone; may be given several times", "ID"},
	{"limit", 0, 0, G_OPTION_ARG_FILENAME, &given.limit, "the first N rows (default 0: all)", "N"},
	{"by", 0, 0, G_OPTION_ARG_FILENAME, &given.by, "how many fires, instead of the fires",
		"second|minute|hour|day|action"},
	{"hottest", 0, 0, G_OPTION_ARG_FILENAME, &given.hottest,
		"the N seconds, or what --by says, with the most fires, those first", "N"},
	{"histogram", 0, 0, G_OPTION_ARG_NONE, &given.histogram,
		"draws bars; without --by of seconds, minutes, hours or days, as the stretch is long", NULL},
	{"table", 0, 0, G_OPTION_ARG_FILENAME, &given.table,
		"the rows of FILE in place of the table, in the form of sample_actions.yaml; - is stdin",
		"FILE"},
	{"diff", 0, 0, G_OPTION_ARG_FILENAME, &given.diff,
		"which fires would go and come with the rows of FILE, as `import yaml` would write them",
		"FILE"},
	{"prune", 0, 0, G_OPTION_ARG_NONE, &given.prune, "with --diff: rows that are not in FILE would go",
		NULL},
	{"missed", 0, 0, G_OPTION_ARG_NONE, &given.missed,
		"what a start now would make up for, and how, instead of what is to come", NULL},
	{"catch-up", 0, 0, G_OPTION_ARG_FILENAME, &given.catch_up,
		"with --missed: as `run` would be started (default all)", "none|all|TIME"},
	{"timezone", 0, 0, G_OPTION_ARG_FILENAME, &given.timezone,
		"the zone of the times shown, and of TIME (default: the configured one)", "ZONE"},
	{NULL},
};

/* --- what can be told without a configuration --- */

static bool parse_count(const struct cli *cli, const char *option, const char *text, int64_t least,
	int64_t most, int64_t *out)
{
	if (!text || (cli_parse_int(text, out) && *out >= least && *out <= most))
		return true;
	cli_usage(cli, "%s must be a whole number from %" G_GINT64_FORMAT "%s, not '%s'", option, least,
		least ? " to 100000" : " on, 0 for all", text);
	return false;
}

static bool parse_by(const struct cli *cli, struct simulation *out)
{
	static const char *const names[] = {"second", "minute", "hour", "day", "action", NULL};
	if (!given.by)
		return true;
	int chosen = cli_choose(cli, "--by", given.by, names);
	if (chosen < 0)
		return false;
	out->by_action = chosen > UNIT_DAY;
	out->unit = (enum time_unit)MIN(chosen, UNIT_DAY);
	return true;
}

static gint id_compare(gconstpointer a, gconstpointer b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

/* Ascending, each once. */
static bool parse_ids(const struct cli *cli, GArray *ids)
{
	for (size_t i = 0; given.actions && given.actions[i]; i++) {
		int64_t id;
		if (!cli_parse_int(given.actions[i], &id)) {
			cli_usage(cli, "--action: '%s' is not an id", given.actions[i]);
			return false;
		}
		g_array_append_val(ids, id);
	}
	g_array_sort(ids, id_compare);
	guint kept = 0;
	int64_t *list = (int64_t *)(void *)ids->data;
	for (guint i = 0; i < ids->len; i++)
		if (kept == 0 || list[kept - 1] != list[i])
			list[kept++] = list[i];
	g_array_set_size(ids, kept);
	return true;
}

static bool parse_plain(struct cli *cli, struct simulation *out, GArray *ids)
{
	int64_t limit = 0, hottest = 0;
	if (!parse_count(cli, "--limit", given.limit, 0, INT64_MAX, &limit) ||
		!parse_count(cli, "--hottest", given.hottest, 1, HOTTEST_MAX, &hottest) ||
		!parse_by(cli, out) || !parse_ids(cli, ids))
		return false;
	out->limit = limit ? (uint64_t)limit : UINT64_MAX;
	out->hottest = (uint64_t)hottest;
	out->histogram = given.histogram;
	out->ids = ids->len ? (const int64_t *)(void *)ids->data : NULL;
	out->id_count = ids->len;
	out->table = given.table;
	out->diff = given.diff;
	out->prune = given.prune;
	return true;
}

/* --- times --- */

static bool parse_times(struct cli *cli, struct simulation *out)
{
	g_autoptr(GError) error = NULL;
	const char *option = "--from";
	out->from = cli->now;
	bool ok = !given.from || time_arg_parse(given.from, cli->now, out->zone, &out->from, &error);
	out->to = out->from + US_PER_DAY;
	if (ok && given.to) {
		option = "--to";
		ok = time_arg_parse(given.to, cli->now, out->zone, &out->to, &error);
	}
	if (!ok) {
		cli_usage(cli, "%s: %s", option, error->message);
	} else if (out->to <= out->from) {
		char from[TIME_TEXT_MAX], to[TIME_TEXT_MAX];
		cli_usage(cli, "--to %s is not after --from %s: nothing is between them",
			zone_format(out->zone, out->to, to), zone_format(out->zone, out->from, from));
		ok = false;
	}
	return ok;
}

/* Bars are held back until the longest is known. */
static bool choose_unit(const struct cli *cli, struct simulation *out)
{
	if (!given.by && out->histogram && !out->hottest)
		out->unit = simulate_unit_for(out->from, out->to);
	if (!out->histogram || out->hottest || out->by_action ||
		(out->to - out->from) / time_unit_length(out->unit) <= SIMULATE_BARS_MAX)
		return true;
	cli_usage(cli, "a histogram has at most %d bars: take a larger --by, or a shorter time",
		SIMULATE_BARS_MAX);
	return false;
}

/* --- what goes with what --- */

static bool check_alone(
	const struct cli *cli, const char *option, bool is_given, const char *reason, bool times_too)
{
	const struct {
		const char *name;
		bool given;
	} others[] = {{"--by", given.by}, {"--hottest", given.hottest}, {"--histogram", given.histogram},
		{"--from", times_too && given.from}, {"--to", times_too && given.to},
		{"--table", times_too && given.table}, {"--diff", times_too && given.diff}};
	for (size_t i = 0; is_given && i < G_N_ELEMENTS(others); i++) {
		if (!others[i].given)
			continue;
		cli_usage(cli, "%s does not go with %s: %s", option, others[i].name, reason);
		return false;
	}
	return true;
}

static bool check_together(const struct cli *cli)
{
	bool is_stdin = !g_strcmp0(given.table, "-") && !g_strcmp0(given.diff, "-");
	const char *lone = given.catch_up && !given.missed ? "--catch-up is of --missed alone"
			   : given.prune && !given.diff    ? "--prune is of --diff alone"
			   : is_stdin                      ? "--table and --diff cannot both be stdin"
							   : NULL;
	if (lone)
		cli_usage(cli, "%s", lone);
	return !lone && check_alone(cli, "--missed", given.missed, "it is about what was due by now", true) &&
	       check_alone(cli, "--diff", given.diff, "it counts what differs, for each action", false);
}

/* --- what is to be shown --- */

static int missed(struct cli *cli, struct simulation *simulation)
{
	g_autoptr(GError) error = NULL;
	if (!catch_up_parse(given.catch_up, cli->now, simulation->zone, &simulation->catch_up_from, &error))
		return cli_usage(cli, "--catch-up: %s", error->message);
	return simulate_missed(simulation);
}

static int simulate_what(const struct simulation *simulation)
{
	if (simulation->diff)
		return simulate_diff(simulation);
	if (simulation->by_action)
		return simulate_actions(simulation);
	return given.by || simulation->hottest || simulation->histogram ? simulate_counts(simulation)
									: simulate_fires(simulation);
}

static int to_come(struct cli *cli, struct simulation *simulation)
{
	if (!parse_times(cli, simulation) || !choose_unit(cli, simulation))
		return EXIT_USAGE;
	return simulate_what(simulation);
}

/* A file needs no database, and so no configuration. */
static bool prepare(struct cli *cli)
{
	GError *error = NULL;
	if (!given.table)
		return cli_prepare(cli);
	if (!cli_load_config_or_default(cli))
		return false;
	if (cli_choose_zone(cli, NULL, &error))
		return true;
	cli_fail(cli, error, "timezone");
	return false;
}

static int simulate(struct cli *cli, char **arguments)
{
	(void)arguments;
	struct simulation simulation = {.cli = cli};
	g_autoptr(GArray) ids = g_array_new(FALSE, FALSE, sizeof(int64_t));
	if (!parse_plain(cli, &simulation, ids) || !check_together(cli))
		return EXIT_USAGE;
	if (!prepare(cli))
		return EXIT_FAILED;
	if (!cli_show_times_in(cli, given.timezone))
		return EXIT_USAGE;
	simulation.zone = cli_shown_zone(cli);
	return given.missed ? missed(cli, &simulation) : to_come(cli, &simulation);
}

const struct verb verb_simulate = {
	.name = "simulate",
	.summary = "shows what would fire, without firing it",
	.help = "Every fire of the table due from --from on and before --to, in the order of a run and with "
		"its "
		"jitter;\n"
		"or how many there are. What depends on a run is left out: max_instances, rates, "
		"refusals.\n\n"
		"--table takes rows from a file; one without an id gets one as in an empty table, on which "
		"its jitter\n"
		"depends. --diff compares with the file as `import yaml` does: by id, else by name; columns "
		"that it\n"
		"does not name stay. Exit status 1 where `import yaml` would refuse the file.\n\n"
		"--missed reads internal_db, beside a running scheduler too: what was due by now and is not "
		"done,\n"
		"and what merge_missed, actuality_time, catch_up_limit and --catch-up would make of it at a "
		"start.\n\n" TIME_ARG_HELP,
	.examples = "simulate --from today --to tomorrow\n"
		    "simulate --to +1h --action 17 --action 18 -o jsonl\n"
		    "simulate --from today --to tomorrow --histogram\n"
		    "simulate --by minute --hottest 10\n"
		    "simulate --by action --hottest 20\n"
		    "simulate --table proposed.yaml --histogram\n"
		    "simulate --diff proposed.yaml --prune --from today --to '+1 month'\n"
		    "simulate --missed --catch-up '2 hours ago'",
	.options = options,
	.listing = true,
	.run = simulate,
};
