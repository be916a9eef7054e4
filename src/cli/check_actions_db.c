/* actions_db as `check` looks at it, and mends it. */
#include "cli/check.h"

#include <string.h>

/* --- --fix --- */

static void say_columns(const struct cli *cli, unsigned added)
{
	g_autoptr(GString) names = g_string_new(NULL);
	for (unsigned bit = 1; bit & COLUMNS_OPTIONAL; bit <<= 1)
		if (added & bit)
			g_string_append_printf(names, "%s%s", names->len ? ", " : "", store_column_name(bit));
	unsigned count = (unsigned)__builtin_popcount(added);
	cli_say(cli, "actions_db: added the column%s %s", count == 1 ? "" : "s", names->str);
}

static bool fix_columns(struct checking *checking, const struct store_state *before)
{
	unsigned missing = COLUMNS_OPTIONAL & ~before->columns, added = 0;
	GError *error = NULL;
	if (!missing)
		return false;
	if (!store_complete_table(checking->store, &added, &error)) {
		check_problem(checking, "actions_db", NULL, error);
		return false;
	}
	if (added)
		say_columns(checking->cli, missing);
	return added;
}

static bool fix_trigger(struct checking *checking, const struct store_state *before)
{
	bool installed = false;
	GError *error = NULL;
	if (checking->no_trigger || before->trigger == STORE_TRIGGER_NONE ||
		before->trigger == STORE_TRIGGER_CURRENT)
		return false;
	if (!store_install_trigger(checking->store, &installed, &error))
		check_problem(checking, "actions_db", NULL, error);
	else if (installed)
		cli_say(checking->cli, "actions_db: the trigger is %s",
			before->trigger == STORE_TRIGGER_MISSING ? "in place" : "up to date");
	return installed;
}

/* Each on its own: where one may not be done, the other may. Looks again at what there is then. */
static bool fix_table(struct checking *checking, struct store_state *state)
{
	uint64_t errors = checking->problems.errors;
	bool columns = fix_columns(checking, state);
	bool trigger = fix_trigger(checking, state);
	if (!columns && !trigger) {
		if (checking->problems.errors == errors)
			cli_say(checking->cli, "actions_db: nothing is to be mended");
		return true;
	}
	store_state_clear(state);
	return store_inspect(checking->store, state, &checking->store_error);
}

/* --- what the role may do --- */

static void write_access(const struct checking *checking, const struct store_state *state)
{
	static const char *const triggers[] = {
		[STORE_TRIGGER_NONE] = "",
		[STORE_TRIGGER_MISSING] = "; no trigger",
		[STORE_TRIGGER_OUTDATED] = "; the trigger is not up to date",
		[STORE_TRIGGER_CURRENT] = "; the trigger is in place",
	};
	const char *errors = state->errors_refused              ? "may not be written"
			     : !(state->columns & COLUMN_ERROR) ? "is not there"
								: "is written";
	check_fact(checking, NULL, "%s%s%sthe column error %s%s", state->role ? "role " : "",
		state->role ? state->role : "", state->role ? ": " : "", errors, triggers[state->trigger]);
}

static void judge_access(struct checking *checking, const struct store_state *state)
{
	struct problems *problems = &checking->problems;
	if (state->errors_refused) {
		g_autofree char *text = g_strdup_printf(
			"why a row does not fire will not be written there: %s", state->errors_refused);
		problems_add_warning(problems, "actions_db", "error", text);
	}
	if (checking->no_trigger)
		return;
	if (state->trigger == STORE_TRIGGER_MISSING)
		problems_add_warning(problems, "actions_db", NULL,
			"there is no trigger that tells of changes: they are noticed each "
			"track_changes_period; `check --fix` makes it, --no-trigger says that it is left "
			"out");
	if (state->trigger == STORE_TRIGGER_OUTDATED)
		problems_add_warning(problems, "actions_db", NULL,
			"the trigger that tells of changes is disabled in part or not the one of this "
			"version, "
			"and cannot be relied upon; `check --fix` mends it");
}

void check_actions_db(struct checking *checking)
{
	struct cli *cli = checking->cli;
	const struct config_database *database = &cli->config->actions_db;
	g_autofree char *place = cli_database_place(database);
	struct store_state state;
	check_fact(checking, "actions_db", "%s", place);
	if (!check_directory(checking, "actions_db", database))
		return;
	checking->store =
		cli_open_store(cli, checking->fix ? CLI_STORE_WRITE : CLI_STORE_READ, &checking->store_error);
	if (!checking->store || !store_inspect(checking->store, &state, &checking->store_error))
		return;
	checking->columns = state.columns;
	if (checking->fix && !fix_table(checking, &state))
		return;
	write_access(checking, &state);
	judge_access(checking, &state);
	store_state_clear(&state);
}

/* --- rows --- */

/* A table that was never there is made by the first run; one that went is an outage. */
static void table_is_missing(struct checking *checking, const char *reason)
{
	g_autofree char *text = NULL;
	if (checking->known_actions) {
		text = g_strdup_printf("%s, but internal_db knows %" G_GUINT64_FORMAT
				       " actions: the scheduler takes this for an outage",
			reason, checking->known_actions);
		problems_add_error(&checking->problems, "actions_db", NULL, text);
		return;
	}
	text = g_strdup_printf("%s; `init` or the first `run` makes it", reason);
	problems_add_warning(&checking->problems, "actions_db", NULL, text);
}

static void check_nameless(struct checking *checking)
{
	size_t count = store_nameless_rows(checking->store);
	if (!count)
		return;
	g_autofree char *reason = g_strdup_printf("%zu row%s an id that is no integer, or that came before",
		count, count == 1 ? " has" : "s have");
	problems_add_error(&checking->problems, "actions_db", "id", reason);
}

void check_rows(struct checking *checking)
{
	bool open = checking->store && !checking->store_error;
	checking->rows.history = checking->history;
	checking->table_read =
		open && store_read(checking->store, row_check_row, &checking->rows, &checking->store_error);
	row_check_end(&checking->rows);
	if (checking->table_read) {
		checking->columns = store_columns(checking->store);
		check_nameless(checking);
	}
	GError *error = g_steal_pointer(&checking->store_error);
	if (!g_error_matches(error, AS_ERROR, AS_ERROR_MISSING)) {
		if (error)
			check_problem(checking, "actions_db", NULL, error);
		return;
	}
	table_is_missing(checking, error->message);
	g_error_free(error);
}
