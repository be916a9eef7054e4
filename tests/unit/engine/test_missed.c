/* What becomes of missed fires: INTERFACE.md 5. */
#include "rig.h"

/* An action that ran to 00:10:00, and then nothing for ten minutes. */
static struct rig *down_for_ten_minutes(struct rig_row row)
{
	struct rig *rig = rig_new();
	rig_put(rig, row);
	for (int i = 0; i < 10; i++) {
		rig_wait(rig, US_PER_MINUTE);
		rig_run(rig, row.lane);
	}
	assert_int_equal(rig_count(rig, row.id, STATUS_DELIVERED), 10);
	rig_crash(rig, 10 * US_PER_MINUTE + 30 * US_PER_SECOND);
	return rig;
}

static void each_missed_fire_is_made_up_for(void **state G_GNUC_UNUSED)
{
	struct rig *rig = down_for_ten_minutes(ROW(7, EVERY_MINUTE));
	assert_int_equal(rig_take(rig, 0, 100), 0);
	assert_int_equal(rig_run(rig, 0), 10);
	assert_int_equal(rig_count(rig, 7, STATUS_DELIVERED), 20);
	assert_int_equal(rig->backlog->len, 0);
	rig_free(rig);
}

static void of_merged_fires_the_latest_remains(void **state G_GNUC_UNUSED)
{
	struct rig_row row = ROW(7, EVERY_MINUTE);
	row.merge_missed = true;
	struct rig *rig = down_for_ten_minutes(row);
	rig_take(rig, 0, 100);
	rig_settle(rig);
	assert_int_equal(rig_take(rig, 0, 100), 1);
	assert_int_equal(rig->fires[0].nominal, at("2024-01-01T00:20:00Z"));
	rig_answer(rig, 0, rig->fires, 1, FIRE_DELIVERED);
	rig_settle(rig);
	assert_int_equal(rig_count(rig, 7, STATUS_MERGED), 9);
	assert_int_equal(
		g_array_index(rig->ranges, struct outcome_range, 0).merged_into, at("2024-01-01T00:20:00Z"));
	assert_int_equal(rig_count(rig, 7, STATUS_DELIVERED), 11);
	rig_free(rig);
}

static void a_merge_is_not_decided_again_after_a_crash(void **state G_GNUC_UNUSED)
{
	struct rig_row row = ROW(7, EVERY_MINUTE);
	row.merge_missed = true;
	struct rig *rig = down_for_ten_minutes(row);
	rig_take(rig, 0, 100);
	rig_settle(rig);
	rig_take(rig, 0, 100);
	rig_crash(rig, 5 * US_PER_MINUTE);
	rig_take(rig, 0, 100);
	rig_settle(rig);
	assert_int_equal(rig_run(rig, 0), 2);
	assert_int_equal(rig_count(rig, 7, STATUS_MERGED), 9 + 4);
	assert_int_equal(rig_count(rig, 7, STATUS_DELIVERED), 12);
	rig_free(rig);
}

static void what_is_too_old_is_missed(void **state G_GNUC_UNUSED)
{
	struct rig_row row = ROW(7, EVERY_MINUTE);
	row.actuality_s = 180;
	struct rig *rig = down_for_ten_minutes(row);
	rig_take(rig, 0, 100);
	assert_int_equal(rig_run(rig, 0), 3);
	assert_int_equal(rig_count(rig, 7, STATUS_MISSED), 7);
	assert_int_equal(rig_count_reason(rig, 7, REASON_TOO_OLD), 7);
	rig_free(rig);
}

static void age_is_judged_once_not_on_a_retry(void **state G_GNUC_UNUSED)
{
	struct rig_row row = ROW(7, EVERY_MINUTE);
	row.actuality_s = 180;
	row.max_attempts = 5;
	struct rig *rig = down_for_ten_minutes(row);
	rig_take(rig, 0, 100);
	rig_settle(rig);
	assert_int_equal(rig_take(rig, 0, 100), 3);
	rig_answer(rig, 0, rig->fires, 3, FIRE_REJECTED);
	rig_settle(rig);
	rig_crash(rig, 50 * US_PER_SECOND);
	rig_wait(rig, 5 * US_PER_SECOND);
	assert_int_equal(rig_run(rig, 0), 3 + 1);
	assert_int_equal(rig_count(rig, 7, STATUS_MISSED), 7);
	rig_free(rig);
}

static void the_limit_keeps_the_newest(void **state G_GNUC_UNUSED)
{
	struct rig_row row = ROW(7, EVERY_MINUTE);
	row.catch_up_limit = 4;
	struct rig *rig = down_for_ten_minutes(row);
	rig_take(rig, 0, 100);
	rig_settle(rig);
	assert_int_equal(rig_take(rig, 0, 100), 4);
	assert_int_equal(rig->fires[0].nominal, at("2024-01-01T00:17:00Z"));
	assert_int_equal(rig_count_reason(rig, 7, REASON_CATCH_UP_LIMIT), 6);
	assert_int_equal(rig_count(rig, 7, STATUS_SKIPPED), 6);
	rig_free(rig);
}

static void actuality_0_drops_every_missed_fire(void **state G_GNUC_UNUSED)
{
	struct rig_row row = ROW(7, EVERY_MINUTE);
	row.actuality_s = 0;
	struct rig *rig = down_for_ten_minutes(row);
	rig_take(rig, 0, 100);
	assert_int_equal(rig_run(rig, 0), 0);
	assert_int_equal(rig_count(rig, 7, STATUS_MISSED), 10);
	rig_free(rig);
}

static void a_fire_within_a_second_is_never_missed(void **state G_GNUC_UNUSED)
{
	struct rig *rig = rig_new();
	struct rig_row row = ROW(7, EVERY_MINUTE);
	row.actuality_s = 0;
	rig_put(rig, row);
	rig_wait(rig, 61 * US_PER_SECOND);
	assert_int_equal(rig_run(rig, 0), 1);
	rig_wait(rig, US_PER_MINUTE + 1);
	assert_int_equal(rig_take(rig, 0, 10), 0);
	rig_settle(rig);
	assert_int_equal(rig_count(rig, 7, STATUS_DELIVERED), 1);
	assert_int_equal(rig_count(rig, 7, STATUS_MISSED), 1);
	rig_free(rig);
}

/* Room comes too late for what was taken and not accepted. */
static void what_the_callback_has_no_room_for_is_missed(void **state G_GNUC_UNUSED)
{
	struct rig *rig = rig_new();
	for (int64_t id = 1; id <= 5; id++) {
		struct rig_row row = ROW(id, EVERY_MINUTE);
		row.actuality_s = 0;
		rig_put(rig, row);
	}
	rig_wait(rig, US_PER_MINUTE);
	assert_int_equal(rig_take_part(rig, 0, 10, 2), 5);
	rig_answer(rig, 0, rig->fires, 2, FIRE_DELIVERED);
	assert_int_equal(engine_next_wake(rig->engine) == TIME_US_MIN, false);
	rig_wait(rig, 10 * US_PER_SECOND);
	assert_int_equal(rig_take(rig, 0, 10), 0);
	engine_ready(rig->engine, 0);
	rig_run(rig, 0);
	assert_int_equal(rig_count(rig, 0, STATUS_DELIVERED), 2);
	assert_int_equal(rig_count(rig, 0, STATUS_MISSED), 3);
	rig_free(rig);
}

static void run_may_drop_the_whole_backlog(void **state G_GNUC_UNUSED)
{
	struct rig *rig = down_for_ten_minutes(ROW(7, EVERY_MINUTE));
	rig_kill(rig);
	rig->options.catch_up_from = TIME_US_MAX;
	rig_start(rig);
	rig_take(rig, 0, 100);
	assert_int_equal(rig_run(rig, 0), 0);
	assert_int_equal(rig_count_reason(rig, 7, REASON_CATCH_UP_OPTION), 10);
	rig_wait(rig, 30 * US_PER_SECOND);
	assert_int_equal(rig_run(rig, 0), 1);
	rig_free(rig);
}

static void run_may_drop_what_is_older_than_a_time(void **state G_GNUC_UNUSED)
{
	struct rig *rig = down_for_ten_minutes(ROW(7, EVERY_MINUTE));
	rig_kill(rig);
	rig->options.catch_up_from = at("2024-01-01T00:18:00Z");
	rig_start(rig);
	rig_take(rig, 0, 100);
	rig_settle(rig);
	assert_int_equal(rig_take(rig, 0, 100), 3);
	assert_int_equal(rig->fires[0].nominal, at("2024-01-01T00:18:00Z"));
	assert_int_equal(rig_count_reason(rig, 7, REASON_CATCH_UP_OPTION), 7);
	rig_free(rig);
}

/* A backlog of an earlier start, which was decided then. */
static void run_may_drop_a_backlog_that_was_begun(void **state G_GNUC_UNUSED)
{
	struct rig *rig = down_for_ten_minutes(ROW(7, EVERY_MINUTE));
	rig_take(rig, 0, 100);
	rig_settle(rig);
	assert_int_equal(rig_take(rig, 0, 2), 2);
	rig_answer(rig, 0, rig->fires, 2, FIRE_DELIVERED);
	rig_settle(rig);
	rig->options.catch_up_from = TIME_US_MAX;
	rig_crash(rig, US_PER_SECOND);
	assert_int_equal(rig_run(rig, 0), 0);
	assert_int_equal(rig_count(rig, 7, STATUS_DELIVERED), 12);
	assert_int_equal(rig_count_reason(rig, 7, REASON_CATCH_UP_OPTION), 8);
	rig_free(rig);
}

static void a_new_action_has_nothing_missed(void **state G_GNUC_UNUSED)
{
	struct rig *rig = rig_new();
	rig_wait(rig, US_PER_DAY);
	rig_put(rig, ROW(7, EVERY_MINUTE));
	assert_int_equal(rig_run(rig, 0), 0);
	rig_wait(rig, US_PER_MINUTE);
	assert_int_equal(rig_run(rig, 0), 1);
	rig_free(rig);
}

static void a_record_is_durable_before_it_is_acted_upon(void **state G_GNUC_UNUSED)
{
	struct rig *rig = down_for_ten_minutes(ROW(7, EVERY_MINUTE));
	assert_int_equal(rig_take(rig, 0, 100), 0);
	while (engine_work(rig->engine))
		;
	assert_int_equal(rig_take(rig, 0, 100), 0);
	assert_true(rig_commit(rig));
	assert_int_equal(rig->backlog->len, 1);
	while (engine_work(rig->engine))
		;
	assert_int_equal(rig_take(rig, 0, 100), 10);
	rig_free(rig);
}

static void a_callback_that_lasts_makes_up_one_after_the_other(void **state G_GNUC_UNUSED)
{
	struct rig_row row = ROW(7, EVERY_MINUTE);
	row.lane = 1;
	struct rig *rig = down_for_ten_minutes(row);
	rig_take(rig, 1, 100);
	rig_settle(rig);
	for (int i = 0; i < 10; i++) {
		assert_int_equal(rig_take(rig, 1, 100), 1);
		assert_int_equal(rig->fires[0].nominal, at("2024-01-01T00:11:00Z") + i * US_PER_MINUTE);
		struct fire fire = rig->fires[0];
		assert_int_equal(rig_take(rig, 1, 100), 0);
		rig_answer(rig, 1, &fire, 1, FIRE_DELIVERED);
		rig_settle(rig);
	}
	assert_int_equal(rig_count(rig, 7, STATUS_SKIPPED), 0);
	assert_int_equal(rig->backlog->len, 0);
	rig_free(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_missed_fire_is_made_up_for),
		cmocka_unit_test(of_merged_fires_the_latest_remains),
		cmocka_unit_test(a_merge_is_not_decided_again_after_a_crash),
		cmocka_unit_test(what_is_too_old_is_missed),
		cmocka_unit_test(age_is_judged_once_not_on_a_retry),
		cmocka_unit_test(the_limit_keeps_the_newest),
		cmocka_unit_test(actuality_0_drops_every_missed_fire),
		cmocka_unit_test(a_fire_within_a_second_is_never_missed),
		cmocka_unit_test(what_the_callback_has_no_room_for_is_missed),
		cmocka_unit_test(run_may_drop_the_whole_backlog),
		cmocka_unit_test(run_may_drop_what_is_older_than_a_time),
		cmocka_unit_test(run_may_drop_a_backlog_that_was_begun),
		cmocka_unit_test(a_new_action_has_nothing_missed),
		cmocka_unit_test(a_record_is_durable_before_it_is_acted_upon),
		cmocka_unit_test(a_callback_that_lasts_makes_up_one_after_the_other),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
