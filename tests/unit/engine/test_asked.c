/* Fires that were asked for: trigger and retry. */
#include "rig.h"

#include <string.h>

#define UUID "0b6d4bd6-8d5f-4e2a-9d3c-1f0a3c5b7e90"

static struct rig *with_action(struct rig_row row)
{
	struct rig *rig = rig_new();
	rig_put(rig, row);
	rig_settle(rig);
	return rig;
}

static void a_triggered_fire_is_durable_before_it_is_handed_out(void **state G_GNUC_UNUSED)
{
	struct rig *rig = with_action(ROW(1, EVERY_DAY));
	rig_wait(rig, US_PER_HOUR);
	assert_int_equal(engine_trigger(rig->engine, 1, UUID), ENGINE_QUEUED);
	assert_int_equal(rig_take(rig, RIG_QUICK, 10), 0);
	struct commit *commit = engine_take_commit(rig->engine);
	assert_non_null(commit);
	assert_int_equal(commit->open->len, 1);
	assert_int_equal(rig_take(rig, RIG_QUICK, 10), 0);
	engine_committed(rig->engine, commit->sequence);
	commit_free(commit);
	assert_int_equal(rig_take(rig, RIG_QUICK, 10), 1);
	assert_string_equal(rig->fires[0].manual, UUID);
	assert_int_equal(rig->fires[0].nominal, rig->now);
	rig_free(rig);
}

static void the_sequence_tells_when_it_is_durable(void **state G_GNUC_UNUSED)
{
	struct rig *rig = with_action(ROW(1, EVERY_MINUTE));
	rig_wait(rig, US_PER_MINUTE);
	rig_take(rig, RIG_QUICK, 1);
	rig_answer(rig, RIG_QUICK, rig->fires, 1, FIRE_DELIVERED);
	struct commit *under_way = engine_take_commit(rig->engine);
	assert_int_equal(engine_trigger(rig->engine, 1, UUID), ENGINE_QUEUED);
	uint64_t sequence = engine_next_sequence(rig->engine);
	assert_true(under_way->sequence < sequence);
	engine_committed(rig->engine, under_way->sequence);
	commit_free(under_way);
	assert_int_equal(rig_take(rig, RIG_QUICK, 10), 0);
	struct commit *commit = engine_take_commit(rig->engine);
	assert_int_equal(commit->sequence, sequence);
	assert_int_equal(commit->open->len, 1);
	engine_committed(rig->engine, sequence);
	commit_free(commit);
	assert_int_equal(rig_take(rig, RIG_QUICK, 10), 1);
	rig_free(rig);
}

static void a_triggered_fire_survives_a_crash(void **state G_GNUC_UNUSED)
{
	struct rig_row row = ROW(1, EVERY_DAY);
	row.actuality_s = 0;
	row.merge_missed = true;
	struct rig *rig = with_action(row);
	rig_wait(rig, US_PER_HOUR);
	engine_trigger(rig->engine, 1, UUID);
	rig_settle(rig);
	rig_crash(rig, US_PER_HOUR);
	assert_int_equal(rig_take(rig, RIG_QUICK, 10), 1);
	assert_string_equal(rig->fires[0].manual, UUID);
	rig_answer(rig, RIG_QUICK, rig->fires, 1, FIRE_DELIVERED);
	rig_settle(rig);
	assert_int_equal(rig->open->len, 0);
	assert_int_equal(rig_count(rig, 1, STATUS_DELIVERED), 1);
	rig_free(rig);
}

static void two_triggers_of_one_instant_are_two_fires(void **state G_GNUC_UNUSED)
{
	struct rig *rig = with_action(ROW(1, EVERY_DAY));
	engine_trigger(rig->engine, 1, UUID);
	engine_trigger(rig->engine, 1, "1b6d4bd6-8d5f-4e2a-9d3c-1f0a3c5b7e90");
	assert_int_equal(rig_run(rig, RIG_QUICK), 2);
	assert_int_equal(rig->open->len, 0);
	rig_free(rig);
}

static void max_instances_does_not_skip_a_triggered_fire(void **state G_GNUC_UNUSED)
{
	struct rig_row row = ROW(1, EVERY_MINUTE);
	row.lane = RIG_LASTING;
	row.max_instances = 1;
	struct rig *rig = with_action(row);
	rig_wait(rig, US_PER_MINUTE);
	assert_int_equal(rig_take(rig, RIG_LASTING, 10), 1);
	engine_trigger(rig->engine, 1, UUID);
	rig_settle(rig);
	assert_int_equal(rig_take(rig, RIG_LASTING, 10), 1);
	rig_free(rig);
}

static void what_is_unknown_is_not_triggered(void **state G_GNUC_UNUSED)
{
	struct rig *rig = with_action(ROW(1, EVERY_DAY));
	assert_int_equal(engine_trigger(rig->engine, 2, UUID), ENGINE_NO_ACTION);
	engine_stop(rig->engine);
	assert_int_equal(engine_trigger(rig->engine, 1, UUID), ENGINE_NO_ACTION);
	rig_free(rig);
}

static void a_removed_action_takes_its_triggered_fire_along(void **state G_GNUC_UNUSED)
{
	struct rig *rig = with_action(ROW(1, EVERY_DAY));
	engine_trigger(rig->engine, 1, UUID);
	rig_remove(rig, 1, REASON_REMOVED);
	rig_settle(rig);
	assert_int_equal(rig_take(rig, RIG_QUICK, 10), 0);
	rig_settle(rig);
	assert_int_equal(rig_count_reason(rig, 1, REASON_REMOVED), 1);
	rig_free(rig);
}

/* --- retry --- */

/* An action whose fire has failed after two attempts. */
static struct open_fire failed_fire(struct rig *rig)
{
	for (int i = 0; i < 2; i++) {
		rig_wait(rig, i == 0 ? US_PER_DAY : US_PER_HOUR);
		assert_int_equal(rig_take(rig, RIG_QUICK, 1), 1);
		rig_answer(rig, RIG_QUICK, rig->fires, 1, FIRE_REJECTED);
		rig_settle(rig);
	}
	const struct outcome *failed = &g_array_index(rig->outcomes, struct outcome, 0);
	assert_int_equal(failed->status, STATUS_FAILED);
	assert_int_equal(failed->attempts, 2);
	return (struct open_fire){.action_id = 1,
		.nominal = failed->nominal,
		.due_at = failed->nominal,
		.attempts = failed->attempts};
}

static struct rig *with_two_attempts(void)
{
	struct rig_row row = ROW(1, EVERY_DAY);
	row.max_attempts = 2;
	return with_action(row);
}

static void a_retry_is_another_round_and_counts_on(void **state G_GNUC_UNUSED)
{
	struct rig *rig = with_two_attempts();
	rig_wait(rig, 1);
	struct open_fire fire = failed_fire(rig);
	assert_int_equal(engine_retry(rig->engine, &fire), ENGINE_QUEUED);
	rig_settle(rig);
	rig_crash(rig, 1);
	assert_int_equal(rig_take(rig, RIG_QUICK, 1), 1);
	assert_int_equal(rig->fires[0].nominal, fire.nominal);
	assert_int_equal(rig->fires[0].attempt, 3);
	rig_answer(rig, RIG_QUICK, rig->fires, 1, FIRE_REJECTED);
	rig_settle(rig);
	rig_wait(rig, US_PER_HOUR);
	assert_int_equal(rig_take(rig, RIG_QUICK, 1), 1);
	assert_int_equal(rig->fires[0].attempt, 4);
	rig_answer(rig, RIG_QUICK, rig->fires, 1, FIRE_DELIVERED);
	rig_settle(rig);
	const struct outcome *last = &g_array_index(rig->outcomes, struct outcome, rig->outcomes->len - 1);
	assert_int_equal(last->status, STATUS_DELIVERED);
	assert_int_equal(last->attempts, 4);
	assert_true(last->again);
	assert_false(g_array_index(rig->outcomes, struct outcome, 0).again);
	rig_free(rig);
}

static void a_retry_ends_after_its_own_attempts(void **state G_GNUC_UNUSED)
{
	struct rig *rig = with_two_attempts();
	rig_wait(rig, 1);
	struct open_fire fire = failed_fire(rig);
	engine_retry(rig->engine, &fire);
	rig_settle(rig);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(rig_take(rig, RIG_QUICK, 1), 1);
		rig_answer(rig, RIG_QUICK, rig->fires, 1, FIRE_REJECTED);
		rig_settle(rig);
		rig_wait(rig, US_PER_HOUR);
	}
	assert_int_equal(rig_take(rig, RIG_QUICK, 1), 0);
	const struct outcome *last = &g_array_index(rig->outcomes, struct outcome, rig->outcomes->len - 1);
	assert_int_equal(last->status, STATUS_FAILED);
	assert_int_equal(last->attempts, 4);
	rig_free(rig);
}

static void a_retry_under_way_is_not_begun_twice(void **state G_GNUC_UNUSED)
{
	struct rig *rig = with_two_attempts();
	rig_wait(rig, 1);
	struct open_fire fire = failed_fire(rig);
	assert_int_equal(engine_retry(rig->engine, &fire), ENGINE_QUEUED);
	assert_int_equal(engine_retry(rig->engine, &fire), ENGINE_UNDER_WAY);
	fire.action_id = 2;
	assert_int_equal(engine_retry(rig->engine, &fire), ENGINE_NO_ACTION);
	rig_free(rig);
}

/* The history still has it as failed, so it may be asked for again: that would be one run too many. */
static void a_retry_is_under_way_until_its_end_is_durable(void **state G_GNUC_UNUSED)
{
	struct rig *rig = with_two_attempts();
	rig_wait(rig, 1);
	struct open_fire fire = failed_fire(rig);
	engine_retry(rig->engine, &fire);
	rig_settle(rig);
	assert_int_equal(rig_take(rig, RIG_QUICK, 1), 1);
	rig_answer(rig, RIG_QUICK, rig->fires, 1, FIRE_DELIVERED);
	struct commit *commit = engine_take_commit(rig->engine);
	assert_int_equal(commit->outcomes->len, 1);
	assert_int_equal(engine_retry(rig->engine, &fire), ENGINE_UNDER_WAY);
	engine_committed(rig->engine, commit->sequence);
	commit_free(commit);
	rig_free(rig);
}

/* --- nothing but what is asked for --- */

static void with_manual_only_nothing_else_moves(void **state G_GNUC_UNUSED)
{
	struct rig *rig = with_action(ROW(1, EVERY_MINUTE));
	rig_wait(rig, US_PER_MINUTE);
	rig_run(rig, RIG_QUICK);
	struct lane_progress before = g_array_index(rig->lanes, struct lane_progress, 0);
	rig->options.manual_only = true;
	rig_crash(rig, US_PER_HOUR);
	assert_int_equal(rig_run(rig, RIG_QUICK), 0);
	assert_int_equal(engine_trigger(rig->engine, 1, UUID), ENGINE_QUEUED);
	assert_int_equal(rig_run(rig, RIG_QUICK), 1);
	assert_true(engine_is_idle(rig->engine));
	assert_int_equal(rig->backlog->len, 0);
	const struct lane_progress *after = &g_array_index(rig->lanes, struct lane_progress, 0);
	assert_int_equal(position_compare(before.watermark, after->watermark), 0);
	rig->options.manual_only = false;
	rig_crash(rig, 1);
	assert_int_equal(rig_run(rig, RIG_QUICK), 60);
	rig_free(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_triggered_fire_is_durable_before_it_is_handed_out),
		cmocka_unit_test(the_sequence_tells_when_it_is_durable),
		cmocka_unit_test(a_triggered_fire_survives_a_crash),
		cmocka_unit_test(two_triggers_of_one_instant_are_two_fires),
		cmocka_unit_test(max_instances_does_not_skip_a_triggered_fire),
		cmocka_unit_test(what_is_unknown_is_not_triggered),
		cmocka_unit_test(a_removed_action_takes_its_triggered_fire_along),
		cmocka_unit_test(a_retry_is_another_round_and_counts_on),
		cmocka_unit_test(a_retry_ends_after_its_own_attempts),
		cmocka_unit_test(a_retry_under_way_is_not_begun_twice),
		cmocka_unit_test(a_retry_is_under_way_until_its_end_is_durable),
		cmocka_unit_test(with_manual_only_nothing_else_moves),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
