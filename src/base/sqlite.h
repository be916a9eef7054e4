/* Purpose: the little that is asked of SQLite by every folder that keeps a file: opening with safe settings
 * and a deadline for locks, one mapping of its errors to AS_ERROR_*, statements. A connection is used by one
 * thread at a time. Whoever prepared a statement finalizes it before the close. Never open and close a
 * database file past this library: that drops the locks of the whole process. */
#pragma once

#include <glib.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

/* How long a statement waits for the lock of another process. */
#define SQLITE_WAIT_MS 5000

enum sqlite_mode {
	SQLITE_MODE_READ,   /* changes nothing, but rolls back what a crash left behind */
	SQLITE_MODE_WRITE,  /* the file must be there */
	SQLITE_MODE_CREATE, /* makes an empty file where there is none */
	SQLITE_MODE_SHARED, /* the same, and several threads may use the connection */
};

/* Opens the file. Errors: AS_ERROR_MISSING (only without SQLITE_MODE_CREATE), AS_ERROR_UNAVAILABLE. What
 * stands in the file is first looked at by the first statement. The caller closes it with sqlite_close. */
sqlite3 *sqlite_open(const char *path, enum sqlite_mode mode, int wait_ms, GError **error);
void sqlite_close(sqlite3 *db); /* NULL is fine */

/* Whether this user may write the file and make others beside it, as SQLite does; where it is not there,
 * whether it can be made. Errors: AS_ERROR_UNAVAILABLE, with the absolute path. */
bool sqlite_may_write(const char *path, GError **error);

/* Sets the error that a result code of this connection stands for and returns false. The message opens with
 * the absolute path. AS_ERROR_UNAVAILABLE: locked, disk full, I/O, no permission. AS_ERROR_CORRUPT: damaged,
 * or no database at all. AS_ERROR_FAILED: the rest, such as a constraint. */
bool sqlite_fail(sqlite3 *db, int code, GError **error);

/* Runs statements that give no rows, or whose rows do not matter. */
bool sqlite_exec(sqlite3 *db, const char *sql, GError **error);
/* Prepares one statement that is used many times. NULL on error; finalize with sqlite3_finalize. */
sqlite3_stmt *sqlite_prepare(sqlite3 *db, const char *sql, GError **error);
/* Steps once: *row tells whether there is a row. On error and at the end the statement is reset. */
bool sqlite_step(sqlite3_stmt *statement, bool *row, GError **error);
/* The first column of the first row as an integer; *out stays as it is where there is no row. */
bool sqlite_query_int(sqlite3 *db, const char *sql, int64_t *out, GError **error);

/* True where the path no longer leads to the file that was opened: it was removed, renamed or replaced. */
bool sqlite_file_moved(sqlite3 *db);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(sqlite3, sqlite_close)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(sqlite3_stmt, sqlite3_finalize)
