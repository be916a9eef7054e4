#include "store/backend.h"

#include <string.h>

static const struct store_backend *const store_backends[] = {
	&store_sqlite, &store_postgresql, &store_backend_mysql, &store_backend_mariadb};

static const struct store_backend *backend_find(const char *dialect, GError **error)
{
	g_autoptr(GString) known = g_string_new(NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(store_backends); i++) {
		if (strcmp(store_backends[i]->dialect, dialect) == 0)
			return store_backends[i];
		g_string_append_printf(known, "%s%s", i ? ", " : "", store_backends[i]->dialect);
	}
	g_set_error(error, AS_ERROR, AS_ERROR_INVALID,
		"actions_db: no support for the dialect “%s”; there is: %s", dialect, known->str);
	return NULL;
}

struct store *store_open(const struct store_options *options, GError **error)
{
	const struct store_backend *backend = backend_find(options->dialect, error);
	struct store *store = backend ? backend->open(options, error) : NULL;
	if (store)
		store->backend = backend;
	return store;
}

void store_close(struct store *store)
{
	if (!store)
		return;
	g_free(store->place);
	store->backend->close(store);
}

bool store_create_table(struct store *store, GError **error)
{
	return store->backend->create_table(store, error);
}

bool store_complete_table(struct store *store, unsigned *added, GError **error)
{
	return store->backend->complete_table(store, added, error);
}

bool store_read(struct store *store, store_row_fn each, void *context, GError **error)
{
	return store->backend->read(store, each, context, error);
}

bool store_read_one(
	struct store *store, int64_t id, store_row_fn each, void *context, bool *found, GError **error)
{
	return store->backend->read_one(store, id, each, context, found, error);
}

struct one_by_one {
	store_row_fn each;
	void *context;
	bool stopped;
};

static bool one_row(void *context, const struct action_row *row)
{
	struct one_by_one *rows = context;
	rows->stopped = !rows->each(rows->context, row);
	return !rows->stopped;
}

bool store_read_ids(struct store *store, const int64_t *ids, size_t count, store_row_fn each, void *context,
	GError **error)
{
	struct one_by_one rows = {.each = each, .context = context};
	bool found;
	if (store->backend->read_ids)
		return store->backend->read_ids(store, ids, count, each, context, error);
	for (size_t i = 0; i < count && !rows.stopped; i++)
		if (!store_read_one(store, ids[i], one_row, &rows, &found, error))
			return false;
	return true;
}

bool store_changed_ids(struct store *store, const int64_t **ids, size_t *count)
{
	return store->backend->changed_ids && store->backend->changed_ids(store, ids, count);
}

bool store_install_trigger(struct store *store, bool *installed, GError **error)
{
	if (store->backend->install_trigger)
		return store->backend->install_trigger(store, installed, error);
	*installed = false;
	return true;
}

bool store_changed(struct store *store, bool *changed, GError **error)
{
	return store->backend->changed(store, changed, error);
}

void store_forget(struct store *store)
{
	store->whole = false;
}

int store_watch_fd(struct store *store)
{
	return store->backend->watch_fd(store);
}

bool store_watch_drain(struct store *store)
{
	return store->backend->watch_drain(store);
}

bool store_tells_after_commit(const struct store *store)
{
	return store->backend->tells_after_commit;
}

bool store_inspect(struct store *store, struct store_state *out, GError **error)
{
	struct store_state state = {0};
	if (store->backend->inspect(store, &state, error)) {
		state.columns &= COLUMNS_OPTIONAL;
		*out = state;
		return true;
	}
	store_state_clear(&state);
	return false;
}

void store_state_clear(struct store_state *state)
{
	g_free(state->role);
	g_free(state->errors_refused);
	*state = (struct store_state){0};
}

bool store_write_errors(
	struct store *store, const struct store_row_error *errors, size_t count, GError **error)
{
	return store->backend->write_errors(store, errors, count, error);
}

const char *store_place(const struct store *store)
{
	return store->place;
}

unsigned store_columns(const struct store *store)
{
	return store->columns;
}

size_t store_nameless_rows(const struct store *store)
{
	return store->nameless_rows;
}
