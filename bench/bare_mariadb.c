/* The floors of MariaDB. PLACE is HOST:PORT/DATABASE, the user is root without a password. select: every row
 * of `action` in the order of ids, streamed as texts; looks at each field. commits: a prepared UPDATE. */
#include <mysql.h>
#include <stdbool.h>

#include "bare.h"

static void fail(const char *message)
{
	fprintf(stderr, "bare_mariadb: %s\n", message);
	exit(1);
}

static MYSQL *db_open(const char *place)
{
	MYSQL *db = mysql_init(NULL);
	char host[64], database[64];
	unsigned port, tcp = MYSQL_PROTOCOL_TCP;
	if (sscanf(place, "%63[^:]:%u/%63s", host, &port, database) != 3)
		fail("the place is HOST:PORT/DATABASE");
	mysql_optionsv(db, MYSQL_SET_CHARSET_NAME, "utf8mb4");
	mysql_optionsv(db, MYSQL_OPT_PROTOCOL, &tcp);
	if (!mysql_real_connect(db, host, "root", "", database, port, NULL, 0))
		fail(mysql_error(db));
	return db;
}

static void run(MYSQL *db, const char *sql)
{
	if (mysql_query(db, sql))
		fail(mysql_error(db));
}

static void select_all(const char *place)
{
	double begin = now_ms();
	MYSQL *db = db_open(place);
	long long rows = 0, all = 0;
	run(db, "SELECT " BARE_COLUMNS ", " BARE_ADDED " FROM action ORDER BY id");
	MYSQL_RES *result = mysql_use_result(db);
	if (!result)
		fail(mysql_error(db));
	for (MYSQL_ROW row; (row = mysql_fetch_row(result)); rows++) {
		const unsigned long *lengths = mysql_fetch_lengths(result);
		for (unsigned i = 0; i < mysql_num_fields(result); i++)
			all += row[i] ? (long long)lengths[i] : 0;
	}
	if (mysql_errno(db))
		fail(mysql_error(db));
	tell_rows(rows, now_ms() - begin, all);
	mysql_free_result(result);
	mysql_close(db);
}

static void commit_one(void *context, int id)
{
	MYSQL_STMT *update = context;
	MYSQL_BIND bind = {.buffer_type = MYSQL_TYPE_LONG, .buffer = &id};
	if (mysql_stmt_bind_param(update, &bind) || mysql_stmt_execute(update))
		fail(mysql_stmt_error(update));
}

static void commits(const char *place, double seconds)
{
	static const char sql[] = "UPDATE bare SET n = n + 1 WHERE id = ?";
	MYSQL *db = db_open(place);
	run(db, "DROP TABLE IF EXISTS bare");
	run(db, "CREATE TABLE bare (id INT PRIMARY KEY, n BIGINT NOT NULL)");
	run(db, "INSERT INTO bare SELECT seq, 0 FROM seq_0_to_999");
	MYSQL_STMT *update = mysql_stmt_init(db);
	if (mysql_stmt_prepare(update, sql, sizeof sql - 1))
		fail(mysql_stmt_error(update));
	commit_for(seconds, commit_one, update);
	mysql_stmt_close(update);
	mysql_close(db);
}

int main(int argc, char **argv)
{
	return bare_main(argc, argv, select_all, commits);
}
