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
	for (unsigned i = 0; i < ROW_COLUMN_COUNT; i++) {
		const struct column *column = &row_columns[i];
		if (!column_is_optional(column) || shape.bits & column->bit)
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
	if ((~shape.bits & COLUMNS_OPTIONAL) && !store_file_write(file, add_columns, &count, error))
		return false;
	*added = count;
	return true;
}
