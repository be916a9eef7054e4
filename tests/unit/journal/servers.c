#include "servers.h"

#include <gio/gio.h>
#include <libpq-fe.h>
#include <mysql.h>
#include <stdio.h>
#include <unistd.h>

struct served {
	char *schema, *search_path;
	struct journal_setting setting;
};

static struct {
	const char *dialect;
	char *directory, *host, *port;
	PGconn *pg;
	MYSQL *mysql;
	GSubprocess *process; /* MariaDB: ends with its input */
	GHashTable *schemas;  /* path -> struct served */
} backend = {.dialect = "sqlite"};

const char *backend_dialect(void)
{
	return backend.dialect;
}

bool backend_is_server(void)
{
	return strcmp(backend.dialect, "sqlite") != 0;
}

int backend_port(void)
{
	return atoi(backend.port);
}

/* --- PostgreSQL --- */

static int postgresql_start(void)
{
	g_autofree char *pid = g_strdup_printf("%d", (int)getpid());
	g_autofree char *answer = NULL;
	const char *const command[] = {TEST_LIBRARY "/postgresql-server", "start", pid, NULL};
	g_autoptr(GError) failure = NULL;
	g_autoptr(GSubprocess) process = g_subprocess_newv(command, G_SUBPROCESS_FLAGS_STDOUT_PIPE, &failure);
	if (!process || !g_subprocess_communicate_utf8(process, NULL, NULL, &answer, NULL, &failure))
		fail_msg("%s", failure->message);
	if (g_subprocess_get_exit_status(process) == 77)
		return 77;
	g_auto(GStrv) words = g_strsplit(g_strchomp(answer), " ", 2);
	if (!g_subprocess_get_successful(process) || g_strv_length(words) != 2)
		fail_msg("no PostgreSQL server: %s", answer);
	backend.directory = g_strdup(words[0]);
	backend.host = g_strdup(words[0]);
	backend.port = g_strdup(words[1]);
	const char *const names[] = {"host", "port", "user", "dbname", NULL};
	const char *const values[] = {backend.host, backend.port, "postgres", "postgres", NULL};
	backend.pg = PQconnectdbParams(names, values, 0);
	if (PQstatus(backend.pg) != CONNECTION_OK)
		fail_msg("%s", PQerrorMessage(backend.pg));
	return 0;
}

static void postgresql_stop(void)
{
	g_autofree char *command =
		g_strdup_printf("%s stop %s", TEST_LIBRARY "/postgresql-server", backend.directory);
	PQfinish(backend.pg);
	if (system(command) != 0)
		fprintf(stderr, "the server in %s was not stopped\n", backend.directory);
}

static int64_t postgresql_sql(const char *sql)
{
	PGresult *result = PQexec(backend.pg, sql);
	ExecStatusType status = PQresultStatus(result);
	if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK)
		fail_msg("%s: %s", sql, PQresultErrorMessage(result));
	int64_t value = PQntuples(result) > 0 ? g_ascii_strtoll(PQgetvalue(result, 0, 0), NULL, 10) : 0;
	PQclear(result);
	return value;
}

/* --- MariaDB --- */

static int mariadb_start(void)
{
	g_autoptr(GError) failure = NULL;
	backend.process = g_subprocess_new(G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDOUT_PIPE,
		&failure, "python3", TEST_LIBRARY "/mariadb.py", NULL);
	if (!backend.process)
		fail_msg("%s", failure->message);
	g_autoptr(GDataInputStream) answers =
		g_data_input_stream_new(g_subprocess_get_stdout_pipe(backend.process));
	g_autofree char *line = g_data_input_stream_read_line(answers, NULL, NULL, NULL);
	g_auto(GStrv) words = g_strsplit(line ? line : "", " ", 2);
	if (g_strv_length(words) != 2) {
		g_subprocess_wait(backend.process, NULL, NULL);
		if (g_subprocess_get_exit_status(backend.process) == 77)
			return 77;
		fail_msg("no MariaDB server");
	}
	backend.directory = g_path_get_dirname(words[0]);
	backend.host = g_strdup(words[0]);
	backend.port = g_strdup(words[1]);
	backend.mysql = mysql_init(NULL);
	if (!mysql_real_connect(backend.mysql, NULL, "root", "", NULL, 0, words[0], CLIENT_MULTI_STATEMENTS))
		fail_msg("%s", mysql_error(backend.mysql));
	return 0;
}

static void mariadb_stop(void)
{
	mysql_close(backend.mysql);
	g_output_stream_close(g_subprocess_get_stdin_pipe(backend.process), NULL, NULL);
	g_subprocess_wait(backend.process, NULL, NULL);
	g_object_unref(backend.process);
}

static int64_t mariadb_sql(const char *sql)
{
	int64_t value = 0;
	int more = mysql_query(backend.mysql, sql);
	for (; more == 0; more = mysql_next_result(backend.mysql)) {
		MYSQL_RES *result = mysql_store_result(backend.mysql);
		MYSQL_ROW row = result ? mysql_fetch_row(result) : NULL;
		if (row && row[0])
			value = g_ascii_strtoll(row[0], NULL, 10);
		mysql_free_result(result);
	}
	if (more > 0)
		fail_msg("%s: %s", sql, mysql_error(backend.mysql));
	return value;
}

static void mariadb_kill_sessions(void)
{
	int64_t id;
	for (int i = 0; i < 1000; i++) {
		id = mariadb_sql("SELECT id FROM information_schema.processlist "
				 "WHERE user = 'root' AND id <> connection_id() LIMIT 1");
		if (mariadb_sql("SELECT count(*) FROM information_schema.processlist "
				"WHERE user = 'root' AND id <> connection_id()") == 0)
			return;
		g_autofree char *sql = g_strdup_printf("KILL %d", (int)id);
		mysql_query(backend.mysql, sql); /* it may be gone by now */
		g_usleep(US_PER_MS);
	}
	fail_msg("sessions do not end");
}

static char *translated(const char *sql, const char *const (*words)[2], size_t count)
{
	GString *text = g_string_new(sql);
	for (size_t i = 0; i < count; i++)
		g_string_replace(text, words[i][0], words[i][1], 0);
	return g_string_free(text, FALSE);
}

/* --- whatever the server --- */

static bool is_postgresql(void)
{
	return strcmp(backend.dialect, "postgresql") == 0;
}

void backend_kill_sessions(void)
{
	if (is_postgresql())
		postgresql_sql("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
			       "WHERE application_name LIKE 'action-scheduler %'");
	else
		mariadb_kill_sessions();
}

static void served_free(void *data)
{
	struct served *served = data;
	g_free(served->schema);
	g_free(served->search_path);
	g_free(served);
}

static struct served *served_of(const char *database)
{
	static int number;
	struct served *served = g_hash_table_lookup(backend.schemas, database);
	if (served)
		return served;
	served = g_new0(struct served, 1);
	served->schema = g_strdup_printf("j%d", ++number);
	served->search_path = g_strconcat("-csearch_path=", served->schema, NULL);
	served->setting = (struct journal_setting){"options", served->search_path};
	g_autofree char *sql = g_strconcat("CREATE SCHEMA ", served->schema, NULL);
	is_postgresql() ? postgresql_sql(sql) : mariadb_sql(sql);
	g_hash_table_insert(backend.schemas, g_strdup(database), served);
	return served;
}

int backend_start(int argc, char **argv)
{
	if (argc > 1)
		backend.dialect = argv[1];
	if (!backend_is_server())
		return 0;
	backend.schemas = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, served_free);
	int status = is_postgresql() ? postgresql_start() : mariadb_start();
	if (status == 77)
		fprintf(stderr, "SKIPPED: no %s server here\n", backend.dialect);
	return status;
}

void backend_stop(void)
{
	if (!backend_is_server() || !backend.directory)
		return;
	is_postgresql() ? postgresql_stop() : mariadb_stop();
	g_hash_table_unref(backend.schemas);
	g_free(backend.directory);
	g_free(backend.host);
	g_free(backend.port);
}

struct journal_options test_options(const char *database)
{
	if (!backend_is_server() || !database || strcmp(database, ":memory:") == 0)
		return sqlite_options(database);
	struct served *served = served_of(database);
	return (struct journal_options){
		.dialect = backend.dialect,
		.database = is_postgresql() ? "postgres" : served->schema,
		.username = is_postgresql() ? "postgres" : "root",
		.host = backend.host,
		.port = backend_port(),
		.settings = &served->setting,
		.setting_count = is_postgresql(),
		.busy_deadline = US_PER_SECOND,
	};
}

struct journal *open_journal(const char *database)
{
	struct journal_options options = test_options(database);
	struct journal *journal;
	assert_ok((journal = journal_open(&options, error)));
	return journal;
}

int64_t run_test_sql(const char *database, const char *sql)
{
	static const char *const postgresql_words[][2] = {
		{"x'ffff'", "'\\xffff'::bytea"},
		{"CAST(detail AS BLOB)", "convert_to(detail, 'UTF8')"},
	};
	static const char *const mariadb_words[][2] = {{"CAST(detail AS BLOB)", "CAST(detail AS BINARY)"}};
	if (!backend_is_server())
		return run_sql(database, sql);
	const char *schema = served_of(database)->schema;
	g_autofree char *use = g_strconcat(is_postgresql() ? "SET search_path = " : "USE ", schema, NULL);
	is_postgresql() ? postgresql_sql(use) : mariadb_sql(use);
	g_autofree char *text = is_postgresql()
					? translated(sql, postgresql_words, G_N_ELEMENTS(postgresql_words))
					: translated(sql, mariadb_words, G_N_ELEMENTS(mariadb_words));
	return is_postgresql() ? postgresql_sql(text) : mariadb_sql(text);
}
