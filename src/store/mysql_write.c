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
