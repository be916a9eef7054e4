/* history --follow: every entry once, oldest first, whatever the order of the commits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <glib/gstdio.h>

#include "cli/history_follow.h"

#define T0 (INT64_C(1700000000) * US_PER_SECOND)

struct fixture {
	char *folder;
	struct journal *journal;
	uint64_t sequence;
	GString *seen; /* action ids in the order they were handed on */
};

static bool note_entry(void *context, const struct history_entry *entry)
{
	struct fixture *fixture = context;
	g_string_append_printf(fixture->seen, "%s%d", fixture->seen->len ? " " : "", (int)entry->action_id);
	return true;
}

static void deliver(struct fixture *fixture, int64_t id, dur_us after)
{
	struct commit *commit = commit_new();
	struct outcome outcome = {.action_id = id,
		.nominal = T0 + after,
		.started_at = T0 + after,
		.finished_at = T0 + after,
		.attempts = 1,
		.status = STATUS_DELIVERED};
	commit->sequence = ++fixture->sequence;
	g_array_append_val(commit->outcomes, outcome);
	assert_true(journal_commit(fixture->journal, commit, NULL));
	commit_free(commit);
}

static void poll_sees(struct fixture *fixture, struct history_follow *follow, const char *expected)
{
	g_string_truncate(fixture->seen, 0);
	assert_true(history_follow_poll(follow, fixture->journal, NULL));
	assert_string_equal(fixture->seen->str, expected);
}

static void every_entry_comes_once(void **state)
{
	struct fixture *fixture = *state;
	struct history_query query = {.since = TIME_US_MIN, .limit = 50};
	struct history_follow *follow = history_follow_new(&query, note_entry, fixture);
	poll_sees(fixture, follow, "");
	deliver(fixture, 1, 0);
	deliver(fixture, 2, US_PER_SECOND);
	poll_sees(fixture, follow, "1 2");
	poll_sees(fixture, follow, "");
	/* At the same instant as one that was seen, and before it. */
	deliver(fixture, 3, US_PER_SECOND);
	deliver(fixture, 4, 500 * US_PER_MS);
	poll_sees(fixture, follow, "4 3");
	deliver(fixture, 5, US_PER_HOUR);
	poll_sees(fixture, follow, "5");
	poll_sees(fixture, follow, "");
	history_follow_free(follow);
}

static void the_limit_is_that_of_the_beginning(void **state)
{
	struct fixture *fixture = *state;
	struct history_query query = {.since = TIME_US_MIN, .limit = 2};
	struct history_follow *follow = history_follow_new(&query, note_entry, fixture);
	for (int64_t id = 1; id <= 5; id++)
		deliver(fixture, id, id * US_PER_SECOND);
	poll_sees(fixture, follow, "4 5");
	/* What the limit left out at first does not come later. */
	poll_sees(fixture, follow, "");
	for (int64_t id = 6; id <= 9; id++)
		deliver(fixture, id, id * US_PER_SECOND);
	poll_sees(fixture, follow, "6 7 8 9");
	history_follow_free(follow);
}

static void the_filter_holds(void **state)
{
	struct fixture *fixture = *state;
	int64_t id = 2;
	struct history_query query = {.since = TIME_US_MIN, .limit = 50, .action_id = &id};
	struct history_follow *follow = history_follow_new(&query, note_entry, fixture);
	deliver(fixture, 1, 0);
	deliver(fixture, 2, 1);
	poll_sees(fixture, follow, "2");
	deliver(fixture, 3, 2);
	deliver(fixture, 2, 3);
	poll_sees(fixture, follow, "2");
	history_follow_free(follow);
}

static int set_up(void **state)
{
	struct fixture *fixture = g_new0(struct fixture, 1);
	fixture->folder = g_dir_make_tmp("follow-XXXXXX", NULL);
	g_autofree char *database = g_build_filename(fixture->folder, "internal.db", NULL);
	struct journal_options options = {.dialect = "sqlite",
		.database = database,
		.history_max_age = 365 * US_PER_DAY,
		.history_max_bytes = 1 << 20};
	fixture->journal = journal_open(&options, NULL);
	fixture->seen = g_string_new(NULL);
	*state = fixture;
	return fixture->journal ? 0 : -1;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;
	journal_close(fixture->journal);
	GDir *files = g_dir_open(fixture->folder, 0, NULL);
	for (const char *name; (name = g_dir_read_name(files));) {
		g_autofree char *path = g_build_filename(fixture->folder, name, NULL);
		g_unlink(path);
	}
	g_dir_close(files);
	g_rmdir(fixture->folder);
	g_free(fixture->folder);
	g_string_free(fixture->seen, TRUE);
	g_free(fixture);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_entry_comes_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_limit_is_that_of_the_beginning, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_filter_holds, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
