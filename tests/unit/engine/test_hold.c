/* All waits, for maintenance: what a hold stops, what comes of it at its end, and over restarts. */
#include "rig.h"

#define UUID "00000001-8d5f-4e2a-9d3c-1f0a3c5b7e90"

/* An action that has fired for three minutes; then all is held. */
static struct rig *held_after_three_minutes(struct rig_row row)
{
	struct rig *rig = rig_new();
	rig_put(rig, row);
	for (int i = 0; i < 3; i++) {
		rig_wait(rig, US_PER_MINUTE);
		rig_run(rig, row.lane);
	}
	assert_int_equal(rig_count(rig, row.id, STATUS_DELIVERED), 3);
	assert_true(engine_hold(rig->engine, "the database moves"));
	rig_settle(rig);
	return rig;
}

/* Nothing may be handed out, and nobody is to look before time does something else. */
static void assert_quiet(struct rig *rig, uint16_t lane)
{
	assert_int_equal(rig_take(rig, lane, 100), 0);
	rig_settle(rig);
	assert_int_equal(rig_take(rig, lane, 100), 0);
	assert_int_equal(engine_next_wake(rig->engine), TIME_US_MAX);
}

static void while_held_nothing_is_handed_out(void **state G_GNUC_UNUSED)
{
	struct rig_row row = ROW(7, EVERY_MINUTE);
	row.max_attempts = 3;
	struct rig *rig = rig_new();
	rig_put(rig, row);
	rig_wait(rig, US_PER_MINUTE);
	assert_int_equal(rig_take(rig, 0, 100), 1);
	struct fire first = rig->fires[0];
	rig_wait(rig, US_PER_MINUTE);
	assert_int_equal(rig_take(rig, 0, 100), 1);
	struct fire second = rig->fires[0];
	assert_true(engine_hold(rig->engine, NULL));
	assert_false(engine_hold(rig->engine, "again"));
	assert_null(engine_held(rig->engine)->reason);
	assert_int_equal(engine_held(rig->engine)->since, rig->now);
	/* What runs goes on to its end; what is refused waits. */
	rig_answer(rig, 0, &first, 1, FIRE_DELIVERED);
	rig_answer(rig, 0, &second, 1, FIRE_REJECTED);
	assert_true(engine_trigger(rig->engine, 7, UUID) == ENGINE_QUEUED);
	rig_wait(rig, US_PER_HOUR);
	assert_quiet(rig, 0);
	assert_int_equal(rig_count(rig, 7, STATUS_DELIVERED), 1);
	assert_int_equal(rig->open->len, 2);
	assert_true(engine_release(rig->engine, true));
	assert_false(engine_release(rig->engine, true));
	assert_int_equal(rig_run(rig, 0), 2);
	assert_int_equal(rig_count(rig, 7, STATUS_SKIPPED), 60);
	assert_int_equal(rig_count(rig, 7, STATUS_DELIVERED), 3);
	rig_free(rig);
}

static void at_the_end_the_stretch_is_missed(void **state G_GNUC_UNUSED)
{
	struct rig_row row = ROW(7, EVERY_MINUTE);
	row.actuality_s = 180;
	struct rig *rig = held_after_three_minutes(row);
	rig_wait(rig, 10 * US_PER_MINUTE + 30 * US_PER_SECOND);
	assert_quiet(rig, 0);
	assert_true(engine_release(rig->engine, false));
	assert_int_equal(rig_run(rig, 0), 3);
	assert_int_equal(rig_count_reason(rig, 7, REASON_TOO_OLD), 7);
	assert_int_equal(rig_count(rig, 7, STATUS_DELIVERED), 6);
	rig_free(rig);
}

static void what_was_owed_before_is_merged_with_the_stretch(void **state G_GNUC_UNUSED)
{
	struct rig_row row = ROW(7, EVERY_MINUTE);
	row.merge_missed = true;
	struct rig *rig = rig_new();
	rig_put(rig, row);
	rig_wait(rig, US_PER_MINUTE);
	engine_hold(rig->engine, NULL);
	rig_wait(rig, 5 * US_PER_MINUTE + 30 * US_PER_SECOND);
	assert_quiet(rig, 0);
	engine_release(rig->engine, false);
	assert_int_equal(rig_run(rig, 0), 1);
	assert_int_equal(rig_count(rig, 7, STATUS_MERGED), 5);
	rig_free(rig);
}

/* What was due when it began was not: it was due before. */
static void with_skip_what_was_due_since_is_dropped(void **state G_GNUC_UNUSED)
{
	struct rig *rig = rig_new();
	rig_put(rig, ROW(7, EVERY_MINUTE));
	rig_wait(rig, US_PER_MINUTE);
	engine_hold(rig->engine, NULL);
	rig_wait(rig, 60 * US_PER_MINUTE);
	engine_release(rig->engine, true);
	assert_int_equal(rig_run(rig, 0), 1);
	assert_int_equal(rig_count_reason(rig, 7, REASON_HELD), 60);
	assert_int_equal(rig->ranges->len, 1);
	const struct outcome_range *range = &g_array_index(rig->ranges, struct outcome_range, 0);
	assert_int_equal(range->first, at("2024-01-01T00:02:00Z"));
	assert_int_equal(range->last, at("2024-01-01T01:01:00Z"));
	rig_wait(rig, US_PER_MINUTE);
	assert_int_equal(rig_run(rig, 0), 1);
	assert_int_equal(rig->backlog->len, 0);
	rig_free(rig);
}

static void it_lasts_over_restarts(void **state G_GNUC_UNUSED)
{
	struct rig *rig = held_after_three_minutes(ROW(7, EVERY_MINUTE));
	time_us since = rig->hold.since;
	rig_crash(rig, 5 * US_PER_MINUTE);
	assert_int_equal(engine_held(rig->engine)->since, since);
	rig_wait(rig, 5 * US_PER_MINUTE);
	assert_quiet(rig, 0);
	/* The end is not durable before the next crash. */
	engine_release(rig->engine, true);
	assert_int_equal(rig_take(rig, 0, 100), 0);
	rig_crash(rig, US_PER_MINUTE);
	assert_int_equal(engine_held(rig->engine)->since, since);
	engine_release(rig->engine, false);
	assert_int_equal(rig_take(rig, 0, 100), 0);
	assert_int_equal(rig_run(rig, 0), 11);
	rig_free(rig);
}

/* Begun by the journal, and not handed out. */
static void what_was_about_to_begin_is_not_taken_for_interrupted(void **state G_GNUC_UNUSED)
{
	struct rig_row row = ROW(7, EVERY_MINUTE);
	row.lane = RIG_ONCE;
	struct rig *rig = rig_new();
	rig_put(rig, row);
	rig_wait(rig, US_PER_MINUTE);
	assert_int_equal(rig_take(rig, RIG_ONCE, 10), 0);
	rig_settle(rig);
	engine_hold(rig->engine, NULL);
	assert_quiet(rig, RIG_ONCE);
	rig_crash(rig, US_PER_SECOND);
	assert_quiet(rig, RIG_ONCE);
	assert_int_equal(rig_count(rig, 7, STATUS_FAILED), 0);
	engine_release(rig->engine, false);
	rig_settle(rig);
	assert_int_equal(rig_take(rig, RIG_ONCE, 10), 0);
	rig_settle(rig);
	assert_int_equal(rig_take(rig, RIG_ONCE, 10), 1);
	rig_free(rig);
}

/* --- edits --- */

static struct rig *edited_while_held(struct rig_row row)
{
	struct rig *rig = held_after_three_minutes(row);
	rig_wait(rig, 10 * US_PER_MINUTE + US_PER_SECOND);
	row.cron = EVERY_HOUR;
	rig_put(rig, row);
	rig_settle(rig);
	assert_int_equal(rig->backlog->len, 1);
	assert_true(g_array_index(rig->backlog, struct backlog_record, 0).held);
	rig_wait(rig, 2 * US_PER_HOUR);
	assert_quiet(rig, 0);
	return rig;
}

static void the_old_schedule_counts_up_to_the_edit(void **state G_GNUC_UNUSED)
{
	struct rig *rig = edited_while_held(ROW(7, EVERY_MINUTE));
	rig_crash(rig, US_PER_SECOND);
	engine_release(rig->engine, false);
	assert_int_equal(rig_run(rig, 0), 10 + 2);
	rig_free(rig);
}

static void what_an_edit_left_is_judged_at_the_end(void **state G_GNUC_UNUSED)
{
	struct rig_row row = ROW(7, EVERY_MINUTE);
	row.actuality_s = 3600;
	struct rig *rig = edited_while_held(row);
	engine_release(rig->engine, false);
	assert_int_equal(rig_run(rig, 0), 1);
	assert_int_equal(rig_count_reason(rig, 7, REASON_TOO_OLD), 10 + 1);
	rig_free(rig);
}

static void what_an_edit_left_is_dropped_with_the_rest(void **state G_GNUC_UNUSED)
{
	struct rig *rig = edited_while_held(ROW(7, EVERY_MINUTE));
	engine_release(rig->engine, true);
	assert_int_equal(rig_run(rig, 0), 0);
	assert_int_equal(rig_count_reason(rig, 7, REASON_HELD), 10 + 2);
	assert_int_equal(rig->backlog->len, 0);
	rig_free(rig);
}

static void a_removed_action_owes_nothing(void **state G_GNUC_UNUSED)
{
	struct rig *rig = held_after_three_minutes(ROW(7, EVERY_MINUTE));
	rig_wait(rig, 10 * US_PER_MINUTE + US_PER_SECOND);
	rig_remove(rig, 7, REASON_REMOVED);
	engine_release(rig->engine, true);
	assert_int_equal(rig_run(rig, 0), 0);
	assert_int_equal(rig_count_reason(rig, 7, REASON_REMOVED), 10);
	rig_free(rig);
}

/* --- ended where no scheduler ran --- */

static void the_start_drops_what_a_hold_left(void **state G_GNUC_UNUSED)
{
	struct rig *rig = held_after_three_minutes(ROW(7, EVERY_MINUTE));
	rig_kill(rig);
	rig->hold.skip_until = rig->now + 10 * US_PER_MINUTE;
	rig->now += 15 * US_PER_MINUTE + 30 * US_PER_SECOND;
	rig_start(rig);
	assert_null(engine_held(rig->engine));
	assert_int_equal(rig_take(rig, 0, 100), 0);
	assert_int_equal(rig_run(rig, 0), 5);
	assert_int_equal(rig_count_reason(rig, 7, REASON_HELD), 10);
	assert_int_equal(rig->hold.skip_until, TIME_US_MIN);
	rig_free(rig);
}

/* --- the clock --- */

static void a_clock_set_back_takes_the_hold_along(void **state G_GNUC_UNUSED)
{
	struct rig *rig = held_after_three_minutes(ROW(7, EVERY_MINUTE));
	rig_set_clock(rig, -5 * US_PER_HOUR);
	rig_settle(rig);
	assert_int_equal(rig->hold.since, rig->now);
	rig_wait(rig, US_PER_HOUR);
	assert_quiet(rig, 0);
	engine_release(rig->engine, true);
	assert_int_equal(rig_run(rig, 0), 0);
	assert_int_equal(rig_count_reason(rig, 7, REASON_HELD), 60);
	rig_free(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(while_held_nothing_is_handed_out),
		cmocka_unit_test(at_the_end_the_stretch_is_missed),
		cmocka_unit_test(what_was_owed_before_is_merged_with_the_stretch),
		cmocka_unit_test(with_skip_what_was_due_since_is_dropped),
		cmocka_unit_test(it_lasts_over_restarts),
		cmocka_unit_test(what_was_about_to_begin_is_not_taken_for_interrupted),
		cmocka_unit_test(the_old_schedule_counts_up_to_the_edit),
		cmocka_unit_test(what_an_edit_left_is_judged_at_the_end),
		cmocka_unit_test(what_an_edit_left_is_dropped_with_the_rest),
		cmocka_unit_test(a_removed_action_owes_nothing),
		cmocka_unit_test(the_start_drops_what_a_hold_left),
		cmocka_unit_test(a_clock_set_back_takes_the_hold_along),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
