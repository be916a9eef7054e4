/* What only the MySQL and MariaDB backend has to do: types, privileges, deadlines, lost connections. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "mariadb.h"
#include "expect.h"
#include "store/mysql.h"
#include "wrap_poll.h"

#include <string.h>
#include <unistd.h>

struct fixture {
	struct place *place;
	struct store_options options;
	struct store *store;
};

static int setup(void **state)
{
	struct fixture *fixture = g_new0(struct fixture, 1);
	fixture->place = mariadb_new();
	fixture->options = mariadb_options(fixture->place);
	fixture->store = expect_store(&fixture->options);
	*state = fixture;
	return store_create_table(fixture->store, NULL) ? 0 : -1;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;
	store_close(fixture->store);
	mariadb_free(fixture->place);
	g_free(fixture);
	return 0;
}

static void run(struct fixture *fixture, const char *sql)
{
	mariadb_run(fixture->place, sql);
}

/* --- what stands in the table --- */

static void numbers_are_read_from_any_type(void **state)
{
	struct fixture *fixture = *state;
	static const char *const types[] = {"TINYINT UNSIGNED", "BIGINT", "BIGINT UNSIGNED", "DECIMAL(9,2)",
		"DOUBLE", "VARCHAR(9)", "BIT(12)", "INT(9) ZEROFILL", "BLOB"};
	run(fixture, "INSERT INTO action VALUES (1,'a','b','{}',1,7)");
	for (size_t i = 0; i < G_N_ELEMENTS(types); i++) {
		g_autofree char *sql =
			g_strdup_printf("ALTER TABLE action MODIFY actuality_time %s", types[i]);
		run(fixture, sql);
		expect_rows(fixture->store, "1|a|b|{}|1|7\n");
		assert_false(changed(fixture->store));
	}
}

static void booleans_are_read_from_any_type(void **state)
{
	struct fixture *fixture = *state;
	static const char *const types[] = {"BIT", "BIGINT", "CHAR(5)", "ENUM('0','1')"};
	run(fixture, "INSERT INTO action VALUES "
		     "(1,'a','b','{}',1,7),(2,'a','b','{}',0,7),(3,'a','b','{}',NULL,7)");
	for (size_t i = 0; i < G_N_ELEMENTS(types); i++) {
		g_autofree char *sql = g_strdup_printf("ALTER TABLE action MODIFY merge_missed %s", types[i]);
		run(fixture, sql);
		expect_rows(fixture->store, "1|a|b|{}|1|7\n2|a|b|{}|0|7\n3|a|b|{}||7\n");
	}
}

static void invalid_values_come_as_they_are(void **state)
{
	struct fixture *fixture = *state;
	run(fixture, "ALTER TABLE action MODIFY actuality_time VARCHAR(30), MODIFY merge_missed DECIMAL(5,2),"
		     "MODIFY command LONGBLOB, MODIFY cron TEXT NULL, MODIFY name TEXT NULL;"
		     "INSERT INTO action VALUES (1,NULL,x'00ff',NULL,0.5,'soon'),(2,'','é','{',NULL,'')");
	expect_rows(fixture->store, "1||\\x00\\xff||!0.50|!soon\n2||\\xc3\\xa9|{||!\n");
}

static void ids_of_other_types(void **state)
{
	struct fixture *fixture = *state;
	run(fixture, "ALTER TABLE action MODIFY id VARCHAR(20);"
		     "INSERT INTO action VALUES "
		     "('10','a','b','{}',0,0),('9','a','b','{}',0,0),('x','a','b','{}',0,0)");
	expect_rows(fixture->store, "9|a|b|{}|0|0\n10|a|b|{}|0|0\n");
	assert_int_equal(store_nameless_rows(fixture->store), 1);
	run(fixture, "DELETE FROM action; ALTER TABLE action MODIFY id BIGINT UNSIGNED;"
		     "INSERT INTO action VALUES (9223372036854775807,'a','b','{}',0,0),"
		     "(18446744073709551615,'a','b','{}',0,0)");
	expect_rows(fixture->store, "9223372036854775807|a|b|{}|0|0\n");
	assert_int_equal(store_nameless_rows(fixture->store), 1);
}

static void every_character_and_every_set(void **state)
{
	struct fixture *fixture = *state;
	run(fixture, "ALTER TABLE action MODIFY name VARCHAR(99) CHARACTER SET latin1,"
		     "MODIFY command LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;"
		     "INSERT INTO action VALUES (1,'é','😀','{}',0,0)");
	expect_rows(fixture->store, "1|\\xc3\\xa9|\\xf0\\x9f\\x98\\x80|{}|0|0\n");
	assert_false(changed(fixture->store));
	/* Equal to the collation, not to us. */
	run(fixture, "UPDATE action SET command = '😁'");
	assert_true(changed(fixture->store));
}

static bool note_lengths(void *context, const struct action_row *row)
{
	g_string_append_printf(context, "%zu,", row->command.length);
	return row->command.data[row->command.length] == '\0';
}

static void long_texts_come_whole_up_to_the_limit(void **state)
{
	struct fixture *fixture = *state;
	g_autoptr(GString) out = g_string_new(NULL);
	struct store *store = expect_store(&fixture->options);
	run(fixture, "INSERT INTO action SELECT seq, 'a', '', '{}', 0, 0 FROM seq_1_to_6;"
		     "UPDATE action SET command = REPEAT('x', ELT(id, 3, 300, 70000, 0, 3000000, 299))");
	assert_true(store_read(store, note_lengths, out, NULL));
	assert_string_equal(out->str, "3,300,70000,0,3000000,299,");
	run(fixture, "UPDATE action SET command = REPEAT('x', 20000000) WHERE id = 3");
	g_string_truncate(out, 0);
	assert_true(store_read(store, note_lengths, out, NULL));
	g_autofree char *expected = g_strdup_printf("3,300,%u,0,3000000,299,", ACTION_TEXT_MAX + 1);
	assert_string_equal(out->str, expected);
	store_close(store);
	/* Together they are longer than what the server makes of them at once. */
	run(fixture, "SET GLOBAL max_allowed_packet = 16777216");
	store = expect_store(&fixture->options);
	run(fixture,
		"ALTER TABLE action ADD timezone LONGTEXT; UPDATE action SET command = REPEAT('x', 9000000), "
		"timezone = REPEAT('y', 9000000) WHERE id = 3");
	bool is_changed = true;
	assert_true(store_read(store, note_lengths, out, NULL));
	assert_true(store_changed(store, &is_changed, NULL));
	assert_false(is_changed);
	run(fixture, "UPDATE action SET timezone = CONCAT(timezone, 'z') WHERE id = 3");
	assert_true(store_changed(store, &is_changed, NULL));
	assert_true(is_changed);
	store_close(store);
	run(fixture, "SET GLOBAL max_allowed_packet = 67108864");
}

/* --- changes --- */

static void try_edits(struct fixture *fixture)
{
	static const char *const edits[] = {
		"UPDATE action SET command = IF(id = 1, 'run b', 'run a') WHERE id < 3", /* two values swapped
											  */
		"UPDATE action SET id = 100 WHERE id = 3",
		"UPDATE action SET merge_missed = actuality_time, actuality_time = NULL WHERE id = 4",
		"UPDATE action SET name = CONCAT(name, 'x'), command = SUBSTR(command, 2) WHERE id = 4",
		"UPDATE action SET merge_missed = NOT merge_missed",
		"DELETE FROM action WHERE id = 5",
		"ALTER TABLE action ADD timezone TEXT",
		"UPDATE action SET timezone = '' WHERE id = 4",
		"UPDATE action SET timezone = 'NULL' WHERE id = 4",
		"UPDATE action SET timezone = NULL WHERE id = 4",
		"TRUNCATE action",
	};
	run(fixture, "INSERT INTO action SELECT seq, 'a', IF(seq = 1, 'run a', 'run b'), '{}', NULL, 1 FROM "
		     "seq_1_to_5;UPDATE action SET merge_missed = 1 WHERE id = 2");
	for (size_t i = 0; i < G_N_ELEMENTS(edits); i++) {
		g_free(rows_of(fixture->store));
		assert_false(changed(fixture->store));
		run(fixture, edits[i]);
		if (!changed(fixture->store))
			fail_msg("not seen: %s", edits[i]);
	}
}

static void no_edit_goes_unseen(void **state)
{
	try_edits(*state);
}

/* Those have no CRC32C. */
static void no_edit_goes_unseen_on_older_servers(void **state)
{
	struct fixture *fixture = *state;
	store_mysql(fixture->store)->has_crc32c = false;
	try_edits(fixture);
}

static void edit_that_is_not_committed_is_seen_afterwards(void **state)
{
	struct fixture *fixture = *state;
	run(fixture, "INSERT INTO action VALUES (1,'a','b','{}',0,0)");
	expect_rows(fixture->store, "1|a|b|{}|0|0\n");
	run(fixture, "BEGIN; UPDATE action SET name = 'z'");
	assert_false(changed(fixture->store));
	expect_rows(fixture->store, "1|a|b|{}|0|0\n");
	run(fixture, "COMMIT");
	assert_true(changed(fixture->store));
}

/* --- privileges --- */

static struct store_options as_user(struct fixture *fixture, const char *grants)
{
	struct store_options options = fixture->options;
	run(fixture, "CREATE OR REPLACE USER `o'Neil \"` IDENTIFIED BY 'pä:ss@/\\\\word \\'\"'");
	if (grants)
		run(fixture, grants);
	options.username = "o'Neil \"";
	options.password = "pä:ss@/\\word '\"";
	return options;
}

static void expect_refused(struct store_options options, bool read_only, const char *refused)
{
	struct store_state state;
	options.read_only = read_only;
	struct store *store = expect_store(&options);
	assert_true(store_inspect(store, &state, NULL));
	assert_int_equal(state.trigger, STORE_TRIGGER_NONE);
	assert_string_equal(state.role, options.username);
	if (refused)
		assert_non_null(strstr(state.errors_refused, refused));
	else
		assert_null(state.errors_refused);
	store_state_clear(&state);
	store_close(store);
}

static void inspecting_tells_of_the_role(void **state)
{
	struct fixture *fixture = *state;
	struct store_options options = as_user(fixture, "GRANT SELECT ON action TO `o'Neil \"`");
	expect_refused(options, true, NULL);
	run(fixture, "ALTER TABLE action ADD error TEXT");
	expect_refused(options, false, "GRANT UPDATE ON `t");
	expect_refused(options, true, "GRANT UPDATE ON `t");
	/* Also what comes by way of a role. */
	run(fixture, "CREATE ROLE scribe; GRANT UPDATE (error) ON action TO scribe;"
		     "GRANT scribe TO `o'Neil \"`; SET DEFAULT ROLE scribe FOR `o'Neil \"`");
	expect_refused(options, true, NULL);
	run(fixture, "DROP ROLE scribe; DROP USER `o'Neil \"`");
}

static void missing_privilege_is_named(void **state)
{
	struct fixture *fixture = *state;
	GError *error = NULL;
	struct store_options options = as_user(fixture, NULL);
	expect_open_error(&options, AS_ERROR_INVALID, "GRANT SELECT ON `t");
	options = as_user(fixture, "CREATE TABLE other (x INT); GRANT SELECT ON other TO `o'Neil \"`");
	struct store *store = expect_store(&options);
	expect_read_error(store, AS_ERROR_INVALID, "GRANT SELECT ON `t");
	store_close(store);
	options = as_user(fixture, "GRANT SELECT ON action TO `o'Neil \"`; ALTER TABLE action ADD error TEXT;"
				   "INSERT INTO action (id, name, command, cron) VALUES (1,'a','b','{}')");
	store = expect_store(&options);
	assert_true(store_create_table(store, NULL));
	g_free(rows_of(store));
	bool result = store_write_errors(store, &(struct store_row_error){1, "oh"}, 1, &error);
	expect_error(result, g_steal_pointer(&error), AS_ERROR_INVALID, "GRANT UPDATE ON `t");
	unsigned added;
	result = store_complete_table(store, &added, &error);
	expect_error(result, g_steal_pointer(&error), AS_ERROR_INVALID, "GRANT ALTER ON `t");
	run(fixture, "GRANT UPDATE (error) ON action TO `o'Neil \"`");
	assert_true(store_write_errors(store, &(struct store_row_error){1, "oh"}, 1, NULL));
	run(fixture, "DROP TABLE action");
	result = store_create_table(store, &error);
	expect_error(result, error, AS_ERROR_INVALID, "GRANT CREATE ON `t");
	store_close(store);
	options.password = "wrong";
	expect_open_error(&options, AS_ERROR_INVALID, "does not let us in");
	run(fixture, "DROP USER `o'Neil \"`");
}

static void missing_database_is_said(void **state)
{
	struct fixture *fixture = *state;
	struct store_options options = fixture->options;
	options.database = "nowhere";
	expect_open_error(&options, AS_ERROR_MISSING, "CREATE DATABASE");
}

/* --- ways to the server --- */

static void unix_socket(void **state)
{
	struct fixture *fixture = *state;
	struct store_setting setting = {"unix_socket", mariadb_socket()};
	struct store_options options = fixture->options;
	options.port = 0;
	options.host = mariadb_socket();
	store_close(expect_store(&options));
	options.host = "localhost";
	options.settings = &setting;
	options.setting_count = 1;
	store_close(expect_store(&options));
}

static void options_are_checked(void **state)
{
	struct fixture *fixture = *state;
	struct store_setting setting = {"ssl_cat", "x"};
	struct store_options options = fixture->options;
	options.settings = &setting;
	options.setting_count = 1;
	expect_open_error(&options, AS_ERROR_INVALID, "ssl_ca, ");
	setting = (struct store_setting){"charset", "latin1"};
	expect_open_error(&options, AS_ERROR_INVALID, "utf8mb4");
	setting = (struct store_setting){"ssl", "maybe"};
	expect_open_error(&options, AS_ERROR_INVALID, "options.ssl: ");
	/* The server of this test has no certificate. */
	setting = (struct store_setting){"ssl-mode", "REQUIRED"};
	expect_open_error(&options, AS_ERROR_UNAVAILABLE, "has no TLS");
	setting = (struct store_setting){"ssl-mode", "PREFERRED"};
	store_close(expect_store(&options));
}

/* --- outages --- */

static void lost_connection_is_made_anew(void **state)
{
	struct fixture *fixture = *state;
	run(fixture, "INSERT INTO action VALUES (1,'a','b','{}',0,0)");
	expect_rows(fixture->store, "1|a|b|{}|0|0\n");
	g_autofree char *kill = mariadb_query(fixture->place,
		"SELECT CONCAT('KILL ', id) FROM information_schema.processlist "
		"WHERE db = DATABASE() AND id <> CONNECTION_ID()");
	run(fixture, kill);
	assert_false(changed(fixture->store));
	expect_rows(fixture->store, "1|a|b|{}|0|0\n");
}

#define HOUR_MS 3600000

static void hanging_server_is_waited_for_until_the_deadline(void **state)
{
	struct fixture *fixture = *state;
	GError *error = NULL;
	bool is_changed;
	struct store_options options = fixture->options;
	options.connect_ms = 300;
	options.statement_ms = 200;
	struct store *store = expect_store(&options);
	mariadb_command("pause");
	wrap_poll_reset();
	bool result = store_changed(store, &is_changed, &error);
	int longest = wrap_poll_longest(), timeouts = wrap_poll_timeouts();
	wrap_poll_reset();
	GError *other_error = NULL;
	struct store *other = store_open(&options, &other_error);
	int other_longest = wrap_poll_longest(), other_timeouts = wrap_poll_timeouts();
	mariadb_command("resume");
	expect_error(result, error, AS_ERROR_UNAVAILABLE, "does not answer");
	expect_error(other != NULL, other_error, AS_ERROR_UNAVAILABLE, "does not answer");
	assert_in_range(longest, 1, 200);
	assert_in_range(other_longest, 1, 300);
	/* One wait and no other: what is left of the connection is not waited for, nor is it tried again. */
	assert_int_equal(timeouts, 1);
	assert_int_equal(other_timeouts, 1);
	store_close(store);
	g_free(rows_of(fixture->store));
}

static gpointer write_soon(gpointer fd)
{
	g_usleep(100000);
	assert_int_equal(write(GPOINTER_TO_INT(fd), "x", 1), 1);
	return NULL;
}

/* The deadline is far beyond that of the test. */
static void waiting_ends_when_told_to(void **state)
{
	struct fixture *fixture = *state;
	GError *error = NULL;
	int fds[2];
	assert_int_equal(pipe(fds), 0);
	struct store_options options = fixture->options;
	options.connect_ms = options.statement_ms = HOUR_MS;
	struct store *idle = expect_store(&options);
	options.stop_fd = fds[0];
	struct store *store = expect_store(&options);
	mariadb_command("pause");
	GThread *thread = g_thread_new("stop", write_soon, GINT_TO_POINTER(fds[1]));
	bool is_changed;
	bool result = store_changed(store, &is_changed, &error);
	store_close(store);
	/* Nor does an orderly goodbye wait for a server that hangs. */
	store_close(idle);
	mariadb_command("resume");
	g_thread_join(thread);
	expect_error(result, error, AS_ERROR_UNAVAILABLE, "was ended");
	close(fds[0]);
	close(fds[1]);
}

static bool stop_at_once(void *context G_GNUC_UNUSED, const struct action_row *row G_GNUC_UNUSED)
{
	return false;
}

static uint64_t number(struct fixture *fixture, const char *sql)
{
	g_autofree char *text = mariadb_query(fixture->place, sql);
	return g_ascii_strtoull(text, NULL, 10);
}

/* The server has sent what the buffers of the connection hold, some megabytes at the most, of 50. */
static void stopping_reads_nothing_of_the_rest(void **state)
{
	static const char sent[] = "SELECT variable_value FROM information_schema.global_status "
				   "WHERE variable_name = 'BYTES_SENT'";
	static const char others[] =
		"SELECT COUNT(*) FROM information_schema.processlist WHERE db = DATABASE() AND "
		"id <> CONNECTION_ID()";
	struct fixture *fixture = *state;
	run(fixture, "INSERT INTO action SELECT seq, 'a', REPEAT('x', 1000), '{}', 0, 0 FROM seq_1_to_50000");
	uint64_t before = number(fixture, sent);
	assert_true(store_read(fixture->store, stop_at_once, NULL, NULL));
	for (int i = 0; i < 2000 && number(fixture, others) > 0; i++)
		g_usleep(10000);
	assert_int_equal(number(fixture, others), 0);
	assert_in_range(number(fixture, sent) - before, 1, 25000000);
	g_free(rows_of(fixture->store));
	assert_true(number(fixture, sent) - before > 50000000);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(numbers_are_read_from_any_type),
		TEST(booleans_are_read_from_any_type),
		TEST(invalid_values_come_as_they_are),
		TEST(ids_of_other_types),
		TEST(every_character_and_every_set),
		TEST(long_texts_come_whole_up_to_the_limit),
		TEST(no_edit_goes_unseen),
		TEST(edit_that_is_not_committed_is_seen_afterwards),
		TEST(no_edit_goes_unseen_on_older_servers),
		TEST(inspecting_tells_of_the_role),
		TEST(missing_privilege_is_named),
		TEST(missing_database_is_said),
		TEST(unix_socket),
		TEST(options_are_checked),
		TEST(lost_connection_is_made_anew),
		TEST(hanging_server_is_waited_for_until_the_deadline),
		TEST(waiting_ends_when_told_to),
		TEST(stopping_reads_nothing_of_the_rest),
	};
	return mariadb_available() ? cmocka_run_group_tests(tests, NULL, NULL) : 77;
}
