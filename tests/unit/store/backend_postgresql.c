/* The PostgreSQL server that the contract suite runs against: one for the process, a database for each test.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "backend_postgresql.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct {
	bool tried;
	char *directory;
	int64_t port;
} server;

struct place {
	char *name;
	PGconn *other; /* the second client */
};

static void server_stop(void)
{
	g_autofree char *command = g_strdup_printf("%s stop %s", POSTGRESQL_SERVER, server.directory);
	if (system(command) != 0)
		fprintf(stderr, "%s failed\n", command);
}

bool postgresql_server_start(void)
{
	g_autofree char *command = g_strdup_printf("%s start %d", POSTGRESQL_SERVER, (int)getpid());
	g_autofree char *out = NULL;
	int status = 0;
	if (server.tried)
		return server.directory != NULL;
	server.tried = true;
	if (!g_spawn_command_line_sync(command, &out, NULL, &status, NULL) || status != 0)
		return false;
	g_auto(GStrv) words = g_strsplit_set(out, " \n", -1);
	assert_true(g_strv_length(words) >= 2);
	server.directory = g_strdup(words[0]);
	server.port = g_ascii_strtoll(words[1], NULL, 10);
	atexit(server_stop);
	return true;
}

const char *postgresql_server_directory(void)
{
	return server.directory;
}

int64_t postgresql_server_port(void)
{
	return server.port;
}

static PGconn *client_open(const char *database)
{
	g_autofree char *port = g_strdup_printf("%d", (int)server.port);
	PGconn *db = PQsetdbLogin("127.0.0.1", port, NULL, NULL, database, "postgres", NULL);
	if (PQstatus(db) != CONNECTION_OK)
		fail_msg("%s", PQerrorMessage(db));
	return db;
}

static PGresult *client_run(PGconn *db, const char *sql)
{
	PGresult *result = PQexec(db, sql);
	if (PQresultStatus(result) != PGRES_COMMAND_OK && PQresultStatus(result) != PGRES_TUPLES_OK)
		fail_msg("%s: %s", sql, PQerrorMessage(db));
	return result;
}

/* As the superuser, outside of the place's database. */
static void admin(const char *format, const char *name)
{
	g_auto(GStrv) parts = g_strsplit(format, "%s", -1);
	g_autofree char *sql = g_strjoinv(name, parts);
	PGconn *db = client_open("postgres");
	PQclear(client_run(db, sql));
	PQfinish(db);
}

static PGconn *other_client(struct place *place)
{
	if (!place->other)
		place->other = client_open(place->name);
	return place->other;
}

static struct place *place_new(void)
{
	static int number;
	struct place *place = g_new0(struct place, 1);
	assert_true(postgresql_server_start());
	place->name = g_strdup_printf("place%d", ++number);
	admin("CREATE DATABASE %s", place->name);
	return place;
}

static void place_free(struct place *place)
{
	PQfinish(place->other);
	admin("DROP DATABASE %s WITH (FORCE)", place->name);
	g_free(place->name);
	g_free(place);
}

static struct store_options place_options(struct place *place)
{
	return (struct store_options){.dialect = "postgresql",
		.host = "127.0.0.1",
		.port = server.port,
		.username = "postgres",
		.database = place->name,
		.wait_ms = 50};
}

static void place_run(struct place *place, const char *sql)
{
	PQclear(client_run(other_client(place), sql));
}

static char *place_query(struct place *place, const char *sql)
{
	PGresult *result = client_run(other_client(place), sql);
	const char *text = PQntuples(result) == 0      ? "no row"
			   : PQgetisnull(result, 0, 0) ? "NULL"
						       : PQgetvalue(result, 0, 0);
	char *copy = g_strdup(text);
	PQclear(result);
	return copy;
}

static void place_lock(struct place *place, bool readers_too)
{
	place_run(place, readers_too ? "BEGIN; LOCK TABLE action IN ACCESS EXCLUSIVE MODE"
				     : "BEGIN; LOCK TABLE action IN SHARE ROW EXCLUSIVE MODE");
}

static void place_unlock(struct place *place)
{
	place_run(place, "ROLLBACK");
}

static void place_vanish(struct place *place)
{
	PQfinish(place->other);
	place->other = NULL;
	admin("ALTER DATABASE %s ALLOW_CONNECTIONS false", place->name);
	admin("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '%s'",
		place->name);
}

static void place_come_back(struct place *place)
{
	admin("ALTER DATABASE %s ALLOW_CONNECTIONS true", place->name);
}

const struct test_backend test_backend_postgresql = {
	.name = "postgresql",
	.start = postgresql_server_start,
	.place_new = place_new,
	.place_free = place_free,
	.options = place_options,
	.run = place_run,
	.query = place_query,
	.lock = place_lock,
	.unlock = place_unlock,
	.vanish = place_vanish,
	.come_back = place_come_back,
	.gone = AS_ERROR_UNAVAILABLE,
	.select_mark = "COPY (SELECT",
	/* What the server knows of the table that SQLAlchemy 1.4 and 2.0 make. */
	.create_table =
		"id integer not null nextval('action_id_seq'::regclass),name character varying not null,"
		"command character varying not null,cron json not null,merge_missed boolean,"
		"actuality_time integer,PRIMARY KEY (id)",
	.query_table =
		"SELECT string_agg(concat_ws(' ', attname, format_type(atttypid, atttypmod), CASE WHEN "
		"attnotnull THEN 'not null' END, pg_get_expr(adbin, adrelid)), ',' ORDER BY attnum) || ',' "
		"|| "
		"(SELECT string_agg(pg_get_constraintdef(oid), ',') FROM pg_constraint WHERE conrelid = "
		"'action'::regclass AND contype <> 'n') FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = "
		"attrelid AND adnum = attnum WHERE attrelid = 'action'::regclass AND attnum > 0",
	.optional_columns = "ALTER TABLE action ADD enabled BOOLEAN; ALTER TABLE action ADD timezone TEXT;"
			    "ALTER TABLE action ADD callback TEXT; ALTER TABLE action ADD max_instances INT;"
			    "ALTER TABLE action ADD timeout INT; ALTER TABLE action ADD max_attempts INT;"
			    "ALTER TABLE action ADD dst TEXT; ALTER TABLE action ADD catch_up_limit INT;"
			    "ALTER TABLE action ADD topic TEXT; ALTER TABLE action ADD error TEXT",
};
