#include "cli/action_show.h"

static struct {
	char *timezone;
} given;

static const GOptionEntry options[] = {
	SHOWN_ZONE_OPTION(given.timezone),
	{NULL},
};

static bool show_row(void *context, const struct action_row *row)
{
	action_show(context, row);
	return true;
}

static int show(struct cli *cli, char **arguments)
{
	int64_t id;
	bool found = false;
	GError *error = NULL;
	if (!arguments[0] || arguments[1])
		return cli_usage(cli, "show takes one id");
	if (!cli_parse_int(arguments[0], &id))
		return cli_usage(cli, "'%s' is not an id", arguments[0]);
	if (!cli_prepare(cli))
		return EXIT_FAILED;
	if (!cli_show_times_in(cli, given.timezone))
		return EXIT_USAGE;
	struct store *store = cli_open_store(cli, CLI_STORE_READ, &error);
	bool ok = store && store_read_one(store, id, show_row, cli, &found, &error);
	store_close(store);
	if (!ok)
		return cli_fail(cli, error, "actions_db");
	if (!found) {
		cli_error(cli, "there is no action %" G_GINT64_FORMAT, id);
		return EXIT_FAILED;
	}
	return EXIT_DONE;
}

const struct verb verb_show = {
	.name = "show",
	.arguments = "ID",
	.summary = "shows everything about one action",
	.help = "The row with its defaults filled in, the normalised schedule, the next fires and the last "
		"results.",
	.examples = "show 17\nshow 17 --timezone UTC\nshow 17 -o json",
	.options = options,
	.listing = true,
	.run = show,
};
