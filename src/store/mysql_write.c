#include "store/mysql.h"

/* What SQLAlchemy writes for the Python program's model, but for what cannot be on this database. */
static const char create_sql[] = "CREATE TABLE IF NOT EXISTS `action` (\n"
				 "\tid INTEGER NOT NULL AUTO_INCREMENT, \n"
				 "\tname VARCHAR(255) NOT NULL, \n"
				 "\tcommand LONGTEXT NOT NULL, \n"
				 "\tcron JSON NOT NULL, \n"
				 "\tmerge_missed BOOL, \n"
				 "\tactuality_time INTEGER, \n"
				 "\tPRIMARY KEY (id)\n"
				 ") CHARACTER SET utf8mb4";

static const char *const type_names[] = {[COLUMN_TEXT] = "TEXT CHARACTER SET utf8mb4",
	[COLUMN_INTEGER] = "INTEGER",
	[COLUMN_BOOLEAN] = "BOOL"};

/* A role that may only read needs no table made that is there. */
bool store_mysql_create_table(struct store *store, GError **error)
{
	struct store_mysql *m = store_mysql(store);
	struct mysql_shape shape;
	g_autoptr(GError) why = NULL;
	if (!store_mysql_connect(m, error))
		return false;
	if (store_mysql_shape(m, &shape, &why) || g_error_matches(why, AS_ERROR, AS_ERROR_INVALID))
		return true;
	if (g_error_matches(why, AS_ERROR, AS_ERROR_MISSING))
		return store_mysql_run(m, create_sql, error);
	g_propagate_error(error, g_steal_pointer(&why));
	return false;
}

/* --- the optional columns --- */

bool store_mysql_complete_table(struct store *store, unsigned *added, GError **error)
{
	struct store_mysql *m = store_mysql(store);
	struct mysql_shape shape;
	g_autoptr(GString) sql = g_string_new(NULL);
	if (!store_mysql_connect(m, error) || !store_mysql_shape(m, &shape, error))
		return false;
	store_forget(store);
	unsigned count = columns_alter(shape.bits, type_names, '`', sql);
	if (count && (!store_mysql_run(m, sql->str, error) || !store_mysql_shape(m, &shape, error)))
		return false;
	*added = count;
	return true;
}

/* --- samples --- */

static bool table_is_empty(struct store_mysql *m, bool *empty, GError **error)
{
	static const char sql[] = "SELECT 1 FROM `action` LIMIT 1";
	g_auto(mysql_rows) rows = {0};
	bool there, more;
	g_autoptr(MYSQL_STMT) look = store_mysql_prepare(m, sql, error);
	if (!look || !store_mysql_execute(m, look, sql, NULL, error) ||
		!store_mysql_rows_begin(&rows, m, look, error) ||
		!store_mysql_rows_next(&rows, &there, error))
		return false;
	*empty = !there;
	/* The statement is over only when its end was read. */
	return !there || store_mysql_rows_next(&rows, &more, error);
}

static char *insert_sql(const struct mysql_shape *shape)
{
	GString *sql = g_string_new("INSERT INTO `action` (");
	g_autoptr(GString) values = g_string_new(NULL);
	for (unsigned i = 0; i < shape->count; i++) {
		if (shape->columns[i]->offset == NOT_IN_ROW)
			continue;
		g_string_append_printf(sql, "%s`%s`", values->len ? ", " : "", shape->columns[i]->name);
		g_string_append(values, values->len ? ", ?" : "?");
	}
	g_string_append_printf(sql, ") VALUES (%s)", values->str);
	return g_string_free(sql, FALSE);
}

static bool insert_row(struct store_mysql *m, MYSQL_STMT *insert, const char *sql,
	const struct mysql_shape *shape, const struct action_row *row, GError **error)
{
	MYSQL_BIND binds[STORE_COLUMN_COUNT];
	struct action_row copy = *row;
	unsigned n = 0;
	for (unsigned i = 0; i < shape->count; i++) {
		const struct column *column = shape->columns[i];
		if (column->offset == NOT_IN_ROW)
			continue;
		if (column->kind == COLUMN_TEXT)
			store_mysql_bind_text(&binds[n++], *column_text(column, &copy));
		else if (column_int(column, &copy)->set)
			store_mysql_bind_int(&binds[n++], &column_int(column, &copy)->value);
		else
			store_mysql_bind_text(&binds[n++], column_int(column, &copy)->bad);
	}
	return store_mysql_execute(m, insert, sql, binds, error);
}

static bool samples_write(struct store_mysql *m, const struct mysql_shape *shape,
	const struct action_row *rows, size_t count, GError **error)
{
	g_autofree char *sql = insert_sql(shape);
	g_autoptr(MYSQL_STMT) insert = store_mysql_prepare(m, sql, error);
	if (!insert || !store_mysql_run(m, "START TRANSACTION", error))
		return false;
	for (size_t i = 0; i < count; i++)
		if (!insert_row(m, insert, sql, shape, &rows[i], error))
			return false;
	return store_mysql_run(m, "COMMIT", error);
}

bool store_mysql_add_samples(struct store *store, const struct action_row *rows, size_t count, GError **error)
{
	struct store_mysql *m = store_mysql(store);
	struct mysql_shape shape;
	bool empty;
	if (!store_mysql_connect(m, error) || !store_mysql_shape(m, &shape, error) ||
		!table_is_empty(m, &empty, error))
		return false;
	if (!empty)
		return true;
	store_forget(store);
	if (samples_write(m, &shape, rows, count, error))
		return true;
	store_mysql_drop(m); /* and with it the transaction */
	return false;
}
