#include "store/sqlite.h"

struct row_errors {
	const struct store_row_error *errors;
	size_t count;
	bool write; /* not only look */
	bool differ;
	int64_t version; /* of the data, as this connection sees what others write */
};

static bool set_error(sqlite3_stmt *update, int64_t id, const char *text, GError **error)
{
	bool row;
	sqlite3_bind_int64(update, 1, id);
	if (text)
		sqlite3_bind_text(update, 2, text, -1, SQLITE_STATIC);
	else
		sqlite3_bind_null(update, 2);
	return sqlite_step(update, &row, error);
}

/* Collects what must become NULL: rows that have an error and are not in the list. */
static GArray *ids_to_clear(struct store_file *file, const struct row_errors *wanted, GError **error)
{
	g_autoptr(GArray) ids = g_array_new(FALSE, FALSE, sizeof(int64_t));
	g_autoptr(sqlite3_stmt) select = sqlite_prepare(
		file->db, "SELECT id FROM main.action WHERE error IS NOT NULL ORDER BY id", error);
	size_t next = 0;
	bool row = true;
	while (select && sqlite_step(select, &row, error)) {
		if (!row)
			return g_steal_pointer(&ids);
		int64_t id = sqlite3_column_int64(select, 0);
		while (next < wanted->count && wanted->errors[next].id < id)
			next++;
		if (next == wanted->count || wanted->errors[next].id != id)
			g_array_append_val(ids, id);
	}
	return NULL;
}

static bool errors_differ(struct store_file *file, struct row_errors *wanted, GError **error)
{
	g_autoptr(sqlite3_stmt) look = sqlite_prepare(
		file->db, "SELECT 1 FROM main.action WHERE id = ?1 AND error IS NOT ?2", error);
	for (size_t i = 0; look && i < wanted->count && !wanted->differ; i++) {
		bool row;
		sqlite3_bind_int64(look, 1, wanted->errors[i].id);
		sqlite3_bind_text(look, 2, wanted->errors[i].text, -1, SQLITE_STATIC);
		if (!sqlite_step(look, &row, error))
			return false;
		sqlite3_reset(look);
		wanted->differ = row;
	}
	return look != NULL;
}

static bool errors_work(struct store_file *file, void *context, GError **error)
{
	struct row_errors *wanted = context;
	g_autoptr(GArray) clear = ids_to_clear(file, wanted, error);
	if (!clear)
		return false;
	if (!wanted->write) {
		wanted->differ = clear->len > 0;
		return errors_differ(file, wanted, error);
	}
	g_autoptr(sqlite3_stmt) update = sqlite_prepare(
		file->db, "UPDATE main.action SET error = ?2 WHERE id = ?1 AND error IS NOT ?2", error);
	for (guint i = 0; update && i < clear->len; i++)
		if (!set_error(update, g_array_index(clear, int64_t, i), NULL, error))
			return false;
	for (size_t i = 0; update && i < wanted->count; i++)
		if (!set_error(update, wanted->errors[i].id, wanted->errors[i].text, error))
			return false;
	return update && sqlite_query_int(file->db, "PRAGMA main.data_version", &wanted->version, error);
}

/* Writes, and where internal_db's connection would take that for somebody else's doing, moves on what it is
 * compared with: only if nobody else has written meanwhile, which this connection can tell. internal_db's is
 * never asked inside the transaction, as it may be waiting for our lock. */
static bool write_unnoticed(struct store_file *file, struct row_errors *wanted, GError **error)
{
	int64_t before = -1, after = -2, foreign = -1;
	bool shared = file->options.foreign_version != NULL;
	if (shared && (!sqlite_query_int(file->db, "PRAGMA main.data_version", &before, error) ||
			      !store_file_version(file, &foreign, error)))
		return false;
	if (!store_file_write(file, errors_work, wanted, error))
		return false;
	if (!shared || foreign != file->version || before != wanted->version)
		return true;
	if (!store_file_version(file, &foreign, error) ||
		!sqlite_query_int(file->db, "PRAGMA main.data_version", &after, error))
		return false;
	if (after == before)
		file->version = foreign;
	return true;
}

bool store_file_write_errors(
	struct store *store, const struct store_row_error *errors, size_t count, GError **error)
{
	struct store_file *file = store_file(store);
	struct row_errors wanted = {.errors = errors, .count = count};
	struct table_shape shape;
	if (!store_file_open(file, error) || !store_file_shape(file, &shape, error))
		return false;
	if (!(shape.bits & COLUMN_ERROR))
		return true;
	if (!errors_work(file, &wanted, error))
		return false;
	wanted.write = true;
	return !wanted.differ || write_unnoticed(file, &wanted, error);
}

bool store_file_inspect(struct store *store, struct store_state *state, GError **error)
{
	struct store_file *file = store_file(store);
	struct table_shape shape;
	g_autoptr(GError) refused = NULL;
	if (!store_file_open(file, error) || !store_file_shape(file, &shape, error))
		return false;
	state->columns = shape.bits;
	if (shape.bits & COLUMN_ERROR && !sqlite_may_write(store->place, &refused))
		state->errors_refused = g_strdup(refused->message);
	return true;
}
