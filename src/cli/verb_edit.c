#include "cli/action_show.h"
#include "cli/row_options.h"
#include "cli/row_set.h"

static struct {
	struct row_options row;
	gboolean dry_run;
} given;

static const GOptionEntry options[] = {
	ROW_OPTIONS(given.row),
	{"dry-run", 'n', 0, G_OPTION_ARG_NONE, &given.dry_run, "show what it would be, and write nothing",
		NULL},
	{NULL},
};

static int edit_row(struct cli *cli, struct store *store, struct row_set *set, void *context)
{
	GError *error = NULL;
	const struct row_values *values = context;
	struct action_row *row = &g_array_index(set->rows, struct action_row, 0);
	row_values_apply(values, row);
	struct store_change change = {.kind = STORE_UPDATE, .set = values->set, .row = *row};
	int status = row_values_check(cli, values, row);
	if (status != EXIT_DONE)
		return status;
	if (!given.dry_run && !store_write(store, &change, 1, NULL, NULL, &error))
		return cli_fail(cli, error, "actions_db");
	action_show(cli, row);
	return EXIT_DONE;
}

static int edit(struct cli *cli, char **arguments)
{
	struct row_values values = {0};
	g_autoptr(GArray) ids = NULL;
	if (!arguments[0] || arguments[1])
		return cli_usage(cli, "edit takes one id");
	int status = row_set_parse(cli, arguments, &ids);
	if (status == EXIT_DONE)
		status = row_values_take(cli, &given.row, &values);
	if (status == EXIT_DONE && !values.set)
		status = cli_usage(cli, "edit needs an option that says what to change");
	if (status == EXIT_DONE)
		status = row_set_change(
			cli, ids, given.dry_run ? CLI_STORE_READ : CLI_STORE_WRITE, edit_row, &values);
	row_values_clear(&values);
	return status;
}

const struct verb verb_edit = {
	.name = "edit",
	.arguments = "ID",
	.summary = "changes an action",
	.help = "Only what is named changes. What cannot be is refused before anything is written.\n"
		"Shows the action as `show` does; a running scheduler takes it up by itself, and a\n"
		"changed schedule counts from there on. Of a bad row one fault can be mended after\n"
		"another.\n"
		"\n" ROW_OPTIONS_HELP,
	.examples = "edit 17 --cron '0 4 * * *'\n"
		    "edit 17 --max-attempts 5 --callback default --dry-run",
	.options = options,
	.listing = true,
	.run = edit,
};
