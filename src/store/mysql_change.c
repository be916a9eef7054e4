/* Writing rows to a MySQL or MariaDB database. */
#include "store/mysql.h"

#include <string.h>

/* The first value of a statement without parameters; *there is false where it gives no row. */
static bool ask_number(struct store_mysql *m, const char *sql, uint64_t *value, bool *there, GError **error)
{
	g_auto(mysql_rows) rows = {0};
	bool more;
	g_autoptr(MYSQL_STMT) look = store_mysql_prepare(m, sql, error);
	if (!look || !store_mysql_execute(m, look, sql, NULL, error) ||
		!store_mysql_rows_begin(&rows, m, look, error) || !store_mysql_rows_next(&rows, there, error))
		return false;
	*value = *there ? store_mysql_unsigned(&rows.cells[0]) : 0;
	/* The statement is over only when its end was read. */
	return !*there || store_mysql_rows_next(&rows, &more, error);
}

bool store_mysql_is_empty(struct store *store, bool *empty, GError **error)
{
	struct store_mysql *m = store_mysql(store);
	struct mysql_shape shape;
	uint64_t one;
	bool there;
	if (!store_mysql_connect(m, error) || !store_mysql_shape(m, &shape, error) ||
		!ask_number(m, "SELECT 1 FROM `action` LIMIT 1", &one, &there, error))
		return false;
	*empty = !there;
	return true;
}

/* --- the transaction --- */

bool store_mysql_write_begin(struct store *store, unsigned *present, GError **error)
{
	struct store_mysql *m = store_mysql(store);
	struct mysql_shape shape;
	bool there;
	if (!store_mysql_connect(m, error) || !store_mysql_shape(m, &shape, error) ||
		!ask_number(m, "SELECT @@auto_increment_increment", &m->id_step, &there, error) ||
		!store_mysql_run(m, "START TRANSACTION", error))
		return false;
	m->is_writing = true;
	*present = shape.bits;
	return true;
}

bool store_mysql_write_run(struct store *store, const char *sql, GError **error)
{
	return store_mysql_run(store_mysql(store), sql, error);
}

bool store_mysql_write_commit(struct store *store, GError **error)
{
	struct store_mysql *m = store_mysql(store);
	g_autoptr(GError) why = NULL;
	m->patient = true;
	bool done = store_mysql_run(m, "COMMIT", &why);
	m->patient = false;
	if (done) {
		m->is_writing = false;
		return true;
	}
	g_propagate_prefixed_error(error, g_steal_pointer(&why), "%s",
		m->link ? "" : "it is not known whether the changes were written: ");
	return false;
}

void store_mysql_write_end(struct store *store)
{
	struct store_mysql *m = store_mysql(store);
	if (m->is_writing)
		store_mysql_drop(m); /* and with it the transaction */
	m->is_writing = false;
}

/* --- statements: the parameters are the columns, then the id --- */

static bool has_id(const struct change_slice *slice)
{
	return slice->kind != STORE_INSERT || slice->keep_id;
}

static char *insert_sql(const struct change_slice *slice)
{
	GString *sql = g_string_new("INSERT INTO `action` (");
	g_autoptr(GString) values = g_string_new(NULL);
	for (unsigned i = 0; i < slice->column_count; i++) {
		g_string_append_printf(sql, "%s`%s`", i ? ", " : "", slice->columns[i]->name);
		g_string_append(values, i ? ", ?" : "?");
	}
	if (slice->keep_id) {
		g_string_append(sql, slice->column_count ? ", `id`" : "`id`");
		g_string_append(values, slice->column_count ? ", ?" : "?");
	}
	g_string_append(sql, ") VALUES ");
	for (size_t i = 0; i < slice->count; i++)
		g_string_append_printf(sql, "%s(%s)", i ? ", " : "", values->str);
	return g_string_free(sql, FALSE);
}

static char *update_sql(const struct change_slice *slice)
{
	GString *sql = g_string_new("UPDATE `action` SET ");
	for (unsigned i = 0; i < slice->column_count; i++)
		g_string_append_printf(sql, "%s`%s` = ?", i ? ", " : "", slice->columns[i]->name);
	g_string_append(sql, slice->column_count ? " WHERE `id` = ?" : "`name` = `name` WHERE `id` = ?");
	return g_string_free(sql, FALSE);
}

static MYSQL_BIND *bind_row(MYSQL_BIND *bind, const struct change_slice *slice, struct action_row *row)
{
	for (unsigned i = 0; i < slice->column_count; i++) {
		const struct column *column = slice->columns[i];
		if (column->kind == COLUMN_TEXT)
			store_mysql_bind_text(bind++, *column_text(column, row));
		else if (column_int(column, row)->set)
			store_mysql_bind_int(bind++, &column_int(column, row)->value);
		else
			store_mysql_bind_text(bind++, column_int(column, row)->bad);
	}
	if (has_id(slice))
		store_mysql_bind_int(bind++, &row->id);
	return bind;
}

/* A statement for all of them. Its rows have ids one step apart, as their number is known beforehand. */
static bool insert_rows(
	struct store_mysql *m, const struct change_slice *slice, size_t *written, GError **error)
{
	g_autofree char *sql = insert_sql(slice);
	g_autofree MYSQL_BIND *binds = g_new0(MYSQL_BIND, (slice->column_count + 1) * slice->count);
	MYSQL_BIND *end = binds;
	for (size_t i = 0; i < slice->count; i++)
		end = bind_row(end, slice, &slice->changes[i].row);
	g_autoptr(MYSQL_STMT) insert = store_mysql_prepare(m, sql, error);
	if (!insert || !store_mysql_execute(m, insert, sql, end > binds ? binds : NULL, error))
		return false;
	uint64_t first = mysql_stmt_insert_id(insert);
	for (size_t i = 0; i < slice->count && !slice->keep_id; i++)
		slice->ids[i] = (int64_t)(first + i * m->id_step);
	*written = slice->count;
	return true;
}

/* A row that is named twice counts once: then the slice is done again row by row. */
static bool delete_rows(
	struct store_mysql *m, const struct change_slice *slice, size_t *written, GError **error)
{
	g_autoptr(GString) sql = g_string_new("DELETE FROM `action` WHERE `id` IN (?");
	g_autofree MYSQL_BIND *binds = g_new0(MYSQL_BIND, slice->count);
	for (size_t i = 0; i < slice->count; i++) {
		g_string_append(sql, i ? ", ?" : "");
		store_mysql_bind_int(&binds[i], &slice->changes[i].row.id);
	}
	g_string_append_c(sql, ')');
	g_autoptr(MYSQL_STMT) delete = store_mysql_prepare(m, sql->str, error);
	if (!delete || !store_mysql_execute(m, delete, sql->str, binds, error))
		return false;
	*written = (size_t)mysql_stmt_affected_rows(delete);
	return true;
}

/* A statement for each: there is none that gives many rows values of their own. */
static bool update_rows(
	struct store_mysql *m, const struct change_slice *slice, size_t *written, GError **error)
{
	g_autofree char *sql = update_sql(slice);
	g_autoptr(MYSQL_STMT) update = store_mysql_prepare(m, sql, error);
	if (!update)
		return false;
	for (size_t i = 0; i < slice->count; i++) {
		MYSQL_BIND binds[ROW_COLUMN_COUNT + 1];
		bind_row(binds, slice, &slice->changes[i].row);
		if (!store_mysql_execute(m, update, sql, binds, error))
			return false;
		*written += mysql_stmt_affected_rows(update) > 0;
	}
	return true;
}

bool store_mysql_write_rows(
	struct store *store, const struct change_slice *slice, size_t *written, GError **error)
{
	struct store_mysql *m = store_mysql(store);
	switch (slice->kind) {
	case STORE_INSERT: return insert_rows(m, slice, written, error);
	case STORE_UPDATE: return update_rows(m, slice, written, error);
	case STORE_DELETE: break;
	}
	return delete_rows(m, slice, written, error);
}
