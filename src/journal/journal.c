#include "journal/backend.h"

#include <string.h>

static const struct journal_backend *const backends[] = {
	&journal_sqlite, &journal_postgresql, &journal_mysql, &journal_mariadb};

static const struct journal_backend *find_backend(const struct journal_options *options, GError **error)
{
	if (!options->dialect || g_strcmp0(options->database, ":memory:") == 0)
		return &journal_memory;
	g_autoptr(GString) known = g_string_new(NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(backends); i++) {
		if (strcmp(options->dialect, backends[i]->dialect) == 0)
			return backends[i];
		g_string_append_printf(known, "%s%s", i ? ", " : "", backends[i]->dialect);
	}
	g_set_error(error, AS_ERROR, AS_ERROR_INVALID,
		"internal_db.dialect %s is not one of this build, which has: %s", options->dialect,
		known->str);
	return NULL;
}

struct journal *journal_open(const struct journal_options *options, GError **error)
{
	const struct journal_backend *backend = find_backend(options, error);
	return backend ? backend->open(options, error) : NULL;
}

bool journal_inspect(const struct journal_options *options, struct journal_state *out, GError **error)
{
	const struct journal_backend *backend = find_backend(options, error);
	struct journal_state state = {0};
	if (backend && backend != &journal_memory && (!options->database || !*options->database)) {
		g_set_error(error, AS_ERROR, AS_ERROR_INVALID, "internal_db.database is not set");
		return false;
	}
	if (backend && backend->inspect(options, &state, error)) {
		*out = state;
		return true;
	}
	journal_state_clear(&state);
	return false;
}

void journal_state_clear(struct journal_state *state)
{
	g_free(state->owner);
	g_free(state->lacking);
	*state = (struct journal_state){0};
}

void journal_close(struct journal *journal)
{
	if (journal)
		journal->backend->close(journal);
}

struct progress *journal_load(
	struct journal *journal, journal_definition_fn each, void *context, GError **error)
{
	return journal->backend->load(journal, each, context, error);
}

bool journal_commit(struct journal *journal, const struct commit *commit, GError **error)
{
	return journal->backend->commit(journal, commit, error);
}

bool journal_trim(struct journal *journal, time_us now, bool *more, GError **error)
{
	return journal->backend->trim(journal, now, more, error);
}

int64_t journal_foreign_version(struct journal *journal)
{
	return journal->backend->foreign_version(journal);
}

const char *journal_path(const struct journal *journal)
{
	return journal->backend->path(journal);
}

bool journal_read_owner(struct journal *journal, struct journal_owner *out, GError **error)
{
	if (journal->backend->owner)
		return journal->backend->owner(journal, out, error);
	*out = (struct journal_owner){0};
	return true;
}

bool journal_history(struct journal *journal, const struct history_query *query, history_fn each,
	void *context, GError **error)
{
	return journal->backend->history(journal, query, each, context, error);
}
