/* internal_db as `check` looks at it. */
#include "cli/check.h"

#include "base/progress_bar.h"

static void count_definition(void *context, const struct definition *definition)
{
	struct checking *checking = context;
	checking->known_actions += definition->packed != NULL;
}

static void write_history_fact(const struct checking *checking)
{
	const struct cli *cli = checking->cli;
	char from[TIME_TEXT_MAX];
	uint64_t entries = check_history_entries(checking->history);
	if (cli->config->history.level != CONFIG_HISTORY_ALL)
		check_fact(checking, "history",
			"history.level is not all: which runs last too long is not known");
	else
		check_fact(checking, "history", "%s%" G_GUINT64_FORMAT " entries since %s",
			entries == CHECK_HISTORY_ENTRIES ? "the newest " : "", entries,
			zone_format(cli->zone, check_history_from(checking->history), from));
}

struct reading {
	struct check_history *history;
	struct progress_bar *bar;
};

static bool take_entry(void *context, const struct history_entry *entry)
{
	struct reading *reading = context;
	progress_bar_set(reading->bar, check_history_entries(reading->history));
	return check_history_take(reading->history, entry);
}

static bool read_history(struct checking *checking, struct journal *journal, GError **error)
{
	struct history_query query = {.since = checking->since, .limit = CHECK_HISTORY_ENTRIES};
	struct reading reading = {check_history_new(checking->since),
		progress_bar_new("reading the history", 0, checking->cli->quiet)};
	bool done = journal_history(journal, &query, take_entry, &reading, error);
	progress_bar_free(reading.bar);
	if (done)
		checking->history = g_steal_pointer(&reading.history);
	check_history_free(reading.history);
	return done;
}

static void read_journal(struct checking *checking)
{
	GError *error = NULL;
	struct journal *journal = cli_open_journal(checking->cli, &error);
	struct progress *progress =
		journal ? journal_load(journal, count_definition, checking, &error) : NULL;
	if (progress && read_history(checking, journal, &error))
		write_history_fact(checking);
	progress_free(progress);
	journal_close(journal);
	if (error)
		check_problem(checking, "internal_db", NULL, error);
}

static void write_state(const struct checking *checking, const struct journal_state *state)
{
	if (state->version < 0)
		return;
	if (state->version == 0)
		check_fact(checking, NULL, "no scheduler has used it yet; the first `run` makes its tables");
	else
		check_fact(checking, NULL, "schema version %" G_GINT64_FORMAT ", %s%s", state->version,
			state->owner ? "a scheduler runs on it: " : "no scheduler runs on it",
			state->owner ? state->owner : "");
}

/* Only what this program can read is read. */
static void judge_state(struct checking *checking, const struct journal_state *state)
{
	struct problems *problems = &checking->problems;
	g_autofree char *text = g_strdup_printf("schema version %" G_GINT64_FORMAT
						", this program knows %s%" G_GINT64_FORMAT ": %s",
		state->version, state->version > state->newest ? "up to " : "", state->newest,
		state->version > state->newest ? "run the version that wrote it, or a newer one"
					       : "the next start updates it");
	if (state->lacking)
		problems_add_error(problems, "internal_db", NULL, state->lacking);
	if (state->version > state->newest)
		problems_add_error(problems, "internal_db", NULL, text);
	else if (state->version > 0 && state->version < state->newest)
		problems_add_warning(problems, "internal_db", NULL, text);
	else if (state->version > 0)
		read_journal(checking);
}

void check_internal_db(struct checking *checking)
{
	const struct config_database *database = &checking->cli->config->internal_db;
	struct journal_options where = cli_journal_options(checking->cli);
	struct journal_state state;
	GError *error = NULL;
	if (!database->set) {
		check_fact(checking, "internal_db", "none: nothing is remembered over a restart");
		return;
	}
	g_autofree char *place = cli_database_place(database);
	check_fact(checking, "internal_db", "%s", place);
	if (!check_directory(checking, "internal_db", database))
		return;
	if (!journal_inspect(&where, &state, &error)) {
		check_problem(checking, "internal_db", NULL, error);
		return;
	}
	write_state(checking, &state);
	judge_state(checking, &state);
	journal_state_clear(&state);
}
