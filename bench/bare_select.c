/* The floor of a load: steps through every row of `action` in the order of ids and looks at each column, and
 * does nothing with it. bare_select FILE. Prints a JSON line: rows, ms, bytes of the columns `name` and
 * `command`. */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define SELECT "SELECT id, name, command, cron, merge_missed, actuality_time FROM action ORDER BY id"

static double now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void fail(sqlite3 *db)
{
	fprintf(stderr, "bare_select: %s\n", sqlite3_errmsg(db));
	exit(1);
}

int main(int argc, char **argv)
{
	sqlite3 *db;
	sqlite3_stmt *select = NULL;
	if (argc != 2) {
		fprintf(stderr, "usage: bare_select FILE\n");
		return 2;
	}
	double begin = now_ms();
	if (sqlite3_open_v2(argv[1], &db, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK ||
		sqlite3_prepare_v2(db, SELECT, -1, &select, NULL) != SQLITE_OK)
		fail(db);
	long long rows = 0, text = 0, all = 0;
	int code;
	while ((code = sqlite3_step(select)) == SQLITE_ROW) {
		rows++;
		for (int i = 1; i <= 3; i++) {
			int length = sqlite3_column_text(select, i) ? sqlite3_column_bytes(select, i) : 0;
			text += i < 3 ? length : 0;
			all += length;
		}
		all += sqlite3_column_int64(select, 0) + sqlite3_column_int64(select, 4) +
		       sqlite3_column_int64(select, 5);
	}
	if (code != SQLITE_DONE)
		fail(db);
	/* `all` is told so that no column can be left out. */
	printf("{\"rows\": %lld, \"ms\": %.1f, \"text\": %lld, \"check\": %lld}\n", rows, now_ms() - begin,
		text, all);
	sqlite3_finalize(select);
	sqlite3_close(db);
	return 0;
}
