/* Edits, removals and new actions, with fires on their way and with missed ones. */
#include "rig.h"

static struct rig *with_action(struct rig_row row)
{
	struct rig *rig = rig_new();
	rig_put(rig, row);
	rig_settle(rig);
	return rig;
}

/* The old schedule counts up to when the change is seen, the new one from there. */
static void a_schedule_edited_during_downtime_counts_piecewise(void **state G_GNUC_UNUSED)
{
	struct rig *rig = with_action(ROW(7, EVERY_MINUTE));
	rig_crash(rig, 10 * US_PER_MINUTE + 30 * US_PER_SECOND);
	rig_put(rig, ROW(7, EVERY_HOUR));
	assert_int_equal(rig_run(rig, 0), 10);
	rig_wait(rig, 40 * US_PER_MINUTE);
	assert_int_equal(rig_run(rig, 0), 0);
	rig_wait(rig, 9 * US_PER_MINUTE + 30 * US_PER_SECOND);
	assert_int_equal(rig_run(rig, 0), 1);
	assert_int_equal(rig_count(rig, 7, STATUS_DELIVERED), 11);
	rig_free(rig);
}

static void a_changed_policy_holds_for_what_is_not_handed_out(void **state G_GNUC_UNUSED)
{
	struct rig *rig = with_action(ROW(7, EVERY_MINUTE));
	rig_crash(rig, 10 * US_PER_MINUTE + 30 * US_PER_SECOND);
	rig_take(rig, 0, 100);
	rig_settle(rig);
	assert_int_equal(rig_take(rig, 0, 3), 3);
	struct fire first[3] = {rig->fires[0], rig->fires[1], rig->fires[2]};
	struct rig_row row = ROW(7, EVERY_MINUTE);
	row.merge_missed = true;
	rig_put(rig, row);
	rig_answer(rig, 0, first, 3, FIRE_DELIVERED);
	assert_int_equal(rig_run(rig, 0), 1);
	assert_int_equal(rig_count(rig, 7, STATUS_MERGED), 6);
	assert_int_equal(rig_count(rig, 7, STATUS_DELIVERED), 4);
	assert_int_equal(rig->backlog->len, 0);
	rig_free(rig);
}

/* The commit that makes the edit durable holds what the old definition had on its way. */
static void an_edit_loses_no_fire_on_its_way_in_a_crash(void **state G_GNUC_UNUSED)
{
	struct rig *rig = with_action(ROW(7, EVERY_MINUTE));
	rig_wait(rig, US_PER_MINUTE);
	assert_int_equal(rig_take(rig, 0, 10), 1);
	rig_put(rig, ROW(7, EVERY_HOUR));
	assert_true(rig_commit(rig));
	rig_crash(rig, US_PER_SECOND);
	assert_int_equal(rig_run(rig, 0), 1);
	assert_int_equal(g_array_index(rig->outcomes, struct outcome, 0).nominal, at("2024-01-01T00:01:00Z"));
	rig_free(rig);
}

/* Taken, not accepted, edited, and then late. */
static void an_edit_loses_no_fire_that_waits_for_room(void **state G_GNUC_UNUSED)
{
	struct rig *rig = with_action(ROW(7, EVERY_MINUTE));
	rig_wait(rig, US_PER_MINUTE);
	assert_int_equal(rig_take_part(rig, 0, 10, 0), 1);
	rig_put(rig, ROW(7, EVERY_HOUR));
	rig_wait(rig, 10 * US_PER_SECOND);
	engine_ready(rig->engine, 0);
	assert_int_equal(rig_run(rig, 0), 1);
	rig_free(rig);
}

static void another_callback_takes_over_what_is_owed(void **state G_GNUC_UNUSED)
{
	struct rig *rig = with_action(ROW(7, EVERY_MINUTE));
	rig_crash(rig, 3 * US_PER_MINUTE + 30 * US_PER_SECOND);
	rig_take(rig, 0, 10);
	rig_settle(rig);
	assert_int_equal(rig_take(rig, 0, 1), 1);
	struct fire first = rig->fires[0];
	struct rig_row row = ROW(7, EVERY_MINUTE);
	row.lane = 1;
	rig_put(rig, row);
	assert_int_equal(rig_take(rig, 0, 10), 0);
	rig_answer(rig, 0, &first, 1, FIRE_DELIVERED);
	assert_int_equal(rig_run(rig, 1), 2);
	assert_int_equal(rig_count(rig, 7, STATUS_DELIVERED), 3);
	rig_free(rig);
}

/* A fire that moved is offered once, however late that is. */
static void a_refused_fire_moves_to_the_other_callback(void **state G_GNUC_UNUSED)
{
	struct rig_row row = ROW(7, EVERY_HOUR);
	row.max_attempts = 9;
	struct rig *rig = with_action(row);
	rig_wait(rig, US_PER_HOUR);
	rig_take(rig, 0, 10);
	rig_answer(rig, 0, rig->fires, 1, FIRE_REJECTED);
	row.lane = 1;
	rig_put(rig, row);
	rig_settle(rig);
	rig_wait(rig, 5 * US_PER_SECOND);
	assert_int_equal(rig_take(rig, 0, 10), 0);
	assert_int_equal(rig_take(rig, 1, 10), 1);
	assert_int_equal(rig->fires[0].attempt, 2);
	rig_answer(rig, 1, rig->fires, 1, FIRE_DELIVERED);
	assert_int_equal(rig_run(rig, 1), 0);
	assert_int_equal(rig->backlog->len + rig->open->len, 0);
	assert_int_equal(rig_count(rig, 7, STATUS_DELIVERED), 1);
	rig_free(rig);
}

/* Two callbacks are at different times; what comes from the one that is behind is not cut to the other. */
static void a_callback_ahead_takes_over_all_that_is_owed(void **state G_GNUC_UNUSED)
{
	struct rig *rig = rig_new();
	struct rig_row behind = ROW(8, EVERY_SECOND);
	behind.lane = 1;
	rig_put(rig, ROW(7, EVERY_SECOND));
	rig_put(rig, behind);
	rig_settle(rig);
	for (int i = 0; i < 5; i++) {
		rig_wait(rig, US_PER_SECOND);
		rig_run(rig, 0);
	}
	rig_crash(rig, 5 * US_PER_SECOND);
	struct rig_row row = ROW(7, EVERY_MINUTE);
	rig_put(rig, row);
	behind.lane = 0;
	rig_put(rig, behind);
	rig_run(rig, 0);
	assert_int_equal(rig_count(rig, 7, STATUS_DELIVERED), 10);
	assert_int_equal(rig_count(rig, 8, STATUS_DELIVERED), 10);
	rig_free(rig);
}

static void what_a_removed_action_owed_is_skipped(void **state G_GNUC_UNUSED)
{
	struct rig *rig = with_action(ROW(7, EVERY_MINUTE));
	rig_crash(rig, 10 * US_PER_MINUTE + 30 * US_PER_SECOND);
	rig_remove(rig, 7, REASON_REMOVED);
	rig_run(rig, 0);
	assert_int_equal(rig_count_reason(rig, 7, REASON_REMOVED), 10);
	assert_int_equal(rig->ranges->len, 1);
	const struct outcome_range *range = &g_array_index(rig->ranges, struct outcome_range, 0);
	assert_int_equal(range->status, STATUS_SKIPPED);
	assert_int_equal(range->first, at("2024-01-01T00:01:00Z"));
	assert_int_equal(range->last, at("2024-01-01T00:10:00Z"));
	assert_int_equal(rig->definitions->len, 0);
	assert_int_equal(engine_action_count(rig->engine), 0);
	assert_int_equal(engine_schedule_count(rig->engine), 0);
	rig_free(rig);
}

static void a_backlog_of_a_disabled_action_is_skipped(void **state G_GNUC_UNUSED)
{
	struct rig *rig = with_action(ROW(7, EVERY_MINUTE));
	rig_crash(rig, 10 * US_PER_MINUTE + 30 * US_PER_SECOND);
	rig_take(rig, 0, 10);
	rig_settle(rig);
	rig_take(rig, 0, 4);
	rig_answer(rig, 0, rig->fires, 4, FIRE_DELIVERED);
	rig_remove(rig, 7, REASON_DISABLED);
	rig_run(rig, 0);
	assert_int_equal(rig_count(rig, 7, STATUS_DELIVERED), 4);
	assert_int_equal(rig_count_reason(rig, 7, REASON_DISABLED), 6);
	assert_int_equal(rig->backlog->len, 0);
	rig_free(rig);
}

static void a_retry_of_a_removed_action_is_skipped(void **state G_GNUC_UNUSED)
{
	struct rig_row row = ROW(7, EVERY_HOUR);
	row.max_attempts = 9;
	struct rig *rig = with_action(row);
	rig_wait(rig, US_PER_HOUR);
	rig_take(rig, 0, 10);
	rig_answer(rig, 0, rig->fires, 1, FIRE_REJECTED);
	rig_settle(rig);
	rig_remove(rig, 7, REASON_REMOVED);
	rig_put(rig, row); /* another one, that happens to have the id */
	rig_wait(rig, US_PER_MINUTE);
	assert_int_equal(rig_run(rig, 0), 0);
	assert_int_equal(rig_count(rig, 7, STATUS_SKIPPED), 1);
	assert_int_equal(rig->open->len, 0);
	rig_free(rig);
}

static void an_action_that_comes_back_makes_up_for_nothing(void **state G_GNUC_UNUSED)
{
	struct rig *rig = with_action(ROW(7, EVERY_MINUTE));
	rig_remove(rig, 7, REASON_DISABLED);
	rig_settle(rig);
	rig_wait(rig, 10 * US_PER_MINUTE);
	rig_put(rig, ROW(7, EVERY_MINUTE));
	assert_int_equal(rig_run(rig, 0), 0);
	rig_crash(rig, 90 * US_PER_SECOND);
	assert_int_equal(rig_run(rig, 0), 1);
	rig_free(rig);
}

static void of_many_edits_one_definition_is_committed(void **state G_GNUC_UNUSED)
{
	struct rig *rig = with_action(ROW(7, EVERY_MINUTE));
	struct commit *slow;
	rig_put(rig, ROW(9, EVERY_MINUTE));
	slow = engine_take_commit(rig->engine);
	assert_non_null(slow);
	for (int i = 0; i < 5; i++) {
		rig_put(rig, ROW(9, i % 2 ? EVERY_MINUTE : EVERY_HOUR));
		rig_put(rig, ROW(3, EVERY_HOUR));
		rig_remove(rig, 7, REASON_REMOVED);
		rig_put(rig, ROW(7, EVERY_HOUR));
	}
	rig_remove(rig, 3, REASON_REMOVED);
	engine_committed(rig->engine, slow->sequence);
	commit_free(slow);
	/* The order is checked as it is applied. */
	assert_true(rig_commit(rig));
	assert_int_equal(rig->definitions->len, 2);
	assert_string_equal(g_array_index(rig->definitions, struct rig_definition, 1).row.cron, EVERY_HOUR);
	rig_free(rig);
}

/* Two stretches, edited twice: each keeps its place. */
static void edited_stretches_keep_their_order(void **state G_GNUC_UNUSED)
{
	struct rig *rig = with_action(ROW(7, EVERY_MINUTE));
	rig_put(rig, ROW(8, EVERY_HOUR));
	rig_settle(rig);
	rig_crash(rig, 3 * US_PER_MINUTE + 30 * US_PER_SECOND);
	rig_put(rig, ROW(7, EVERY_MINUTE));
	rig_take(rig, 0, 1);
	rig_settle(rig);
	rig_crash(rig, 3 * US_PER_MINUTE);
	rig_take(rig, 0, 1);
	rig_settle(rig);
	for (int i = 0; i < 3; i++) {
		rig_put(rig, ROW(7, EVERY_MINUTE));
		rig_put(rig, ROW(8, EVERY_MINUTE));
	}
	rig_settle(rig);
	time_us last = TIME_US_MIN;
	size_t fires = 0;
	for (int i = 0; i < 30; i++) {
		rig_take(rig, 0, 1);
		if (rig->count && rig->fires[0].action->id == 7) {
			assert_true(rig->fires[0].nominal > last);
			last = rig->fires[0].nominal;
			fires++;
		}
		rig_answer(rig, 0, rig->fires, rig->count, FIRE_DELIVERED);
		rig_settle(rig);
	}
	assert_int_equal(fires, 6);
	assert_int_equal(rig->backlog->len, 0);
	rig_free(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_schedule_edited_during_downtime_counts_piecewise),
		cmocka_unit_test(a_changed_policy_holds_for_what_is_not_handed_out),
		cmocka_unit_test(an_edit_loses_no_fire_on_its_way_in_a_crash),
		cmocka_unit_test(an_edit_loses_no_fire_that_waits_for_room),
		cmocka_unit_test(another_callback_takes_over_what_is_owed),
		cmocka_unit_test(a_refused_fire_moves_to_the_other_callback),
		cmocka_unit_test(a_callback_ahead_takes_over_all_that_is_owed),
		cmocka_unit_test(what_a_removed_action_owed_is_skipped),
		cmocka_unit_test(a_backlog_of_a_disabled_action_is_skipped),
		cmocka_unit_test(a_retry_of_a_removed_action_is_skipped),
		cmocka_unit_test(an_action_that_comes_back_makes_up_for_nothing),
		cmocka_unit_test(of_many_edits_one_definition_is_committed),
		cmocka_unit_test(edited_stretches_keep_their_order),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
