#include "base/sqlite.h"

#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static int error_of_code(int code)
{
	switch (code & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
	case SQLITE_IOERR:
	case SQLITE_FULL:
	case SQLITE_CANTOPEN:
	case SQLITE_PROTOCOL:
	case SQLITE_PERM:
	case SQLITE_READONLY:
	case SQLITE_INTERRUPT: return AS_ERROR_UNAVAILABLE;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_FORMAT: return AS_ERROR_CORRUPT;
	default: return AS_ERROR_FAILED;
	}
}

/* What SQLite says, put more plainly where its words do not tell an operator what is wrong. */
static const char *text_of_code(sqlite3 *db, int code)
{
	switch (code & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED: return "database is locked by another process";
	case SQLITE_CORRUPT: return "the database file is damaged";
	case SQLITE_NOTADB: return "the file is not an SQLite database";
	case SQLITE_READONLY: return "the database may only be read";
	/* Another thread may have used a shared connection since. */
	default:
		return db && sqlite3_extended_errcode(db) == code ? sqlite3_errmsg(db) : sqlite3_errstr(code);
	}
}

static bool fail_at(const char *path, sqlite3 *db, int code, GError **error)
{
	int system = db ? sqlite3_system_errno(db) : 0;
	bool says_why = (code & 0xff) == SQLITE_CANTOPEN || (code & 0xff) == SQLITE_IOERR;
	g_set_error(error, AS_ERROR, error_of_code(code), "%s: %s%s%s%s", path, text_of_code(db, code),
		says_why && system ? " (" : "", says_why && system ? g_strerror(system) : "",
		says_why && system ? ")" : "");
	return false;
}

bool sqlite_fail(sqlite3 *db, int code, GError **error)
{
	const char *path = sqlite3_db_filename(db, "main");
	return fail_at(path && *path ? path : "database in memory", db, code, error);
}

/* A schema is data of somebody else: it may not reach functions with side effects. */
static bool open_settings(sqlite3 *db, int wait_ms, GError **error)
{
	sqlite3_extended_result_codes(db, 1);
	sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	int code = sqlite3_busy_timeout(db, wait_ms);
	return code == SQLITE_OK || sqlite_fail(db, code, error);
}

sqlite3 *sqlite_open(const char *path, enum sqlite_mode mode, int wait_ms, GError **error)
{
	/* Made absolute here: SQLite takes some relative names for something else than a file. */
	g_autofree char *absolute = g_canonicalize_filename(path, NULL);
	/* Also for reading: a file open for reading only can neither be recovered nor read beside a writer in
	 * WAL. */
	int flags = SQLITE_OPEN_READWRITE;
	bool create = mode == SQLITE_MODE_CREATE || mode == SQLITE_MODE_SHARED;
	if (create)
		flags |= SQLITE_OPEN_CREATE;
	flags |= mode == SQLITE_MODE_SHARED ? SQLITE_OPEN_FULLMUTEX : SQLITE_OPEN_NOMUTEX;
	g_autoptr(sqlite3) db = NULL;
	int code = sqlite3_open_v2(absolute, &db, flags, NULL);
	if (code != SQLITE_OK && !create && db && sqlite3_system_errno(db) == ENOENT) {
		g_set_error(error, AS_ERROR, AS_ERROR_MISSING, "%s: there is no such file", absolute);
		return NULL;
	}
	if (code != SQLITE_OK) {
		fail_at(absolute, db, code, error);
		return NULL;
	}
	if (!open_settings(db, wait_ms, error) ||
		(mode == SQLITE_MODE_READ && !sqlite_exec(db, "PRAGMA query_only = 1", error)))
		return NULL;
	return g_steal_pointer(&db);
}

void sqlite_close(sqlite3 *db)
{
	/* Frees late where a statement is still alive, so that a forgotten one never keeps the file. */
	sqlite3_close_v2(db);
}

bool sqlite_exec(sqlite3 *db, const char *sql, GError **error)
{
	int code = sqlite3_exec(db, sql, NULL, NULL, NULL);
	return code == SQLITE_OK || sqlite_fail(db, code, error);
}

sqlite3_stmt *sqlite_prepare(sqlite3 *db, const char *sql, GError **error)
{
	sqlite3_stmt *statement = NULL;
	int code = sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL);
	if (code != SQLITE_OK)
		sqlite_fail(db, code, error);
	return statement;
}

bool sqlite_step(sqlite3_stmt *statement, bool *row, GError **error)
{
	int code = sqlite3_step(statement);
	if (code == SQLITE_ROW) {
		*row = true;
		return true;
	}
	if (code != SQLITE_DONE) {
		sqlite_fail(sqlite3_db_handle(statement), code, error);
		sqlite3_reset(statement);
		return false;
	}
	sqlite3_reset(statement);
	*row = false;
	return true;
}

bool sqlite_query_int(sqlite3 *db, const char *sql, int64_t *out, GError **error)
{
	g_autoptr(sqlite3_stmt) statement = sqlite_prepare(db, sql, error);
	bool row = false;
	if (!statement || !sqlite_step(statement, &row, error))
		return false;
	if (row)
		*out = sqlite3_column_int64(statement, 0);
	return true;
}

bool sqlite_file_moved(sqlite3 *db)
{
	int moved = 0;
	return sqlite3_file_control(db, "main", SQLITE_FCNTL_HAS_MOVED, &moved) == SQLITE_OK && moved;
}

bool sqlite_may_write(const char *path, GError **error)
{
	/* The journal is made beside the file that a link leads to. */
	char *real = realpath(path, NULL);
	g_autofree char *absolute = g_canonicalize_filename(real ? real : path, NULL);
	g_autofree char *directory = g_path_get_dirname(absolute);
	bool file_refused = real && faccessat(AT_FDCWD, absolute, W_OK, AT_EACCESS) != 0;
	free(real);
	if (!file_refused && faccessat(AT_FDCWD, directory, W_OK | X_OK, AT_EACCESS) == 0)
		return true;
	g_set_error(error, AS_ERROR, AS_ERROR_UNAVAILABLE, "%s: %s%s (%s)", absolute,
		file_refused ? "this user may not write it" : "this user may make no files in ",
		file_refused ? "" : directory, g_strerror(errno));
	return false;
}
