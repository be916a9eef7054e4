#include "cli/fires_view.h"
#include "cli/next_batch.h"
#include "cli/time_arg.h"

#include "base/json.h"

#include <errno.h>
#include <string.h>

#define COUNT_MAX 100000

static struct {
	char *cron, *schedule, *after, *until, *timezone, *batch, *count;
} given;

static const GOptionEntry options[] = {
	{"cron", 0, 0, G_OPTION_ARG_FILENAME, &given.cron, "a unix expression instead of an action", "EXPR"},
	{"schedule", 0, 0, G_OPTION_ARG_FILENAME, &given.schedule, "a schedule document instead of an action",
		"JSON"},
	{"count", 0, 0, G_OPTION_ARG_FILENAME, &given.count, "how many fires (default 10)", "N"},
	{"after", 0, 0, G_OPTION_ARG_FILENAME, &given.after, "fires later than this (default now)", "TIME"},
	{"until", 0, 0, G_OPTION_ARG_FILENAME, &given.until, "no fires later than this", "TIME"},
	{"timezone", 0, 0, G_OPTION_ARG_FILENAME, &given.timezone,
		"the zone where a schedule names none, and of TIME (default: the configured one)", "ZONE"},
	{"batch", 0, 0, G_OPTION_ARG_FILENAME, &given.batch, "JSON Lines in, JSON Lines out; - is stdin",
		"FILE"},
	{NULL},
};

static bool read_range(struct cli *cli, struct fires_range *out)
{
	g_autoptr(GError) error = NULL;
	*out = (struct fires_range){.count = 10, .after = cli->now, .until = TIME_US_MAX};
	if (given.count &&
		(!cli_parse_int(given.count, &out->count) || out->count < 1 || out->count > COUNT_MAX)) {
		cli_usage(
			cli, "--count must be a whole number from 1 to %d, not '%s'", COUNT_MAX, given.count);
		return false;
	}
	const char *option = "--after";
	bool ok = !given.after || time_arg_parse(given.after, cli->now, cli->zone, &out->after, &error);
	if (ok && given.until) {
		option = "--until";
		ok = time_arg_parse(given.until, cli->now, cli->zone, &out->until, &error);
	}
	if (!ok)
		cli_usage(cli, "%s: %s", option, error->message);
	return ok;
}

/* --- one expression --- */

static struct schedule *parse_expression(struct cli *cli, GError **error)
{
	struct schedule_context context = {
		.timezone = cli->zone,
		.zones = cli_zones(cli),
		.dialect = (enum unix_dialect)cli->config->unix_dialect,
		.dst = (enum dst_policy)cli->config->action.defaults.dst,
	};
	if (given.schedule)
		return schedule_parse(given.schedule, strlen(given.schedule), &context, error);
	g_autoptr(json_t) value = json_text(given.cron, strlen(given.cron));
	g_autoptr(json_t) document = json_pack("{sss{sO}}", "format", "unix", "params", "value", value);
	return schedule_parse_json(document, &context, error);
}

static int next_of_expression(struct cli *cli, const struct fires_range *range)
{
	GError *error = NULL;
	struct schedule *schedule = parse_expression(cli, &error);
	if (!schedule) {
		cli_fail(cli, error, given.schedule ? "--schedule" : "--cron");
		return EXIT_USAGE;
	}
	struct fires_output *output = fires_output_new(cli, range);
	fires_output_add(output, schedule, NULL);
	fires_output_end(output);
	schedule_unref(schedule);
	return EXIT_DONE;
}

/* --- actions --- */

struct action_fires {
	struct cli *cli;
	struct fires_output *output;
	bool failed;
};

static bool next_of_row(void *context, const struct action_row *row)
{
	struct action_fires *fires = context;
	g_autoptr(GByteArray) packed = g_byte_array_new();
	g_autoptr(GError) error = NULL;
	struct action_defaults defaults;
	struct lane_names lanes = cli_lanes(fires->cli);
	struct action *action = NULL;
	/* What a paused action would do is shown as well. */
	struct action_row enabled = *row;
	bool paused = row->enabled.set && !row->enabled.value;
	if (paused)
		enabled.enabled = (struct maybe_int){0};
	cli_defaults(fires->cli, &defaults);
	action_pack(&enabled, &defaults, packed);
	action_build(
		packed->data, packed->len, &defaults, &lanes, cli_schedules(fires->cli), &action, &error);
	if (!action) {
		cli_error(fires->cli, "action %" G_GINT64_FORMAT ": %s", row->id, error->message);
		fires->failed = true;
		return true;
	}
	if (paused)
		cli_warn(fires->cli, "action %" G_GINT64_FORMAT " is paused: it does not fire", row->id);
	fires_output_add(fires->output, action->schedule, &row->id);
	action_unref(action);
	return true;
}

static bool next_of_id(struct action_fires *fires, struct store *store, int64_t id)
{
	bool found = false;
	GError *error = NULL;
	if (!store_read_one(store, id, next_of_row, fires, &found, &error)) {
		cli_fail(fires->cli, error, "actions_db");
		return false;
	}
	if (!found) {
		cli_error(fires->cli, "there is no action %" G_GINT64_FORMAT, id);
		fires->failed = true;
	}
	return true;
}

static int next_of_actions(struct cli *cli, char **arguments, const struct fires_range *range)
{
	GError *error = NULL;
	guint count = g_strv_length(arguments);
	g_autofree int64_t *ids = g_new(int64_t, count);
	for (guint i = 0; i < count; i++)
		if (!cli_parse_int(arguments[i], &ids[i]))
			return cli_usage(cli, "'%s' is not an id", arguments[i]);
	struct store *store = cli_open_store(cli, CLI_STORE_READ, &error);
	if (!store)
		return cli_fail(cli, error, "actions_db");
	struct action_fires fires = {cli, fires_output_new(cli, range), false};
	for (guint i = 0; i < count; i++)
		if (!next_of_id(&fires, store, ids[i])) {
			fires.failed = true;
			break;
		}
	fires_output_end(fires.output);
	store_close(store);
	return fires.failed ? EXIT_FAILED : EXIT_DONE;
}

/* --- a batch --- */

static int next_of_batch(struct cli *cli)
{
	GError *error = NULL;
	bool had_errors = false, from_stdin = !strcmp(given.batch, "-");
	FILE *in = from_stdin ? stdin : fopen(given.batch, "re");
	if (!in) {
		cli_error(cli, "%s: %s", given.batch, g_strerror(errno));
		return EXIT_FAILED;
	}
	struct next_batch_context context = {
		.zones = cli_zones(cli),
		.timezone = cli->zone,
		.dialect = (enum unix_dialect)cli->config->unix_dialect,
		.dst = (enum dst_policy)cli->config->action.defaults.dst,
		.now = cli->now,
	};
	bool ok = next_batch_run(in, cli->style.file, &context, &had_errors, &error);
	if (!from_stdin)
		fclose(in);
	if (!ok)
		return cli_fail(cli, error, "%s", given.batch);
	return had_errors ? EXIT_FAILED : EXIT_DONE;
}

static int next(struct cli *cli, char **arguments)
{
	GError *error = NULL;
	struct fires_range range;
	int ways = (*arguments != NULL) + (given.cron != NULL) + (given.schedule != NULL) +
		   (given.batch != NULL);
	if (ways != 1)
		return cli_usage(cli, "next takes one of: ids, --cron, --schedule, --batch");
	if (given.batch && (given.after || given.until || given.count))
		return cli_usage(cli, "with --batch each line says its own after and count");
	if (!(*arguments ? cli_load_config(cli) : cli_load_config_or_default(cli)))
		return EXIT_FAILED;
	if (!cli_choose_zone(cli, given.timezone, &error)) {
		cli_fail(cli, error, given.timezone ? "--timezone" : "timezone");
		return given.timezone ? EXIT_USAGE : EXIT_FAILED;
	}
	if (given.batch)
		return next_of_batch(cli);
	if (!read_range(cli, &range))
		return EXIT_USAGE;
	return *arguments ? next_of_actions(cli, arguments, &range) : next_of_expression(cli, &range);
}

const struct verb verb_next = {
	.name = "next",
	.arguments = "[ID…]",
	.summary = "shows a schedule normalised, and when it fires next",
	.help = "Of actions by id, of an expression, or of any number of schedules in JSON Lines (see "
		"docs/json.md).\n"
		"--cron, --schedule and --batch need no configuration. Jitter counts for actions "
		"only.\n\n" TIME_ARG_HELP,
	.examples = "next 17\n"
		    "next --cron '30 9 * * 1-5' --timezone Europe/Berlin --count 3\n"
		    "next --schedule '{\"format\": \"apscheduler\", \"params\": {\"day\": \"last\"}}' "
		    "--until 2030-01-01\n"
		    "next --batch schedules.jsonl",
	.options = options,
	.listing = true,
	.run = next,
};
