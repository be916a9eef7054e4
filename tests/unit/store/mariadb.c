/* The contract suite on MariaDB: one server for the program, a database of its own for each test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "mariadb.h"

#include <gio/gio.h>
#include <mysql.h>
#include <stdio.h>
#include <string.h>

static struct {
	GSubprocess *process;
	GDataInputStream *answers;
	char *socket;
	int64_t port;
	bool absent;
} server;

static char *answer_read(void)
{
	return g_data_input_stream_read_line(server.answers, NULL, NULL, NULL);
}

static void server_end(void)
{
	/* The end of its input ends the server. */
	g_output_stream_close(g_subprocess_get_stdin_pipe(server.process), NULL, NULL);
	g_subprocess_wait(server.process, NULL, NULL);
}

static void server_start(void)
{
	server.process = g_subprocess_new(G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDOUT_PIPE,
		NULL, "python3", TEST_LIBRARY "/mariadb.py", NULL);
	if (!server.process) {
		server.absent = true;
		return;
	}
	server.answers = g_data_input_stream_new(g_subprocess_get_stdout_pipe(server.process));
	g_autofree char *line = answer_read();
	g_auto(GStrv) words = line ? g_strsplit(line, " ", 2) : NULL;
	if (!words) {
		g_subprocess_wait(server.process, NULL, NULL);
		server.absent = g_subprocess_get_exit_status(server.process) == 77;
		if (!server.absent)
			g_error("the test's MariaDB server does not start");
		return;
	}
	server.socket = g_strdup(words[0]);
	server.port = g_ascii_strtoll(words[1], NULL, 10);
	atexit(server_end);
}

bool mariadb_available(void)
{
	if (!server.process && !server.absent)
		server_start();
	return !server.absent;
}

void mariadb_command(const char *command)
{
	g_autofree char *line = g_strconcat(command, "\n", NULL);
	assert_true(g_output_stream_write_all(
		g_subprocess_get_stdin_pipe(server.process), line, strlen(line), NULL, NULL, NULL));
	g_autofree char *answer = answer_read();
	assert_string_equal(answer ? answer : "it died", "ok");
}

/* --- places --- */

struct place {
	char database[32];
	MYSQL *other;
};

static MYSQL *client(const char *database)
{
	MYSQL *link = mysql_init(NULL);
	mysql_optionsv(link, MYSQL_SET_CHARSET_NAME, "utf8mb4");
	if (!mysql_real_connect(
		    link, NULL, "root", NULL, database, 0, server.socket, CLIENT_MULTI_STATEMENTS))
		fail_msg("%s", mysql_error(link));
	return link;
}

/* Runs every statement; the first value of the last result, if there was one. */
static char *run(MYSQL *link, const char *sql)
{
	char *value = NULL;
	int more = mysql_query(link, sql) ? 1 : 0;
	while (more == 0) {
		MYSQL_RES *result = mysql_store_result(link);
		MYSQL_ROW row = result ? mysql_fetch_row(result) : NULL;
		if (result) {
			g_free(value);
			value = g_strdup(!row ? "no row" : row[0] ? row[0] : "NULL");
		}
		mysql_free_result(result);
		more = mysql_next_result(link);
	}
	if (more > 0)
		fail_msg("%s: %s", sql, mysql_error(link));
	return value;
}

static MYSQL *other_client(struct place *place)
{
	if (!place->other)
		place->other = client(place->database);
	return place->other;
}

static void forget_client(struct place *place)
{
	if (place->other)
		mysql_close(place->other);
	place->other = NULL;
}

struct place *mariadb_new(void)
{
	static unsigned serial;
	struct place *place = g_new0(struct place, 1);
	snprintf(place->database, sizeof place->database, "t%u", serial++);
	MYSQL *link = client(NULL);
	g_autofree char *sql = g_strdup_printf(
		"CREATE DATABASE `%s` CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci", place->database);
	g_free(run(link, sql));
	mysql_close(link);
	return place;
}

void mariadb_free(struct place *place)
{
	g_autofree char *sql = g_strdup_printf("DROP DATABASE IF EXISTS `%s`", place->database);
	forget_client(place);
	g_free(run(other_client(place), sql));
	forget_client(place);
	g_free(place);
}

struct store_options mariadb_options(struct place *place)
{
	return (struct store_options){.dialect = "mariadb",
		.host = "127.0.0.1",
		.port = server.port,
		.username = "root",
		.database = place->database,
		.connect_ms = 2000,
		.statement_ms = 3000,
		.wait_ms = 30};
}

void mariadb_run(struct place *place, const char *sql)
{
	g_free(run(other_client(place), sql));
}

char *mariadb_query(struct place *place, const char *sql)
{
	char *value = run(other_client(place), sql);
	return value ? value : g_strdup("no row");
}

static void server_lock(struct place *place, bool readers_too)
{
	mariadb_run(place, readers_too ? "LOCK TABLES action WRITE" : "LOCK TABLES action READ");
}

static void server_unlock(struct place *place)
{
	mariadb_run(place, "UNLOCK TABLES");
}

static void server_vanish(struct place *place)
{
	forget_client(place);
	mariadb_command("stop");
}

static void server_come_back(struct place *place G_GNUC_UNUSED)
{
	mariadb_command("start");
}

const char *mariadb_socket(void)
{
	return server.socket;
}

const struct test_backend mariadb_server = {
	.name = "mariadb",
	.start = mariadb_available,
	.place_new = mariadb_new,
	.place_free = mariadb_free,
	.options = mariadb_options,
	.run = mariadb_run,
	.query = mariadb_query,
	.lock = server_lock,
	.unlock = server_unlock,
	.vanish = server_vanish,
	.come_back = server_come_back,
	.gone = AS_ERROR_UNAVAILABLE,
	.select_mark = "FROM `action`",
	.create_table = "id int(11) NO auto_increment|name varchar(255) NO |command longtext NO |"
			"cron longtext NO |merge_missed tinyint(1) YES |actuality_time int(11) YES ",
	.query_table = "SELECT GROUP_CONCAT(CONCAT_WS(' ', column_name, column_type, is_nullable, extra) "
		       "ORDER BY ordinal_position SEPARATOR '|') FROM information_schema.columns "
		       "WHERE table_schema = DATABASE() AND table_name = 'action'",
	.optional_columns =
		"ALTER TABLE action ADD enabled BOOL, ADD timezone TEXT, ADD callback VARCHAR(99),"
		"ADD max_instances INT, ADD timeout INT, ADD max_attempts INT, ADD dst TEXT,"
		"ADD catch_up_limit INT, ADD topic TEXT, ADD error TEXT",
};
