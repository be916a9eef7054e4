#include "cli/action_show.h"
#include "cli/row_options.h"

static struct {
	struct row_options row;
	gboolean disabled;
} given;

static const GOptionEntry options[] = {
	ROW_OPTIONS(given.row),
	{"disabled", 0, 0, G_OPTION_ARG_NONE, &given.disabled, "paused until `resume`", NULL},
	{NULL},
};

static int add_row(struct cli *cli, struct store_change *change)
{
	GError *error = NULL;
	struct store *store = cli_open_store(cli, CLI_STORE_WRITE, &error);
	bool done = store && store_write(store, change, 1, NULL, NULL, &error);
	store_close(store);
	if (!done)
		return cli_fail(cli, error, "actions_db");
	action_show(cli, &change->row);
	return EXIT_DONE;
}

static int add_values(struct cli *cli, const struct row_values *values)
{
	struct store_change change = {.kind = STORE_INSERT, .set = values->set, .row = values->row};
	const char *lacking = !(values->set & COLUMN_NAME)      ? "--name"
			      : !(values->set & COLUMN_COMMAND) ? "--command"
			      : !(values->set & COLUMN_CRON)    ? "--cron or --schedule"
								: NULL;
	if (lacking)
		return cli_usage(cli, "add needs %s", lacking);
	if (!cli_prepare(cli))
		return EXIT_FAILED;
	int status = row_values_check(cli, values, &change.row);
	if (status != EXIT_DONE)
		return status;
	if (given.disabled) {
		change.set |= COLUMN_ENABLED;
		change.row.enabled = (struct maybe_int){.set = true};
	}
	return add_row(cli, &change);
}

static int add(struct cli *cli, char **arguments)
{
	struct row_values values;
	(void)arguments;
	int status = row_values_take(cli, &given.row, &values);
	if (status == EXIT_DONE)
		status = add_values(cli, &values);
	row_values_clear(&values);
	return status;
}

const struct verb verb_add = {
	.name = "add",
	.summary = "adds an action",
	.help = "--name, --command and one of --cron and --schedule are needed. What cannot be is\n"
		"refused before anything is written. Shows the action as `show` does, with its id;\n"
		"a running scheduler takes it up by itself.\n"
		"\n" ROW_OPTIONS_HELP,
	.examples = "add --name backup --command /usr/local/bin/backup --cron '30 3 * * *'\n"
		    "add --name report --command report --timezone Europe/Berlin "
		    "--cron '0 18 * * 5' --merge-missed yes\n"
		    "add --name report --command report --schedule "
		    "'{\"format\": \"apscheduler\", \"params\": {\"day\": \"last\"}}'",
	.options = options,
	.listing = true,
	.run = add,
};
