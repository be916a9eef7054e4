/* What only the SQLite backend has: cells of any type, files that are damaged, replaced or missing, several
 * kinds of journals, and being told of changes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <glib/gstdio.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/sqlite.h"
#include "rows.h"

#define CREATE                                                                                        \
	"CREATE TABLE action (id INTEGER NOT NULL, name VARCHAR NOT NULL, command VARCHAR NOT NULL, " \
	"cron JSON NOT NULL, merge_missed BOOLEAN, actuality_time INTEGER, PRIMARY KEY (id))"

struct fixture {
	char *directory, *path;
	sqlite3 *db; /* another client */
	struct store *store;
	int asked; /* calls of busy_version */
};

static char *in_directory(const struct fixture *fixture, const char *name)
{
	return g_build_filename(fixture->directory, name, NULL);
}

static int setup(void **state)
{
	struct fixture *fixture = g_new0(struct fixture, 1);
	fixture->directory = g_dir_make_tmp("store-XXXXXX", NULL);
	fixture->path = in_directory(fixture, "actions.db");
	*state = fixture;
	return 0;
}

static void remove_tree(const char *path)
{
	g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
	for (const char *name; dir && (name = g_dir_read_name(dir));) {
		g_autofree char *inner = g_build_filename(path, name, NULL);
		remove_tree(inner);
	}
	g_remove(path);
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;
	store_close(fixture->store);
	sqlite_close(fixture->db);
	remove_tree(fixture->directory);
	g_free(fixture->directory);
	g_free(fixture->path);
	g_free(fixture);
	return 0;
}

static void run(struct fixture *fixture, const char *sql)
{
	g_autoptr(GError) error = NULL;
	if (!fixture->db)
		fixture->db = sqlite_open(fixture->path, SQLITE_MODE_CREATE, 1000, &error);
	if (!fixture->db || !sqlite_exec(fixture->db, sql, &error))
		fail_msg("%s: %s", sql, error->message);
}

static void forget_client(struct fixture *fixture)
{
	sqlite_close(fixture->db);
	fixture->db = NULL;
}

static void open_store_with(struct fixture *fixture, struct store_options options)
{
	g_autoptr(GError) error = NULL;
	options.dialect = "sqlite";
	options.wait_ms = 30;
	if (!options.database)
		options.database = fixture->path;
	fixture->store = store_open(&options, &error);
	if (!fixture->store)
		fail_msg("%s", error->message);
}

static void open_store(struct fixture *fixture)
{
	open_store_with(fixture, (struct store_options){0});
}

static void expect_rows(struct fixture *fixture, const char *expected)
{
	g_autofree char *rows = rows_of(fixture->store);
	assert_string_equal(rows, expected);
}

static bool changed(struct fixture *fixture)
{
	g_autoptr(GError) error = NULL;
	bool changed = false;
	if (!store_changed(fixture->store, &changed, &error))
		fail_msg("%s", error->message);
	return changed;
}

static void expect_error(bool result, GError *error, int code, const char *part)
{
	assert_false(result);
	if (!error) {
		fail();
		return;
	}
	if (error->code != code || !strstr(error->message, part))
		fail_msg("error %d “%s”, not %d “%s”", error->code, error->message, code, part);
	g_error_free(error);
}

static void expect_read_error(struct fixture *fixture, int code, const char *part)
{
	GError *error = NULL;
	g_autoptr(GString) out = g_string_new(NULL);
	bool result = store_read(fixture->store, rows_append, out, &error);
	expect_error(result, error, code, part);
}

static void expect_open_error(struct store_options options, int code, const char *part)
{
	GError *error = NULL;
	options.dialect = "sqlite";
	struct store *store = store_open(&options, &error);
	expect_error(store != NULL, error, code, part);
}

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
	expect_rows(fixture,
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
	expect_rows(fixture, "1|B|run|{}||\n2|A|run|{}||5|enabled=1\n");
}

static void a_view_and_generated_columns_will_do(void **state)
{
	struct fixture *fixture = *state;
	run(fixture, "CREATE TABLE t (id INTEGER PRIMARY KEY, n TEXT, cron TEXT AS ('{}'));"
		     "CREATE VIEW action AS SELECT id, n AS name, n AS command, cron FROM t;"
		     "INSERT INTO t (n) VALUES ('x'), ('y')");
	open_store(fixture);
	expect_rows(fixture, "1|x|x|{}||\n2|y|y|{}||\n");
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
	expect_rows(fixture, "-3|g||||\n9|b||||\n10|a||||\n");
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
	expect_rows(fixture, "1|e||||\n2|a||||\n");
	assert_int_equal(store_nameless_rows(fixture->store), 3);
}

static void texts_in_utf_16(void **state)
{
	struct fixture *fixture = *state;
	run(fixture, "PRAGMA encoding = 'UTF-16le'");
	run(fixture, CREATE);
	run(fixture, "INSERT INTO action VALUES (1, 'é', x'c3a9', '{}', 'yes', '7')");
	open_store(fixture);
	expect_rows(fixture, "1|\\xc3\\xa9|\\xc3\\xa9|{}|1|7\n");
}

/* --- files --- */

static void nothing_is_created_by_accident(void **state)
{
	struct fixture *fixture = *state;
	g_autofree char *nowhere = in_directory(fixture, "no/such/file");
	expect_open_error((struct store_options){.database = fixture->path}, AS_ERROR_MISSING, fixture->path);
	expect_open_error(
		(struct store_options){.database = fixture->path, .read_only = true, .create = true},
		AS_ERROR_MISSING, fixture->path);
	expect_open_error((struct store_options){.database = nowhere}, AS_ERROR_MISSING, nowhere);
	expect_open_error(
		(struct store_options){.database = nowhere, .create = true}, AS_ERROR_UNAVAILABLE, nowhere);
	expect_open_error((struct store_options){.database = fixture->directory}, AS_ERROR_UNAVAILABLE,
		fixture->directory);
	assert_false(g_file_test(fixture->path, G_FILE_TEST_EXISTS));
	/* Made once when it is opened, never again afterwards. */
	open_store_with(fixture, (struct store_options){.create = true});
	assert_true(store_create_table(fixture->store, NULL));
	assert_int_equal(g_unlink(fixture->path), 0);
	expect_read_error(fixture, AS_ERROR_MISSING, fixture->path);
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
	expect_rows(fixture, "");
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
		expect_read_error(fixture, AS_ERROR_CORRUPT, "is not an SQLite database");
		bool result = store_changed(fixture->store, &is_changed, &error);
		expect_error(result, g_steal_pointer(&error), AS_ERROR_CORRUPT, "is not an SQLite database");
	}
	/* Mended in place: the same file, other contents. */
	assert_int_equal(truncate(fixture->path, 0), 0);
	run(fixture, CREATE);
	assert_true(changed(fixture));
	expect_rows(fixture, "");
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
	expect_read_error(fixture, AS_ERROR_CORRUPT, "damaged");
	expect_read_error(fixture, AS_ERROR_CORRUPT, "damaged");
	write_file(fixture->path, whole, length);
	assert_true(changed(fixture));
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
	expect_rows(fixture, "1|old||{}|0|0\n");
	forget_client(fixture);
	/* The same number of changes in it, so that only the file itself tells. */
	g_autofree char *path = g_steal_pointer(&fixture->path);
	fixture->path = g_strdup(other);
	run(fixture, CREATE);
	run(fixture, "INSERT INTO action VALUES (1, 'new', '', '{}', 0, 0)");
	forget_client(fixture);
	assert_false(changed(fixture));
	assert_int_equal(g_rename(other, path), 0);
	assert_true(changed(fixture));
	expect_rows(fixture, "1|new||{}|0|0\n");
	assert_false(changed(fixture));
	/* Without asking first. */
	run(fixture, CREATE);
	forget_client(fixture);
	assert_int_equal(g_rename(other, path), 0);
	expect_rows(fixture, "");
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
		assert_true(changed(fixture));
		expect_rows(fixture, expected);
		assert_false(changed(fixture));
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
	expect_rows(fixture, "1|a|b|{}|0|0\n");
	run(fixture, "CREATE TABLE progress (x); INSERT INTO progress VALUES (1)");
	assert_false(changed(fixture));
	/* What the store writes is none either ... */
	const struct store_row_error bad = {1, "bad"};
	assert_true(store_write_errors(fixture->store, &bad, 1, NULL));
	assert_false(changed(fixture));
	/* ... but what a third one writes is, also when the store writes after it. */
	g_autoptr(sqlite3) third = sqlite_open(fixture->path, SQLITE_MODE_WRITE, 1000, NULL);
	assert_true(sqlite_exec(third, "UPDATE action SET name = 'x'", NULL));
	assert_true(store_write_errors(fixture->store, NULL, 0, NULL));
	assert_true(changed(fixture));
	expect_rows(fixture, "1|x|b|{}|0|0\n");
	assert_false(changed(fixture));
	assert_true(sqlite_exec(third, "DELETE FROM action", NULL));
	assert_true(changed(fixture));
	/* Samples are a change that must be read. */
	expect_rows(fixture, "");
	struct action_row row = {.name = {"n", 1}, .command = {"c", 1}, .cron = {"{}", 2}};
	assert_true(store_add_samples(fixture->store, &row, 1, NULL));
	assert_true(changed(fixture));
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
	expect_rows(fixture, "1|a|b|{}|0|0\n");
	fixture->asked = 0;
	assert_true(store_write_errors(fixture->store, &bad, 1, NULL));
	assert_int_equal(fixture->asked, 2);
	assert_true(changed(fixture));
	expect_rows(fixture, "1|x|b|{}|0|0\n");
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
	expect_rows(fixture, "");
	assert_true(changed(fixture));
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
		assert_true(changed(fixture));
	}
}

static void reading_and_neighbours_are_not_told(void **state)
{
	struct fixture *fixture = *state;
	run(fixture, CREATE);
	open_store(fixture);
	store_watch_drain(fixture->store);
	for (int i = 0; i < 3; i++) {
		expect_rows(fixture, "");
		assert_false(changed(fixture));
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
	expect_rows(fixture, "");
	store_watch_drain(fixture->store);
	assert_int_equal(g_rename(fixture->path, away), 0);
	assert_true(told_within(fixture, 5000));
	bool result = store_changed(fixture->store, &is_changed, &error);
	expect_error(result, error, AS_ERROR_MISSING, fixture->path);
	assert_int_equal(g_rename(away, fixture->path), 0);
	assert_true(told_within(fixture, 5000));
	assert_true(changed(fixture));
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
	expect_rows(fixture, "");
	forget_client(fixture);
	assert_int_equal(g_rename(inner, away), 0);
	assert_true(told_within(fixture, 5000));
	assert_int_equal(store_watch_fd(fixture->store), -1);
	assert_int_equal(g_mkdir(inner, 0700), 0);
	run(fixture, CREATE);
	assert_true(store_watch_fd(fixture->store) >= 0);
	assert_true(changed(fixture));
	expect_rows(fixture, "");
	store_watch_drain(fixture->store);
	run(fixture, "INSERT INTO action VALUES (1, 'a', 'b', '{}', 0, 0)");
	assert_true(told_within(fixture, 5000));
	assert_true(changed(fixture));
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
	expect_rows(fixture, "");
	store_watch_drain(fixture->store);
	run(fixture, "INSERT INTO action VALUES (1, 'a', 'b', '{}', 0, 0)");
	assert_true(told_within(fixture, 5000));
	expect_rows(fixture, "1|a|b|{}|0|0\n");
	/* The link leads elsewhere. */
	forget_client(fixture);
	g_free(fixture->path);
	fixture->path = g_strdup(second);
	run(fixture, CREATE);
	assert_int_equal(g_unlink(link), 0);
	assert_int_equal(symlink(second, link), 0);
	assert_true(changed(fixture));
	expect_rows(fixture, "");
	store_watch_drain(fixture->store);
	run(fixture, "INSERT INTO action VALUES (2, 'a', 'b', '{}', 0, 0)");
	assert_true(told_within(fixture, 5000));
	expect_rows(fixture, "2|a|b|{}|0|0\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(cells_of_any_type),
		TEST(tables_made_by_hand),
		TEST(a_view_and_generated_columns_will_do),
		TEST(ids_of_any_type),
		TEST(texts_in_utf_16),
		TEST(nothing_is_created_by_accident),
		TEST(relative_names_are_told_in_full),
		TEST(what_is_no_database_is_said),
		TEST(damage_is_said_and_mended),
		TEST(replaced_file_is_noticed),
		TEST(journal_mode_is_left_alone),
		TEST(own_commits_into_a_shared_file_are_no_change),
		TEST(a_write_beside_that_of_errors_is_not_lost),
		TEST(what_cannot_be_told_counts_as_changed),
		TEST(every_kind_of_write_is_told),
		TEST(reading_and_neighbours_are_not_told),
		TEST(a_file_that_goes_and_comes_is_told),
		TEST(a_directory_that_is_replaced_is_watched_again),
		TEST(a_link_is_followed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
