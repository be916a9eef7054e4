/* Writes and syncs that fail, each in its turn: nothing of the commit is there, and the same commit goes
 * through later. SQLite's calls of the system are replaced by ones that fail when told. */
#include "fixture.h"

#include <errno.h>
#include <sqlite3.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "journal/sqlite.h"

/* The call that fails, counted from 1; 0: none does. */
static struct {
	int at;
	bool from_then_on; /* as a full disk does */
	int error;
	int calls, failed;
} fault;

static bool fails_now(void)
{
	fault.calls++;
	if (fault.at == 0 || fault.calls < fault.at || (fault.calls > fault.at && !fault.from_then_on))
		return false;
	fault.failed++;
	errno = fault.error;
	return true;
}

static void arm(int at, bool from_then_on, int error)
{
	fault.at = at;
	fault.from_then_on = from_then_on;
	fault.error = error;
	fault.calls = fault.failed = 0;
}

static ssize_t failing_pwrite(int fd, const void *bytes, size_t length, off_t offset)
{
	return fails_now() ? -1 : pwrite(fd, bytes, length, offset);
}

static ssize_t failing_write(int fd, const void *bytes, size_t length)
{
	return fails_now() ? -1 : write(fd, bytes, length);
}

static int failing_ftruncate(int fd, off_t length)
{
	return fails_now() ? -1 : ftruncate(fd, length);
}

/* SQLite calls these past its table of system calls. */
int fdatasync(int fd)
{
	return fails_now() ? -1 : (int)syscall(SYS_fdatasync, fd);
}

int fsync(int fd)
{
	return fails_now() ? -1 : (int)syscall(SYS_fsync, fd);
}

static int replace_calls(void **state)
{
	static const struct {
		const char *name;
		sqlite3_syscall_ptr call;
	} calls[] = {
		{"pwrite", (sqlite3_syscall_ptr)failing_pwrite},
		{"pwrite64", (sqlite3_syscall_ptr)failing_pwrite},
		{"write", (sqlite3_syscall_ptr)failing_write},
		{"ftruncate", (sqlite3_syscall_ptr)failing_ftruncate},
	};
	(void)state;
	sqlite3_initialize();
	sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(calls); i++)
		vfs->xSetSystemCall(vfs, calls[i].name, calls[i].call);
	return 0;
}

struct world {
	const char *database;
	GRand *random;
	struct model *model;
	struct journal *journal;
	uint64_t sequence;
};

static struct world world_new(const struct scratch *scratch, guint32 seed)
{
	return (struct world){scratch->database, g_rand_new_with_seed(seed), model_new(),
		open_sqlite(scratch->database), 0};
}

static void world_free(struct world *world)
{
	g_rand_free(world->random);
	model_free(world->model);
	journal_close(world->journal);
}

/* As another process sees it. */
static void check_from_outside(const struct world *world)
{
	struct journal_options options = sqlite_options(world->database);
	struct history_query all = {.since = TIME_US_MIN, .notes = true};
	struct journal *reader;
	options.read_only = true;
	assert_ok((reader = journal_open(&options, error)));
	model_check_progress(world->model, reader);
	model_check_history(world->model, reader, &all);
	journal_close(reader);
}

static void commit_in_peace(struct world *world)
{
	struct commit *commit = random_commit(world->random, world->model, ++world->sequence);
	model_apply(world->model, commit);
	assert_ok(journal_commit(world->journal, commit, error));
	commit_free(commit);
}

/* Commits with one call failing; true where the call was reached at all. */
static bool commit_with_fault(struct world *world, int at, bool from_then_on, int code)
{
	struct commit *commit = random_commit(world->random, world->model, ++world->sequence);
	g_autoptr(GError) failure = NULL;
	arm(at, from_then_on, code);
	bool done = journal_commit(world->journal, commit, &failure);
	bool reached = fault.failed > 0;
	arm(0, false, 0);
	if (!done) {
		assert_true(reached);
		assert_true(g_error_matches(failure, AS_ERROR, AS_ERROR_UNAVAILABLE));
		assert_non_null(strstr(failure->message, world->database));
		check_from_outside(world);
		assert_ok(journal_commit(world->journal, commit, error));
	}
	model_apply(world->model, commit);
	check_from_outside(world);
	commit_free(commit);
	return reached;
}

static void any_write_of_a_commit_may_fail(void **state)
{
	static const int codes[] = {ENOSPC, EIO, EDQUOT};
	struct scratch *scratch = *state;
	int missed = 0, reached = 0;
	/* The first calls one by one, the many writes of the log after them in steps. Commits are of
	 * different sizes: some calls in a row that none reaches are the end. */
	for (int at = 1; missed < 4; at += at < 16 ? 1 : 7) {
		g_autofree char *database = g_strdup_printf("%s.%d", scratch->database, at);
		struct scratch fresh = {scratch->folder, database};
		struct world world = world_new(&fresh, (guint32)at);
		bool hit = commit_with_fault(&world, at, false, codes[at % 3]);
		hit |= commit_with_fault(&world, at, true, codes[at % 3]);
		hit |= commit_with_fault(&world, at, true, codes[(at + 1) % 3]);
		missed = hit ? 0 : missed + 1;
		reached += hit;
		world_free(&world);
	}
	assert_in_range(reached, 15, 200);
}

static void a_full_disk_is_waited_out(void **state)
{
	struct world world = world_new(*state, 32);
	for (int i = 0; i < 5; i++)
		commit_in_peace(&world);
	struct commit *commit = random_commit(world.random, world.model, ++world.sequence);
	arm(1, true, ENOSPC);
	for (int i = 0; i < 10; i++)
		assert_fails(journal_commit(world.journal, commit, error), AS_ERROR_UNAVAILABLE);
	arm(0, false, 0);
	check_from_outside(&world);
	model_apply(world.model, commit);
	assert_ok(journal_commit(world.journal, commit, error));
	commit_free(commit);
	commit_in_peace(&world);
	check_from_outside(&world);
	world_free(&world);
}

static void a_file_at_its_largest_is_a_full_disk(void **state)
{
	struct world world = world_new(*state, 33);
	sqlite3 *db = jdb_of(world.journal)->db;
	commit_in_peace(&world);
	assert_ok(sqlite_exec(db, "PRAGMA max_page_count = 1", error)); /* what it has now */
	struct commit *commit;
	for (;;) {
		commit = random_commit(world.random, world.model, ++world.sequence);
		g_autoptr(GError) failure = NULL;
		if (!journal_commit(world.journal, commit, &failure)) {
			assert_true(g_error_matches(failure, AS_ERROR, AS_ERROR_UNAVAILABLE));
			break;
		}
		model_apply(world.model, commit);
		commit_free(commit);
	}
	check_from_outside(&world);
	assert_ok(sqlite_exec(db, "PRAGMA max_page_count = 1000000", error));
	assert_ok(journal_commit(world.journal, commit, error));
	model_apply(world.model, commit);
	commit_free(commit);
	check_from_outside(&world);
	world_free(&world);
}

/* The close writes the log back into the file; what fails there is made up for at the next open. */
static void a_failing_close_loses_nothing(void **state)
{
	struct world world = world_new(*state, 34);
	bool reached = true;
	for (int at = 1; reached; at++) {
		for (int i = 0; i < 3; i++)
			commit_in_peace(&world);
		arm(at, at % 2 == 0, EIO);
		journal_close(world.journal);
		reached = fault.failed > 0;
		arm(0, false, 0);
		world.journal = open_sqlite(world.database);
		world.sequence = 0;
		model_check_progress(world.model, world.journal);
		check_from_outside(&world);
	}
	world_free(&world);
}

static void any_write_of_an_open_may_fail(void **state)
{
	struct scratch *scratch = *state;
	int refused = 0;
	bool reached = true;
	for (int at = 1; reached; at++) {
		g_autofree char *database = g_strdup_printf("%s.%d", scratch->database, at);
		struct journal_options options = sqlite_options(database);
		g_autoptr(GError) failure = NULL;
		arm(at, at % 2 == 0, ENOSPC);
		struct journal *journal = journal_open(&options, &failure);
		reached = fault.failed > 0;
		arm(0, false, 0);
		if (!journal) {
			refused++;
			if (!g_error_matches(failure, AS_ERROR, AS_ERROR_UNAVAILABLE))
				fail_msg("%s", failure->message);
			journal = open_sqlite(database);
		}
		struct world world = {database, g_rand_new_with_seed(35), model_new(), journal, 0};
		commit_in_peace(&world);
		check_from_outside(&world);
		world_free(&world);
	}
	assert_in_range(refused, 5, 1000);
}

#define FAILURE_TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FAILURE_TEST(any_write_of_a_commit_may_fail),
		FAILURE_TEST(a_full_disk_is_waited_out),
		FAILURE_TEST(a_file_at_its_largest_is_a_full_disk),
		FAILURE_TEST(a_failing_close_loses_nothing),
		FAILURE_TEST(any_write_of_an_open_may_fail),
	};
	return cmocka_run_group_tests(tests, replace_calls, NULL);
}
