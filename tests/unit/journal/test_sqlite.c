/* The file of internal_db: how it comes to be, what it shares, who else writes to it, and damage. */
#include "fixture.h"

#include <glib/gstdio.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include "base/clock.h"

static bool try_commit(struct journal *journal, uint64_t sequence, GError **error)
{
	struct commit *commit = commit_new();
	struct lane_progress lane = {.name = g_strdup("print"), .watermark = {(time_us)sequence, 1, 2}};
	commit->sequence = sequence;
	g_array_append_val(commit->lanes, lane);
	bool done = journal_commit(journal, commit, error);
	commit_free(commit);
	return done;
}

static struct journal *try_open(const char *database, bool read_only, GError **error)
{
	struct journal_options options = sqlite_options(database);
	options.read_only = read_only;
	return journal_open(&options, error);
}

/* --- the schema --- */

static void an_empty_file_becomes_an_internal_db(void **state)
{
	struct scratch *scratch = *state;
	assert_true(g_file_set_contents(scratch->database, "", 0, NULL));
	for (int i = 1; i <= 2; i++) {
		journal_close(open_sqlite(scratch->database));
		assert_int_equal(run_sql(scratch->database, "SELECT schema_version FROM scheduler_meta"), 3);
		assert_int_equal(run_sql(scratch->database, "SELECT owner_epoch FROM scheduler_meta"), i);
		assert_int_equal(
			run_sql(scratch->database, "SELECT length(instance) FROM scheduler_meta"), 32);
	}
}

/* As version 1 left it. */
static void go_back_to_version_1(const char *database)
{
	run_sql(database, "DROP INDEX scheduler_history_failed");
	run_sql(database, "ALTER TABLE scheduler_history DROP COLUMN failed_fire");
	run_sql(database, "ALTER TABLE scheduler_open DROP COLUMN started");
	run_sql(database, "ALTER TABLE scheduler_open DROP COLUMN attempts_before");
	run_sql(database, "DROP TABLE scheduler_hold");
	run_sql(database, "ALTER TABLE scheduler_backlog DROP COLUMN drop_reason");
	run_sql(database, "ALTER TABLE scheduler_backlog DROP COLUMN skip_before_us");
	run_sql(database, "ALTER TABLE scheduler_backlog DROP COLUMN held");
	run_sql(database, "UPDATE scheduler_meta SET schema_version = 1");
}

static void an_older_schema_is_updated(void **state)
{
	struct scratch *scratch = *state;
	journal_close(open_sqlite(scratch->database));
	go_back_to_version_1(scratch->database);
	run_sql(scratch->database,
		"INSERT INTO scheduler_open (lane, action_id, nominal_us, manual, due_us, "
		"backlog, attempts, next_attempt_us) VALUES ('print', 1, 2, '', 3, 0, 4, 5)");
	run_sql(scratch->database,
		"INSERT INTO scheduler_backlog VALUES (7, 'print', 1, 2, 1, 3, 4, 3, 5, 6, 7, 1, 2, 1, "
		"NULL, 8)");
	assert_fails(try_open(scratch->database, true, error), AS_ERROR_UNAVAILABLE);
	struct journal *journal = open_sqlite(scratch->database);
	struct progress *progress;
	assert_ok((progress = journal_load(journal, NULL, NULL, error)));
	const struct open_fire *open = &g_array_index(progress->open, struct open_fire, 0);
	assert_int_equal(open->attempts, 4);
	assert_int_equal(open->attempts_before, 0);
	assert_false(open->started);
	const struct backlog_record *record = &g_array_index(progress->backlog, struct backlog_record, 0);
	assert_int_equal(record->drop_reason, REASON_CATCH_UP_OPTION);
	assert_int_equal(record->skip_before, TIME_US_MIN);
	assert_false(record->held);
	assert_int_equal(progress->hold.since, TIME_US_MIN);
	progress_free(progress);
	journal_close(journal);
	assert_int_equal(run_sql(scratch->database, "SELECT schema_version FROM scheduler_meta"), 3);
}

static void a_newer_schema_is_refused(void **state)
{
	struct scratch *scratch = *state;
	journal_close(open_sqlite(scratch->database));
	run_sql(scratch->database, "UPDATE scheduler_meta SET schema_version = 99");
	for (int read_only = 0; read_only <= 1; read_only++) {
		g_autoptr(GError) error = NULL;
		assert_null(try_open(scratch->database, read_only, &error));
		assert_true(g_error_matches(error, AS_ERROR, AS_ERROR_INVALID));
		assert_non_null(strstr(error->message, "99"));
		assert_non_null(strstr(error->message, scratch->database));
	}
	assert_int_equal(run_sql(scratch->database, "SELECT owner_epoch FROM scheduler_meta"), 1);
}

static void options_that_name_nothing_are_refused(void **state)
{
	struct scratch *scratch = *state;
	struct journal_options options = sqlite_options(NULL);
	assert_fails(journal_open(&options, error), AS_ERROR_INVALID);
	options.database = "";
	assert_fails(journal_open(&options, error), AS_ERROR_INVALID);
	options = sqlite_options(scratch->database);
	options.dialect = "oracle";
	assert_fails(journal_open(&options, error), AS_ERROR_INVALID);
	g_autofree char *nowhere = g_build_filename(scratch->folder, "none", "internal.db", NULL);
	assert_fails(try_open(nowhere, false, error), AS_ERROR_UNAVAILABLE);
	assert_fails(try_open(nowhere, true, error), AS_ERROR_MISSING);
}

#define ACTIONS                                                                                      \
	"CREATE TABLE action (id INTEGER NOT NULL, name VARCHAR NOT NULL, PRIMARY KEY (id));"        \
	"CREATE TABLE apscheduler_jobs (id VARCHAR(191) NOT NULL PRIMARY KEY, next_run_time FLOAT, " \
	"job_state BLOB NOT NULL);"                                                                  \
	"INSERT INTO action (name) VALUES ('one'), ('two');"                                         \
	"INSERT INTO apscheduler_jobs VALUES ('1', 1700000000.5, x'80');"
#define ACTIONS_SUM                                                                                         \
	"SELECT (SELECT sum(id * length(name)) FROM action) + (SELECT cast(sum(next_run_time) AS INTEGER) " \
	"FROM apscheduler_jobs) + (SELECT sum(length(sql)) FROM sqlite_master WHERE tbl_name NOT LIKE "     \
	"'scheduler_%')"

static void the_tables_beside_are_not_touched(void **state)
{
	struct scratch *scratch = *state;
	GRand *random = g_rand_new_with_seed(5);
	struct model *model = model_new();
	run_sql(scratch->database, ACTIONS);
	int64_t before = run_sql(scratch->database, ACTIONS_SUM);
	struct journal *journal = open_sqlite(scratch->database);
	for (uint64_t i = 0; i < 10; i++) {
		struct commit *commit = random_commit(random, model, i);
		model_apply(model, commit);
		assert_ok(journal_commit(journal, commit, error));
		commit_free(commit);
	}
	/* The other side goes on with its tables, new columns and all. */
	run_sql(scratch->database, "ALTER TABLE action ADD COLUMN enabled BOOLEAN; DELETE FROM action");
	assert_ok(try_commit(journal, 100, error));
	run_sql(scratch->database, "ALTER TABLE action DROP COLUMN enabled;"
				   "INSERT INTO action (name) VALUES ('one'), ('two')");
	journal_close(journal);
	assert_int_equal(run_sql(scratch->database, ACTIONS_SUM), before);
	model_free(model);
	g_rand_free(random);
}

static void the_file_is_synced_in_full_through_a_write_ahead_log(void **state)
{
	struct scratch *scratch = *state;
	struct journal *journal = open_sqlite(scratch->database);
	g_autofree char *wal = g_strconcat(scratch->database, "-wal", NULL);
	assert_ok(try_commit(journal, 1, error));
	assert_true(g_file_test(wal, G_FILE_TEST_EXISTS));
	journal_close(journal);
	assert_false(g_file_test(wal, G_FILE_TEST_EXISTS));
}

/* --- others at the same file --- */

static sqlite3 *lock(const char *database)
{
	sqlite3 *db = NULL;
	assert_int_equal(sqlite3_open(database, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	return db;
}

static void an_editor_that_holds_the_lock_is_survived(void **state)
{
	struct scratch *scratch = *state;
	struct journal *journal = open_sqlite(scratch->database);
	bool more;
	assert_ok(try_commit(journal, 1, error));
	sqlite3 *editor = lock(scratch->database);
	for (int i = 0; i < 3; i++) {
		time_us before = clock_monotonic();
		assert_fails(try_commit(journal, 2, error), AS_ERROR_UNAVAILABLE);
		assert_in_range(clock_monotonic() - before, 100 * US_PER_MS, 10 * US_PER_SECOND);
	}
	assert_ok(journal_trim(journal, 0, &more, error));
	sqlite3_close(editor);
	assert_ok(try_commit(journal, 2, error));
	assert_int_equal(run_sql(scratch->database, "SELECT due_us FROM scheduler_lane"), 2);
	journal_close(journal);
}

static void opening_a_locked_file_can_be_tried_again(void **state)
{
	struct scratch *scratch = *state;
	journal_close(open_sqlite(scratch->database));
	sqlite3 *editor = lock(scratch->database);
	assert_fails(try_open(scratch->database, false, error), AS_ERROR_UNAVAILABLE);
	sqlite3_close(editor);
	journal_close(open_sqlite(scratch->database));
}

static void own_commits_do_not_look_foreign(void **state)
{
	struct scratch *scratch = *state;
	run_sql(scratch->database, ACTIONS);
	struct journal *journal = open_sqlite(scratch->database);
	int64_t version = journal_foreign_version(journal);
	assert_int_not_equal(version, -1);
	for (uint64_t i = 0; i < 20; i++) {
		assert_ok(try_commit(journal, i, error));
		assert_int_equal(journal_foreign_version(journal), version);
	}
	for (uint64_t i = 20; i < 25; i++) {
		run_sql(scratch->database, "UPDATE action SET name = name || '!'");
		assert_ok(try_commit(journal, i, error));
		assert_int_not_equal(journal_foreign_version(journal), version);
		version = journal_foreign_version(journal);
	}
	journal_close(journal);
}

struct watcher {
	struct journal *journal;
	int64_t version;
	gint stop;
	guint calls, changes;
};

static gpointer watch(gpointer data)
{
	struct watcher *watcher = data;
	while (!g_atomic_int_get(&watcher->stop)) {
		watcher->calls++;
		watcher->changes += journal_foreign_version(watcher->journal) != watcher->version;
	}
	return NULL;
}

static void another_thread_may_ask_for_the_version(void **state)
{
	struct scratch *scratch = *state;
	struct journal *journal = open_sqlite(scratch->database);
	struct watcher watcher = {.journal = journal, .version = journal_foreign_version(journal)};
	GThread *thread = g_thread_new("watch", watch, &watcher);
	for (uint64_t i = 0; i < 100; i++)
		assert_ok(try_commit(journal, i, error));
	g_atomic_int_set(&watcher.stop, 1);
	g_thread_join(thread);
	assert_int_not_equal(watcher.calls, 0);
	assert_int_equal(watcher.changes, 0);
	journal_close(journal);
}

/* The thread that commits must not take the success of the other one for its own failure's reason. */
static void a_failure_keeps_its_reason_beside_another_thread(void **state)
{
	struct scratch *scratch = *state;
	struct journal_options options = sqlite_options(scratch->database);
	struct journal *journal;
	options.busy_deadline = 1;
	assert_ok((journal = journal_open(&options, error)));
	struct watcher watcher = {.journal = journal, .version = journal_foreign_version(journal)};
	sqlite3 *editor = lock(scratch->database);
	GThread *thread = g_thread_new("watch", watch, &watcher);
	for (uint64_t i = 0; i < 50; i++)
		assert_fails(try_commit(journal, i, error), AS_ERROR_UNAVAILABLE);
	g_atomic_int_set(&watcher.stop, 1);
	g_thread_join(thread);
	sqlite3_close(editor);
	assert_ok(try_commit(journal, 50, error));
	journal_close(journal);
}

static gpointer commit_late(gpointer data)
{
	try_commit(data, 1, NULL);
	return NULL;
}

/* A commit that waits for a lock lets the store look meanwhile. */
static void asking_for_the_version_does_not_wait_for_a_lock(void **state)
{
	struct scratch *scratch = *state;
	struct journal_options options = sqlite_options(scratch->database);
	struct journal *journal;
	options.busy_deadline = 3 * US_PER_SECOND;
	assert_ok((journal = journal_open(&options, error)));
	sqlite3 *editor = lock(scratch->database);
	GThread *thread = g_thread_new("commit", commit_late, journal);
	time_us before = clock_monotonic();
	for (int i = 0; i < 20; i++)
		assert_int_not_equal(journal_foreign_version(journal), -1);
	assert_in_range(clock_monotonic() - before, 0, 2 * US_PER_SECOND);
	sqlite3_close(editor);
	g_thread_join(thread);
	assert_int_equal(run_sql(scratch->database, "SELECT due_us FROM scheduler_lane"), 1);
	journal_close(journal);
}

/* --- damage --- */

static void what_is_no_database_is_told(void **state)
{
	struct scratch *scratch = *state;
	g_autofree char *garbage = g_strnfill(8192, 'x');
	assert_true(g_file_set_contents(scratch->database, garbage, 8192, NULL));
	assert_fails(try_open(scratch->database, false, error), AS_ERROR_CORRUPT);
	assert_fails(try_open(scratch->database, true, error), AS_ERROR_CORRUPT);
}

static void fill(const char *database)
{
	GRand *random = g_rand_new_with_seed(22);
	struct model *model = model_new();
	struct journal *journal = open_sqlite(database);
	for (uint64_t i = 0; i < 20; i++) {
		struct commit *commit = random_commit(random, model, i);
		model_apply(model, commit);
		assert_ok(journal_commit(journal, commit, error));
		commit_free(commit);
	}
	journal_close(journal);
	model_free(model);
	g_rand_free(random);
}

static void ignore_definition(void *context, const struct definition *definition)
{
	(void)context;
	(void)definition;
}

static void damaged_rows_are_told(void **state)
{
	struct scratch *scratch = *state;
	static const char *const damages[] = {
		"UPDATE scheduler_definition SET body = substr(body, 1, length(body) - 1)",
		"UPDATE scheduler_definition SET body = x'ffffffffff'",
		"UPDATE scheduler_backlog SET members = x'7f00'",
		"UPDATE scheduler_backlog SET members = x''",
		"UPDATE scheduler_open SET attempts = 65536",
		"UPDATE OR REPLACE scheduler_open SET manual = printf('%040d', 0)",
		"DELETE FROM scheduler_meta",
	};
	for (size_t i = 0; i < G_N_ELEMENTS(damages); i++) {
		g_autofree char *database = g_strdup_printf("%s.%d", scratch->database, (int)i);
		fill(database);
		struct journal *reader;
		assert_ok((reader = try_open(database, true, error)));
		run_sql(database, damages[i]);
		assert_fails(journal_load(reader, ignore_definition, NULL, error), AS_ERROR_CORRUPT);
		journal_close(reader);
	}
}

#define SQLITE_TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SQLITE_TEST(an_empty_file_becomes_an_internal_db),
		SQLITE_TEST(an_older_schema_is_updated),
		SQLITE_TEST(a_newer_schema_is_refused),
		SQLITE_TEST(options_that_name_nothing_are_refused),
		SQLITE_TEST(the_tables_beside_are_not_touched),
		SQLITE_TEST(the_file_is_synced_in_full_through_a_write_ahead_log),
		SQLITE_TEST(an_editor_that_holds_the_lock_is_survived),
		SQLITE_TEST(opening_a_locked_file_can_be_tried_again),
		SQLITE_TEST(own_commits_do_not_look_foreign),
		SQLITE_TEST(another_thread_may_ask_for_the_version),
		SQLITE_TEST(a_failure_keeps_its_reason_beside_another_thread),
		SQLITE_TEST(asking_for_the_version_does_not_wait_for_a_lock),
		SQLITE_TEST(what_is_no_database_is_told),
		SQLITE_TEST(damaged_rows_are_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
