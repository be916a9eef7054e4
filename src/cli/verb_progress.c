#include "cli/own_journal.h"
#include "cli/progress_view.h"
#include "cli/time_arg.h"
#include "config/control_path.h"
#include "model/progress_set.h"

#include <string.h>

static struct {
	char *lane, *timezone;
	gboolean repeat, dry_run;
} given;

static const GOptionEntry options[] = {
	{"lane", 0, 0, G_OPTION_ARG_FILENAME, &given.lane, "of this callback alone", "CALLBACK"},
	{"repeat", 0, 0, G_OPTION_ARG_NONE, &given.repeat,
		"set: a callback may go back, so that fires are repeated", NULL},
	{"dry-run", 'n', 0, G_OPTION_ARG_NONE, &given.dry_run, "set: say what would be, and write nothing",
		NULL},
	SHOWN_ZONE_OPTION(given.timezone),
	{NULL},
};

/* --- since when definitions hold --- */

static void since_take(void *context, const struct definition *definition)
{
	int64_t *pair = g_new(int64_t, 2);
	pair[0] = definition->action_id;
	pair[1] = definition->since;
	g_hash_table_add(context, pair);
}

static time_us since_of(void *context, int64_t action_id)
{
	const int64_t *pair = g_hash_table_lookup(context, &action_id);
	return pair ? pair[1] : TIME_US_MAX;
}

/* --- show --- */

static void say_hold(const struct cli *cli, const struct hold *hold)
{
	char since[TIME_TEXT_MAX];
	if (hold->since != TIME_US_MIN && hold->skip_until == TIME_US_MIN)
		cli_say(cli, "all is held since %s%s%s", zone_format(cli_shown_zone(cli), hold->since, since),
			hold->reason ? ": " : "", hold->reason ? hold->reason : "");
}

static int show_read(struct cli *cli, const struct progress *progress)
{
	bool found = !given.lane;
	for (guint i = 0; i < progress->lanes->len; i++)
		found |= !g_strcmp0(given.lane, g_array_index(progress->lanes, struct lane_progress, i).name);
	if (!found) {
		cli_error(cli, "internal_db has no progress of callback %s", given.lane);
		return EXIT_FAILED;
	}
	progress_view(cli, progress, given.lane);
	say_hold(cli, &progress->hold);
	return EXIT_DONE;
}

/* NULL with everything said. */
static struct journal *open_to_read(
	struct cli *cli, journal_definition_fn each, void *context, struct progress **progress)
{
	GError *error = NULL;
	if (!cli->config->internal_db.set) {
		cli_error(cli,
			"no internal_db is configured: progress lives in the process of the scheduler, and "
			"ends with it");
		return NULL;
	}
	struct journal *journal = cli_open_journal(cli, &error);
	if (!journal && !error) {
		cli_error(cli, "internal_db: no scheduler has used it yet");
		return NULL;
	}
	*progress = journal ? journal_load(journal, each, context, &error) : NULL;
	if (*progress)
		return journal;
	journal_close(journal);
	cli_fail(cli, error, "internal_db");
	return NULL;
}

static int show(struct cli *cli, char **arguments)
{
	struct progress *progress;
	if (arguments[0])
		return cli_usage(cli, "progress show takes no argument '%s'", arguments[0]);
	if (given.repeat || given.dry_run)
		return cli_usage(cli, "%s goes with progress set", given.repeat ? "--repeat" : "--dry-run");
	if (!cli_prepare(cli))
		return EXIT_FAILED;
	if (!cli_show_times_in(cli, given.timezone))
		return EXIT_USAGE;
	struct journal *journal = open_to_read(cli, NULL, NULL, &progress);
	if (!journal)
		return EXIT_FAILED;
	int status = show_read(cli, progress);
	progress_free(progress);
	journal_close(journal);
	return status;
}

/* --- set --- */

static void say_moves(const struct cli *cli, const GArray *moves)
{
	for (guint i = 0; i < moves->len; i++) {
		const struct progress_move *move = &g_array_index(moves, struct progress_move, i);
		char from[TIME_TEXT_MAX], to[TIME_TEXT_MAX];
		bool stays = position_compare(move->from, move->to) == 0;
		cli_say(cli,
			"callback %s%s: %s; open fires over: %u, that come again: %u; backlog records there "
			"were: %u",
			move->lane, given.dry_run ? " (dry run)" : "",
			stays        ? "has come as far already"
			: move->back ? "fires due from then on are repeated"
				     : "what was due before is dropped",
			move->ended, move->again, move->records);
		if (!stays)
			cli_say(cli, "callback %s: watermark %s, was %s", move->lane,
				zone_format(cli_shown_zone(cli), move->to.due_at, to),
				move->from.due_at == TIME_US_MIN
					? "none"
					: zone_format(cli_shown_zone(cli), move->from.due_at, from));
	}
}

static int set_read(struct cli *cli, struct journal *journal, const struct progress *progress, time_us at,
	GHashTable *since)
{
	GError *error = NULL;
	GArray *moves = NULL;
	struct progress_goal goal = {.at = at, .now = cli->now, .lane = given.lane, .repeat = given.repeat};
	struct commit *commit = commit_new();
	commit->sequence = 1;
	bool done = progress_set(progress, &goal, since_of, since, commit, &moves, &error);
	const char *place = done ? "internal_db" : "refused";
	if (done && !given.dry_run && !commit_is_empty(commit))
		done = journal_commit(journal, commit, &error);
	commit_free(commit);
	if (done)
		say_moves(cli, moves);
	if (moves)
		g_array_unref(moves);
	return done ? EXIT_DONE : cli_fail(cli, error, "%s", place);
}

static struct journal *open_to_set(struct cli *cli, GHashTable *since, struct progress **progress)
{
	GError *error = NULL;
	if (given.dry_run)
		return open_to_read(cli, since_take, since, progress);
	struct journal *journal = own_journal(cli, since_take, since, progress, &error);
	if (g_error_matches(error, AS_ERROR, AS_ERROR_BUSY))
		g_prefix_error(&error, "stop the scheduler first, it would not notice: ");
	if (!journal)
		cli_fail(cli, error, "internal_db");
	return journal;
}

/* As it is afterwards. */
static int show_after(struct cli *cli, struct journal *journal)
{
	GError *error = NULL;
	struct progress *progress = journal_load(journal, NULL, NULL, &error);
	if (!progress)
		return cli_fail(cli, error, "internal_db");
	progress_view(cli, progress, given.lane);
	progress_free(progress);
	return EXIT_DONE;
}

static int set_at(struct cli *cli, time_us at)
{
	g_autoptr(GHashTable) since = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
	struct progress *progress;
	struct journal *journal = open_to_set(cli, since, &progress);
	if (!journal)
		return EXIT_FAILED;
	int status = set_read(cli, journal, progress, at, since);
	progress_free(progress);
	if (status == EXIT_DONE)
		status = show_after(cli, journal);
	journal_close(journal);
	return status;
}

static int set(struct cli *cli, char **arguments)
{
	GError *error = NULL;
	time_us at;
	if (!arguments[0] || arguments[1])
		return cli_usage(cli, "progress set takes one TIME");
	if (!cli_prepare(cli))
		return EXIT_FAILED;
	if (!cli_show_times_in(cli, given.timezone))
		return EXIT_USAGE;
	if (!time_arg_parse(arguments[0], cli->now, cli_shown_zone(cli), &at, &error)) {
		int status = cli_usage(cli, "%s", error->message);
		g_error_free(error);
		return status;
	}
	if (at > cli->now)
		return cli_usage(
			cli, "'%s' is still to come: progress cannot be ahead of the clock", arguments[0]);
	return set_at(cli, at);
}

static int run(struct cli *cli, char **arguments)
{
	static const char *const names[] = {"show", "set", NULL};
	if (!g_strcmp0(arguments[0], "show"))
		return show(cli, arguments + 1);
	if (!g_strcmp0(arguments[0], "set"))
		return set(cli, arguments + 1);
	const char *near = arguments[0] ? cli_nearest(arguments[0], names) : NULL;
	if (near)
		return cli_usage(
			cli, "there is no progress '%s'; did you mean 'progress %s'?", arguments[0], near);
	return cli_usage(cli, "progress needs to know what: show, or set TIME");
}

const struct verb verb_progress = {
	.name = "progress",
	.arguments = "show|set TIME",
	.summary = "shows how far each callback has come, or sets it after a restored backup",
	.help = "show: for each callback its watermark (what was due up to there is over, or open,\n"
		"or in the backlog), the stretches of missed time that are being made up for, and\n"
		"the open fires. It is what internal_db has, beside a running scheduler too.\n"
		"\n"
		"set: all that was due before TIME is over, all that is due from TIME on is owed.\n"
		"Where a callback goes forward, what it owed before TIME, open fires too, is\n"
		"recorded as skipped. Where it goes back, fires that are over are repeated under\n"
		"the ids that they had, which needs --repeat; an action whose schedule changed\n"
		"since TIME owes its fires from the change on. No scheduler may run meanwhile;\n"
		"the next start does what is said here.\n"
		"\n" TIME_ARG_HELP,
	.examples = "progress show\nprogress set 2024-01-01T12:00:00Z\nprogress set --lane kafka '2h ago'\n"
		    "# the receiver lost what it got today\nprogress set today --repeat --dry-run",
	.options = options,
	.listing = true,
	.run = run,
};
