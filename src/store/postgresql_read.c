/* Reading the table `action` of a PostgreSQL database: a binary COPY of texts, row by row. */
#include "store/postgresql.h"

#include <inttypes.h>
#include <string.h>

/* --- the shape of the table --- */

static const struct column *column_find(const char *name)
{
	for (size_t i = 0; i < ROW_COLUMN_COUNT; i++)
		if (strcmp(row_columns[i].name, name) == 0)
			return &row_columns[i];
	return NULL;
}

/* A type of another kind gives an id where its text is one. */
static const char *id_expression(const char *type)
{
	if (strcmp(type, "int2") == 0 || strcmp(type, "int4") == 0 || strcmp(type, "int8") == 0)
		return "id::int8";
	return "CASE WHEN id::text ~ '^[+-]?[0-9]{1,18}$' THEN id::text::int8 END";
}

/* COPY sends these as they are. */
static bool type_is_text(const char *type)
{
	return strcmp(type, "text") == 0 || strcmp(type, "varchar") == 0 || strcmp(type, "json") == 0;
}

static unsigned list_columns(const PGresult *list, struct pg_shape *shape)
{
	unsigned present = 0;
	for (int i = 0; i < PQntuples(list); i++) {
		const struct column *column = column_find(PQgetvalue(list, i, 0));
		if (column) {
			present |= 1u << (column - row_columns);
			if (type_is_text(PQgetvalue(list, i, 1)))
				shape->texts |= 1u << (column - row_columns);
		}
		if (strcmp(PQgetvalue(list, i, 0), "id") == 0)
			shape->id = id_expression(PQgetvalue(list, i, 1));
	}
	return present;
}

static bool check_required(
	const struct store_pg *pg, const struct pg_shape *shape, unsigned present, GError **error)
{
	const char *lacking = shape->id ? NULL : "id";
	for (unsigned i = 0; i < ROW_COLUMN_COUNT && !lacking; i++)
		if (row_columns[i].required && !(present >> i & 1))
			lacking = row_columns[i].name;
	if (lacking)
		g_set_error(error, AS_ERROR, AS_ERROR_INVALID, "%s: the table “action” has no column “%s”",
			pg->base.place, lacking);
	return !lacking;
}

bool pg_shape(struct store_pg *pg, struct pg_shape *shape, GError **error)
{
	static const char sql[] =
		"SELECT a.attname, t.typname FROM pg_catalog.pg_attribute a "
		"LEFT JOIN pg_catalog.pg_type t ON t.oid = a.atttypid "
		"WHERE a.attrelid = pg_catalog.to_regclass('action') AND a.attnum > 0 AND NOT a.attisdropped";
	g_autoptr(PGresult) list = pg_query(pg, NULL, sql, 0, NULL, error);
	if (!list)
		return false;
	*shape = (struct pg_shape){0};
	unsigned present = list_columns(list, shape);
	if (PQntuples(list) == 0) {
		g_set_error(
			error, AS_ERROR, AS_ERROR_MISSING, "%s: there is no table “action”", pg->base.place);
		return false;
	}
	if (!check_required(pg, shape, present, error))
		return false;
	for (unsigned i = 0; i < ROW_COLUMN_COUNT; i++) {
		if (!(present >> i & 1))
			continue;
		shape->columns[shape->count++] = &row_columns[i];
		shape->bits |= row_columns[i].bit;
	}
	pg->base.columns = shape->bits & COLUMNS_OPTIONAL;
	return true;
}

/* --- a row of COPY --- */

struct cursor {
	char *at, *end;
};

/* The next field: its length, -1 for NULL, -2 where the row is cut off. */
static int32_t field_next(struct cursor *row, char **data)
{
	int32_t length;
	if (row->end - row->at < 4)
		return -2;
	memcpy(&length, row->at, 4);
	length = GINT32_FROM_BE(length);
	*data = row->at + 4;
	if (length > row->end - *data)
		return -2;
	row->at = *data + MAX(length, 0);
	return length;
}

/* What a length took can be overwritten once it was read: each text ends in a NUL then. */
static void texts_end(struct cursor *row, char **data, const int32_t *lengths, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (lengths[i] >= 0 && data[i] + lengths[i] < row->end)
			data[i][lengths[i]] = '\0';
}

static void field_set(const struct column *column, struct action_row *row, const char *data, int32_t length)
{
	struct text text = length < 0 ? (struct text){0} : (struct text){data, (size_t)length};
	if (column->kind == COLUMN_TEXT)
		*column_text(column, row) = text;
	else if (length < 0)
		*column_int(column, row) = (struct maybe_int){0};
	else
		column_parse(column->kind, text, column_int(column, row));
}

/* The id, then the columns that have a place in the row; libpq has put a NUL behind the data. */
static bool row_fill(struct cursor cursor, const struct pg_shape *shape, struct action_row *row, bool *has_id)
{
	char *id, *data[ROW_COLUMN_COUNT];
	int32_t lengths[ROW_COLUMN_COUNT];
	unsigned count = 0;
	int32_t id_length = field_next(&cursor, &id);
	if (id_length != 8 && id_length != -1)
		return false;
	for (unsigned i = 0; i < shape->count; i++) {
		if (shape->columns[i]->offset == NOT_IN_ROW)
			continue;
		lengths[count] = field_next(&cursor, &data[count]);
		if (lengths[count] < -1)
			return false;
		count++;
	}
	*has_id = id_length == 8;
	if (!*has_id)
		return true;
	memcpy(&row->id, id, 8);
	row->id = GINT64_FROM_BE(row->id);
	texts_end(&cursor, data, lengths, count);
	count = 0;
	for (unsigned i = 0; i < shape->count; i++) {
		if (shape->columns[i]->offset == NOT_IN_ROW)
			continue;
		field_set(shape->columns[i], row, data[count], lengths[count]);
		count++;
	}
	return true;
}

/* --- the stream --- */

static const char copy_magic[] = "PGCOPY\n\377\r\n";

struct stream {
	struct store_pg *pg;
	struct pg_shape shape;
	bool begun; /* the header was passed */
	bool any;   /* a row was handed on */
	int64_t id; /* of the last one */
	store_row_fn each;
	void *context;
	bool stopped;
};

static bool stream_broken(const struct stream *stream, GError **error)
{
	g_set_error(error, AS_ERROR, AS_ERROR_CORRUPT, "%s: the server's COPY cannot be understood",
		stream->pg->base.place);
	return false;
}

/* The header is magic, flags and an extension of a stated length; it comes with the first row. */
static bool header_pass(struct stream *stream, struct cursor *cursor)
{
	uint32_t extension;
	stream->begun = true;
	if (cursor->end - cursor->at < 19 || memcmp(cursor->at, copy_magic, sizeof copy_magic) != 0)
		return false;
	memcpy(&extension, cursor->at + 15, 4);
	extension = GUINT32_FROM_BE(extension);
	cursor->at += 19;
	if (extension > (size_t)(cursor->end - cursor->at))
		return false;
	cursor->at += extension;
	return true;
}

/* One message of COPY: a row, the end (-1 fields), or a header before either. */
static bool message_take(struct stream *stream, struct cursor cursor, GError **error)
{
	struct store_pg *pg = stream->pg;
	struct action_row row = {0};
	int16_t fields;
	bool has_id = false;
	if (!stream->begun && !header_pass(stream, &cursor))
		return stream_broken(stream, error);
	if (cursor.at == cursor.end)
		return true;
	if (cursor.end - cursor.at < 2)
		return stream_broken(stream, error);
	memcpy(&fields, cursor.at, 2);
	cursor.at += 2;
	if (fields == -1)
		return true;
	if (!row_fill(cursor, &stream->shape, &row, &has_id))
		return stream_broken(stream, error);
	if (!has_id || (stream->any && row.id <= stream->id)) {
		pg->base.nameless_rows++;
		return true;
	}
	stream->any = true;
	stream->id = row.id;
	stream->stopped = !stream->each(stream->context, &row);
	return true;
}

static char *copy_sql(const struct pg_shape *shape, const char *where)
{
	GString *sql = g_string_new("COPY (SELECT ");
	g_string_append(sql, shape->id);
	for (unsigned i = 0; i < shape->count; i++)
		if (shape->columns[i]->offset != NOT_IN_ROW)
			g_string_append_printf(sql, ", \"%s\"%s", shape->columns[i]->name,
				shape->texts >> (shape->columns[i] - row_columns) & 1 ? "" : "::text");
	/* Ordered by the column itself, its index serves; without the table's name it would be the
	 * expression. */
	g_string_append_printf(sql, " FROM action%s ORDER BY %s) TO STDOUT (FORMAT binary)", where,
		shape->id[0] == 'i' ? "action.id" : "1 NULLS FIRST");
	return g_string_free(sql, FALSE);
}

/* Copies rows to the callee; a stream that is left before its end costs the connection. */
static bool stream_run(struct stream *stream, const char *where, GError **error)
{
	struct store_pg *pg = stream->pg;
	g_autofree char *sql = copy_sql(&stream->shape, where);
	if (!pg_run(pg, PG_NEED_SELECT, sql, error))
		return false;
	while (!stream->stopped) {
		char *data = NULL;
		int length = pg_copy_row(pg, &data, error);
		if (length <= 0)
			return length == 0;
		bool ok = message_take(stream, (struct cursor){data, data + length}, error);
		PQfreemem(data);
		if (!ok)
			return false;
	}
	return true;
}

/* --- reading --- */

/* In the transaction: what the table is, its digest where one is needed, then the rows. */
static bool read_all(struct stream *stream, struct pg_state *state, int64_t *digest, GError **error)
{
	struct store_pg *pg = stream->pg;
	if (!pg_begin(pg, true, error) || !pg_state_ask(pg, state, error) ||
		!pg_shape(pg, &stream->shape, error))
		return false;
	if (!state->exact && state->has_rows_id && !pg_digest(pg, digest, error))
		return false;
	if (!stream_run(stream, "", error))
		return false;
	return stream->stopped || pg_commit(pg, error);
}

bool pg_read(struct store *store, store_row_fn each, void *context, GError **error)
{
	struct store_pg *pg = store_pg(store);
	struct stream stream = {.pg = pg, .each = each, .context = context};
	struct pg_state state = {0};
	int64_t digest = 0;
	store_forget(store);
	store->nameless_rows = 0;
	/* First the ears, then the eyes: what is committed in between is read twice rather than never. */
	if (!pg_open(pg, error) || !pg_listen(pg, error))
		return false;
	bool done = read_all(&stream, &state, &digest, error);
	pg_rollback(pg);
	if (done && !stream.stopped) {
		pg_state_clear(&pg->state);
		pg->state = state;
		pg->digest = digest;
		store->whole = true;
		return true;
	}
	pg_state_clear(&state);
	return done;
}

/* COPY takes no parameters; numbers do no harm. */
static char *where_ids(const struct pg_shape *shape, const int64_t *ids, size_t count)
{
	bool is_number = shape->id[0] == 'i';
	GString *where = g_string_new(is_number ? " WHERE id IN (" : " WHERE id::text IN (");
	for (size_t i = 0; i < count; i++)
		g_string_append_printf(
			where, is_number ? "%s%" PRId64 : "%s'%" PRId64 "'", i ? "," : "", ids[i]);
	g_string_append_c(where, ')');
	return g_string_free(where, FALSE);
}

static bool copy_some(struct stream *stream, const int64_t *ids, size_t count, GError **error)
{
	struct store_pg *pg = stream->pg;
	if (!pg_begin(pg, true, error) || !pg_shape(pg, &stream->shape, error))
		return false;
	g_autofree char *where = where_ids(&stream->shape, ids, count);
	return stream_run(stream, where, error) && (stream->stopped || pg_commit(pg, error));
}

static bool read_some(struct stream *stream, const int64_t *ids, size_t count, GError **error)
{
	bool done = pg_open(stream->pg, error) && copy_some(stream, ids, count, error);
	pg_rollback(stream->pg);
	return done;
}

bool pg_read_ids(struct store *store, const int64_t *ids, size_t count, store_row_fn each, void *context,
	GError **error)
{
	struct store_pg *pg = store_pg(store);
	struct stream stream = {.pg = pg, .each = each, .context = context};
	GArray *told = g_steal_pointer(&pg->ids); /* `ids` may lie in it */
	pg->ids = g_array_new(FALSE, FALSE, sizeof(int64_t));
	bool done = count == 0 || read_some(&stream, ids, count, error);
	/* A connection that is gone has made the table count as changed already. */
	if (!done || stream.stopped)
		store_forget(store);
	g_array_unref(told);
	return done;
}

bool pg_read_one(
	struct store *store, int64_t id, store_row_fn each, void *context, bool *found, GError **error)
{
	struct store_pg *pg = store_pg(store);
	struct stream stream = {.pg = pg, .each = each, .context = context};
	size_t nameless = store->nameless_rows;
	bool done = read_some(&stream, &id, 1, error);
	store->nameless_rows = nameless;
	if (done)
		*found = stream.any;
	return done;
}
