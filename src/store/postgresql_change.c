/* Writing rows to a PostgreSQL database: a statement for many rows, each column being an array of texts. */
#include "store/postgresql.h"

#include <inttypes.h>
#include <string.h>

#define NEED_INSERT                                                                                 \
	"SELECT and INSERT on the table and USAGE on its sequence: GRANT SELECT, INSERT ON action " \
	"TO %s; GRANT USAGE ON SEQUENCE action_id_seq TO %s"
#define NEED_UPDATE "SELECT and UPDATE on the table: GRANT SELECT, UPDATE ON action TO %s"
#define NEED_DELETE "SELECT and DELETE on the table: GRANT SELECT, DELETE ON action TO %s"
#define NEED_IDS                                                                                         \
	"more for rows that keep their ids: GRANT SELECT, INSERT, UPDATE ON action TO %s; GRANT USAGE, " \
	"UPDATE ON SEQUENCE action_id_seq TO %s"

bool pg_is_empty(struct store *store, bool *empty, GError **error)
{
	struct store_pg *pg = store_pg(store);
	struct pg_shape shape;
	if (!pg_open(pg, error) || !pg_shape(pg, &shape, error))
		return false;
	g_autoptr(PGresult) any =
		pg_query(pg, PG_NEED_SELECT, "SELECT 1 FROM action LIMIT 1", 0, NULL, error);
	if (!any)
		return false;
	*empty = PQntuples(any) == 0;
	return true;
}

/* --- the transaction --- */

/* Without their lengths: a cast to varchar(9) cuts, storing in one does not. */
static bool types_ask(struct store_pg *pg, GError **error)
{
	static const char sql[] =
		"SELECT a.attname, pg_catalog.format_type(a.atttypid, -1) FROM pg_catalog.pg_attribute a "
		"WHERE a.attrelid = pg_catalog.to_regclass('action') AND a.attnum > 0 AND NOT a.attisdropped";
	g_autoptr(PGresult) list = pg_query(pg, NULL, sql, 0, NULL, error);
	if (!list)
		return false;
	g_clear_pointer(&pg->types, g_hash_table_unref);
	pg->types = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	for (int i = 0; i < PQntuples(list); i++)
		g_hash_table_insert(
			pg->types, g_strdup(PQgetvalue(list, i, 0)), g_strdup(PQgetvalue(list, i, 1)));
	return true;
}

bool pg_write_begin(struct store *store, unsigned *present, GError **error)
{
	struct store_pg *pg = store_pg(store);
	struct pg_shape shape;
	if (!pg_open(pg, error) || !pg_begin(pg, false, error) || !pg_shape(pg, &shape, error) ||
		!types_ask(pg, error))
		return false;
	*present = shape.bits;
	return true;
}

bool pg_write_run(struct store *store, const char *sql, GError **error)
{
	return pg_run(store_pg(store), NULL, sql, error);
}

bool pg_write_commit(struct store *store, GError **error)
{
	g_autoptr(GError) why = NULL;
	if (pg_commit(store_pg(store), &why))
		return true;
	bool unknown = !store_pg(store)->db;
	g_propagate_prefixed_error(error, g_steal_pointer(&why), "%s",
		unknown ? "it is not known whether the changes were written: " : "");
	return false;
}

void pg_write_end(struct store *store)
{
	struct store_pg *pg = store_pg(store);
	pg_rollback(pg);
	g_clear_pointer(&pg->types, g_hash_table_unref);
}

/* --- values --- */

static void array_add(GString *array, struct text text)
{
	g_string_append_c(array, array->len ? ',' : '{');
	if (!text.data) {
		g_string_append(array, "NULL");
		return;
	}
	g_string_append_c(array, '"');
	for (const char *at = text.data, *end = at + text.length; at < end; at++) {
		if (*at == '"' || *at == '\\')
			g_string_append_c(array, '\\');
		g_string_append_c(array, *at);
	}
	g_string_append_c(array, '"');
}

static void array_add_int(GString *array, int64_t value)
{
	char text[24];
	int length = g_snprintf(text, sizeof text, "%" PRId64, value);
	array_add(array, (struct text){text, (size_t)length});
}

/* A value that is no text is read by the type of its column. */
static GString *column_array(const struct change_slice *slice, const struct column *column)
{
	GString *array = g_string_new(NULL);
	for (size_t i = 0; i < slice->count; i++) {
		struct action_row *row = &slice->changes[i].row;
		if (column->kind == COLUMN_TEXT)
			array_add(array, *column_text(column, row));
		else if (column_int(column, row)->set)
			array_add_int(array, column_int(column, row)->value);
		else
			array_add(array, column_int(column, row)->bad);
	}
	g_string_append_c(array, '}');
	return array;
}

static GString *id_array(const struct change_slice *slice)
{
	GString *array = g_string_new(NULL);
	for (size_t i = 0; i < slice->count; i++)
		array_add_int(array, slice->changes[i].row.id);
	g_string_append_c(array, '}');
	return array;
}

/* --- statements: parameter and column 0 of v are the ids, then come the columns --- */

static bool has_ids(const struct change_slice *slice)
{
	return slice->kind != STORE_INSERT || slice->keep_id;
}

static void append_value(const struct store_pg *pg, GString *sql, const char *column, unsigned i)
{
	g_string_append_printf(
		sql, "CAST(v.c%u AS %s)", i, (const char *)g_hash_table_lookup(pg->types, column));
}

/* `unnest($1::text[],…) WITH ORDINALITY AS v(c0,…,n)`; with a schema it would not take several. */
static void append_rows(const struct change_slice *slice, GString *sql)
{
	unsigned first = has_ids(slice) ? 0 : 1, parameter = 1;
	g_string_append(sql, "unnest(");
	for (unsigned i = first; i <= slice->column_count; i++)
		g_string_append_printf(sql, "%s$%u::text[]", i > first ? "," : "", parameter++);
	g_string_append(sql, ") WITH ORDINALITY AS v(");
	for (unsigned i = first; i <= slice->column_count; i++)
		g_string_append_printf(sql, "c%u,", i);
	g_string_append(sql, "n)");
}

/* The rows get their ids in the order of the query below, and come back in it. */
static void append_insert(const struct store_pg *pg, const struct change_slice *slice, GString *sql)
{
	g_string_append(sql, "INSERT INTO action (");
	if (slice->keep_id)
		g_string_append(sql, slice->column_count ? "id, " : "id");
	for (unsigned i = 0; i < slice->column_count; i++)
		g_string_append_printf(sql, "%s\"%s\"", i ? ", " : "", slice->columns[i]->name);
	g_string_append_printf(sql, ")%s SELECT ", slice->keep_id ? " OVERRIDING SYSTEM VALUE" : "");
	if (slice->keep_id)
		append_value(pg, sql, "id", 0);
	for (unsigned i = 0; i < slice->column_count; i++) {
		g_string_append(sql, i || slice->keep_id ? ", " : "");
		append_value(pg, sql, slice->columns[i]->name, i + 1);
	}
	g_string_append(sql, " FROM ");
	append_rows(slice, sql);
	g_string_append(sql, " ORDER BY v.n RETURNING id::text");
}

static void append_update(const struct store_pg *pg, const struct change_slice *slice, GString *sql)
{
	g_string_append(sql, "UPDATE action SET ");
	for (unsigned i = 0; i < slice->column_count; i++) {
		g_string_append_printf(sql, "%s\"%s\" = ", i ? ", " : "", slice->columns[i]->name);
		append_value(pg, sql, slice->columns[i]->name, i + 1);
	}
	g_string_append(sql, slice->column_count ? " FROM " : "name = action.name FROM ");
	append_rows(slice, sql);
	g_string_append(sql, " WHERE action.id = ");
	append_value(pg, sql, "id", 0);
}

static void append_delete(const struct store_pg *pg, const struct change_slice *slice, GString *sql)
{
	g_string_append(sql, "DELETE FROM action USING ");
	append_rows(slice, sql);
	g_string_append(sql, " WHERE action.id = ");
	append_value(pg, sql, "id", 0);
}

static const char *need_of(const struct change_slice *slice)
{
	if (slice->kind == STORE_INSERT)
		return slice->keep_id ? NEED_IDS : NEED_INSERT;
	return slice->kind == STORE_UPDATE ? NEED_UPDATE : NEED_DELETE;
}

static PGresult *slice_query(struct store_pg *pg, const struct change_slice *slice, GError **error)
{
	g_autoptr(GString) sql = g_string_new(NULL);
	GString *arrays[ROW_COLUMN_COUNT + 1];
	const char *values[ROW_COLUMN_COUNT + 1];
	int count = 0;
	switch (slice->kind) {
	case STORE_INSERT: append_insert(pg, slice, sql); break;
	case STORE_UPDATE: append_update(pg, slice, sql); break;
	case STORE_DELETE: append_delete(pg, slice, sql); break;
	}
	if (has_ids(slice))
		arrays[count++] = id_array(slice);
	for (unsigned i = 0; i < slice->column_count; i++)
		arrays[count++] = column_array(slice, slice->columns[i]);
	for (int i = 0; i < count; i++)
		values[i] = arrays[i]->str;
	PGresult *result = pg_query(pg, need_of(slice), sql->str, count, values, error);
	for (int i = 0; i < count; i++)
		g_string_free(arrays[i], TRUE);
	return result;
}

/* --- ids --- */

/* Nobody else takes a number while the sequence is moved past the ids that are kept. */
static bool ids_lock(struct store_pg *pg, GError **error)
{
	return pg_run(pg, NEED_IDS, "LOCK TABLE action IN SHARE ROW EXCLUSIVE MODE", error);
}

static bool sequence_move(struct store_pg *pg, const struct change_slice *slice, GError **error)
{
	static const char sql[] =
		"SELECT pg_catalog.setval(s.id, $1::int8) FROM (SELECT "
		"pg_catalog.pg_get_serial_sequence('action', 'id')::pg_catalog.regclass) AS s(id) "
		"WHERE s.id IS NOT NULL AND $1::int8 > COALESCE(pg_catalog.pg_sequence_last_value(s.id), "
		"(SELECT seqstart - 1 FROM pg_catalog.pg_sequence WHERE seqrelid = s.id))";
	char text[24];
	const char *const values[] = {text};
	int64_t highest = INT64_MIN;
	for (size_t i = 0; i < slice->count; i++)
		highest = MAX(highest, slice->changes[i].row.id);
	g_snprintf(text, sizeof text, "%" PRId64, highest);
	g_autoptr(PGresult) moved = pg_query(pg, NEED_IDS, sql, 1, values, error);
	return moved != NULL;
}

static bool take_ids(
	const struct store_pg *pg, const PGresult *result, const struct change_slice *slice, GError **error)
{
	for (size_t i = 0; i < slice->count && i < (size_t)PQntuples(result); i++) {
		const char *id = PQgetvalue(result, (int)i, 0);
		struct maybe_int number;
		column_parse(COLUMN_INTEGER, (struct text){id, strlen(id)}, &number);
		if (!number.set) {
			g_set_error(error, AS_ERROR, AS_ERROR_FAILED, "%s: the id “%s” is no integer",
				pg->base.place, id);
			return false;
		}
		slice->ids[i] = number.value;
	}
	return true;
}

bool pg_write_rows(struct store *store, const struct change_slice *slice, size_t *written, GError **error)
{
	struct store_pg *pg = store_pg(store);
	bool keeps = slice->kind == STORE_INSERT && slice->keep_id;
	if (keeps && !ids_lock(pg, error))
		return false;
	g_autoptr(PGresult) result = slice_query(pg, slice, error);
	if (!result || (slice->kind == STORE_INSERT && !keeps && !take_ids(pg, result, slice, error)) ||
		(keeps && !sequence_move(pg, slice, error)))
		return false;
	*written = (size_t)g_ascii_strtoull(PQcmdTuples(result), NULL, 10);
	return true;
}
