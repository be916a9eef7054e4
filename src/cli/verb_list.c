#include "cli/action_view.h"
#include "cli/last_status.h"

#include "base/progress_bar.h"

static struct {
	char *timezone;
} given;

static const GOptionEntry options[] = {
	SHOWN_ZONE_OPTION(given.timezone),
	{NULL},
};

struct listing {
	struct cli *cli;
	struct output *output;
	struct last_status *last;
	struct progress_bar *bar;
	uint64_t rows;
};

static bool list_row(void *context, const struct action_row *row)
{
	struct listing *listing = context;
	struct action_view view;
	action_view_init(&view, listing->cli, row);
	view.last_status = last_status_find(listing->last, row->id);
	output_row(listing->output, &view);
	action_view_clear(&view);
	progress_bar_set(listing->bar, ++listing->rows);
	return !ferror(listing->cli->style.file);
}

static int list(struct cli *cli, char **arguments)
{
	(void)arguments;
	GError *error = NULL;
	if (!cli_prepare(cli))
		return EXIT_FAILED;
	if (!cli_show_times_in(cli, given.timezone))
		return EXIT_USAGE;
	struct store *store = cli_open_store(cli, CLI_STORE_READ, &error);
	if (!store)
		return cli_fail(cli, error, "actions_db");
	struct listing listing = {.cli = cli,
		.output = output_new(&cli->style, action_columns, action_columns_count),
		.last = last_status_read(cli)};
	listing.bar = progress_bar_new("reading actions", 0, cli->quiet);
	bool ok = store_read(store, list_row, &listing, &error);
	progress_bar_free(listing.bar);
	store_close(store);
	last_status_free(listing.last);
	if (!ok) {
		output_abandon(listing.output);
		return cli_fail(cli, error, "actions_db");
	}
	output_end(listing.output);
	return EXIT_DONE;
}

const struct verb verb_list = {
	.name = "list",
	.summary = "lists the actions with their next fire, state and last result",
	.help = "States: active, paused (enabled is false), finished (never fires again), bad (see the "
		"column ERROR).\n"
		"Where the terminal is too narrow, empty columns are left out first, then TIMEZONE, COMMAND, "
		"ERROR,\nLAST and FROM NOW; `show` and --wide have them.",
	.examples = "list\nlist --wide --timezone Europe/Berlin\nlist -o json",
	.options = options,
	.listing = true,
	.run = list,
};
