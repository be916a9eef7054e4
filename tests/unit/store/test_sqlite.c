/* What only the SQLite backend has: cells of any type, and a file that internal_db shares. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sqlite_file.h"

#include <unistd.h>

/* --- cells --- */

static void cells_of_any_type(void **state)
{
	struct fixture *fixture = *state;
	run(fixture, "CREATE TABLE action (id INTEGER PRIMARY KEY, name, command, cron, merge_missed, "
		     "actuality_time)");
	run(fixture, "INSERT INTO action VALUES (1, 5, 1.5, 7, '1', '600')");
	run(fixture, "INSERT INTO action VALUES (2, x'ff00', x'', x'7b7d', 'true', ' 600 ')");
	run(fixture, "INSERT INTO action VALUES (3, NULL, NULL, NULL, 'F', 600.0)");
	run(fixture, "INSERT INTO action VALUES (4, '', 'a' || char(0) || 'b', '{}', 'maybe', '600s')");
	run(fixture, "INSERT INTO action VALUES (5, 'a', 'b', '{}', 1.0, 1.5)");
	run(fixture, "INSERT INTO action VALUES (6, 'a', 'b', '{}', x'31', 9e99)");
	run(fixture, "INSERT INTO action VALUES (7, 'a', 'b', '{}', '', '')");
	run(fixture, "INSERT INTO action VALUES (8, 'a', 'b', '{}', 'OFF', '9223372036854775808')");
	run(fixture, "INSERT INTO action VALUES (9, 'a', 'b', '{}', 2, '-9223372036854775808')");
	run(fixture, "INSERT INTO action VALUES (10, 'a', 'b', '{}', 'yes', '6' || char(0))");
	run(fixture, "INSERT INTO action VALUES (11, 'a', 'b', '{}', 'yes ', 'true')");
	open_store(fixture);
	expect_rows(fixture->store,
		"1|5|1.5|7|1|600\n2|\\xff\\x00||{}|1|600\n3||||0|600\n4||a\\x00b|{}|!maybe|!600s\n"
		"5|a|b|{}|1|!1.5\n6|a|b|{}|!1|!9.0e+99\n7|a|b|{}|!|!\n8|a|b|{}|0|!9223372036854775808\n"
		"9|a|b|{}|2|-9223372036854775808\n10|a|b|{}|1|!6\\x00\n11|a|b|{}|!yes |!true\n");
}

static void tables_made_by_hand(void **state)
{
	struct fixture *fixture = *state;
	run(fixture,
		"CREATE TABLE Action (note TEXT, Cron TEXT, ACTUALITY_TIME TEXT, extra BLOB, command CLOB, "
		"name CHAR(10), Id BIGINT, enabled INT)");
	run(fixture, "INSERT INTO action VALUES ('n', '{}', 5, x'00', 'run', 'A', 2, 1),"
		     "('n', '{}', NULL, NULL, 'run', 'B', '1', NULL)");
	open_store(fixture);
	expect_rows(fixture->store, "1|B|run|{}||\n2|A|run|{}||5|enabled=1\n");
}

static void a_view_and_generated_columns_will_do(void **state)
{
	struct fixture *fixture = *state;
	run(fixture, "CREATE TABLE t (id INTEGER PRIMARY KEY, n TEXT, cron TEXT AS ('{}'));"
		     "CREATE VIEW action AS SELECT id, n AS name, n AS command, cron FROM t;"
		     "INSERT INTO t (n) VALUES ('x'), ('y')");
	open_store(fixture);
	expect_rows(fixture->store, "1|x|x|{}||\n2|y|y|{}||\n");
}

/* Ids that are texts come in the order of numbers; what is no id, or the second of its kind, is passed over.
 */
static void ids_of_any_type(void **state)
{
	struct fixture *fixture = *state;
	run(fixture, "CREATE TABLE action (id TEXT, name TEXT, command TEXT, cron TEXT)");
	run(fixture,
		"INSERT INTO action (name, command, cron, id) VALUES ('a','','','10'), ('b','','','9'),"
		"('c','','',NULL), ('d','','','x'), ('e','','','9'), ('f','','','1.5'), ('g','','','-3'),"
		"('h','','',x'00')");
	open_store(fixture);
	expect_rows(fixture->store, "-3|g||||\n9|b||||\n10|a||||\n");
	assert_int_equal(store_nameless_rows(fixture->store), 5);
	g_autoptr(GString) out = g_string_new(NULL);
	bool found;
	assert_true(store_read_one(fixture->store, 10, rows_append, out, &found, NULL));
	assert_true(found);
	assert_string_equal(out->str, "10|a||||\n");
	run(fixture,
		"DROP TABLE action; CREATE TABLE action (id INT, name TEXT, command TEXT, cron TEXT);"
		"INSERT INTO action VALUES (2,'a','',''), (NULL,'b','',''), (2,'c','',''), ('x','d','',''),"
		"(1,'e','','')");
	expect_rows(fixture->store, "1|e||||\n2|a||||\n");
	assert_int_equal(store_nameless_rows(fixture->store), 3);
}

static void texts_in_utf_16(void **state)
{
	struct fixture *fixture = *state;
	run(fixture, "PRAGMA encoding = 'UTF-16le'");
	run(fixture, CREATE);
	run(fixture, "INSERT INTO action VALUES (1, 'é', x'c3a9', '{}', 'yes', '7')");
	open_store(fixture);
	expect_rows(fixture->store, "1|\\xc3\\xa9|\\xc3\\xa9|{}|1|7\n");
}

/* --- a file shared with internal_db --- */

static int64_t client_version(void *context)
{
	struct fixture *fixture = context;
	int64_t version = -1;
	sqlite_query_int(fixture->db, "PRAGMA data_version", &version, NULL);
	return version;
}

static void own_commits_into_a_shared_file_are_no_change(void **state)
{
	struct fixture *fixture = *state;
	run(fixture, "PRAGMA journal_mode = wal");
	run(fixture, CREATE);
	run(fixture, "ALTER TABLE action ADD error VARCHAR; INSERT INTO action VALUES (1, 'a', 'b', '{}', 0, "
		     "0, NULL)");
	open_store_with(
		fixture, (struct store_options){.foreign_version = client_version, .context = fixture});
	expect_rows(fixture->store, "1|a|b|{}|0|0\n");
	run(fixture, "CREATE TABLE progress (x); INSERT INTO progress VALUES (1)");
	assert_false(changed(fixture->store));
	/* What the store writes is none either ... */
	const struct store_row_error bad = {1, "bad"};
	assert_true(store_write_errors(fixture->store, &bad, 1, NULL));
	assert_false(changed(fixture->store));
	/* ... but what a third one writes is, also when the store writes after it. */
	g_autoptr(sqlite3) third = sqlite_open(fixture->path, SQLITE_MODE_WRITE, 1000, NULL);
	assert_true(sqlite_exec(third, "UPDATE action SET name = 'x'", NULL));
	assert_true(store_write_errors(fixture->store, NULL, 0, NULL));
	assert_true(changed(fixture->store));
	expect_rows(fixture->store, "1|x|b|{}|0|0\n");
	assert_false(changed(fixture->store));
	assert_true(sqlite_exec(third, "DELETE FROM action", NULL));
	assert_true(changed(fixture->store));
	/* Samples are a change that must be read. */
	expect_rows(fixture->store, "");
	struct action_row row = {.name = {"n", 1}, .command = {"c", 1}, .cron = {"{}", 2}};
	assert_true(store_add_samples(fixture->store, &row, 1, NULL));
	assert_true(changed(fixture->store));
}

/* Asked for the second time, somebody has just written. */
static int64_t busy_version(void *context)
{
	struct fixture *fixture = context;
	if (++fixture->asked == 2) {
		g_autoptr(sqlite3) third = sqlite_open(fixture->path, SQLITE_MODE_WRITE, 1000, NULL);
		assert_true(sqlite_exec(third, "UPDATE action SET name = 'x'", NULL));
	}
	return client_version(context);
}

static void a_write_beside_that_of_errors_is_not_lost(void **state)
{
	struct fixture *fixture = *state;
	const struct store_row_error bad = {1, "bad"};
	run(fixture, "PRAGMA journal_mode = wal");
	run(fixture, CREATE);
	run(fixture, "ALTER TABLE action ADD error VARCHAR; INSERT INTO action VALUES (1, 'a', 'b', '{}', 0, "
		     "0, NULL)");
	open_store_with(fixture, (struct store_options){.foreign_version = busy_version, .context = fixture});
	expect_rows(fixture->store, "1|a|b|{}|0|0\n");
	fixture->asked = 0;
	assert_true(store_write_errors(fixture->store, &bad, 1, NULL));
	assert_int_equal(fixture->asked, 2);
	assert_true(changed(fixture->store));
	expect_rows(fixture->store, "1|x|b|{}|0|0\n");
}

static int64_t no_version(void *context G_GNUC_UNUSED)
{
	return -1;
}

static void what_cannot_be_told_counts_as_changed(void **state)
{
	struct fixture *fixture = *state;
	run(fixture, CREATE);
	open_store_with(fixture, (struct store_options){.foreign_version = no_version});
	expect_rows(fixture->store, "");
	assert_true(changed(fixture->store));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, sqlite_setup, sqlite_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(cells_of_any_type),
		TEST(tables_made_by_hand),
		TEST(a_view_and_generated_columns_will_do),
		TEST(ids_of_any_type),
		TEST(texts_in_utf_16),
		TEST(own_commits_into_a_shared_file_are_no_change),
		TEST(a_write_beside_that_of_errors_is_not_lost),
		TEST(what_cannot_be_told_counts_as_changed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
