#include "cli/hold.h"
#include "cli/row_set.h"

static struct {
	char *reason;
	gboolean all, skip;
} given;

static const GOptionEntry pause_options[] = {
	{"all", 0, 0, G_OPTION_ARG_NONE, &given.all, "hold everything, for maintenance", NULL},
	{"reason", 0, 0, G_OPTION_ARG_STRING, &given.reason, "with --all: why, for whoever looks", "TEXT"},
	{NULL},
};

static const GOptionEntry resume_options[] = {
	{"all", 0, 0, G_OPTION_ARG_NONE, &given.all, "end the hold of `pause --all`", NULL},
	{"skip", 0, 0, G_OPTION_ARG_NONE, &given.skip, "with --all: drop what was due meanwhile", NULL},
	{NULL},
};

static const char *const already[] = {"is paused already", "is not paused"};

static bool is_paused(const struct action_row *row)
{
	return row->enabled.set && !row->enabled.value;
}

/* The rows that are not as they should be. */
static struct store_change *changes_of(
	const struct cli *cli, const struct row_set *set, bool enabled, size_t *count)
{
	struct store_change *changes = g_new0(struct store_change, set->rows->len);
	*count = 0;
	for (guint i = 0; i < set->rows->len; i++) {
		struct action_row *row = &g_array_index(set->rows, struct action_row, i);
		if (is_paused(row) != enabled && !row->enabled.bad.data) {
			cli_say(cli, "action %" G_GINT64_FORMAT " %s", row->id, already[enabled]);
			continue;
		}
		row->enabled = (struct maybe_int){.set = true, .value = enabled};
		changes[(*count)++] =
			(struct store_change){.kind = STORE_UPDATE, .set = COLUMN_ENABLED, .row = *row};
	}
	return changes;
}

static int set_enabled(struct cli *cli, struct store *store, struct row_set *set, void *context)
{
	GError *error = NULL;
	size_t count;
	if (!(store_columns(store) & COLUMN_ENABLED)) {
		cli_error(cli,
			"actions_db: %s: the table “action” has no column “enabled”; `action-scheduler check "
			"--fix` adds it",
			store_place(store));
		return EXIT_FAILED;
	}
	g_autofree struct store_change *changes = changes_of(cli, set, *(const bool *)context, &count);
	if (!store_write(store, changes, count, NULL, NULL, &error))
		return cli_fail(cli, error, "actions_db");
	row_set_show(cli, set);
	return EXIT_DONE;
}

static int without_all(const struct cli *cli, char **arguments, const char *option)
{
	if (given.all)
		return cli_usage(
			cli, "--all is for everything at once: it goes without the id '%s'", arguments[0]);
	return cli_usage(cli, "--%s goes with --all", option);
}

static int run(struct cli *cli, char **arguments, bool enabled)
{
	g_autoptr(GArray) ids = NULL;
	int status = row_set_parse(cli, arguments, &ids);
	if (status != EXIT_DONE)
		return status;
	return row_set_change(cli, ids, CLI_STORE_WRITE, set_enabled, &enabled);
}

static int pause_actions(struct cli *cli, char **arguments)
{
	if ((given.all && arguments[0]) || (given.reason && !given.all))
		return without_all(cli, arguments, "reason");
	return given.all ? hold_all(cli, given.reason) : run(cli, arguments, false);
}

static int resume_actions(struct cli *cli, char **arguments)
{
	if ((given.all && arguments[0]) || (given.skip && !given.all))
		return without_all(cli, arguments, "skip");
	return given.all ? release_all(cli, given.skip) : run(cli, arguments, true);
}

const struct verb verb_pause = {
	.name = "pause",
	.arguments = "ID...|--all",
	.summary = "stops actions from firing",
	.help = "Sets the column enabled of the rows to false; a running scheduler sees it. All of\n"
		"them or none: where one is not there nothing is written. What is paused already\n"
		"stays so. Shows the actions as `list` does.\n"
		"\n"
		"--all holds everything, for maintenance: nothing is handed out any more, be it\n"
		"due, missed, waiting for its next attempt or triggered; what runs goes on to its\n"
		"end. It lasts over restarts, until `resume --all`. The running scheduler does\n"
		"it; where none runs it is written into internal_db. Without internal_db it lasts\n"
		"as long as the scheduler does. The table is not touched.",
	.examples = "pause 17\npause 17 18 19 -o json\npause --all --reason 'the receiver moves'",
	.options = pause_options,
	.listing = true,
	.run = pause_actions,
};

const struct verb verb_resume = {
	.name = "resume",
	.arguments = "ID...|--all",
	.summary = "lets paused actions fire again",
	.help = "Sets the column enabled of the rows to true; a running scheduler sees it. All of\n"
		"them or none: where one is not there nothing is written. What was due while they\n"
		"were paused is skipped. Shows the actions as `list` does.\n"
		"\n"
		"--all ends the hold of `pause --all`. What was due meanwhile is missed now, so\n"
		"that merge_missed, actuality_time and catch_up_limit decide what is made up for;\n"
		"with --skip it is dropped, and in the history as skipped. What was owed before\n"
		"the hold goes on either way.",
	.examples = "resume 17\nresume --all\nresume --all --skip",
	.options = resume_options,
	.listing = true,
	.run = resume_actions,
};
