#include "store/mysql.h"

#include <string.h>

/* --- the shape of the table --- */

static void shape_take(struct mysql_shape *shape, const MYSQL_FIELD *field, bool *id, unsigned *present,
	enum enum_field_types types[])
{
	if (g_ascii_strcasecmp(field->name, "id") == 0) {
		*id = true;
		shape->id_type = field->type;
	}
	for (unsigned i = 0; i < STORE_COLUMN_COUNT; i++) {
		if (g_ascii_strcasecmp(store_table[i].name, field->name) != 0)
			continue;
		*present |= 1u << i;
		types[i] = field->type;
	}
}

static bool check_required(const struct store_mysql *m, bool id, unsigned present, GError **error)
{
	const char *lacking = id ? NULL : "id";
	for (unsigned i = 0; i < STORE_COLUMN_COUNT && !lacking; i++)
		if (store_table[i].required && !(present >> i & 1))
			lacking = store_table[i].name;
	if (lacking)
		g_set_error(error, AS_ERROR, AS_ERROR_INVALID, "%s: the table “action” has no column “%s”",
			m->base.place, lacking);
	return !lacking;
}

/* Preparing tells the columns; nothing is executed. */
bool store_mysql_shape(struct store_mysql *m, struct mysql_shape *shape, GError **error)
{
	enum enum_field_types types[STORE_COLUMN_COUNT] = {0};
	unsigned present = 0;
	bool id = false;
	*shape = (struct mysql_shape){0};
	g_autoptr(MYSQL_STMT) look = store_mysql_prepare(m, "SELECT * FROM `action`", error);
	MYSQL_RES *meta = look ? mysql_stmt_result_metadata(look) : NULL;
	if (!meta)
		return look && store_mysql_failed_statement(m, look, error);
	for (unsigned i = 0; i < mysql_num_fields(meta); i++)
		shape_take(shape, mysql_fetch_field_direct(meta, i), &id, &present, types);
	mysql_free_result(meta);
	if (!check_required(m, id, present, error))
		return false;
	for (unsigned i = 0; i < STORE_COLUMN_COUNT; i++) {
		if (!(present >> i & 1))
			continue;
		shape->types[shape->count] = types[i];
		shape->columns[shape->count++] = &store_table[i];
		shape->bits |= store_table[i].bit;
	}
	m->base.columns = shape->bits;
	return true;
}

static bool same_shape(const struct mysql_shape *a, const struct mysql_shape *b)
{
	if (a->count != b->count || a->bits != b->bits || a->id_type != b->id_type)
		return false;
	for (unsigned i = 0; i < a->count; i++)
		if (a->columns[i] != b->columns[i] || a->types[i] != b->types[i])
			return false;
	return true;
}

/* --- SQL --- */

static bool is_text(enum enum_field_types type)
{
	return type == MYSQL_TYPE_VAR_STRING || type == MYSQL_TYPE_STRING || type == MYSQL_TYPE_VARCHAR ||
	       type == MYSQL_TYPE_BLOB;
}

/* The 64-bit digest of a row, of all but the column `error`. Each CRC alone is linear, so two rows that swap
 * a value would cancel out in a XOR of them; their product is not. Texts cannot run into each other: NUL in
 * one makes the row bad anyway, and which are NULL is a part of it. */
static void append_digest(const struct store_mysql *m, const struct mysql_shape *shape, GString *sql)
{
	g_autoptr(GString) row = g_string_new("CONCAT_WS(CHAR(0), `id`");
	g_autoptr(GString) nulls = g_string_new("0");
	for (unsigned i = 0; i < shape->count; i++) {
		const struct column *column = shape->columns[i];
		if (column->offset == NOT_IN_ROW)
			continue;
		/* Texts may have collations that do not mix. */
		g_string_append_printf(
			row, is_text(shape->types[i]) ? ", CAST(`%s` AS BINARY)" : ", `%s`", column->name);
		g_string_append_printf(nulls, " + (`%s` IS NULL) * %u", column->name, 1u << i);
	}
	g_string_append_printf(row, ", %s)", nulls->str);
	if (m->has_crc32c)
		g_string_append_printf(sql, "CRC32(%s) * CRC32C(%s)", row->str, row->str);
	else
		g_string_append_printf(sql, "CAST(CONV(LEFT(MD5(%s), 16), 16, 10) AS UNSIGNED)", row->str);
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
		m->digest ^= g_ascii_strtoull(rows->cells[rows->count - 1].data, NULL, 10);
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
	if (!store_mysql_connect(m, error))
		return false;
	store_forget(store);
	store->nameless_rows = 0;
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
	*count = there ? g_ascii_strtoull(rows.cells[0].data, NULL, 10) : 0;
	*digest = there ? g_ascii_strtoull(rows.cells[1].data, NULL, 10) : 0;
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
	if (!digest_ask(m, &rows, &digest, error))
		return false;
	*changed = rows != m->rows || digest != m->digest;
	return true;
}
