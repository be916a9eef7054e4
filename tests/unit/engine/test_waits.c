/* Fires that wait: for their next attempt, for the run before them; over restarts, clock steps and edits. */
#include "rig.h"

static struct rig *with_row(struct rig_row row)
{
	struct rig *rig = rig_new();
	rig_put(rig, row);
	rig_settle(rig);
	return rig;
}

/* A fire that the receiver refuses, and wants again after a time. */
static struct rig *refused_for(dur_us time)
{
	struct rig_row row = ROW(1, EVERY_DAY);
	row.max_attempts = 2;
	struct rig *rig = with_row(row);
	rig_wait(rig, US_PER_DAY);
	assert_int_equal(rig_take(rig, RIG_QUICK, 1), 1);
	struct fire_result result = {.ticket = rig->fires[0].ticket,
		.answer = FIRE_REJECTED,
		.started_at = rig->now,
		.finished_at = rig->now,
		.retry_at = rig->now + time};
	engine_resolved(rig->engine, RIG_QUICK, &result, 1);
	rig_settle(rig);
	return rig;
}

static void what_a_receiver_asks_for_holds_over_a_restart(void **state G_GNUC_UNUSED)
{
	struct rig *rig = refused_for(3 * US_PER_HOUR);
	rig_crash(rig, US_PER_HOUR);
	rig_wait(rig, 2 * US_PER_HOUR - 1);
	assert_int_equal(rig_take(rig, RIG_QUICK, 1), 0);
	rig_wait(rig, 1);
	assert_int_equal(rig_take(rig, RIG_QUICK, 1), 1);
	rig_free(rig);
}

static void a_wait_is_as_long_as_it_was_when_the_clock_is_set(void **state G_GNUC_UNUSED)
{
	struct rig *rig = refused_for(3 * US_PER_HOUR);
	rig_set_clock(rig, 4 * US_PER_HOUR);
	assert_int_equal(rig_take(rig, RIG_QUICK, 1), 0);
	rig_set_clock(rig, -4 * US_PER_HOUR - 50 * US_PER_MINUTE);
	rig_wait(rig, 3 * US_PER_HOUR - 1);
	assert_int_equal(rig_take(rig, RIG_QUICK, 1), 0);
	rig_settle(rig);
	assert_int_equal(g_array_index(rig->open, struct open_fire, 0).next_attempt_at, rig->now + 1);
	rig_wait(rig, 1);
	assert_int_equal(rig_take(rig, RIG_QUICK, 1), 1);
	rig_free(rig);
}

static void an_attempt_set_by_a_clock_ahead_is_made_soon_after_a_restart(void **state G_GNUC_UNUSED)
{
	struct rig *rig = refused_for(3 * US_PER_HOUR);
	rig_kill(rig);
	rig->now -= 2 * US_PER_HOUR;
	rig_start(rig);
	rig_wait(rig, 5 * US_PER_MINUTE);
	assert_int_equal(rig_take(rig, RIG_QUICK, 1), 1);
	rig_free(rig);
}

/* --- runs of one action --- */

/* Missed runs of an action, the second one written down as open while the first goes on; then a stop. */
static struct rig *two_missed_runs(void)
{
	struct rig_row row = ROW(1, EVERY_MINUTE);
	row.lane = RIG_LASTING;
	struct rig *rig = with_row(row);
	rig_run(rig, RIG_LASTING);
	rig_crash(rig, 2 * US_PER_MINUTE + US_PER_MINUTE / 2);
	rig_take(rig, RIG_LASTING, 1);
	rig_settle(rig);
	assert_int_equal(rig_take(rig, RIG_LASTING, 10), 1);
	struct fire first = rig->fires[0];
	rig_wait(rig, ENGINE_OPEN_AFTER + 1);
	engine_stop(rig->engine);
	rig_settle(rig);
	assert_int_equal(rig->open->len, 2);
	/* The later one first: a journal may give them in another order than that in which they were due. */
	struct open_fire *open = (struct open_fire *)(void *)rig->open->data;
	struct open_fire swap = open[0];
	if (swap.nominal == first.nominal) {
		open[0] = open[1];
		open[1] = swap;
	}
	return rig;
}

static void open_fires_go_on_in_the_order_they_were_due(void **state G_GNUC_UNUSED)
{
	struct rig *rig = two_missed_runs();
	time_us first = rig->fires[0].nominal;
	rig_crash(rig, 1);
	assert_int_equal(rig_take(rig, RIG_LASTING, 10), 1);
	assert_int_equal(rig->fires[0].nominal, first);
	rig_free(rig);
}

/* The one that waits comes after the other: so it may be where the schedule has jitter, or was edited. */
static void a_run_whose_turn_comes_waits_for_its_next_attempt(void **state G_GNUC_UNUSED)
{
	struct rig *rig = two_missed_runs();
	g_array_index(rig->open, struct open_fire, 0).next_attempt_at = rig->now + 20 * US_PER_SECOND;
	rig_crash(rig, 1);
	assert_int_equal(rig_take(rig, RIG_LASTING, 1), 1);
	rig_answer(rig, RIG_LASTING, rig->fires, 1, FIRE_DELIVERED);
	rig_settle(rig);
	assert_int_equal(rig_take(rig, RIG_LASTING, 1), 0);
	rig_wait(rig, 20 * US_PER_SECOND);
	assert_int_equal(rig_take(rig, RIG_LASTING, 1), 1);
	rig_free(rig);
}

/* --- callbacks of an action, one after the other --- */

static void missed_runs_that_come_from_another_callback_go_one_by_one(void **state G_GNUC_UNUSED)
{
	struct rig_row row = ROW(1, EVERY_MINUTE);
	row.max_attempts = 2;
	struct rig *rig = with_row(row);
	rig_run(rig, RIG_QUICK);
	rig_crash(rig, 3 * US_PER_MINUTE + US_PER_MINUTE / 2);
	rig_take(rig, RIG_QUICK, 1);
	rig_settle(rig);
	assert_int_equal(rig_take(rig, RIG_QUICK, 10), 3);
	rig_answer(rig, RIG_QUICK, rig->fires, 3, FIRE_UNAVAILABLE);
	row.lane = RIG_LASTING;
	rig_put(rig, row);
	rig_settle(rig);
	rig_wait(rig, 2 * US_PER_SECOND);
	assert_int_equal(rig_take(rig, RIG_QUICK, 10), 0);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(rig_take(rig, RIG_LASTING, 10), 1);
		rig_answer(rig, RIG_LASTING, rig->fires, 1, FIRE_DELIVERED);
		rig_settle(rig);
	}
	assert_int_equal(rig_count(rig, 1, STATUS_DELIVERED), 3);
	assert_int_equal(rig->open->len, 0);
	rig_free(rig);
}

/* internal_db takes what is open and what is done in any order. */
static void a_fire_that_moves_away_and_back_in_one_commit_stays_open(void **state G_GNUC_UNUSED)
{
	struct rig_row row = ROW(1, EVERY_DAY);
	row.max_attempts = 2;
	struct rig *rig = with_row(row);
	rig_wait(rig, US_PER_DAY);
	rig_take(rig, RIG_QUICK, 10);
	rig_answer(rig, RIG_QUICK, rig->fires, 1, FIRE_REJECTED);
	rig_settle(rig);
	assert_int_equal(rig->open->len, 1);
	row.lane = RIG_NARROW;
	rig_put(rig, row);
	rig_wait(rig, US_PER_MINUTE);
	assert_int_equal(rig_take(rig, RIG_QUICK, 10), 0); /* it goes to the other lane */
	row.lane = RIG_QUICK;
	rig_put(rig, row);
	assert_int_equal(rig_take(rig, RIG_NARROW, 10), 0); /* and back */
	struct commit *commit = engine_take_commit(rig->engine);
	assert_int_equal(commit->open->len, 1);
	assert_string_equal(g_array_index(commit->open, struct open_fire, 0).lane, "quick");
	assert_int_equal(commit->open_done->len, 0);
	engine_committed(rig->engine, commit->sequence);
	commit_free(commit);
	assert_int_equal(rig_take(rig, RIG_QUICK, 10), 1);
	rig_free(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_receiver_asks_for_holds_over_a_restart),
		cmocka_unit_test(a_wait_is_as_long_as_it_was_when_the_clock_is_set),
		cmocka_unit_test(an_attempt_set_by_a_clock_ahead_is_made_soon_after_a_restart),
		cmocka_unit_test(open_fires_go_on_in_the_order_they_were_due),
		cmocka_unit_test(a_run_whose_turn_comes_waits_for_its_next_attempt),
		cmocka_unit_test(missed_runs_that_come_from_another_callback_go_one_by_one),
		cmocka_unit_test(a_fire_that_moves_away_and_back_in_one_commit_stays_open),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
