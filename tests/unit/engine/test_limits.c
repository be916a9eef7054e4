/* What a lane of its own may have: a rate, a bound, at most once; and lanes that come while the engine runs.
 */
#include "rig.h"

static struct rig *with_actions(unsigned count, uint16_t lane, struct rig_row row)
{
	struct rig *rig = rig_new();
	row.lane = lane;
	for (unsigned i = 1; i <= count; i++) {
		row.id = i;
		rig_put(rig, row);
	}
	rig_settle(rig);
	return rig;
}

/* Takes until nothing comes. */
static size_t take_all(struct rig *rig, uint16_t lane)
{
	size_t total = 0;
	while (rig_take(rig, lane, RIG_TAKE)) {
		total += rig->count;
		rig_answer(rig, lane, rig->fires, rig->count, FIRE_DELIVERED);
		rig_settle(rig);
	}
	return total;
}

/* --- the rate --- */

static void a_rate_spreads_the_fires_of_an_instant(void **state G_GNUC_UNUSED)
{
	struct rig *rig = with_actions(10, RIG_RATED, ROW(0, EVERY_MINUTE));
	rig_wait(rig, US_PER_MINUTE);
	assert_int_equal(take_all(rig, RIG_RATED), 2);
	for (size_t left = 8; left > 0; left--) {
		time_us wake = engine_next_wake(rig->engine);
		assert_in_range(wake - rig->now, 49 * US_PER_MS, 51 * US_PER_MS);
		rig_wait(rig, wake - rig->now);
		assert_int_equal(take_all(rig, RIG_RATED), 1);
	}
	assert_int_equal(rig_count(rig, 0, STATUS_DELIVERED), 10);
	rig_free(rig);
}

static void a_rate_that_is_not_used_is_not_saved_up(void **state G_GNUC_UNUSED)
{
	struct rig *rig = with_actions(100, RIG_RATED, ROW(0, EVERY_HOUR));
	rig_wait(rig, US_PER_HOUR);
	assert_int_equal(take_all(rig, RIG_RATED), 2);
	rig_free(rig);
}

static void what_a_rate_makes_late_is_missed_and_made_up_for(void **state G_GNUC_UNUSED)
{
	struct rig_row row = ROW(0, EVERY_HOUR);
	row.actuality_s = 0;
	struct rig *rig = with_actions(100, RIG_RATED, row);
	rig_wait(rig, US_PER_HOUR);
	for (int i = 0; i < 60; i++) {
		take_all(rig, RIG_RATED);
		rig_wait(rig, 50 * US_PER_MS);
	}
	rig_settle(rig);
	uint64_t delivered = rig_count(rig, 0, STATUS_DELIVERED);
	assert_in_range(delivered, 20, 24);
	assert_int_equal(rig_count_reason(rig, 0, REASON_TOO_OLD), 100 - delivered);
	rig_free(rig);
}

/* --- the bound --- */

static void a_lane_has_its_own_bound(void **state G_GNUC_UNUSED)
{
	struct rig *rig = with_actions(10, RIG_NARROW, ROW(0, EVERY_MINUTE));
	rig_wait(rig, US_PER_MINUTE);
	assert_int_equal(rig_take(rig, RIG_NARROW, 100), 3);
	rig_answer(rig, RIG_NARROW, rig->fires, 3, FIRE_DELIVERED);
	assert_int_equal(rig_take(rig, RIG_NARROW, 100), 0);
	rig_settle(rig);
	assert_int_equal(rig_take(rig, RIG_NARROW, 100), 3);
	rig_free(rig);
}

static void a_bound_of_one_lets_the_backlog_through(void **state G_GNUC_UNUSED)
{
	struct rig *rig = with_actions(1, RIG_SINGLE, ROW(0, EVERY_MINUTE));
	rig_crash(rig, 10 * US_PER_MINUTE + US_PER_MINUTE / 2);
	assert_int_equal(rig_run(rig, RIG_SINGLE), 10);
	assert_int_equal(rig->backlog->len, 0);
	rig_free(rig);
}

/* --- a receiver that has trouble with one --- */

static void one_fire_that_is_unavailable_does_not_hold_up_runs_of_others(void **state G_GNUC_UNUSED)
{
	struct rig *rig = with_actions(3, RIG_LASTING, ROW(0, EVERY_MINUTE));
	rig_wait(rig, US_PER_MINUTE);
	assert_int_equal(rig_take(rig, RIG_LASTING, 10), 3);
	struct fire bad = rig->fires[0];
	rig_wait(rig, 10 * US_PER_MS);
	rig_answer(rig, RIG_LASTING, rig->fires + 1, 2, FIRE_DELIVERED);
	rig_answer(rig, RIG_LASTING, &bad, 1, FIRE_UNAVAILABLE);
	assert_false(rig_status(rig, RIG_LASTING).waiting);
	rig_settle(rig);
	rig_wait(rig, US_PER_MINUTE - 10 * US_PER_MS);
	assert_int_equal(rig_take(rig, RIG_LASTING, 10), 4);
	assert_int_equal(rig->fires[0].action->id, 1);
	assert_int_equal(rig->fires[0].nominal, bad.nominal);
	assert_int_equal(rig->fires[0].attempt, 1);
	rig_free(rig);
}

static void a_quick_outage_of_one_fire_holds_up_the_others_only_once(void **state G_GNUC_UNUSED)
{
	struct rig *rig = with_actions(3, RIG_LASTING, ROW(0, EVERY_HOUR));
	rig_wait(rig, US_PER_HOUR);
	assert_int_equal(rig_take(rig, RIG_LASTING, 10), 3);
	struct fire fires[3] = {rig->fires[0], rig->fires[1], rig->fires[2]};
	rig_answer(rig, RIG_LASTING, &fires[0], 1, FIRE_UNAVAILABLE);
	assert_true(rig_status(rig, RIG_LASTING).waiting);
	rig_wait(rig, 10 * US_PER_MS);
	rig_answer(rig, RIG_LASTING, &fires[1], 2, FIRE_DELIVERED);
	rig_wait(rig, 2 * US_PER_SECOND);
	assert_int_equal(rig_take(rig, RIG_LASTING, 10), 1);
	rig_answer(rig, RIG_LASTING, rig->fires, 1, FIRE_UNAVAILABLE);
	assert_false(rig_status(rig, RIG_LASTING).waiting);
	rig_free(rig);
}

static void a_receiver_that_answers_nobody_is_waited_for(void **state G_GNUC_UNUSED)
{
	struct rig *rig = with_actions(2, RIG_LASTING, ROW(0, EVERY_MINUTE));
	rig_wait(rig, US_PER_MINUTE);
	rig_take(rig, RIG_LASTING, 10);
	rig_answer(rig, RIG_LASTING, rig->fires, 2, FIRE_UNAVAILABLE);
	assert_true(rig_status(rig, RIG_LASTING).waiting);
	rig_free(rig);
}

static void a_receiver_may_say_when_to_come_again(void **state G_GNUC_UNUSED)
{
	struct rig *rig = with_actions(1, RIG_LASTING, ROW(0, EVERY_HOUR));
	rig_wait(rig, US_PER_HOUR);
	rig_take(rig, RIG_LASTING, 10);
	struct fire_result result = {.ticket = rig->fires[0].ticket,
		.answer = FIRE_UNAVAILABLE,
		.retry_at = rig->now + 5 * US_PER_MINUTE};
	engine_resolved(rig->engine, RIG_LASTING, &result, 1);
	rig_settle(rig);
	rig_wait(rig, 5 * US_PER_MINUTE - 1);
	assert_int_equal(rig_take(rig, RIG_LASTING, 10), 0);
	rig_wait(rig, 1);
	assert_int_equal(rig_take(rig, RIG_LASTING, 10), 1);
	rig_free(rig);
}

/* --- at most once --- */

static void what_begins_is_durable_before_it_does(void **state G_GNUC_UNUSED)
{
	struct rig *rig = with_actions(3, RIG_ONCE, ROW(0, EVERY_HOUR));
	rig_wait(rig, US_PER_HOUR);
	assert_int_equal(rig_take(rig, RIG_ONCE, 10), 0);
	rig_settle(rig);
	assert_int_equal(rig->open->len, 2);
	assert_true(g_array_index(rig->open, struct open_fire, 0).started);
	assert_int_equal(rig_take(rig, RIG_ONCE, 10), 2);
	rig_settle(rig);
	assert_int_equal(rig_take(rig, RIG_ONCE, 10), 0);
	rig_answer(rig, RIG_ONCE, rig->fires, 1, FIRE_DELIVERED);
	rig_free(rig);
}

static void what_had_begun_at_a_crash_has_failed(void **state G_GNUC_UNUSED)
{
	struct rig *rig = with_actions(3, RIG_ONCE, ROW(0, EVERY_HOUR));
	rig_wait(rig, US_PER_HOUR);
	rig_take(rig, RIG_ONCE, 10);
	rig_settle(rig);
	assert_int_equal(rig_take(rig, RIG_ONCE, 10), 2);
	rig_crash(rig, 100 * US_PER_MS);
	rig_settle(rig);
	assert_int_equal(rig_count_reason(rig, 0, REASON_INTERRUPTED), 2);
	assert_int_equal(rig_count(rig, 0, STATUS_FAILED), 2);
	rig_take(rig, RIG_ONCE, 10);
	rig_settle(rig);
	assert_int_equal(rig_take(rig, RIG_ONCE, 10), 1);
	rig_answer(rig, RIG_ONCE, rig->fires, 1, FIRE_DELIVERED);
	rig_settle(rig);
	assert_int_equal(rig_count(rig, 0, STATUS_DELIVERED), 1);
	assert_int_equal(rig->open->len, 0);
	rig_free(rig);
}

static void each_attempt_begins_durably(void **state G_GNUC_UNUSED)
{
	struct rig_row row = ROW(0, EVERY_DAY);
	row.max_attempts = 2;
	struct rig *rig = with_actions(1, RIG_ONCE, row);
	rig_wait(rig, US_PER_DAY);
	rig_take(rig, RIG_ONCE, 10);
	rig_settle(rig);
	rig_take(rig, RIG_ONCE, 10);
	rig_answer(rig, RIG_ONCE, rig->fires, 1, FIRE_REJECTED);
	rig_settle(rig);
	assert_false(g_array_index(rig->open, struct open_fire, 0).started);
	/* Between two attempts a crash costs nothing. */
	rig_crash(rig, US_PER_HOUR);
	rig_settle(rig);
	assert_int_equal(rig_take(rig, RIG_ONCE, 10), 0);
	rig_settle(rig);
	assert_true(g_array_index(rig->open, struct open_fire, 0).started);
	assert_int_equal(rig_take(rig, RIG_ONCE, 10), 1);
	assert_int_equal(rig->fires[0].attempt, 2);
	rig_free(rig);
}

static void a_stop_in_order_interrupts_nothing_that_did_not_begin(void **state G_GNUC_UNUSED)
{
	struct rig *rig = with_actions(2, RIG_ONCE, ROW(0, EVERY_DAY));
	rig_wait(rig, US_PER_DAY);
	rig_take(rig, RIG_ONCE, 10);
	rig_settle(rig);
	engine_stop(rig->engine);
	rig_settle(rig);
	assert_true(engine_is_idle(rig->engine));
	rig_crash(rig, US_PER_HOUR);
	rig_settle(rig);
	assert_int_equal(rig_count_reason(rig, 0, REASON_INTERRUPTED), 0);
	rig_take(rig, RIG_ONCE, 10);
	rig_settle(rig);
	assert_int_equal(rig_take(rig, RIG_ONCE, 10), 2);
	rig_free(rig);
}

/* --- lanes that come later --- */

static void a_lane_that_comes_later_owes_nothing_from_before(void **state G_GNUC_UNUSED)
{
	struct rig *rig = with_actions(1, RIG_QUICK, ROW(0, EVERY_MINUTE));
	rig_wait(rig, 10 * US_PER_MINUTE);
	rig_run(rig, RIG_QUICK);
	uint16_t lane = engine_add_lane(rig->engine, &(struct engine_lane_options){.name = "later"});
	struct rig_row row = ROW(2, EVERY_MINUTE);
	row.lane = lane;
	rig_put(rig, row);
	assert_int_equal(rig_run(rig, lane), 0);
	rig_wait(rig, US_PER_MINUTE);
	assert_int_equal(rig_run(rig, lane), 1);
	assert_int_equal(rig_run(rig, RIG_QUICK), 1);
	rig_free(rig);
}

/* --- settled --- */

static bool is_settled(const struct rig *rig, const struct fire *fire)
{
	struct position position = {fire->due_at, fire->action->id, fire->nominal};
	return engine_is_settled(rig->engine, RIG_QUICK, position, "");
}

static void a_fire_is_settled_once_that_is_durable(void **state G_GNUC_UNUSED)
{
	struct rig *rig = with_actions(2, RIG_QUICK, ROW(0, EVERY_MINUTE));
	rig_wait(rig, US_PER_MINUTE);
	rig_take(rig, RIG_QUICK, 10);
	struct fire first = rig->fires[0], second = rig->fires[1];
	assert_false(is_settled(rig, &first));
	rig_answer(rig, RIG_QUICK, &first, 1, FIRE_DELIVERED);
	assert_false(is_settled(rig, &first));
	struct commit *commit = engine_take_commit(rig->engine);
	assert_non_null(commit);
	assert_false(is_settled(rig, &first));
	engine_committed(rig->engine, commit->sequence);
	commit_free(commit);
	assert_true(is_settled(rig, &first));
	assert_false(is_settled(rig, &second));
	rig_free(rig);
}

static void what_is_open_or_owed_is_not_settled(void **state G_GNUC_UNUSED)
{
	struct rig *rig = with_actions(1, RIG_QUICK, ROW(0, EVERY_MINUTE));
	rig_wait(rig, US_PER_MINUTE);
	rig_take(rig, RIG_QUICK, 10);
	struct fire slow = rig->fires[0];
	rig_wait(rig, US_PER_SECOND);
	rig_settle(rig);
	assert_int_equal(rig->open->len, 1);
	assert_false(is_settled(rig, &slow));
	rig_answer(rig, RIG_QUICK, &slow, 1, FIRE_DELIVERED);
	rig_settle(rig);
	assert_true(is_settled(rig, &slow));
	rig_crash(rig, 10 * US_PER_MINUTE);
	rig_take(rig, RIG_QUICK, 1);
	rig_settle(rig);
	assert_int_equal(rig_take(rig, RIG_QUICK, 1), 1);
	struct fire missed = rig->fires[0];
	assert_false(is_settled(rig, &missed));
	rig_answer(rig, RIG_QUICK, &missed, 1, FIRE_DELIVERED);
	rig_settle(rig);
	assert_true(is_settled(rig, &missed));
	rig_free(rig);
}

/* As rig_commit, without a journal behind it. */
static void commit_pass(struct rig *rig)
{
	struct commit *commit = engine_take_commit(rig->engine);
	assert_non_null(commit);
	engine_committed(rig->engine, commit->sequence);
	commit_free(commit);
}

static struct fire take_and_open(struct rig *rig)
{
	rig_wait(rig, US_PER_HOUR);
	assert_int_equal(rig_take(rig, RIG_QUICK, 10), 1);
	struct fire fire = rig->fires[0];
	rig_wait(rig, US_PER_SECOND);
	commit_pass(rig);
	return fire;
}

/* After a clock set back by hours a fire that is on its way comes again: both have to end. */
static void a_fire_that_is_open_twice_is_settled_with_the_last(void **state G_GNUC_UNUSED)
{
	for (int order = 0; order < 2; order++) {
		struct rig *rig = with_actions(1, RIG_QUICK, ROW(0, EVERY_HOUR));
		struct fire fires[2];
		fires[0] = take_and_open(rig);
		rig_set_clock(rig, -(2 * US_PER_HOUR + US_PER_SECOND));
		commit_pass(rig);
		rig_wait(rig, US_PER_HOUR);
		fires[1] = take_and_open(rig);
		assert_true(fires[0].nominal == fires[1].nominal);
		assert_true(fires[0].ticket != fires[1].ticket);
		rig_answer(rig, RIG_QUICK, &fires[order], 1, FIRE_DELIVERED);
		commit_pass(rig);
		assert_false(is_settled(rig, &fires[0]));
		rig_answer(rig, RIG_QUICK, &fires[1 - order], 1, FIRE_DELIVERED);
		commit_pass(rig);
		assert_true(is_settled(rig, &fires[0]));
		rig_free(rig);
	}
}

/* The table is read a while after the start; what it says then holds from the start. */
static void a_lane_that_comes_with_the_first_read_takes_over_from_the_start(void **state G_GNUC_UNUSED)
{
	struct rig *rig = with_actions(1, RIG_QUICK, ROW(0, EVERY_SECOND));
	rig_run(rig, RIG_QUICK);
	rig_crash(rig, US_PER_HOUR + US_PER_SECOND / 2);
	rig_wait(rig, 10 * US_PER_SECOND);
	struct rig_row row = ROW(1, EVERY_SECOND);
	row.lane = engine_add_lane(rig->engine, &(struct engine_lane_options){.name = "later"});
	rig_put(rig, row);
	assert_int_equal(rig_run(rig, row.lane), 3610);
	assert_int_equal(rig_run(rig, RIG_QUICK), 0);
	rig_free(rig);
}

static void what_another_callback_takes_over_is_not_settled(void **state G_GNUC_UNUSED)
{
	struct rig *rig = with_actions(2, RIG_QUICK, ROW(0, EVERY_MINUTE));
	rig_wait(rig, US_PER_MINUTE);
	assert_int_equal(rig_take(rig, RIG_QUICK, 10), 2);
	struct position position = {rig->fires[0].due_at, 1, rig->fires[0].nominal};
	rig_crash(rig, 10 * US_PER_SECOND);
	struct rig_row row = ROW(1, EVERY_MINUTE);
	row.lane = RIG_NARROW;
	rig_put(rig, row);
	assert_int_equal(rig_run(rig, RIG_QUICK), 1);
	assert_false(engine_is_settled(rig->engine, RIG_QUICK, position, ""));
	assert_int_equal(rig_run(rig, RIG_NARROW), 1);
	assert_true(engine_is_settled(rig->engine, RIG_QUICK, position, ""));
	rig_free(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_rate_spreads_the_fires_of_an_instant),
		cmocka_unit_test(a_rate_that_is_not_used_is_not_saved_up),
		cmocka_unit_test(what_a_rate_makes_late_is_missed_and_made_up_for),
		cmocka_unit_test(a_lane_has_its_own_bound),
		cmocka_unit_test(a_bound_of_one_lets_the_backlog_through),
		cmocka_unit_test(one_fire_that_is_unavailable_does_not_hold_up_runs_of_others),
		cmocka_unit_test(a_quick_outage_of_one_fire_holds_up_the_others_only_once),
		cmocka_unit_test(a_receiver_that_answers_nobody_is_waited_for),
		cmocka_unit_test(a_receiver_may_say_when_to_come_again),
		cmocka_unit_test(what_begins_is_durable_before_it_does),
		cmocka_unit_test(what_had_begun_at_a_crash_has_failed),
		cmocka_unit_test(each_attempt_begins_durably),
		cmocka_unit_test(a_stop_in_order_interrupts_nothing_that_did_not_begin),
		cmocka_unit_test(a_lane_that_comes_later_owes_nothing_from_before),
		cmocka_unit_test(a_lane_that_comes_with_the_first_read_takes_over_from_the_start),
		cmocka_unit_test(a_fire_is_settled_once_that_is_durable),
		cmocka_unit_test(what_is_open_or_owed_is_not_settled),
		cmocka_unit_test(a_fire_that_is_open_twice_is_settled_with_the_last),
		cmocka_unit_test(what_another_callback_takes_over_is_not_settled),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
