/* One scheduler for each internal_db, and readers beside it. */
#include "fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static struct commit *lane_commit(uint64_t sequence)
{
	struct commit *commit = commit_new();
	struct lane_progress lane = {.name = g_strdup("print"), .watermark = {(time_us)sequence, 1, 2}};
	commit->sequence = sequence;
	g_array_append_val(commit->lanes, lane);
	return commit;
}

static bool try_commit(struct journal *journal, uint64_t sequence, GError **error)
{
	struct commit *commit = lane_commit(sequence);
	bool done = journal_commit(journal, commit, error);
	commit_free(commit);
	return done;
}

/* A process that owns the database until it is killed. */
static pid_t start_owner(const char *database)
{
	int ready[2];
	char byte;
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		struct journal_options options = sqlite_options(database);
		struct journal *journal = journal_open(&options, NULL);
		if (!journal || !try_commit(journal, 1, NULL) || write(ready[1], "!", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return child;
}

static void kill_owner(pid_t child)
{
	int status;
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, &status, 0), child);
}

static void assert_busy(const char *database, const char *names)
{
	struct journal_options options = sqlite_options(database);
	g_autoptr(GError) error = NULL;
	assert_null(journal_open(&options, &error));
	assert_true(g_error_matches(error, AS_ERROR, AS_ERROR_BUSY));
	assert_non_null(strstr(error->message, names));
	assert_non_null(strstr(error->message, ".owner"));
	assert_non_null(strstr(error->message, g_get_host_name()));
}

static void a_second_process_is_told_of_the_first(void **state)
{
	struct scratch *scratch = *state;
	pid_t child = start_owner(scratch->database);
	g_autofree char *pid = g_strdup_printf("pid %d", (int)child);
	assert_busy(scratch->database, pid);
	struct journal_options options = sqlite_options(scratch->database);
	struct journal_state found;
	assert_ok(journal_inspect(&options, &found, error));
	assert_true(g_str_has_prefix(found.owner, pid));
	assert_null(strchr(found.owner, '\n'));
	assert_int_equal(found.version, found.newest);
	assert_null(found.lacking);
	journal_state_clear(&found);
	kill_owner(child);
	assert_ok(journal_inspect(&options, &found, error));
	assert_null(found.owner);
	journal_state_clear(&found);
}

static void inspecting_what_is_not_there_makes_nothing(void **state)
{
	struct scratch *scratch = *state;
	struct journal_options options = sqlite_options(scratch->database);
	struct journal_state found;
	assert_ok(journal_inspect(&options, &found, error));
	assert_int_equal(found.version, 0);
	assert_true(found.newest > 0);
	assert_null(found.owner);
	assert_null(found.lacking);
	journal_state_clear(&found);
	assert_false(g_file_test(scratch->database, G_FILE_TEST_EXISTS));
	options.database = "/nowhere/at/all.db";
	assert_ok(journal_inspect(&options, &found, error));
	assert_non_null(strstr(found.lacking, "/nowhere/at"));
	journal_state_clear(&found);
	options.database = "";
	assert_fails(journal_inspect(&options, &found, error), AS_ERROR_INVALID);
	options.dialect = "oracle";
	assert_fails(journal_inspect(&options, &found, error), AS_ERROR_INVALID);
	options.dialect = NULL;
	assert_ok(journal_inspect(&options, &found, error));
	journal_state_clear(&found);
}

static void a_symlink_is_the_same_database(void **state)
{
	struct scratch *scratch = *state;
	g_autofree char *link = g_strconcat(scratch->database, ".link", NULL);
	assert_int_equal(symlink(scratch->database, link), 0);
	struct journal *journal = open_sqlite(link);
	assert_string_equal(journal_path(journal), scratch->database);
	assert_busy(scratch->database, "pid");
	assert_busy(link, "pid");
	journal_close(journal);
	journal_close(open_sqlite(scratch->database));
}

static void a_killed_owner_frees_it_at_once_and_its_work_is_there(void **state)
{
	struct scratch *scratch = *state;
	for (int i = 0; i < 5; i++) {
		kill_owner(start_owner(scratch->database));
		struct journal *journal = open_sqlite(scratch->database);
		struct progress *progress;
		assert_ok((progress = journal_load(journal, NULL, NULL, error)));
		assert_true(progress->known);
		assert_int_equal(progress->lanes->len, 1);
		progress_free(progress);
		journal_close(journal);
	}
}

static void a_failed_open_keeps_nothing(void **state)
{
	struct scratch *scratch = *state;
	struct journal *journal = open_sqlite(scratch->database);
	assert_busy(scratch->database, "pid");
	assert_ok(try_commit(journal, 1, error));
	journal_close(journal);
	journal_close(open_sqlite(scratch->database));
}

/* A child between fork and exec has every open file of its parent. */
static void a_closed_journal_is_free_though_a_child_has_its_files(void **state)
{
	struct scratch *scratch = *state;
	struct journal *journal = open_sqlite(scratch->database);
	pid_t child = fork();
	assert_true(child >= 0);
	while (child == 0)
		pause();
	journal_close(journal);
	journal_close(open_sqlite(scratch->database));
	kill_owner(child);
}

/* An owner that starts a long program, tells its pid once it runs, and is killed. */
static void own_and_start_program(const char *database, int pids)
{
	int started[2];
	char byte;
	struct journal_options options = sqlite_options(database);
	if (!journal_open(&options, NULL) || pipe2(started, O_CLOEXEC) != 0)
		_exit(1);
	pid_t program = fork();
	if (program == 0) {
		execl("/bin/sleep", "sleep", "60", (char *)NULL);
		_exit(1);
	}
	close(started[1]);
	/* The end of the pipe was closed by the exec. */
	if (read(started[0], &byte, 1) != 0 || write(pids, &program, sizeof program) < 0)
		_exit(1);
	for (;;)
		pause();
}

/* The program that a callback starts must not keep the database after its parent is gone. */
static void a_started_program_does_not_inherit_the_lock(void **state)
{
	struct scratch *scratch = *state;
	int pids[2];
	pid_t program;
	assert_int_equal(pipe2(pids, O_CLOEXEC), 0);
	pid_t owner = fork();
	assert_true(owner >= 0);
	if (owner == 0)
		own_and_start_program(scratch->database, pids[1]);
	close(pids[1]);
	assert_int_equal(read(pids[0], &program, sizeof program), sizeof program);
	close(pids[0]);
	kill_owner(owner);
	journal_close(open_sqlite(scratch->database));
	assert_int_equal(kill(program, SIGKILL), 0);
}

static void an_owner_of_an_earlier_epoch_is_fenced(void **state)
{
	struct scratch *scratch = *state;
	struct journal *journal = open_sqlite(scratch->database);
	g_autofree char *lock = g_strconcat(scratch->database, ".owner", NULL);
	bool more;
	assert_ok(try_commit(journal, 1, error));
	/* The lock cannot be relied on any more, so another one gets in. */
	assert_int_equal(unlink(lock), 0);
	struct journal *other = open_sqlite(scratch->database);
	assert_fails(try_commit(journal, 2, error), AS_ERROR_FENCED);
	assert_ok(try_commit(other, 7, error));
	assert_fails(try_commit(journal, 7, error), AS_ERROR_FENCED);
	assert_ok(journal_trim(journal, 0, &more, error));
	assert_int_equal(run_sql(scratch->database, "SELECT due_us FROM scheduler_lane"), 7);
	journal_close(journal);
	journal_close(other);
}

static void a_replaced_file_is_not_written_to(void **state)
{
	struct scratch *scratch = *state;
	struct journal *journal = open_sqlite(scratch->database);
	g_autofree char *moved = g_strconcat(scratch->database, ".moved", NULL);
	assert_ok(try_commit(journal, 1, error));
	assert_int_equal(rename(scratch->database, moved), 0);
	assert_fails(try_commit(journal, 2, error), AS_ERROR_FENCED);
	assert_true(g_file_set_contents(scratch->database, "", 0, NULL));
	assert_fails(try_commit(journal, 2, error), AS_ERROR_FENCED);
	journal_close(journal);
}

/* --- reading only --- */

static struct journal *open_reader(const char *database, GError **error)
{
	struct journal_options options = sqlite_options(database);
	options.read_only = true;
	return journal_open(&options, error);
}

static void a_reader_needs_something_to_read(void **state)
{
	struct scratch *scratch = *state;
	assert_fails(open_reader(scratch->database, error), AS_ERROR_MISSING);
	assert_false(g_file_test(scratch->database, G_FILE_TEST_EXISTS));
	run_sql(scratch->database, "CREATE TABLE action (id INTEGER PRIMARY KEY)");
	assert_fails(open_reader(scratch->database, error), AS_ERROR_MISSING);
	assert_int_equal(run_sql(scratch->database, "SELECT count(*) FROM sqlite_master"), 1);
}

static void readers_work_beside_the_owner(void **state)
{
	struct scratch *scratch = *state;
	GRand *random = g_rand_new_with_seed(11);
	struct model *model = model_new();
	struct journal *journal = open_sqlite(scratch->database);
	struct journal *reader;
	struct history_query all = {.since = TIME_US_MIN, .notes = true};
	assert_ok((reader = open_reader(scratch->database, error)));
	for (uint64_t i = 0; i < 10; i++) {
		struct commit *commit = random_commit(random, model, i);
		model_apply(model, commit);
		assert_ok(journal_commit(journal, commit, error));
		commit_free(commit);
		model_check_progress(model, reader);
		model_check_history(model, reader, &all);
	}
	assert_fails(try_commit(reader, 1, error), AS_ERROR_INVALID);
	journal_close(journal);
	model_check_progress(model, reader);
	journal_close(reader);
	assert_ok((reader = open_reader(scratch->database, error)));
	model_check_progress(model, reader);
	journal_close(reader);
	journal_close(open_sqlite(scratch->database));
	model_free(model);
	g_rand_free(random);
}

#define OWNER_TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		OWNER_TEST(a_second_process_is_told_of_the_first),
		OWNER_TEST(inspecting_what_is_not_there_makes_nothing),
		OWNER_TEST(a_symlink_is_the_same_database),
		OWNER_TEST(a_killed_owner_frees_it_at_once_and_its_work_is_there),
		OWNER_TEST(a_failed_open_keeps_nothing),
		OWNER_TEST(a_closed_journal_is_free_though_a_child_has_its_files),
		OWNER_TEST(a_started_program_does_not_inherit_the_lock),
		OWNER_TEST(an_owner_of_an_earlier_epoch_is_fenced),
		OWNER_TEST(a_replaced_file_is_not_written_to),
		OWNER_TEST(a_reader_needs_something_to_read),
		OWNER_TEST(readers_work_beside_the_owner),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
