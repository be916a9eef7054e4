/* The history: queries against the model, what a level keeps, and trimming. */
#include "servers.h"

#define NOW INT64_C(1700000000000000)

static void commit_ok(struct journal *journal, struct commit *commit)
{
	assert_ok(journal_commit(journal, commit, error));
	commit_free(commit);
}

static struct model *fill(struct journal *journal, GRand *random, enum history_level level, int commits)
{
	struct model *model = model_new();
	model->level = level;
	for (int i = 0; i < commits; i++) {
		struct commit *commit = random_commit(random, model, (uint64_t)i);
		model_apply(model, commit);
		commit_ok(journal, commit);
	}
	return model;
}

/* A fire id of something that is there, mostly; also one inside a range. */
static char *random_fire_id(GRand *random, const struct model *model)
{
	char id[FIRE_ID_MAX];
	const struct history_entry *entry = &g_array_index(
		model->history, struct model_entry, g_rand_int_range(random, 0, (int)model->history->len))
						     .entry;
	time_us nominal = g_rand_boolean(random) ? entry->scheduled_at : entry->last;
	if (entry->count > 1 && entry->last > entry->scheduled_at && entry->scheduled_at > 0)
		nominal = entry->scheduled_at + (entry->last - entry->scheduled_at) / 2;
	if (nominal < 0 || nominal > 2 * NOW)
		nominal = NOW;
	return g_strdup(fire_id_format(entry->action_id, nominal, entry->manual, id));
}

static void queries_give_what_the_model_gives(void **state)
{
	struct scratch *scratch = *state;
	GRand *random = g_rand_new_with_seed(7);
	struct journal *journal = open_journal(scratch->database);
	struct model *model = fill(journal, random, HISTORY_ALL, 80);
	for (int i = 0; i < 1500; i++) {
		int64_t id = random_id(random);
		enum fire_status status = (enum fire_status)g_rand_int_range(random, 0, STATUS_SKIPPED + 1);
		g_autofree char *fire_id = random_fire_id(random, model);
		struct history_query query = {
			.action_id = g_rand_boolean(random) ? &id : NULL,
			.status = g_rand_boolean(random) ? &status : NULL,
			.fire_id = g_rand_int_range(random, 0, 3) == 0 ? fire_id : NULL,
			.since = g_rand_boolean(random) ? TIME_US_MIN : random_time(random),
			.limit = (uint64_t)g_rand_int_range(random, 0, 30),
			.notes = g_rand_boolean(random),
		};
		query.failed_fire = query.fire_id && g_rand_boolean(random);
		model_check_history(model, journal, &query);
	}
	journal_close(journal);
	model_free(model);
	g_rand_free(random);
}

static void a_level_keeps_what_it_says(void **state)
{
	struct scratch *scratch = *state;
	for (enum history_level level = HISTORY_ALL; level <= HISTORY_OFF; level++) {
		GRand *random = g_rand_new_with_seed(8);
		g_autofree char *database = g_strdup_printf("%s.%d", scratch->database, (int)level);
		struct journal_options options = test_options(database);
		struct history_query all = {.since = TIME_US_MIN, .notes = true};
		struct journal *journal;
		options.history_level = level;
		assert_ok((journal = journal_open(&options, error)));
		struct model *model = fill(journal, random, level, 20);
		assert_int_equal(model->history->len == 0, level == HISTORY_OFF);
		model_check_history(model, journal, &all);
		model_check_progress(model, journal);
		journal_close(journal);
		model_free(model);
		g_rand_free(random);
	}
}

/* --- large rows --- */

static struct commit *burst(int64_t first, guint count, time_us at)
{
	struct commit *commit = commit_new();
	commit->sequence = (uint64_t)at;
	for (guint i = 0; i < count; i++) {
		struct outcome outcome = {.action_id = first + i,
			.nominal = at,
			.started_at = at + 10,
			.finished_at = at + 20,
			.attempts = 1};
		g_array_append_val(commit->outcomes, outcome);
	}
	return commit;
}

static void a_burst_is_some_rows_of_some_bytes(void **state)
{
	struct scratch *scratch = *state;
	struct journal *journal = open_journal(scratch->database);
	struct model *model = model_new();
	struct commit *commit = burst(1, 5000, NOW);
	struct history_query all = {.since = TIME_US_MIN};
	model_apply(model, commit);
	commit_ok(journal, commit);
	model_check_history(model, journal, &all);
	journal_close(journal);
	assert_int_equal(run_test_sql(scratch->database, "SELECT count(*) FROM scheduler_history"), 3);
	assert_in_range(
		run_test_sql(scratch->database, "SELECT sum(length(body)) FROM scheduler_history"), 1, 200);
	model_free(model);
}

static void a_long_range_is_read_back_action_by_action(void **state)
{
	struct scratch *scratch = *state;
	struct journal *journal = open_journal(scratch->database);
	struct model *model = model_new();
	struct commit *commit = commit_new();
	struct outcome_range range = {.status = STATUS_MERGED,
		.reason = REASON_MERGED,
		.at = NOW,
		.first = NOW - US_PER_DAY,
		.last = NOW - US_PER_HOUR,
		.count = UINT64_MAX,
		.merged_into = NOW - US_PER_MINUTE,
		.id_count = 5000,
		.ids = g_new(int64_t, 5000)};
	for (int i = 0; i < 5000; i++)
		range.ids[i] = i * 3;
	g_array_append_val(commit->ranges, range);
	model_apply(model, commit);
	commit_ok(journal, commit);
	int64_t id = 4200;
	struct history_query one = {.action_id = &id, .since = TIME_US_MIN};
	struct history_query all = {.since = TIME_US_MIN};
	model_check_history(model, journal, &one);
	model_check_history(model, journal, &all);
	journal_close(journal);
	model_free(model);
}

struct stop_after {
	guint left;
};

static bool stop_after(void *context, const struct history_entry *entry)
{
	(void)entry;
	struct stop_after *stop = context;
	return --stop->left > 0;
}

static void a_listing_stops_when_told(void **state)
{
	struct scratch *scratch = *state;
	struct journal *journal = open_journal(scratch->database);
	struct stop_after stop = {10};
	struct history_query all = {.since = TIME_US_MIN};
	commit_ok(journal, burst(1, 3000, NOW));
	assert_ok(journal_history(journal, &all, stop_after, &stop, error));
	assert_int_equal(stop.left, 0);
	/* The statement was let go of: a commit goes through. */
	commit_ok(journal, burst(1, 10, NOW + 1));
	journal_close(journal);
}

static void what_is_no_fire_id_is_refused(void **state)
{
	struct scratch *scratch = *state;
	struct journal *journal = open_journal(scratch->database);
	struct history_query query = {.since = TIME_US_MIN, .fire_id = "17@yesterday"};
	assert_fails(journal_history(journal, &query, stop_after, NULL, error), AS_ERROR_INVALID);
	journal_close(journal);
}

static void a_damaged_row_is_told(void **state)
{
	struct scratch *scratch = *state;
	static const char *const damages[] = {
		"UPDATE scheduler_history SET body = x'ffff'",
		"UPDATE scheduler_history SET body = NULL",
		"UPDATE scheduler_history SET status = 17",
		"UPDATE scheduler_history SET kind = 9",
		"UPDATE scheduler_history SET attempts = -1",
	};
	struct stop_after stop = {1000};
	struct history_query all = {.since = TIME_US_MIN};
	for (size_t i = 0; i < G_N_ELEMENTS(damages); i++) {
		struct journal *journal = open_journal(scratch->database);
		commit_ok(journal, burst(1, 10, NOW));
		run_test_sql(scratch->database, damages[i]);
		assert_fails(journal_history(journal, &all, stop_after, &stop, error), AS_ERROR_CORRUPT);
		journal_close(journal);
		run_test_sql(scratch->database, "DELETE FROM scheduler_history");
	}
}

/* --- trimming --- */

static struct journal *open_limited(const char *database, dur_us age, int64_t bytes)
{
	struct journal_options options = test_options(database);
	struct journal *journal;
	options.history_max_age = age;
	options.history_max_bytes = bytes;
	assert_ok((journal = journal_open(&options, error)));
	return journal;
}

static int trim_all(struct journal *journal, time_us now)
{
	int calls = 0;
	for (bool more = true; more; calls++)
		assert_ok(journal_trim(journal, now, &more, error));
	return calls;
}

#define COUNTED_BYTES "SELECT history_bytes FROM scheduler_meta"
#define REAL_BYTES                                                                                     \
	"SELECT coalesce(sum(52 + coalesce(length(body), 0) + coalesce(length(CAST(detail AS BLOB)), " \
	"0) + coalesce(length(manual), 0) + coalesce(length(failed_fire), 0)), 0) FROM scheduler_history"

static void what_is_too_old_goes_in_bounded_steps(void **state)
{
	struct scratch *scratch = *state;
	struct journal *journal = open_limited(scratch->database, US_PER_HOUR, 0);
	for (int i = 0; i < 1300; i++)
		commit_ok(journal, burst(i, 1, NOW + i * US_PER_SECOND));
	/* Entry i ended 20 us after its second; those of the seconds before 1200 are too old. */
	assert_int_equal(trim_all(journal, NOW + US_PER_HOUR + 1200 * US_PER_SECOND), 3);
	assert_int_equal(run_test_sql(scratch->database, "SELECT count(*) FROM scheduler_history"), 100);
	assert_int_equal(run_test_sql(scratch->database, "SELECT min(finished_us) FROM scheduler_history"),
		NOW + 1200 * US_PER_SECOND + 20);
	assert_int_equal(
		run_test_sql(scratch->database, COUNTED_BYTES), run_test_sql(scratch->database, REAL_BYTES));
	journal_close(journal);
}

static void what_is_too_much_goes_oldest_first(void **state)
{
	struct scratch *scratch = *state;
	GRand *random = g_rand_new_with_seed(9);
	struct journal *journal = open_limited(scratch->database, 0, 20000);
	struct model *model = fill(journal, random, HISTORY_ALL, 100);
	assert_int_equal(
		run_test_sql(scratch->database, COUNTED_BYTES), run_test_sql(scratch->database, REAL_BYTES));
	assert_in_range(run_test_sql(scratch->database, REAL_BYTES), 20001, 10000000);
	int64_t newest = run_test_sql(scratch->database, "SELECT max(finished_us) FROM scheduler_history");
	trim_all(journal, NOW);
	assert_int_equal(
		run_test_sql(scratch->database, COUNTED_BYTES), run_test_sql(scratch->database, REAL_BYTES));
	assert_in_range(run_test_sql(scratch->database, REAL_BYTES), 10000, 20000);
	assert_int_equal(
		run_test_sql(scratch->database, "SELECT max(finished_us) FROM scheduler_history"), newest);
	model_check_progress(model, journal);
	journal_close(journal);
	model_free(model);
	g_rand_free(random);
}

static void trimming_within_the_limits_deletes_nothing(void **state)
{
	struct scratch *scratch = *state;
	struct journal *journal = open_limited(scratch->database, US_PER_HOUR, 1000000);
	commit_ok(journal, burst(1, 10, NOW));
	assert_int_equal(trim_all(journal, NOW + US_PER_HOUR), 1);
	assert_int_equal(run_test_sql(scratch->database, "SELECT count(*) FROM scheduler_history"), 1);
	journal_close(journal);
}

int main(int argc, char **argv)
{
	int skipped = backend_start(argc, argv);
	if (skipped)
		return skipped;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			queries_give_what_the_model_gives, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(a_level_keeps_what_it_says, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(
			a_burst_is_some_rows_of_some_bytes, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(
			a_long_range_is_read_back_action_by_action, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(a_listing_stops_when_told, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(
			what_is_no_fire_id_is_refused, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(a_damaged_row_is_told, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(
			what_is_too_old_goes_in_bounded_steps, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(
			what_is_too_much_goes_oldest_first, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(
			trimming_within_the_limits_deletes_nothing, scratch_setup, scratch_teardown),
	};
	int failed = cmocka_run_group_tests_name(backend_dialect(), tests, NULL, NULL);
	backend_stop();
	return failed;
}
