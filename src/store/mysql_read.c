#include "store/mysql.h"

#include <string.h>

/* --- the shape of the table --- */

static bool is_text(enum enum_field_types type)
{
	return type == MYSQL_TYPE_VAR_STRING || type == MYSQL_TYPE_STRING || type == MYSQL_TYPE_VARCHAR ||
	       type == MYSQL_TYPE_BLOB || type == MYSQL_TYPE_TINY_BLOB || type == MYSQL_TYPE_MEDIUM_BLOB ||
	       type == MYSQL_TYPE_LONG_BLOB;
}

#define CHARACTER_SET_BINARY 63

/* The field of each column, NULL for one that the table has not. */
struct mysql_fields {
	const MYSQL_FIELD *id, *columns[ROW_COLUMN_COUNT];
};

static struct mysql_fields fields_find(MYSQL_RES *meta)
{
	struct mysql_fields fields = {0};
	for (unsigned i = 0; i < mysql_num_fields(meta); i++) {
		const MYSQL_FIELD *field = mysql_fetch_field_direct(meta, i);
		if (g_ascii_strcasecmp(field->name, "id") == 0)
			fields.id = field;
		for (unsigned j = 0; j < ROW_COLUMN_COUNT; j++)
			if (g_ascii_strcasecmp(row_columns[j].name, field->name) == 0)
				fields.columns[j] = field;
	}
	return fields;
}

static bool check_required(const struct store_mysql *m, const struct mysql_fields *fields, GError **error)
{
	const char *lacking = fields->id ? NULL : "id";
	for (unsigned i = 0; i < ROW_COLUMN_COUNT && !lacking; i++)
		if (row_columns[i].required && !fields->columns[i])
			lacking = row_columns[i].name;
	if (lacking)
		g_set_error(error, AS_ERROR, AS_ERROR_INVALID, "%s: the table “action” has no column “%s”",
			m->base.place, lacking);
	return !lacking;
}

static void shape_fill(struct mysql_shape *shape, const struct mysql_fields *fields)
{
	*shape = (struct mysql_shape){
		.id_type = fields->id->type, .id_nullable = !(fields->id->flags & NOT_NULL_FLAG)};
	for (unsigned i = 0; i < ROW_COLUMN_COUNT; i++) {
		const MYSQL_FIELD *field = fields->columns[i];
		if (!field)
			continue;
		shape->types[shape->count] = field->type;
		shape->nullable[shape->count] = !(field->flags & NOT_NULL_FLAG);
		shape->binary |= is_text(field->type) && field->charsetnr == CHARACTER_SET_BINARY;
		shape->columns[shape->count++] = &row_columns[i];
		shape->bits |= row_columns[i].bit;
	}
}

/* Preparing tells the columns; nothing is executed. */
bool store_mysql_shape(struct store_mysql *m, struct mysql_shape *shape, GError **error)
{
	g_autoptr(MYSQL_STMT) look = store_mysql_prepare(m, "SELECT * FROM `action`", error);
	MYSQL_RES *meta = look ? mysql_stmt_result_metadata(look) : NULL;
	if (!meta)
		return look && store_mysql_failed_statement(m, look, error);
	struct mysql_fields fields = fields_find(meta);
	bool done = check_required(m, &fields, error);
	if (done) {
		shape_fill(shape, &fields);
		m->base.columns = shape->bits & COLUMNS_OPTIONAL;
	}
	mysql_free_result(meta);
	return done;
}

static bool same_shape(const struct mysql_shape *a, const struct mysql_shape *b)
{
	if (a->count != b->count || a->bits != b->bits || a->id_type != b->id_type ||
		a->id_nullable != b->id_nullable || a->binary != b->binary)
		return false;
	for (unsigned i = 0; i < a->count; i++)
		if (a->columns[i] != b->columns[i] || a->types[i] != b->types[i] ||
			a->nullable[i] != b->nullable[i])
			return false;
	return true;
}

/* --- SQL --- */

/* Different values become different texts; NULL stays what it is. */
static void append_value(const struct mysql_shape *shape, unsigned i, GString *sql)
{
	bool cast = shape->binary && is_text(shape->types[i]);
	const char *number = shape->types[i] == MYSQL_TYPE_BIT ? " + 0" : "";
	g_string_append_printf(sql, "%s`%s`%s%s", cast ? "CAST(" : "", shape->columns[i]->name,
		cast ? " AS BINARY)" : "", number);
}

/* All values of a row as one text, or the MD5 of each of them. They cannot run into each other, as NUL in one
 * makes the row bad anyway. CONCAT_WS passes over those that are NULL: which they are is told by nulls_sql.
 */
static char *row_sql(const struct mysql_shape *shape, const char *first, bool md5)
{
	GString *row = g_string_new("CONCAT_WS(CHAR(0), ");
	g_string_append(row, first);
	for (unsigned i = 0; i < shape->count; i++) {
		if (shape->columns[i]->offset == NOT_IN_ROW)
			continue;
		g_string_append(row, md5 ? ", MD5(" : ", ");
		append_value(shape, i, row);
		g_string_append(row, md5 ? ")" : "");
	}
	g_string_append_c(row, ')');
	return g_string_free(row, FALSE);
}

/* A number with a bit for each column that may be NULL. To ask each is much cheaper than to make a text of
 * it. */
static char *nulls_sql(const struct mysql_shape *shape)
{
	GString *nulls = g_string_new(shape->id_nullable ? "(`id` IS NULL)" : "0");
	for (unsigned i = 0; i < shape->count; i++)
		if (shape->columns[i]->offset != NOT_IN_ROW && shape->nullable[i])
			g_string_append_printf(
				nulls, " + (`%s` IS NULL) * %u", shape->columns[i]->name, 2u << i);
	return g_string_free(nulls, FALSE);
}

#define MD5_NUMBER "CAST(CONV(LEFT(MD5(%s), 16), 16, 10) AS UNSIGNED)"

/* The 64-bit digest of a row, of all but the column `error`. Each CRC alone is linear, so two rows that swap
 * a value would cancel out in a XOR of them; their product is not. The second one begins with the NULLs. A
 * row that is longer than max_allowed_packet is NULL as one text. */
static void append_digest(const struct store_mysql *m, const struct mysql_shape *shape, GString *sql)
{
	g_autofree char *nulls = nulls_sql(shape);
	g_autofree char *first = g_strdup_printf("%s, `id`", nulls);
	g_autofree char *parts = row_sql(shape, first, true);
	g_autofree char *row = row_sql(shape, m->has_crc32c ? "`id`" : first, false);
	if (m->has_crc32c)
		g_string_append_printf(sql, "IFNULL(CRC32(%s) * CRC32C(%s, %s), ", row, nulls, row);
	else
		g_string_append_printf(sql, "IFNULL(" MD5_NUMBER ", ", row);
	g_string_append_printf(sql, MD5_NUMBER ")", parts);
}

static char *select_sql(const struct store_mysql *m, const struct mysql_shape *shape, bool one)
{
	/* Ids in a column of texts would come in the order of texts. */
	const char *id = is_text(shape->id_type) ? "CAST(`id` AS SIGNED)" : "`id`";
	GString *sql = g_string_new("SELECT `id`");
	for (unsigned i = 0; i < shape->count; i++)
		if (shape->columns[i]->offset != NOT_IN_ROW)
			g_string_append_printf(sql, ", `%s`", shape->columns[i]->name);
	if (!one) {
		g_string_append(sql, ", ");
		append_digest(m, shape, sql);
	}
	g_string_append_printf(sql, " FROM `action`");
	if (one)
		g_string_append_printf(sql, " WHERE %s = ?", id);
	g_string_append_printf(sql, " ORDER BY %s", id);
	return g_string_free(sql, FALSE);
}

/* --- reading --- */

/* Cell 0 is the id, then those of the shape. False where the id is no integer. */
static bool row_fill(const struct mysql_rows *rows, const struct mysql_shape *shape, struct action_row *row)
{
	struct maybe_int id;
	const struct mysql_cell *cell = rows->cells;
	store_mysql_number(cell++, COLUMN_INTEGER, &id);
	if (!id.set)
		return false;
	row->id = id.value;
	for (unsigned i = 0; i < shape->count; i++) {
		const struct column *column = shape->columns[i];
		if (column->offset == NOT_IN_ROW)
			continue;
		if (column->kind == COLUMN_TEXT)
			*column_text(column, row) = store_mysql_text(cell++);
		else
			store_mysql_number(cell++, column->kind, column_int(column, row));
	}
	return true;
}

/* Hands on every row that has an id of its own. *whole tells whether `each` let it come to the end. */
static bool rows_read(struct mysql_rows *rows, const struct mysql_shape *shape, store_row_fn each,
	void *context, bool *whole, GError **error)
{
	struct store_mysql *m = rows->m;
	struct action_row row = {0};
	bool first = true;
	m->rows = m->digest = 0;
	for (;;) {
		bool there;
		if (!store_mysql_rows_next(rows, &there, error))
			return false;
		if (!there)
			break;
		m->rows++;
		m->digest ^= store_mysql_unsigned(&rows->cells[rows->count - 1]);
		int64_t before = row.id;
		if (!row_fill(rows, shape, &row) || (!first && row.id <= before)) {
			m->base.nameless_rows++;
			continue;
		}
		first = false;
		if (!each(context, &row)) {
			store_mysql_drop(m);
			return true;
		}
	}
	*whole = true;
	return true;
}

/* One statement is one snapshot. */
bool store_mysql_read(struct store *store, store_row_fn each, void *context, GError **error)
{
	struct store_mysql *m = store_mysql(store);
	g_auto(mysql_rows) rows = {0};
	bool whole = false;
	store_forget(store);
	store->nameless_rows = 0;
	if (!store_mysql_connect(m, error))
		return false;
	if (!store_mysql_shape(m, &m->shape, error))
		return false;
	g_autofree char *sql = select_sql(m, &m->shape, false);
	g_autoptr(MYSQL_STMT) select = store_mysql_prepare(m, sql, error);
	if (!select || !store_mysql_execute(m, select, sql, NULL, error) ||
		!store_mysql_rows_begin(&rows, m, select, error) ||
		!rows_read(&rows, &m->shape, each, context, &whole, error))
		return false;
	store->whole = whole;
	return true;
}

bool store_mysql_read_one(
	struct store *store, int64_t id, store_row_fn each, void *context, bool *found, GError **error)
{
	struct store_mysql *m = store_mysql(store);
	g_auto(mysql_rows) rows = {0};
	struct mysql_shape shape;
	struct action_row row = {0};
	MYSQL_BIND parameter;
	bool there = false;
	if (!store_mysql_connect(m, error) || !store_mysql_shape(m, &shape, error))
		return false;
	store_mysql_bind_int(&parameter, &id);
	g_autofree char *sql = select_sql(m, &shape, true);
	g_autoptr(MYSQL_STMT) select = store_mysql_prepare(m, sql, error);
	if (!select || !store_mysql_execute(m, select, sql, &parameter, error) ||
		!store_mysql_rows_begin(&rows, m, select, error) ||
		!store_mysql_rows_next(&rows, &there, error))
		return false;
	*found = there && row_fill(&rows, &shape, &row);
	if (*found)
		each(context, &row);
	return true;
}

/* --- has it changed? --- */

/* The server reads the whole table for it, and sends one row. */
static bool digest_ask(struct store_mysql *m, uint64_t *count, uint64_t *digest, GError **error)
{
	g_auto(mysql_rows) rows = {0};
	bool there;
	g_autoptr(GString) sql = g_string_new("SELECT COUNT(*), BIT_XOR(");
	append_digest(m, &m->shape, sql);
	g_string_append(sql, ") FROM `action`");
	g_autoptr(MYSQL_STMT) select = store_mysql_prepare(m, sql->str, error);
	if (!select || !store_mysql_execute(m, select, sql->str, NULL, error) ||
		!store_mysql_rows_begin(&rows, m, select, error) ||
		!store_mysql_rows_next(&rows, &there, error))
		return false;
	*count = there ? store_mysql_unsigned(&rows.cells[0]) : 0;
	*digest = there ? store_mysql_unsigned(&rows.cells[1]) : 0;
	return true;
}

bool store_mysql_changed(struct store *store, bool *changed, GError **error)
{
	struct store_mysql *m = store_mysql(store);
	g_autoptr(GError) why = NULL;
	struct mysql_shape shape;
	uint64_t rows, digest;
	if (!store_mysql_connect(m, error))
		return false;
	if (!store_mysql_shape(m, &shape, &why)) {
		/* Another table than before is a change of it; what is wrong the read says. */
		store_forget(store);
		*changed = !g_error_matches(why, AS_ERROR, AS_ERROR_UNAVAILABLE);
		if (!*changed)
			g_propagate_error(error, g_steal_pointer(&why));
		return *changed;
	}
	if (!store->whole || !same_shape(&shape, &m->shape)) {
		*changed = true;
		return true;
	}
	m->patient = true;
	bool done = digest_ask(m, &rows, &digest, error);
	m->patient = false;
	if (!done)
		return false;
	*changed = rows != m->rows || digest != m->digest;
	return true;
}
