#include "store/mysql.h"

#include <errno.h>
#include <string.h>

#define CELL_MIN 256

static void echo(const struct store_mysql *m, const char *sql)
{
	if (m->options.echo)
		m->options.echo(m->options.context, sql);
}

bool store_mysql_run(struct store_mysql *m, const char *sql, GError **error)
{
	echo(m, sql);
	store_mysql_wait(m, store_mysql_statement_ms(m));
	if (mysql_real_query(m->link, sql, strlen(sql)) == 0)
		return true;
	return store_mysql_failed(m, mysql_errno(m->link), mysql_error(m->link), error);
}

bool store_mysql_failed_statement(struct store_mysql *m, MYSQL_STMT *statement, GError **error)
{
	return store_mysql_failed(m, mysql_stmt_errno(statement), mysql_stmt_error(statement), error);
}

MYSQL_STMT *store_mysql_prepare(struct store_mysql *m, const char *sql, GError **error)
{
	g_autoptr(MYSQL_STMT) statement = mysql_stmt_init(m->link);
	if (!statement)
		g_error("out of memory");
	store_mysql_wait(m, store_mysql_statement_ms(m));
	if (mysql_stmt_prepare(statement, sql, strlen(sql)) == 0)
		return g_steal_pointer(&statement);
	store_mysql_failed_statement(m, statement, error);
	return NULL;
}

bool store_mysql_execute(
	struct store_mysql *m, MYSQL_STMT *statement, const char *sql, MYSQL_BIND *parameters, GError **error)
{
	echo(m, sql);
	store_mysql_wait(m, store_mysql_statement_ms(m));
	if ((!parameters || !mysql_stmt_bind_param(statement, parameters)) && !mysql_stmt_execute(statement))
		return true;
	return store_mysql_failed_statement(m, statement, error);
}

void store_mysql_bind_text(MYSQL_BIND *bind, struct text text)
{
	*bind = (MYSQL_BIND){.buffer_type = text.data ? MYSQL_TYPE_STRING : MYSQL_TYPE_NULL,
		.buffer = (void *)text.data,
		.buffer_length = text.length};
}

void store_mysql_bind_int(MYSQL_BIND *bind, const int64_t *value)
{
	*bind = (MYSQL_BIND){.buffer_type = MYSQL_TYPE_LONGLONG, .buffer = (void *)value};
}

/* --- rows --- */

/* A text longer than a row may have is cut right after that length. */
static void cell_size(struct mysql_cell *cell, MYSQL_BIND *bind, unsigned long length)
{
	cell->capacity = MAX(CELL_MIN, MIN(length, ACTION_TEXT_MAX + 1));
	g_free(cell->data);
	cell->data = g_malloc(cell->capacity + 1);
	*bind = (MYSQL_BIND){.buffer_type = MYSQL_TYPE_STRING,
		.buffer = cell->data,
		.buffer_length = cell->capacity,
		.length = &cell->length,
		.is_null = &cell->null};
}

static bool is_integer(enum enum_field_types type)
{
	return type == MYSQL_TYPE_TINY || type == MYSQL_TYPE_SHORT || type == MYSQL_TYPE_INT24 ||
	       type == MYSQL_TYPE_LONG || type == MYSQL_TYPE_LONGLONG;
}

static void cell_begin(struct mysql_cell *cell, MYSQL_BIND *bind, const MYSQL_FIELD *field)
{
	cell_size(cell, bind, 0);
	cell->type = field->type;
	cell->is_integer = is_integer(field->type);
	cell->is_unsigned = field->flags & UNSIGNED_FLAG;
	if (cell->is_integer)
		*bind = (MYSQL_BIND){.buffer_type = MYSQL_TYPE_LONGLONG,
			.buffer = &cell->integer,
			.is_unsigned = cell->is_unsigned,
			.length = &cell->length,
			.is_null = &cell->null};
}

bool store_mysql_rows_begin(
	struct mysql_rows *rows, struct store_mysql *m, MYSQL_STMT *statement, GError **error)
{
	MYSQL_RES *meta = mysql_stmt_result_metadata(statement);
	if (!meta)
		return store_mysql_failed_statement(m, statement, error);
	unsigned count = mysql_num_fields(meta);
	*rows = (struct mysql_rows){.m = m,
		.statement = statement,
		.cells = g_new0(struct mysql_cell, count),
		.binds = g_new0(MYSQL_BIND, count),
		.count = count};
	for (unsigned i = 0; i < count; i++)
		cell_begin(&rows->cells[i], &rows->binds[i], mysql_fetch_field_direct(meta, i));
	mysql_free_result(meta);
	return !mysql_stmt_bind_result(statement, rows->binds) ||
	       store_mysql_failed_statement(m, statement, error);
}

/* The buffers grow with the texts that come, and stay. */
static bool cells_complete(struct mysql_rows *rows, GError **error)
{
	bool grown = false;
	for (unsigned i = 0; i < rows->count; i++) {
		struct mysql_cell *cell = &rows->cells[i];
		if (cell->is_integer)
			continue;
		if (cell->null)
			cell->length = 0;
		if (cell->length > cell->capacity && cell->capacity <= ACTION_TEXT_MAX) {
			unsigned long length = cell->length;
			cell_size(cell, &rows->binds[i], length + length / 2);
			grown = true;
			if (mysql_stmt_fetch_column(rows->statement, &rows->binds[i], i, 0))
				return store_mysql_failed_statement(rows->m, rows->statement, error);
			cell->length = length;
		}
		cell->length = MIN(cell->length, cell->capacity);
		cell->data[cell->length] = '\0';
	}
	return !grown || !mysql_stmt_bind_result(rows->statement, rows->binds) ||
	       store_mysql_failed_statement(rows->m, rows->statement, error);
}

bool store_mysql_rows_next(struct mysql_rows *rows, bool *there, GError **error)
{
	store_mysql_wait(rows->m, store_mysql_statement_ms(rows->m));
	int result = mysql_stmt_fetch(rows->statement);
	*there = result != MYSQL_NO_DATA;
	if (result == 1)
		return store_mysql_failed_statement(rows->m, rows->statement, error);
	return !*there || cells_complete(rows, error);
}

void store_mysql_rows_clear(struct mysql_rows *rows)
{
	for (unsigned i = 0; i < rows->count; i++)
		g_free(rows->cells[i].data);
	g_free(rows->cells);
	g_free(rows->binds);
	*rows = (struct mysql_rows){0};
}

/* --- cells --- */

struct text store_mysql_text(const struct mysql_cell *cell)
{
	if (cell->null)
		return (struct text){0};
	if (!cell->is_integer)
		return (struct text){cell->data, cell->length};
	int length = g_snprintf(cell->data, CELL_MIN,
		cell->is_unsigned ? "%" G_GUINT64_FORMAT : "%" G_GINT64_FORMAT, cell->integer);
	return (struct text){cell->data, (size_t)length};
}

uint64_t store_mysql_unsigned(const struct mysql_cell *cell)
{
	if (cell->null)
		return 0;
	return cell->is_integer ? (uint64_t)cell->integer : g_ascii_strtoull(cell->data, NULL, 10);
}

/* A column of bits comes as bytes, the highest first. */
static bool bits_parse(const struct mysql_cell *cell, int64_t *value)
{
	uint64_t bits = 0;
	for (unsigned long i = 0; i < cell->length; i++)
		bits = bits << 8 | (unsigned char)cell->data[i];
	if (bits > INT64_MAX)
		return false;
	*value = (int64_t)bits;
	return true;
}

/* Numbers with a fraction or an exponent that are integers all the same. */
static bool real_parse(const struct mysql_cell *cell, int64_t *value)
{
	char *end = NULL;
	errno = 0;
	double real = g_ascii_strtod(cell->data, &end);
	if (errno || end != cell->data + cell->length || !(real >= -0x1p53 && real <= 0x1p53) ||
		real != (double)(int64_t)real)
		return false;
	*value = (int64_t)real;
	return true;
}

void store_mysql_number(const struct mysql_cell *cell, enum column_kind kind, struct maybe_int *out)
{
	int64_t value;
	bool is_real = cell->type == MYSQL_TYPE_DOUBLE || cell->type == MYSQL_TYPE_FLOAT ||
		       cell->type == MYSQL_TYPE_NEWDECIMAL;
	*out = (struct maybe_int){0};
	if (cell->null)
		return;
	if (cell->is_integer && (!cell->is_unsigned || cell->integer >= 0))
		*out = (struct maybe_int){.set = true, .value = cell->integer};
	else if (cell->type == MYSQL_TYPE_BIT ? bits_parse(cell, &value)
					      : is_real && real_parse(cell, &value))
		*out = (struct maybe_int){.set = true, .value = value};
	else
		column_parse(kind, store_mysql_text(cell), out);
}
