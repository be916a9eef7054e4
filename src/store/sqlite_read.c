#include "store/sqlite.h"

#include <string.h>

/* --- the shape of the table --- */

static const struct column *column_find(const char *name)
{
	for (size_t i = 0; i < ROW_COLUMN_COUNT; i++)
		if (g_ascii_strcasecmp(row_columns[i].name, name) == 0)
			return &row_columns[i];
	return NULL;
}

/* Takes the columns down as they come; *id and *present (bits by place in row_columns) say which there are.
 */
static bool list_columns(struct store_file *file, struct table_shape *shape, bool *id, unsigned *present,
	bool *any, GError **error)
{
	g_autoptr(sqlite3_stmt) list = sqlite_prepare(file->db, "PRAGMA main.table_xinfo(action)", error);
	bool row = true;
	while (list && sqlite_step(list, &row, error)) {
		if (!row)
			return true;
		*any = true;
		const char *name = (const char *)sqlite3_column_text(list, 1);
		const char *type = (const char *)sqlite3_column_text(list, 2);
		const struct column *column = column_find(name ? name : "");
		if (column)
			*present |= 1u << (column - row_columns);
		if (name && g_ascii_strcasecmp(name, "id") == 0) {
			*id = true;
			/* SQLite's own rule for the affinity of a declared type. */
			g_autofree char *upper = g_ascii_strup(type ? type : "", -1);
			shape->id_is_integer = strstr(upper, "INT") != NULL;
		}
	}
	return false;
}

static bool check_required(const struct store_file *file, bool id, unsigned present, GError **error)
{
	const char *lacking = id ? NULL : "id";
	for (unsigned i = 0; i < ROW_COLUMN_COUNT && !lacking; i++)
		if (row_columns[i].required && !(present >> i & 1))
			lacking = row_columns[i].name;
	if (lacking)
		g_set_error(error, AS_ERROR, AS_ERROR_INVALID, "%s: the table “action” has no column “%s”",
			file->base.place, lacking);
	return !lacking;
}

bool store_file_shape(struct store_file *file, struct table_shape *shape, GError **error)
{
	unsigned present = 0;
	bool id = false, any = false;
	*shape = (struct table_shape){0};
	if (!list_columns(file, shape, &id, &present, &any, error))
		return false;
	if (!any) {
		g_set_error(error, AS_ERROR, AS_ERROR_MISSING, "%s: there is no table “action”",
			file->base.place);
		return false;
	}
	if (!check_required(file, id, present, error))
		return false;
	for (unsigned i = 0; i < ROW_COLUMN_COUNT; i++) {
		if (!(present >> i & 1))
			continue;
		shape->columns[shape->count++] = &row_columns[i];
		shape->bits |= row_columns[i].bit;
	}
	file->base.columns = shape->bits & COLUMNS_OPTIONAL;
	return true;
}

/* --- cells --- */

static struct text cell_text(sqlite3_stmt *statement, int i)
{
	int type = sqlite3_column_type(statement, i);
	if (type == SQLITE_NULL)
		return (struct text){0};
	/* The bytes of a blob as they are, whatever the encoding of the database. */
	const void *data = type == SQLITE_BLOB ? sqlite3_column_blob(statement, i)
					       : (const void *)sqlite3_column_text(statement, i);
	return (struct text){data ? data : "", (size_t)sqlite3_column_bytes(statement, i)};
}

static void cell_number(sqlite3_stmt *statement, int i, enum column_kind kind, struct maybe_int *out)
{
	double real;
	*out = (struct maybe_int){0};
	switch (sqlite3_column_type(statement, i)) {
	case SQLITE_NULL: return;
	case SQLITE_INTEGER:
		out->set = true;
		out->value = sqlite3_column_int64(statement, i);
		return;
	case SQLITE_TEXT: column_parse(kind, cell_text(statement, i), out); return;
	case SQLITE_FLOAT:
		real = sqlite3_column_double(statement, i);
		out->set = real >= -0x1p63 && real < 0x1p63 && real == (double)(int64_t)real;
		if (out->set)
			out->value = (int64_t)real;
		else
			out->bad = cell_text(statement, i);
		return;
	default: out->bad = cell_text(statement, i);
	}
}

/* Column 0 is the id, then those of the shape. False where the id is no integer. */
static bool row_fill(sqlite3_stmt *statement, const struct table_shape *shape, struct action_row *row)
{
	struct maybe_int id;
	cell_number(statement, 0, COLUMN_INTEGER, &id);
	if (!id.set)
		return false;
	row->id = id.value;
	int cell = 1;
	for (unsigned i = 0; i < shape->count; i++) {
		const struct column *column = shape->columns[i];
		if (column->offset == NOT_IN_ROW)
			continue;
		if (column->kind == COLUMN_TEXT)
			*column_text(column, row) = cell_text(statement, cell);
		else
			cell_number(statement, cell, column->kind, column_int(column, row));
		cell++;
	}
	return true;
}

/* --- reading --- */

static sqlite3_stmt *select_prepare(
	struct store_file *file, const struct table_shape *shape, bool one, GError **error)
{
	/* Ids in a column of texts would come in the order of texts. */
	const char *id = shape->id_is_integer ? "id" : "CAST(id AS INTEGER)";
	g_autoptr(GString) sql = g_string_new("SELECT id");
	for (unsigned i = 0; i < shape->count; i++)
		if (shape->columns[i]->offset != NOT_IN_ROW)
			g_string_append_printf(sql, ", %s", shape->columns[i]->name);
	g_string_append(sql, " FROM main.action");
	if (one)
		g_string_append_printf(sql, " WHERE %s = ?1", id);
	g_string_append_printf(sql, " ORDER BY %s", id);
	return sqlite_prepare(file->db, sql->str, error);
}

/* Hands on every row that has an id of its own. *whole tells whether `each` let it come to the end. */
static bool rows_read(struct store_file *file, sqlite3_stmt *select, const struct table_shape *shape,
	store_row_fn each, void *context, bool *whole, GError **error)
{
	struct action_row row = {0};
	bool first = true;
	for (;;) {
		bool there;
		if (!sqlite_step(select, &there, error))
			return false;
		if (!there)
			break;
		int64_t before = row.id;
		if (!row_fill(select, shape, &row) || (!first && row.id <= before)) {
			file->base.nameless_rows++;
			continue;
		}
		first = false;
		if (!each(context, &row)) {
			sqlite3_reset(select);
			return true;
		}
	}
	*whole = true;
	return true;
}

static bool read_in_transaction(
	struct store_file *file, store_row_fn each, void *context, bool *whole, GError **error)
{
	struct table_shape shape;
	if (!sqlite_exec(file->db, "BEGIN", error))
		return false;
	/* Asked here, it is the version of this very snapshot. */
	if (!file->options.foreign_version && !store_file_version(file, &file->version, error))
		return false;
	if (!store_file_shape(file, &shape, error))
		return false;
	g_autoptr(sqlite3_stmt) select = select_prepare(file, &shape, false, error);
	return select && rows_read(file, select, &shape, each, context, whole, error);
}

bool store_file_read(struct store *store, store_row_fn each, void *context, GError **error)
{
	struct store_file *file = store_file(store);
	g_autoptr(GError) why = NULL;
	bool whole = false;
	if (!store_file_open(file, error))
		return false;
	store_forget(store);
	store->nameless_rows = 0;
	/* Asked before the snapshot: what comes between is read twice rather than never. */
	if (file->options.foreign_version)
		store_file_version(file, &file->version, NULL);
	bool done = read_in_transaction(file, each, context, &whole, &why);
	store_file_rollback(file);
	if (!done) {
		store_file_failed(file, &why);
		g_propagate_error(error, g_steal_pointer(&why));
		return false;
	}
	store->whole = whole;
	return true;
}

bool store_file_read_one(
	struct store *store, int64_t id, store_row_fn each, void *context, bool *found, GError **error)
{
	struct store_file *file = store_file(store);
	struct table_shape shape;
	if (!store_file_open(file, error) || !store_file_shape(file, &shape, error))
		return false;
	g_autoptr(sqlite3_stmt) select = select_prepare(file, &shape, true, error);
	struct action_row row = {0};
	bool there = false;
	if (!select || sqlite3_bind_int64(select, 1, id) != SQLITE_OK || !sqlite_step(select, &there, error))
		return false;
	*found = there && row_fill(select, &shape, &row);
	if (*found)
		each(context, &row);
	return true;
}
