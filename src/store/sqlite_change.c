/* Writing rows to a SQLite database. */
#include "store/sqlite.h"

bool store_file_is_empty(struct store *store, bool *empty, GError **error)
{
	struct store_file *file = store_file(store);
	struct table_shape shape;
	bool row;
	if (!store_file_open(file, error) || !store_file_shape(file, &shape, error))
		return false;
	g_autoptr(sqlite3_stmt) look = sqlite_prepare(file->db, "SELECT 1 FROM main.action LIMIT 1", error);
	if (!look || !sqlite_step(look, &row, error))
		return false;
	*empty = !row;
	return true;
}

bool store_file_write_begin(struct store *store, unsigned *present, GError **error)
{
	struct store_file *file = store_file(store);
	struct table_shape shape;
	if (!store_file_open(file, error) || !sqlite_exec(file->db, "BEGIN IMMEDIATE", error) ||
		!store_file_shape(file, &shape, error))
		return false;
	*present = shape.bits;
	return true;
}

bool store_file_write_run(struct store *store, const char *sql, GError **error)
{
	return sqlite_exec(store_file(store)->db, sql, error);
}

bool store_file_write_commit(struct store *store, GError **error)
{
	return store_file_write_run(store, "COMMIT", error);
}

void store_file_write_end(struct store *store)
{
	store_file_rollback(store_file(store));
}

/* --- statements --- */

/* The parameters are the columns, then the id. */
static char *insert_sql(const struct change_slice *slice)
{
	GString *sql = g_string_new("INSERT INTO main.action (");
	g_autoptr(GString) values = g_string_new(NULL);
	for (unsigned i = 0; i < slice->column_count; i++) {
		g_string_append_printf(sql, "%s%s", i ? ", " : "", slice->columns[i]->name);
		g_string_append_printf(values, "%s?%u", i ? ", " : "", i + 1);
	}
	if (slice->keep_id) {
		g_string_append(sql, slice->column_count ? ", id" : "id");
		g_string_append_printf(
			values, "%s?%u", slice->column_count ? ", " : "", slice->column_count + 1);
	}
	if (values->len)
		g_string_append_printf(sql, ") VALUES (%s) RETURNING id", values->str);
	else
		g_string_assign(sql, "INSERT INTO main.action DEFAULT VALUES RETURNING id");
	return g_string_free(sql, FALSE);
}

static char *update_sql(const struct change_slice *slice)
{
	GString *sql = g_string_new("UPDATE main.action SET ");
	for (unsigned i = 0; i < slice->column_count; i++)
		g_string_append_printf(sql, "%s%s = ?%u", i ? ", " : "", slice->columns[i]->name, i + 1);
	if (!slice->column_count)
		g_string_append(sql, "name = name");
	g_string_append_printf(sql, " WHERE id = ?%u", slice->column_count + 1);
	return g_string_free(sql, FALSE);
}

static char *slice_sql(const struct change_slice *slice)
{
	switch (slice->kind) {
	case STORE_INSERT: return insert_sql(slice);
	case STORE_UPDATE: return update_sql(slice);
	case STORE_DELETE: break;
	}
	return g_strdup("DELETE FROM main.action WHERE id = ?1");
}

/* Zero length and NULL are different things here. */
static void bind_text(sqlite3_stmt *statement, int i, struct text text)
{
	if (text.data)
		sqlite3_bind_text64(statement, i, text.data, text.length, SQLITE_STATIC, SQLITE_UTF8);
	else
		sqlite3_bind_null(statement, i);
}

static void bind_row(sqlite3_stmt *statement, const struct change_slice *slice, struct action_row *row)
{
	int parameter = 1;
	for (unsigned i = 0; i < slice->column_count; i++, parameter++) {
		const struct column *column = slice->columns[i];
		if (column->kind == COLUMN_TEXT)
			bind_text(statement, parameter, *column_text(column, row));
		else if (column_int(column, row)->set)
			sqlite3_bind_int64(statement, parameter, column_int(column, row)->value);
		else
			bind_text(statement, parameter, column_int(column, row)->bad);
	}
	if (slice->kind != STORE_INSERT || slice->keep_id)
		sqlite3_bind_int64(statement, parameter, row->id);
}

/* The id that the database gave. */
static bool take_id(struct store_file *file, sqlite3_stmt *insert, int64_t *id, GError **error)
{
	bool more = true;
	bool given = sqlite3_column_type(insert, 0) == SQLITE_INTEGER;
	*id = sqlite3_column_int64(insert, 0);
	if (!given) {
		g_set_error(error, AS_ERROR, AS_ERROR_FAILED,
			"%s: the table “action” gives no ids: its column “id” is no INTEGER PRIMARY KEY",
			file->base.place);
		return false;
	}
	while (more)
		if (!sqlite_step(insert, &more, error))
			return false;
	return true;
}

bool store_file_write_rows(
	struct store *store, const struct change_slice *slice, size_t *written, GError **error)
{
	struct store_file *file = store_file(store);
	g_autofree char *sql = slice_sql(slice);
	g_autoptr(sqlite3_stmt) statement = sqlite_prepare(file->db, sql, error);
	if (!statement)
		return false;
	for (size_t i = 0; i < slice->count; i++) {
		bool row;
		bind_row(statement, slice, &slice->changes[i].row);
		if (!sqlite_step(statement, &row, error))
			return false;
		if (row && !slice->keep_id && !take_id(file, statement, &slice->ids[i], error))
			return false;
		sqlite3_reset(statement);
		*written += slice->kind == STORE_INSERT || sqlite3_changes(file->db) > 0;
	}
	return true;
}
