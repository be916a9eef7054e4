/* SQLite files as they come and go: missing, damaged, replaced, in any journal mode; and being told of
 * changes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sqlite_file.h"

#include <glib/gstdio.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- files --- */

static void nothing_is_created_by_accident(void **state)
{
	struct fixture *fixture = *state;
	g_autofree char *nowhere = in_directory(fixture, "no/such/file");
	expect_open_error(&(struct store_options){.dialect = "sqlite", .database = fixture->path},
		AS_ERROR_MISSING, fixture->path);
	expect_open_error(
		&(struct store_options){
			.dialect = "sqlite", .database = fixture->path, .read_only = true, .create = true},
		AS_ERROR_MISSING, fixture->path);
	expect_open_error(
		&(struct store_options){.dialect = "sqlite", .database = nowhere}, AS_ERROR_MISSING, nowhere);
	expect_open_error(&(struct store_options){.dialect = "sqlite", .database = nowhere, .create = true},
		AS_ERROR_UNAVAILABLE, nowhere);
	expect_open_error(&(struct store_options){.dialect = "sqlite", .database = fixture->directory},
		AS_ERROR_UNAVAILABLE, fixture->directory);
	assert_false(g_file_test(fixture->path, G_FILE_TEST_EXISTS));
	/* Made once when it is opened, never again afterwards. */
	open_store_with(fixture, (struct store_options){.create = true});
	assert_true(store_create_table(fixture->store, NULL));
	assert_int_equal(g_unlink(fixture->path), 0);
	expect_read_error(fixture->store, AS_ERROR_MISSING, fixture->path);
	GError *error = NULL;
	bool result = store_create_table(fixture->store, &error);
	expect_error(result, error, AS_ERROR_MISSING, fixture->path);
	assert_false(g_file_test(fixture->path, G_FILE_TEST_EXISTS));
}

static void relative_names_are_told_in_full(void **state)
{
	struct fixture *fixture = *state;
	g_autofree char *before = g_get_current_dir();
	run(fixture, CREATE);
	assert_int_equal(chdir(fixture->directory), 0);
	open_store_with(fixture, (struct store_options){.database = "actions.db"});
	g_autofree char *here = g_get_current_dir();
	g_autofree char *full = g_build_filename(here, "actions.db", NULL);
	assert_int_equal(chdir(before), 0);
	assert_string_equal(store_place(fixture->store), full);
	expect_rows(fixture->store, "");
}

static void write_file(const char *path, const char *data, size_t length)
{
	assert_true(
		g_file_set_contents_full(path, data, (gssize)length, G_FILE_SET_CONTENTS_NONE, 0644, NULL));
}

static void what_is_no_database_is_said(void **state)
{
	struct fixture *fixture = *state;
	GError *error = NULL;
	bool is_changed;
	g_autofree char *rubbish = g_strnfill(5000, 'x');
	write_file(fixture->path, rubbish, 5000);
	open_store(fixture);
	for (int i = 0; i < 2; i++) {
		expect_read_error(fixture->store, AS_ERROR_CORRUPT, "is not an SQLite database");
		bool result = store_changed(fixture->store, &is_changed, &error);
		expect_error(result, g_steal_pointer(&error), AS_ERROR_CORRUPT, "is not an SQLite database");
	}
	/* Mended in place: the same file, other contents. */
	assert_int_equal(truncate(fixture->path, 0), 0);
	run(fixture, CREATE);
	assert_true(changed(fixture->store));
	expect_rows(fixture->store, "");
}

static void damage_is_said_and_mended(void **state)
{
	struct fixture *fixture = *state;
	run(fixture, "PRAGMA page_size = 512");
	run(fixture, CREATE);
	run(fixture, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500)"
		     "INSERT INTO action SELECT i, 'name', 'command', '{}', 0, 0 FROM n");
	forget_client(fixture);
	g_autofree char *whole = NULL;
	gsize length;
	assert_true(g_file_get_contents(fixture->path, &whole, &length, NULL));
	g_autofree char *damaged = g_memdup2(whole, length);
	memset(damaged + length / 2, 0xff, 512);
	write_file(fixture->path, damaged, length);
	open_store(fixture);
	expect_read_error(fixture->store, AS_ERROR_CORRUPT, "damaged");
	expect_read_error(fixture->store, AS_ERROR_CORRUPT, "damaged");
	write_file(fixture->path, whole, length);
	assert_true(changed(fixture->store));
	g_autofree char *rows = rows_of(fixture->store);
	assert_true(g_str_has_suffix(rows, "500|name|command|{}|0|0\n"));
}

static void replaced_file_is_noticed(void **state)
{
	struct fixture *fixture = *state;
	g_autofree char *other = in_directory(fixture, "other");
	run(fixture, CREATE);
	run(fixture, "INSERT INTO action VALUES (1, 'old', '', '{}', 0, 0)");
	open_store(fixture);
	expect_rows(fixture->store, "1|old||{}|0|0\n");
	forget_client(fixture);
	/* The same number of changes in it, so that only the file itself tells. */
	g_autofree char *path = g_steal_pointer(&fixture->path);
	fixture->path = g_strdup(other);
	run(fixture, CREATE);
	run(fixture, "INSERT INTO action VALUES (1, 'new', '', '{}', 0, 0)");
	forget_client(fixture);
	assert_false(changed(fixture->store));
	assert_int_equal(g_rename(other, path), 0);
	assert_true(changed(fixture->store));
	expect_rows(fixture->store, "1|new||{}|0|0\n");
	assert_false(changed(fixture->store));
	/* Without asking first. */
	run(fixture, CREATE);
	forget_client(fixture);
	assert_int_equal(g_rename(other, path), 0);
	expect_rows(fixture->store, "");
}

static void journal_mode_is_left_alone(void **state)
{
	struct fixture *fixture = *state;
	static const char *const modes[] = {"delete", "truncate", "persist", "wal"};
	run(fixture, CREATE);
	open_store(fixture);
	for (size_t i = 0; i < G_N_ELEMENTS(modes); i++) {
		g_autofree char *sql = g_strdup_printf("PRAGMA journal_mode = %s", modes[i]);
		g_autofree char *insert = g_strdup_printf("DELETE FROM action; INSERT INTO action (id, name, "
							  "command, cron) VALUES (%zu, 'a', 'b', '{}')",
			i);
		g_autofree char *expected = g_strdup_printf("%zu|a|b|{}||\n", i);
		run(fixture, sql);
		run(fixture, insert);
		assert_true(changed(fixture->store));
		expect_rows(fixture->store, expected);
		assert_false(changed(fixture->store));
		struct action_row row = {.name = {"n", 1}, .command = {"c", 1}, .cron = {"{}", 2}};
		unsigned added;
		run(fixture, "DELETE FROM action");
		assert_true(store_add_samples(fixture->store, &row, 1, NULL));
		assert_true(store_complete_table(fixture->store, &added, NULL));
		g_autoptr(sqlite3_stmt) mode = sqlite_prepare(fixture->db, "PRAGMA journal_mode", NULL);
		bool there;
		assert_true(sqlite_step(mode, &there, NULL));
		/* truncate and persist are a client's own choice and leave no trace in the file. */
		if (i == 0 || i == 3)
			assert_string_equal((const char *)sqlite3_column_text(mode, 0), modes[i]);
		else
			assert_string_not_equal((const char *)sqlite3_column_text(mode, 0), "wal");
	}
}

/* --- being told --- */

static bool told_within(struct fixture *fixture, int timeout_ms)
{
	struct pollfd fd = {.fd = store_watch_fd(fixture->store), .events = POLLIN};
	while (poll(&fd, 1, timeout_ms) > 0)
		if (store_watch_drain(fixture->store))
			return true;
	return false;
}

static void every_kind_of_write_is_told(void **state)
{
	struct fixture *fixture = *state;
	static const char *const modes[] = {"delete", "truncate", "persist", "memory", "off", "wal"};
	run(fixture, CREATE);
	open_store(fixture);
	/* From the opening on, though nobody has asked for the descriptor yet. */
	run(fixture, "INSERT INTO action VALUES (1, 'a', 'b', '{}', 0, 0)");
	assert_true(store_watch_fd(fixture->store) >= 0);
	assert_true(told_within(fixture, 5000));
	for (size_t i = 0; i < G_N_ELEMENTS(modes); i++) {
		g_autofree char *sql = g_strdup_printf("PRAGMA journal_mode = %s", modes[i]);
		run(fixture, sql);
		g_free(rows_of(fixture->store));
		store_watch_drain(fixture->store);
		run(fixture, "UPDATE action SET name = name || 'x'");
		assert_true(told_within(fixture, 5000));
		assert_true(changed(fixture->store));
	}
}

static void reading_and_neighbours_are_not_told(void **state)
{
	struct fixture *fixture = *state;
	run(fixture, CREATE);
	open_store(fixture);
	store_watch_drain(fixture->store);
	for (int i = 0; i < 3; i++) {
		expect_rows(fixture->store, "");
		assert_false(changed(fixture->store));
	}
	assert_false(told_within(fixture, 0));
	static const char *const names[] = {"actions.db2", "action", "actions.db-shm", "other.db-wal"};
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		g_autofree char *path = in_directory(fixture, names[i]);
		write_file(path, "", 0);
	}
	struct pollfd fd = {.fd = store_watch_fd(fixture->store), .events = POLLIN};
	assert_int_equal(poll(&fd, 1, 5000), 1);
	assert_false(store_watch_drain(fixture->store));
	assert_int_equal(poll(&fd, 1, 0), 0);
}

static void a_file_that_goes_and_comes_is_told(void **state)
{
	struct fixture *fixture = *state;
	GError *error = NULL;
	bool is_changed;
	g_autofree char *away = in_directory(fixture, "away");
	run(fixture, CREATE);
	forget_client(fixture);
	open_store(fixture);
	expect_rows(fixture->store, "");
	store_watch_drain(fixture->store);
	assert_int_equal(g_rename(fixture->path, away), 0);
	assert_true(told_within(fixture, 5000));
	bool result = store_changed(fixture->store, &is_changed, &error);
	expect_error(result, error, AS_ERROR_MISSING, fixture->path);
	assert_int_equal(g_rename(away, fixture->path), 0);
	assert_true(told_within(fixture, 5000));
	assert_true(changed(fixture->store));
}

static void a_directory_that_is_replaced_is_watched_again(void **state)
{
	struct fixture *fixture = *state;
	g_free(fixture->path);
	g_autofree char *inner = in_directory(fixture, "inner"), *away = in_directory(fixture, "away");
	assert_int_equal(g_mkdir(inner, 0700), 0);
	fixture->path = g_build_filename(inner, "actions.db", NULL);
	run(fixture, CREATE);
	open_store(fixture);
	expect_rows(fixture->store, "");
	forget_client(fixture);
	assert_int_equal(g_rename(inner, away), 0);
	assert_true(told_within(fixture, 5000));
	assert_int_equal(store_watch_fd(fixture->store), -1);
	assert_int_equal(g_mkdir(inner, 0700), 0);
	run(fixture, CREATE);
	assert_true(store_watch_fd(fixture->store) >= 0);
	assert_true(changed(fixture->store));
	expect_rows(fixture->store, "");
	store_watch_drain(fixture->store);
	run(fixture, "INSERT INTO action VALUES (1, 'a', 'b', '{}', 0, 0)");
	assert_true(told_within(fixture, 5000));
	assert_true(changed(fixture->store));
}

static void a_link_is_followed(void **state)
{
	struct fixture *fixture = *state;
	g_autofree char *inner = in_directory(fixture, "inner"), *link = in_directory(fixture, "link");
	g_autofree char *second = in_directory(fixture, "second");
	assert_int_equal(g_mkdir(inner, 0700), 0);
	g_free(fixture->path);
	fixture->path = g_build_filename(inner, "actions.db", NULL);
	run(fixture, CREATE);
	assert_int_equal(symlink(fixture->path, link), 0);
	open_store_with(fixture, (struct store_options){.database = link});
	expect_rows(fixture->store, "");
	store_watch_drain(fixture->store);
	run(fixture, "INSERT INTO action VALUES (1, 'a', 'b', '{}', 0, 0)");
	assert_true(told_within(fixture, 5000));
	expect_rows(fixture->store, "1|a|b|{}|0|0\n");
	/* The link leads elsewhere. */
	forget_client(fixture);
	g_free(fixture->path);
	fixture->path = g_strdup(second);
	run(fixture, CREATE);
	assert_int_equal(g_unlink(link), 0);
	assert_int_equal(symlink(second, link), 0);
	assert_true(changed(fixture->store));
	expect_rows(fixture->store, "");
	store_watch_drain(fixture->store);
	run(fixture, "INSERT INTO action VALUES (2, 'a', 'b', '{}', 0, 0)");
	assert_true(told_within(fixture, 5000));
	expect_rows(fixture->store, "2|a|b|{}|0|0\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, sqlite_setup, sqlite_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nothing_is_created_by_accident),
		TEST(relative_names_are_told_in_full),
		TEST(what_is_no_database_is_said),
		TEST(damage_is_said_and_mended),
		TEST(replaced_file_is_noticed),
		TEST(journal_mode_is_left_alone),
		TEST(every_kind_of_write_is_told),
		TEST(reading_and_neighbours_are_not_told),
		TEST(a_file_that_goes_and_comes_is_told),
		TEST(a_directory_that_is_replaced_is_watched_again),
		TEST(a_link_is_followed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
