#include "store/sqlite.h"

/* To the letter what SQLAlchemy writes for the Python program's model. */
static const char create_sql[] = "CREATE TABLE IF NOT EXISTS action (\n"
				 "\tid INTEGER NOT NULL, \n"
				 "\tname VARCHAR NOT NULL, \n"
				 "\tcommand VARCHAR NOT NULL, \n"
				 "\tcron JSON NOT NULL, \n"
				 "\tmerge_missed BOOLEAN, \n"
				 "\tactuality_time INTEGER, \n"
				 "\tPRIMARY KEY (id)\n"
				 ")";

static const char *const type_names[] = {
	[COLUMN_TEXT] = "VARCHAR", [COLUMN_INTEGER] = "INTEGER", [COLUMN_BOOLEAN] = "BOOLEAN"};

bool store_file_write(struct store_file *file, bool (*work)(struct store_file *, void *, GError **),
	void *context, GError **error)
{
	if (!sqlite_exec(file->db, "BEGIN IMMEDIATE", error))
		return false;
	bool done = work(file, context, error) && sqlite_exec(file->db, "COMMIT", error);
	store_file_rollback(file);
	return done;
}

bool store_file_create_table(struct store *store, GError **error)
{
	struct store_file *file = store_file(store);
	return store_file_open(file, error) && sqlite_exec(file->db, create_sql, error);
}

/* --- the optional columns --- */

static bool add_columns(struct store_file *file, void *context, GError **error)
{
	unsigned *added = context;
	struct table_shape shape;
	if (!store_file_shape(file, &shape, error))
		return false;
	for (unsigned i = 0; i < STORE_COLUMN_COUNT; i++) {
		const struct column *column = &store_table[i];
		if (!column->bit || shape.bits & column->bit)
			continue;
		g_autofree char *sql = g_strdup_printf(
			"ALTER TABLE main.action ADD COLUMN %s %s", column->name, type_names[column->kind]);
		if (!sqlite_exec(file->db, sql, error))
			return false;
		(*added)++;
	}
	return store_file_shape(file, &shape, error);
}

bool store_file_complete_table(struct store *store, unsigned *added, GError **error)
{
	struct store_file *file = store_file(store);
	struct table_shape shape;
	unsigned count = 0;
	if (!store_file_open(file, error) || !store_file_shape(file, &shape, error))
		return false;
	store_forget(store);
	if (shape.bits != STORE_COLUMNS_ALL && !store_file_write(file, add_columns, &count, error))
		return false;
	*added = count;
	return true;
}

/* --- samples --- */

struct samples {
	const struct action_row *rows;
	size_t count;
	struct table_shape shape;
};

/* Zero length and NULL are different things here. */
static void bind_text(sqlite3_stmt *statement, int i, struct text text)
{
	if (text.data)
		sqlite3_bind_text64(statement, i, text.data, text.length, SQLITE_STATIC, SQLITE_UTF8);
	else
		sqlite3_bind_null(statement, i);
}

static void bind_int(sqlite3_stmt *statement, int i, const struct maybe_int *value)
{
	if (value->set)
		sqlite3_bind_int64(statement, i, value->value);
	else
		bind_text(statement, i, value->bad);
}

static sqlite3_stmt *insert_prepare(struct store_file *file, const struct table_shape *shape, GError **error)
{
	g_autoptr(GString) sql = g_string_new("INSERT INTO main.action (");
	g_autoptr(GString) values = g_string_new(NULL);
	int parameter = 0;
	for (unsigned i = 0; i < shape->count; i++) {
		if (shape->columns[i]->offset == NOT_IN_ROW)
			continue;
		g_string_append_printf(sql, "%s%s", parameter ? ", " : "", shape->columns[i]->name);
		g_string_append_printf(values, "%s?%d", parameter ? ", " : "", parameter + 1);
		parameter++;
	}
	g_string_append_printf(sql, ") VALUES (%s)", values->str);
	return sqlite_prepare(file->db, sql->str, error);
}

static bool insert_row(
	sqlite3_stmt *insert, const struct table_shape *shape, const struct action_row *row, GError **error)
{
	struct action_row copy = *row;
	int parameter = 1;
	for (unsigned i = 0; i < shape->count; i++) {
		const struct column *column = shape->columns[i];
		if (column->offset == NOT_IN_ROW)
			continue;
		if (column->kind == COLUMN_TEXT)
			bind_text(insert, parameter, *column_text(column, &copy));
		else
			bind_int(insert, parameter, column_int(column, &copy));
		parameter++;
	}
	bool row_back;
	return sqlite_step(insert, &row_back, error);
}

static bool table_is_empty(struct store_file *file, bool *empty, GError **error)
{
	g_autoptr(sqlite3_stmt) look = sqlite_prepare(file->db, "SELECT 1 FROM main.action LIMIT 1", error);
	bool row;
	if (!look || !sqlite_step(look, &row, error))
		return false;
	*empty = !row;
	return true;
}

static bool samples_write(struct store_file *file, void *context, GError **error)
{
	struct samples *samples = context;
	bool empty;
	g_autoptr(sqlite3_stmt) insert = insert_prepare(file, &samples->shape, error);
	if (!insert || !table_is_empty(file, &empty, error))
		return false;
	for (size_t i = 0; empty && i < samples->count; i++) {
		if (!insert_row(insert, &samples->shape, &samples->rows[i], error))
			return false;
		sqlite3_reset(insert);
	}
	return true;
}

bool store_file_add_samples(struct store *store, const struct action_row *rows, size_t count, GError **error)
{
	struct store_file *file = store_file(store);
	struct samples samples = {.rows = rows, .count = count};
	bool empty;
	/* First a look without the lock for writing: mostly there are rows, and somebody may hold it for
	 * long. */
	if (!store_file_open(file, error) || !store_file_shape(file, &samples.shape, error) ||
		!table_is_empty(file, &empty, error))
		return false;
	if (!empty)
		return true;
	store_forget(store);
	return store_file_write(file, samples_write, &samples, error);
}
