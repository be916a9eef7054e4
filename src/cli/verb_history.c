#include "cli/history_follow.h"
#include "cli/history_wait.h"
#include "cli/run_view.h"
#include "cli/terminal.h"
#include "cli/time_arg.h"

static struct {
	char *action, *status, *since, *limit, *timezone;
	gboolean follow;
} given;

static const GOptionEntry options[] = {
	{"action", 0, 0, G_OPTION_ARG_FILENAME, &given.action, "of this action alone", "ID"},
	{"status", 0, 0, G_OPTION_ARG_FILENAME, &given.status, "what ended so alone",
		"delivered|failed|merged|missed|skipped"},
	{"since", 0, 0, G_OPTION_ARG_FILENAME, &given.since, "what ended at this time or later", "TIME"},
	{"limit", 0, 0, G_OPTION_ARG_FILENAME, &given.limit, "the newest N (default 50; 0: all)", "N"},
	{"follow", 0, 0, G_OPTION_ARG_NONE, &given.follow, "oldest first, then what comes, until Ctrl-C",
		NULL},
	{"timezone", 0, 0, G_OPTION_ARG_FILENAME, &given.timezone,
		"the zone of TIME, and of times in tables (default: the configured one)", "ZONE"},
	{NULL},
};

struct showing {
	struct cli *cli;
	struct output *output;
	struct action_names *names;
};

/* What the options say; the pointers of the query lead into it. */
struct filter {
	struct history_query query;
	int64_t action_id;
	enum fire_status status;
};

static bool parse_status(const struct cli *cli, enum fire_status *out)
{
	static const char *const names[] = {"delivered", "failed", "merged", "missed", "skipped", NULL};
	return cli_choose(cli, "--status", given.status, names) >= 0 && fire_status_parse(given.status, out);
}

static bool parse_numbers(const struct cli *cli, struct filter *out)
{
	int64_t limit = 50;
	if (given.action && !cli_parse_int(given.action, &out->action_id)) {
		cli_usage(cli, "--action: '%s' is not an id", given.action);
		return false;
	}
	if (given.limit && (!cli_parse_int(given.limit, &limit) || limit < 0)) {
		cli_usage(cli, "--limit must be a whole number, 0 for all, not '%s'", given.limit);
		return false;
	}
	out->query.limit = (uint64_t)limit;
	return true;
}

/* What can be told without a configuration comes before it is read. */
static bool parse_filter(struct cli *cli, struct filter *out)
{
	*out = (struct filter){.query.since = TIME_US_MIN};
	if (!parse_numbers(cli, out) || (given.status && !parse_status(cli, &out->status)))
		return false;
	if (given.follow && cli->style.format == OUTPUT_JSON) {
		cli_usage(cli, "--follow has no end, and -o json is one document: take -o jsonl");
		return false;
	}
	if (given.follow)
		cli_unpage(cli);
	out->query.action_id = given.action ? &out->action_id : NULL;
	out->query.status = given.status ? &out->status : NULL;
	out->query.notes = !given.action && !given.status;
	return true;
}

static bool show_entry(void *context, const struct history_entry *entry)
{
	struct showing *showing = context;
	const char *name = entry->note ? NULL : action_names_find(showing->names, entry->action_id);
	struct run_view view = {showing->cli, entry, name};
	output_row(showing->output, &view);
	return !ferror(showing->cli->style.file);
}

/* Until a signal ends it, or the reader goes. */
static bool follow_history(struct showing *showing, const struct history_query *query, GError **error)
{
	struct journal *journal = NULL;
	struct history_wait *wait = history_wait_new(showing->cli);
	struct history_follow *follow = history_follow_new(query, show_entry, showing);
	GError *failure = NULL;
	do {
		g_clear_error(&failure);
		if (showing->cli->style.width)
			output_resize(showing->output, terminal_width());
		if (!journal)
			journal = cli_open_journal(showing->cli, &failure);
		if (journal)
			history_follow_poll(follow, journal, &failure);
		output_flush(showing->output);
		/* A database that is busy will answer the next time. */
		if (failure && !g_error_matches(failure, AS_ERROR, AS_ERROR_UNAVAILABLE))
			break;
	} while (!ferror(showing->cli->style.file) && history_wait_for_more(wait));
	history_follow_free(follow);
	history_wait_free(wait);
	journal_close(journal);
	if (failure)
		g_propagate_error(error, failure);
	return !failure;
}

static bool list_history(struct showing *showing, const struct history_query *query, GError **error)
{
	struct cli *cli = showing->cli;
	GError *failure = NULL;
	struct journal *journal = cli_open_journal(cli, &failure);
	if (!journal && !failure) {
		g_autofree char *place = cli_database_place(&cli->config->internal_db);
		cli_say(cli, "there is no history yet: %s does not hold any", place);
	}
	if (journal)
		journal_history(journal, query, show_entry, showing, &failure);
	journal_close(journal);
	if (failure)
		g_propagate_error(error, failure);
	return !failure;
}

/* Without the table there are no names, and the history all the same. */
static int show_history(struct cli *cli, const struct history_query *query)
{
	GError *error = NULL;
	struct store *store = cli_open_store(cli, CLI_STORE_READ, NULL);
	struct showing showing = {
		cli, output_new(&cli->style, run_columns, run_columns_count), action_names_new(store)};
	bool ok = given.follow ? follow_history(&showing, query, &error)
			       : list_history(&showing, query, &error);
	if (ok)
		output_end(showing.output);
	else
		output_abandon(showing.output);
	action_names_free(showing.names);
	store_close(store);
	return ok ? EXIT_DONE : cli_fail(cli, error, "internal_db");
}

static int history(struct cli *cli, char **arguments)
{
	(void)arguments;
	struct filter filter;
	g_autoptr(GError) error = NULL;
	if (!parse_filter(cli, &filter))
		return EXIT_USAGE;
	if (!cli_prepare(cli))
		return EXIT_FAILED;
	if (!cli_show_times_in(cli, given.timezone))
		return EXIT_USAGE;
	if (given.since &&
		!time_arg_parse(given.since, cli->now, cli_shown_zone(cli), &filter.query.since, &error))
		return cli_usage(cli, "--since: %s", error->message);
	if (!cli->config->internal_db.set) {
		cli_error(cli, "no internal_db is configured: nothing is remembered");
		return EXIT_FAILED;
	}
	return show_history(cli, &filter.query);
}

const struct verb verb_history = {
	.name = "history",
	.summary = "lists what became of the fires, the newest first",
	.help = "A fire is delivered, failed, merged, missed (too old) or skipped (a limit, paused, "
		"removed); many that\n"
		"ended alike are one entry with their first, last and count. Notes tell of clock steps and "
		"downtime.\n\n" TIME_ARG_HELP,
	.examples =
		"history\nhistory --action 17 --status failed --since yesterday\nhistory --follow -o jsonl",
	.options = options,
	.listing = true,
	.run = history,
};
