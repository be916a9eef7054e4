/* Purpose: the MySQL and MariaDB backend's own parts, shared by its files.
 * A connection that is lost, or that a call left in the middle, is dropped; the next call connects anew.
 * Every wait for the server ends at a deadline, or when stop_fd says so. */
#pragma once

#include <mysql.h>

#include "base/time_us.h"
#include "store/backend.h"
#include "store/change.h"
#include "store/columns.h"

/* The columns that the table has. */
struct mysql_shape {
	const struct column *columns[ROW_COLUMN_COUNT]; /* those that it has, in the order of row_columns */
	enum enum_field_types types[ROW_COLUMN_COUNT], id_type;
	bool nullable[ROW_COLUMN_COUNT], id_nullable;
	bool binary; /* one of the texts is bytes, without a character set */
	unsigned count;
	unsigned bits; /* enum row_column */
};

enum mysql_wait_end { MYSQL_WAIT_DONE, MYSQL_WAIT_TIMED_OUT, MYSQL_WAIT_STOPPED };

struct store_mysql {
	struct store base;
	struct store_options options; /* strings are own copies */
	char *socket;
	GPtrArray *settings; /* name, value, name, value… */
	MYSQL *link;         /* NULL: not connected */
	dur_us wait;         /* how long the present call may wait for the server */
	time_us until;       /* CLOCK_MONOTONIC: the end of that; 0: nothing was waited for yet */
	enum mysql_wait_end wait_end;
	bool has_crc32c;
	bool patient; /* the statement goes over the whole table before it answers */
	/* What store_changed compares with; means something while base.whole is set. */
	struct mysql_shape shape;
	uint64_t rows, digest;
	bool is_writing;  /* changes, in a transaction */
	uint64_t id_step; /* between the ids that one statement gives */
};

static inline struct store_mysql *store_mysql(struct store *store)
{
	return (struct store_mysql *)store;
}

/* --- the connection: mysql_connect.c --- */

/* Connects if there is no connection, or it has died meanwhile. */
bool store_mysql_connect(struct store_mysql *m, GError **error);
/* Lets the connection go, whatever is under way on it, without waiting for the server. */
void store_mysql_drop(struct store_mysql *m);
/* From when the server is waited for next, that may last so long, in ms, until this is called again. */
void store_mysql_wait(struct store_mysql *m, int ms);
int store_mysql_statement_ms(const struct store_mysql *m);

/* --- errors: mysql_error.c --- */

/* Sets the error for what the client library or the server said, and drops the connection where it is lost;
 * always false. */
bool store_mysql_failed(struct store_mysql *m, unsigned code, const char *message, GError **error);

/* --- statements: mysql_statement.c --- */

/* Runs a statement that gives no rows. */
bool store_mysql_run(struct store_mysql *m, const char *sql, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MYSQL_STMT, mysql_stmt_close)
MYSQL_STMT *store_mysql_prepare(struct store_mysql *m, const char *sql, GError **error);
bool store_mysql_failed_statement(struct store_mysql *m, MYSQL_STMT *statement, GError **error);
/* `parameters` may be NULL where the statement has none; `sql` is what was prepared, for the log. */
bool store_mysql_execute(struct store_mysql *m, MYSQL_STMT *statement, const char *sql,
	MYSQL_BIND *parameters, GError **error);

/* The cells of the present row: integers as such, all others as texts. */
struct mysql_cell {
	char *data; /* ends in a NUL */
	unsigned long capacity, length;
	my_bool null;
	enum enum_field_types type;
	bool is_integer, is_unsigned;
	int64_t integer; /* its bits where it is unsigned */
};
struct mysql_rows {
	struct store_mysql *m;
	MYSQL_STMT *statement; /* borrowed */
	struct mysql_cell *cells;
	MYSQL_BIND *binds;
	unsigned count;
};
/* Begins to take the rows of an executed statement, which come one by one and not all at once. */
bool store_mysql_rows_begin(
	struct mysql_rows *rows, struct store_mysql *m, MYSQL_STMT *statement, GError **error);
/* *there is false after the last row. */
bool store_mysql_rows_next(struct mysql_rows *rows, bool *there, GError **error);
void store_mysql_rows_clear(struct mysql_rows *rows);
typedef struct mysql_rows mysql_rows;
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(mysql_rows, store_mysql_rows_clear)

struct text store_mysql_text(const struct mysql_cell *cell);
/* Of an integer that is not negative; 0 for NULL. */
uint64_t store_mysql_unsigned(const struct mysql_cell *cell);
void store_mysql_number(const struct mysql_cell *cell, enum column_kind kind, struct maybe_int *out);
/* A parameter; the value is borrowed until the statement is executed. */
void store_mysql_bind_text(MYSQL_BIND *bind, struct text text);
void store_mysql_bind_int(MYSQL_BIND *bind, const int64_t *value);

/* --- mysql_jobs.c --- */

bool store_mysql_read_jobs(struct store *store, struct apscheduler_jobs *jobs, bool *there, GError **error);

/* --- the table: mysql_read.c, mysql_write.c, mysql_change.c, mysql_errors.c --- */

/* Errors: AS_ERROR_MISSING where there is no table, AS_ERROR_INVALID where it lacks a column that must be. */
bool store_mysql_shape(struct store_mysql *m, struct mysql_shape *shape, GError **error);

bool store_mysql_create_table(struct store *store, GError **error);
bool store_mysql_complete_table(struct store *store, unsigned *added, GError **error);
bool store_mysql_inspect(struct store *store, struct store_state *state, GError **error);
bool store_mysql_write_errors(
	struct store *store, const struct store_row_error *errors, size_t count, GError **error);
bool store_mysql_read(struct store *store, store_row_fn each, void *context, GError **error);
bool store_mysql_read_one(
	struct store *store, int64_t id, store_row_fn each, void *context, bool *found, GError **error);
bool store_mysql_changed(struct store *store, bool *changed, GError **error);

bool store_mysql_is_empty(struct store *store, bool *empty, GError **error);
bool store_mysql_write_begin(struct store *store, unsigned *present, GError **error);
bool store_mysql_write_rows(
	struct store *store, const struct change_slice *slice, size_t *written, GError **error);
bool store_mysql_write_run(struct store *store, const char *sql, GError **error);
bool store_mysql_write_commit(struct store *store, GError **error);
void store_mysql_write_end(struct store *store);
