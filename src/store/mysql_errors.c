#include "store/mysql.h"

#include <string.h>

struct row_update {
	int64_t id;
	const char *text; /* NULL to clear */
};

/* Adds those of the wanted errors that come before `id`: no row has them yet. */
static size_t take_before(
	GArray *updates, const struct store_row_error *errors, size_t count, size_t next, const int64_t *id)
{
	for (; next < count && (!id || errors[next].id < *id); next++)
		g_array_append_val(updates, ((struct row_update){errors[next].id, errors[next].text}));
	return next;
}

/* What must be written: the rows' errors beside the wanted ones, both ascending by id. */
static GArray *updates_find(
	struct store_mysql *m, const struct store_row_error *errors, size_t count, GError **error)
{
	static const char sql[] =
		"SELECT `id`, `error` FROM `action` WHERE `error` IS NOT NULL ORDER BY `id`";
	g_autoptr(GArray) updates = g_array_new(FALSE, FALSE, sizeof(struct row_update));
	g_auto(mysql_rows) rows = {0};
	size_t next = 0;
	g_autoptr(MYSQL_STMT) select = store_mysql_prepare(m, sql, error);
	if (!select || !store_mysql_execute(m, select, sql, NULL, error) ||
		!store_mysql_rows_begin(&rows, m, select, error))
		return NULL;
	for (;;) {
		bool there;
		struct maybe_int id;
		if (!store_mysql_rows_next(&rows, &there, error))
			return NULL;
		if (!there)
			break;
		store_mysql_number(&rows.cells[0], COLUMN_INTEGER, &id);
		if (!id.set)
			continue;
		next = take_before(updates, errors, count, next, &id.value);
		bool wanted = next < count && errors[next].id == id.value;
		if (!wanted || g_strcmp0(errors[next].text, store_mysql_text(&rows.cells[1]).data) != 0)
			g_array_append_val(
				updates, ((struct row_update){id.value, wanted ? errors[next].text : NULL}));
		next += wanted;
	}
	take_before(updates, errors, count, next, NULL);
	return g_steal_pointer(&updates);
}

/* IGNORE: a text that is too long for the column is cut. */
static const char write_sql[] = "UPDATE IGNORE `action` SET `error` = ? WHERE `id` = ?";

static bool updates_write(struct store_mysql *m, const GArray *updates, GError **error)
{
	g_autoptr(MYSQL_STMT) update = store_mysql_prepare(m, write_sql, error);
	if (!update || !store_mysql_run(m, "START TRANSACTION", error))
		return false;
	for (guint i = 0; i < updates->len; i++) {
		const struct row_update *row = &g_array_index(updates, struct row_update, i);
		MYSQL_BIND binds[2];
		store_mysql_bind_text(&binds[0], (struct text){row->text, row->text ? strlen(row->text) : 0});
		store_mysql_bind_int(&binds[1], &row->id);
		if (!store_mysql_execute(m, update, write_sql, binds, error))
			return false;
	}
	return store_mysql_run(m, "COMMIT", error);
}

bool store_mysql_write_errors(
	struct store *store, const struct store_row_error *errors, size_t count, GError **error)
{
	struct store_mysql *m = store_mysql(store);
	struct mysql_shape shape;
	if (!store_mysql_connect(m, error) || !store_mysql_shape(m, &shape, error))
		return false;
	if (!(shape.bits & COLUMN_ERROR))
		return true;
	g_autoptr(GArray) updates = updates_find(m, errors, count, error);
	if (!updates)
		return false;
	if (updates->len == 0 || updates_write(m, updates, error))
		return true;
	store_mysql_drop(m); /* and with it the transaction */
	return false;
}

/* What is only prepared changes nothing, and the server says all the same what the role lacks. */
bool store_mysql_inspect(struct store *store, struct store_state *state, GError **error)
{
	struct store_mysql *m = store_mysql(store);
	struct mysql_shape shape;
	g_autoptr(GError) refused = NULL;
	if (!store_mysql_connect(m, error) || !store_mysql_shape(m, &shape, error))
		return false;
	state->role = g_strdup(m->options.username);
	state->columns = shape.bits;
	if (!(shape.bits & COLUMN_ERROR))
		return true;
	/* A session that only reads refuses it whoever asks. */
	if (m->options.read_only && !store_mysql_run(m, "SET SESSION TRANSACTION READ WRITE", error))
		return false;
	g_autoptr(MYSQL_STMT) update = store_mysql_prepare(m, write_sql, &refused);
	if (m->options.read_only && m->link &&
		!store_mysql_run(m, "SET SESSION TRANSACTION READ ONLY", error))
		return false;
	if (update)
		return true;
	if (g_error_matches(refused, AS_ERROR, AS_ERROR_INVALID)) {
		state->errors_refused = g_strdup(refused->message);
		return true;
	}
	g_propagate_error(error, g_steal_pointer(&refused));
	return false;
}
