/* The floors of PostgreSQL. PLACE is a connection string of libpq. select: a binary COPY of every row of
 * `action` in the order of ids, which is the fastest way out of the server; looks at each field. commits: a
 * prepared UPDATE. */
#include <arpa/inet.h>
#include <libpq-fe.h>
#include <stdint.h>

#include "bare.h"

static void fail(PGconn *db)
{
	fprintf(stderr, "bare_postgresql: %s", PQerrorMessage(db));
	exit(1);
}

static PGconn *db_open(const char *place)
{
	PGconn *db = PQconnectdb(place);
	if (PQstatus(db) != CONNECTION_OK)
		fail(db);
	return db;
}

static void take(PGconn *db, PGresult *result, ExecStatusType wanted)
{
	if (PQresultStatus(result) != wanted)
		fail(db);
	PQclear(result);
}

/* The bytes of all fields of a row; 0 where it is no row but the end. The header comes before the first. */
static long long look(const char *at, const char *end)
{
	long long all = 0;
	uint16_t fields;
	uint32_t length;
	memcpy(&fields, at, 2);
	fields = ntohs(fields);
	at += 2;
	for (unsigned i = 0; fields != UINT16_MAX && i < fields && end - at >= 4; i++) {
		memcpy(&length, at, 4);
		length = ntohl(length);
		length = length == UINT32_MAX ? 0 : length;
		all += length;
		at += 4 + length;
	}
	return all;
}

#define HEADER 19

static void select_all(const char *place)
{
	double begin = now_ms();
	PGconn *db = db_open(place);
	long long rows = 0, all = 0;
	char *data;
	int length;
	take(db,
		PQexec(db, "COPY (SELECT " BARE_COLUMNS ", " BARE_ADDED
			   " FROM action ORDER BY id) TO STDOUT (FORMAT binary)"),
		PGRES_COPY_OUT);
	while ((length = PQgetCopyData(db, &data, 0)) > 0) {
		long long bytes = look(data + (rows ? 0 : HEADER), data + length);
		rows += bytes > 0;
		all += bytes;
		PQfreemem(data);
	}
	take(db, PQgetResult(db), PGRES_COMMAND_OK);
	tell_rows(rows, now_ms() - begin, all);
	PQfinish(db);
}

static void commit_one(void *context, int id)
{
	PGconn *db = context;
	char text[16];
	const char *const values[] = {text};
	snprintf(text, sizeof text, "%d", id);
	take(db, PQexecPrepared(db, "bare", 1, values, NULL, NULL, 0), PGRES_COMMAND_OK);
}

static void commits(const char *place, double seconds)
{
	PGconn *db = db_open(place);
	take(db,
		PQexec(db, "SET client_min_messages = error; DROP TABLE IF EXISTS bare; "
			   "CREATE TABLE bare (id int4 PRIMARY KEY, n int8 NOT NULL); "
			   "INSERT INTO bare SELECT i, 0 FROM generate_series(0, 999) AS i"),
		PGRES_COMMAND_OK);
	take(db, PQprepare(db, "bare", "UPDATE bare SET n = n + 1 WHERE id = $1", 1, NULL), PGRES_COMMAND_OK);
	commit_for(seconds, commit_one, db);
	PQfinish(db);
}

int main(int argc, char **argv)
{
	return bare_main(argc, argv, select_all, commits);
}
