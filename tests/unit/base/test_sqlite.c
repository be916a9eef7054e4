/* Opening SQLite files and what their errors mean. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <glib/gstdio.h>

#include "base/error.h"
#include "base/sqlite.h"

struct fixture {
	char *directory, *path, *other;
};

static int setup(void **state)
{
	struct fixture *fixture = g_new0(struct fixture, 1);
	fixture->directory = g_dir_make_tmp("sqlite-XXXXXX", NULL);
	if (!fixture->directory)
		return -1;
	fixture->path = g_build_filename(fixture->directory, "a.db", NULL);
	fixture->other = g_build_filename(fixture->directory, "b.db", NULL);
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;
	g_unlink(fixture->path);
	g_unlink(fixture->other);
	g_rmdir(fixture->directory);
	g_free(fixture->directory);
	g_free(fixture->path);
	g_free(fixture->other);
	g_free(fixture);
	return 0;
}

static sqlite3 *open_file(const char *path, enum sqlite_mode mode)
{
	g_autoptr(GError) error = NULL;
	sqlite3 *db = sqlite_open(path, mode, 20, &error);
	if (!db)
		fail_msg("%s", error->message);
	return db;
}

static void run(sqlite3 *db, const char *sql)
{
	g_autoptr(GError) error = NULL;
	if (!sqlite_exec(db, sql, &error))
		fail_msg("%s: %s", sql, error->message);
}

/* Takes the error. */
static void assert_error(GError *error, int code, const char *path, const char *text)
{
	assert_non_null(error);
	if (!g_error_matches(error, AS_ERROR, code) || !g_str_has_prefix(error->message, path) ||
		!strstr(error->message, text))
		fail_msg("error %d: %s", error->code, error->message);
	g_error_free(error);
}

static void a_missing_file_is_made_only_where_asked(void **state)
{
	const struct fixture *fixture = *state;
	GError *error = NULL;
	assert_null(sqlite_open(fixture->path, SQLITE_MODE_READ, 0, &error));
	assert_error(error, AS_ERROR_MISSING, fixture->path, "no such file");
	error = NULL;
	assert_null(sqlite_open(fixture->path, SQLITE_MODE_WRITE, 0, &error));
	assert_error(error, AS_ERROR_MISSING, fixture->path, "no such file");
	assert_false(g_file_test(fixture->path, G_FILE_TEST_EXISTS));
	g_autoptr(sqlite3) db = open_file(fixture->path, SQLITE_MODE_CREATE);
	run(db, "CREATE TABLE t (a INTEGER)");
	assert_true(g_file_test(fixture->path, G_FILE_TEST_EXISTS));
}

static void a_directory_is_no_database(void **state)
{
	const struct fixture *fixture = *state;
	GError *error = NULL;
	assert_null(sqlite_open(fixture->directory, SQLITE_MODE_CREATE, 0, &error));
	assert_error(error, AS_ERROR_UNAVAILABLE, fixture->directory, "directory");
}

static void a_relative_path_is_shown_in_full_and_never_special(void **state)
{
	const struct fixture *fixture = *state;
	g_autofree char *before = g_get_current_dir();
	assert_int_equal(g_chdir(fixture->directory), 0);
	GError *error = NULL;
	sqlite3 *none = sqlite_open(":memory:", SQLITE_MODE_READ, 0, &error);
	assert_int_equal(g_chdir(before), 0);
	assert_null(none);
	assert_error(error, AS_ERROR_MISSING, fixture->directory, ":memory:");
}

static void another_file_is_corrupt(void **state)
{
	const struct fixture *fixture = *state;
	g_autofree char *text = g_strnfill(4096, 'x');
	assert_true(g_file_set_contents(fixture->path, text, 4096, NULL));
	g_autoptr(sqlite3) db = open_file(fixture->path, SQLITE_MODE_WRITE);
	GError *error = NULL;
	assert_false(sqlite_exec(db, "CREATE TABLE t (a)", &error));
	assert_error(error, AS_ERROR_CORRUPT, fixture->path, "not an SQLite database");
}

static void a_lock_of_someone_else_is_waited_for_and_passes(void **state)
{
	const struct fixture *fixture = *state;
	g_autoptr(sqlite3) holder = open_file(fixture->path, SQLITE_MODE_CREATE);
	g_autoptr(sqlite3) db = open_file(fixture->path, SQLITE_MODE_WRITE);
	run(holder, "CREATE TABLE t (a INTEGER PRIMARY KEY); BEGIN IMMEDIATE");
	GError *error = NULL;
	assert_false(sqlite_exec(db, "INSERT INTO t VALUES (1)", &error));
	assert_error(error, AS_ERROR_UNAVAILABLE, fixture->path, "locked");
	run(holder, "COMMIT");
	run(db, "INSERT INTO t VALUES (1)");
	error = NULL;
	assert_false(sqlite_exec(db, "INSERT INTO t VALUES (1)", &error));
	assert_error(error, AS_ERROR_FAILED, fixture->path, "UNIQUE");
}

static void a_reader_writes_nothing(void **state)
{
	const struct fixture *fixture = *state;
	g_autoptr(sqlite3) writer = open_file(fixture->path, SQLITE_MODE_CREATE);
	run(writer, "CREATE TABLE t (a INTEGER)");
	g_autoptr(sqlite3) reader = open_file(fixture->path, SQLITE_MODE_READ);
	GError *error = NULL;
	assert_false(sqlite_exec(reader, "INSERT INTO t VALUES (1)", &error));
	assert_error(error, AS_ERROR_UNAVAILABLE, fixture->path, "may only be read");
}

static void statements_step_through_rows_and_again(void **state)
{
	const struct fixture *fixture = *state;
	g_autoptr(sqlite3) db = open_file(fixture->path, SQLITE_MODE_CREATE);
	run(db, "CREATE TABLE t (a INTEGER); INSERT INTO t VALUES (3), (5)");
	g_autoptr(GError) error = NULL;
	g_autoptr(sqlite3_stmt) select = sqlite_prepare(db, "SELECT a FROM t ORDER BY a", &error);
	assert_non_null(select);
	for (int again = 0; again < 2; again++) {
		bool row = false;
		assert_true(sqlite_step(select, &row, &error) && row);
		assert_int_equal(sqlite3_column_int64(select, 0), 3);
		assert_true(sqlite_step(select, &row, &error) && row);
		assert_int_equal(sqlite3_column_int64(select, 0), 5);
		assert_true(sqlite_step(select, &row, &error) && !row);
	}
	int64_t out = 42;
	assert_true(sqlite_query_int(db, "SELECT sum(a) FROM t", &out, &error));
	assert_int_equal(out, 8);
	assert_true(sqlite_query_int(db, "SELECT a FROM t WHERE a > 9", &out, &error));
	assert_int_equal(out, 8);
	assert_false(sqlite_query_int(db, "SELECT nothing FROM t", &out, &error));
	assert_true(g_error_matches(error, AS_ERROR, AS_ERROR_FAILED));
	assert_int_equal(out, 8);
}

static void a_file_that_moved_is_noticed(void **state)
{
	const struct fixture *fixture = *state;
	g_autoptr(sqlite3) db = open_file(fixture->path, SQLITE_MODE_CREATE);
	run(db, "CREATE TABLE t (a INTEGER)");
	assert_false(sqlite_file_moved(db));
	assert_int_equal(g_rename(fixture->path, fixture->other), 0);
	assert_true(sqlite_file_moved(db));
	assert_int_equal(g_rename(fixture->other, fixture->path), 0);
	assert_false(sqlite_file_moved(db));
	g_autoptr(sqlite3) other = open_file(fixture->other, SQLITE_MODE_CREATE);
	run(other, "CREATE TABLE t (a INTEGER)");
	assert_int_equal(g_rename(fixture->other, fixture->path), 0);
	assert_true(sqlite_file_moved(db));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_missing_file_is_made_only_where_asked, setup, teardown),
		cmocka_unit_test_setup_teardown(a_directory_is_no_database, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_relative_path_is_shown_in_full_and_never_special, setup, teardown),
		cmocka_unit_test_setup_teardown(another_file_is_corrupt, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_lock_of_someone_else_is_waited_for_and_passes, setup, teardown),
		cmocka_unit_test_setup_teardown(a_reader_writes_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(statements_step_through_rows_and_again, setup, teardown),
		cmocka_unit_test_setup_teardown(a_file_that_moved_is_noticed, setup, teardown),
	};
	return cmocka_run_group_tests_name("sqlite", tests, NULL, NULL);
}
