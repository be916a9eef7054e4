#include "cli/row_set.h"

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
			(struct store_change){.kind = STORE_UPDATE, .set = STORE_ENABLED, .row = *row};
	}
	return changes;
}

static int set_enabled(struct cli *cli, struct store *store, struct row_set *set, void *context)
{
	GError *error = NULL;
	size_t count;
	if (!(store_columns(store) & STORE_ENABLED)) {
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
	return run(cli, arguments, false);
}

static int resume_actions(struct cli *cli, char **arguments)
{
	return run(cli, arguments, true);
}

const struct verb verb_pause = {
	.name = "pause",
	.arguments = "ID...",
	.summary = "stops actions from firing",
	.help = "Sets the column enabled of the rows to false; a running scheduler sees it. All of\n"
		"them or none: where one is not there nothing is written. What is paused already\n"
		"stays so. Shows the actions as `list` does.",
	.examples = "pause 17\npause 17 18 19 -o json",
	.listing = true,
	.run = pause_actions,
};

const struct verb verb_resume = {
	.name = "resume",
	.arguments = "ID...",
	.summary = "lets paused actions fire again",
	.help = "Sets the column enabled of the rows to true; a running scheduler sees it. All of\n"
		"them or none: where one is not there nothing is written. What was due while they\n"
		"were paused is skipped. Shows the actions as `list` does.",
	.examples = "resume 17",
	.listing = true,
	.run = resume_actions,
};
