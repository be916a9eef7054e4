/* The floors of SQLite. PLACE is a file. select: steps through every row of `action` in the order of ids,
 * looks at each column, and does nothing with it. commits: in the mode that internal_db has. */
#include <sqlite3.h>

#include "bare.h"

static void fail(sqlite3 *db)
{
	fprintf(stderr, "bare_sqlite: %s\n", sqlite3_errmsg(db));
	exit(1);
}

static sqlite3 *db_open(const char *path, int flags)
{
	sqlite3 *db;
	if (sqlite3_open_v2(path, &db, flags, NULL) != SQLITE_OK)
		fail(db);
	return db;
}

static sqlite3_stmt *prepare(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *statement = NULL;
	if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK)
		fail(db);
	return statement;
}

static void select_all(const char *path)
{
	double begin = now_ms();
	sqlite3 *db = db_open(path, SQLITE_OPEN_READONLY);
	sqlite3_stmt *select = prepare(db, "SELECT " BARE_COLUMNS " FROM action ORDER BY id");
	long long rows = 0, all = 0;
	int code;
	while ((code = sqlite3_step(select)) == SQLITE_ROW) {
		rows++;
		for (int i = 1; i <= 3; i++)
			all += sqlite3_column_text(select, i) ? sqlite3_column_bytes(select, i) : 0;
		all += sqlite3_column_int64(select, 0) + sqlite3_column_int64(select, 4) +
		       sqlite3_column_int64(select, 5);
	}
	if (code != SQLITE_DONE)
		fail(db);
	tell_rows(rows, now_ms() - begin, all);
	sqlite3_finalize(select);
	sqlite3_close(db);
}

static void run(sqlite3 *db, const char *sql)
{
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
		fail(db);
}

static void commit_one(void *context, int id)
{
	sqlite3_stmt *update = context;
	sqlite3_bind_int(update, 1, id);
	if (sqlite3_step(update) != SQLITE_DONE)
		fail(sqlite3_db_handle(update));
	sqlite3_reset(update);
}

static void commits(const char *path, double seconds)
{
	sqlite3 *db = db_open(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
	run(db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; DROP TABLE IF EXISTS bare; "
		"CREATE TABLE bare (id INTEGER PRIMARY KEY, n INTEGER NOT NULL); "
		"WITH RECURSIVE i(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM i WHERE i < 999) "
		"INSERT INTO bare SELECT i, 0 FROM i");
	sqlite3_stmt *update = prepare(db, "UPDATE bare SET n = n + 1 WHERE id = ?");
	commit_for(seconds, commit_one, update);
	sqlite3_finalize(update);
	sqlite3_close(db);
}

int main(int argc, char **argv)
{
	return bare_main(argc, argv, select_all, commits);
}
