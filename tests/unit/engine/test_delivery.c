/* Fires on their way: answers, retries, what is written down when, and the bounds. */
#include "rig.h"

static struct rig *with_actions(unsigned count, struct rig_row row)
{
	struct rig *rig = rig_new();
	for (unsigned i = 1; i <= count; i++) {
		row.id = i;
		rig_put(rig, row);
	}
	rig_settle(rig);
	return rig;
}

static void fires_of_one_instant_come_in_order_of_ids(void **state G_GNUC_UNUSED)
{
	struct rig *rig = with_actions(10, ROW(0, EVERY_MINUTE));
	rig_wait(rig, US_PER_MINUTE);
	assert_int_equal(rig_take(rig, 0, 100), 10);
	for (int i = 0; i < 10; i++)
		assert_int_equal(rig->fires[i].action->id, i + 1);
	rig_free(rig);
}

static void a_fire_costs_one_commit(void **state G_GNUC_UNUSED)
{
	struct rig *rig = with_actions(100, ROW(0, EVERY_MINUTE));
	unsigned before = rig->commits;
	rig_wait(rig, US_PER_MINUTE);
	assert_int_equal(rig_run(rig, 0), 100);
	assert_int_equal(rig->commits, before + 1);
	rig_wait(rig, 30 * US_PER_SECOND);
	assert_int_equal(rig_run(rig, 0), 0);
	assert_int_equal(rig->commits, before + 1);
	rig_free(rig);
}

static void what_is_not_accepted_is_offered_again(void **state G_GNUC_UNUSED)
{
	struct rig *rig = with_actions(5, ROW(0, EVERY_MINUTE));
	rig_wait(rig, US_PER_MINUTE);
	assert_int_equal(rig_take_part(rig, 0, 10, 2), 5);
	assert_int_equal(rig_take(rig, 0, 10), 0);
	engine_ready(rig->engine, 0);
	assert_int_equal(rig_take(rig, 0, 10), 3);
	assert_int_equal(rig->fires[0].action->id, 3);
	rig_free(rig);
}

static void a_rejected_fire_is_tried_again_later_and_later(void **state G_GNUC_UNUSED)
{
	struct rig_row row = ROW(0, EVERY_HOUR);
	row.max_attempts = 4;
	struct rig *rig = with_actions(1, row);
	rig_wait(rig, US_PER_HOUR);
	rig_take(rig, 0, 10);
	time_us least = US_PER_SECOND / 2, most = US_PER_SECOND;
	for (uint16_t attempt = 1; attempt < 4; attempt++, least *= 2, most *= 2) {
		assert_int_equal(rig->fires[0].attempt, attempt);
		rig_answer(rig, 0, rig->fires, 1, FIRE_REJECTED);
		rig_settle(rig);
		dur_us wait = engine_next_wake(rig->engine) - rig->now;
		assert_in_range(wait, least, most);
		rig_wait(rig, wait - 1);
		assert_int_equal(rig_take(rig, 0, 10), 0);
		rig_wait(rig, 1);
		assert_int_equal(rig_take(rig, 0, 10), 1);
	}
	rig_answer(rig, 0, rig->fires, 1, FIRE_REJECTED);
	rig_settle(rig);
	assert_int_equal(rig_count_reason(rig, 1, REASON_REFUSED), 1);
	assert_int_equal(g_array_index(rig->outcomes, struct outcome, 0).attempts, 4);
	assert_int_equal(rig_status(rig, 0).retained, 0);
	rig_free(rig);
}

static void attempts_are_counted_over_a_crash(void **state G_GNUC_UNUSED)
{
	struct rig_row row = ROW(0, EVERY_HOUR);
	row.max_attempts = 2;
	struct rig *rig = with_actions(1, row);
	rig_wait(rig, US_PER_HOUR);
	rig_take(rig, 0, 10);
	rig_answer(rig, 0, rig->fires, 1, FIRE_REJECTED);
	rig_settle(rig);
	assert_int_equal(rig->open->len, 1);
	rig_crash(rig, US_PER_MINUTE);
	assert_int_equal(rig_take(rig, 0, 10), 1);
	assert_int_equal(rig->fires[0].attempt, 2);
	rig_answer(rig, 0, rig->fires, 1, FIRE_REJECTED);
	rig_settle(rig);
	assert_int_equal(rig_count(rig, 1, STATUS_FAILED), 1);
	assert_int_equal(rig->open->len, 0);
	rig_free(rig);
}

static void an_unavailable_receiver_uses_up_no_attempt(void **state G_GNUC_UNUSED)
{
	struct rig *rig = with_actions(3, ROW(0, EVERY_HOUR));
	rig_wait(rig, US_PER_HOUR);
	assert_int_equal(rig_take(rig, 0, 10), 3);
	for (int i = 0; i < 20; i++) {
		rig_answer(rig, 0, rig->fires, rig->count, FIRE_UNAVAILABLE);
		assert_true(rig_status(rig, 0).waiting);
		rig_settle(rig);
		dur_us wait = engine_next_wake(rig->engine) - rig->now;
		assert_in_range(wait, 1, 5 * US_PER_MINUTE);
		rig_wait(rig, wait);
		rig_take(rig, 0, 10);
		while (rig->count == 0) {
			rig_settle(rig);
			rig_wait(rig, engine_next_wake(rig->engine) - rig->now);
			rig_take(rig, 0, 10);
		}
		assert_int_equal(rig->count, 3);
		assert_int_equal(rig->fires[0].attempt, 1);
		assert_int_equal(rig->fires[0].action->id, 1);
	}
	rig_answer(rig, 0, rig->fires, 3, FIRE_DELIVERED);
	rig_settle(rig);
	assert_int_equal(rig_count(rig, 0, STATUS_DELIVERED), 3);
	rig_free(rig);
}

static void the_back_off_of_a_lane_is_not_stretched_by_a_clock_set_back(void **state G_GNUC_UNUSED)
{
	struct rig *rig = with_actions(1, ROW(0, EVERY_HOUR));
	rig_wait(rig, US_PER_HOUR);
	rig_take(rig, 0, 10);
	rig_answer(rig, 0, rig->fires, 1, FIRE_UNAVAILABLE);
	rig_settle(rig);
	rig_set_clock(rig, -50 * US_PER_MINUTE);
	rig_wait(rig, 2 * US_PER_SECOND);
	assert_int_equal(rig_take(rig, 0, 10), 1);
	rig_free(rig);
}

static void a_fire_that_takes_long_is_written_down_as_open(void **state G_GNUC_UNUSED)
{
	struct rig *rig = with_actions(2, ROW(0, EVERY_MINUTE));
	rig_wait(rig, US_PER_MINUTE);
	assert_int_equal(rig_take(rig, 0, 10), 2);
	rig_answer(rig, 0, rig->fires + 1, 1, FIRE_DELIVERED);
	assert_false(rig_commit(rig));
	assert_int_equal(engine_next_wake(rig->engine), rig->now + ENGINE_OPEN_AFTER + 1);
	rig_wait(rig, ENGINE_OPEN_AFTER + 1);
	assert_true(rig_commit(rig));
	assert_int_equal(rig->open->len, 1);
	assert_int_equal(rig_count(rig, 2, STATUS_DELIVERED), 1);
	rig_crash(rig, US_PER_SECOND);
	assert_int_equal(rig_take(rig, 0, 10), 1);
	assert_int_equal(rig->fires[0].action->id, 1);
	rig_free(rig);
}

static void only_what_is_not_durable_comes_again_after_a_crash(void **state G_GNUC_UNUSED)
{
	struct rig *rig = with_actions(10, ROW(0, EVERY_MINUTE));
	rig_wait(rig, US_PER_MINUTE);
	assert_int_equal(rig_take(rig, 0, 6), 6);
	rig_answer(rig, 0, rig->fires, 6, FIRE_DELIVERED);
	assert_true(rig_commit(rig));
	assert_int_equal(rig_take(rig, 0, 2), 2);
	rig_answer(rig, 0, rig->fires, 2, FIRE_DELIVERED);
	rig_crash(rig, US_PER_MS);
	assert_int_equal(rig_take(rig, 0, 10), 4);
	assert_int_equal(rig->fires[0].action->id, 7);
	rig_free(rig);
}

static void the_bound_stops_dispatch(void **state G_GNUC_UNUSED)
{
	struct rig *rig = with_actions(100, ROW(0, EVERY_MINUTE));
	rig->options.open_max = 10;
	rig_crash(rig, 0);
	rig_wait(rig, US_PER_MINUTE);
	assert_int_equal(rig_take(rig, 0, 100), 10);
	assert_int_equal(rig_take(rig, 0, 100), 0);
	assert_true(engine_next_wake(rig->engine) > rig->now);
	rig_wait(rig, ENGINE_OPEN_AFTER + 1);
	rig_settle(rig);
	assert_int_equal(rig->open->len, 10);
	assert_int_equal(rig_take(rig, 0, 100), 0);
	rig_free(rig);
}

static void answers_that_nobody_waits_for_are_passed_over(void **state G_GNUC_UNUSED)
{
	struct rig *rig = with_actions(1, ROW(0, EVERY_MINUTE));
	rig_wait(rig, US_PER_MINUTE);
	rig_take(rig, 0, 10);
	struct fire fire = rig->fires[0];
	rig_answer(rig, 0, &fire, 1, FIRE_DELIVERED);
	rig_settle(rig);
	rig_answer(rig, 0, &fire, 1, FIRE_DELIVERED);
	fire.ticket = 12345;
	rig_answer(rig, 0, &fire, 1, FIRE_REJECTED);
	rig_settle(rig);
	assert_int_equal(rig->outcomes->len, 1);
	assert_int_equal(rig_status(rig, 0).in_flight, 0);
	rig_free(rig);
}

static void a_live_fire_over_max_instances_is_skipped(void **state G_GNUC_UNUSED)
{
	struct rig_row row = ROW(0, EVERY_MINUTE);
	row.lane = 1;
	row.max_instances = 2;
	struct rig *rig = with_actions(1, row);
	struct fire runs[2];
	for (int i = 0; i < 4; i++) {
		rig_wait(rig, US_PER_MINUTE);
		assert_int_equal(rig_take(rig, 1, 10), i < 2);
		if (i < 2)
			runs[i] = rig->fires[0];
		rig_settle(rig);
	}
	assert_int_equal(rig_count_reason(rig, 1, REASON_MAX_INSTANCES), 2);
	rig_answer(rig, 1, runs, 1, FIRE_DELIVERED);
	rig_wait(rig, US_PER_MINUTE);
	assert_int_equal(rig_take(rig, 1, 10), 1);
	rig_free(rig);
}

/* Runs that were under way at a crash count again after it. */
static void max_instances_holds_over_a_crash(void **state G_GNUC_UNUSED)
{
	struct rig_row row = ROW(0, EVERY_MINUTE);
	row.lane = 1;
	row.max_instances = 1;
	struct rig *rig = with_actions(1, row);
	rig_wait(rig, US_PER_MINUTE);
	rig_take(rig, 1, 10);
	rig_wait(rig, US_PER_SECOND);
	rig_settle(rig);
	rig_crash(rig, US_PER_SECOND);
	assert_int_equal(rig_take(rig, 1, 10), 1);
	struct fire again = rig->fires[0];
	rig_wait(rig, 58 * US_PER_SECOND);
	assert_int_equal(rig_take(rig, 1, 10), 0);
	rig_settle(rig);
	assert_int_equal(rig_count_reason(rig, 1, REASON_MAX_INSTANCES), 1);
	rig_answer(rig, 1, &again, 1, FIRE_DELIVERED);
	rig_settle(rig);
	assert_int_equal(rig_count(rig, 1, STATUS_DELIVERED), 1);
	rig_free(rig);
}

static void live_fires_go_before_the_backlog(void **state G_GNUC_UNUSED)
{
	struct rig *rig = with_actions(10, ROW(0, EVERY_SECOND));
	rig->options.open_max = 64;
	rig_crash(rig, US_PER_HOUR);
	rig_take(rig, 0, 100);
	rig_settle(rig);
	size_t live = 0, backlog = 0;
	for (int i = 0; i < 50; i++) {
		rig_wait(rig, US_PER_SECOND);
		/* The callback takes 12 in a second: 10 are due in it. */
		rig_take(rig, 0, 12);
		for (size_t k = 0; k < rig->count; k++) {
			bool is_live = rig->now - rig->fires[k].due_at <= ENGINE_GRACE;
			live += is_live;
			backlog += !is_live;
		}
		rig_answer(rig, 0, rig->fires, rig->count, FIRE_DELIVERED);
		rig_settle(rig);
	}
	assert_true(live >= 490);
	assert_in_range(backlog, 80, 150);
	rig_free(rig);
}

/* Live fires alone would fill every batch. */
static void the_backlog_gets_its_share(void **state G_GNUC_UNUSED)
{
	struct rig *rig = with_actions(100, ROW(0, EVERY_SECOND));
	rig_crash(rig, US_PER_HOUR);
	rig_take(rig, 0, 100);
	rig_settle(rig);
	size_t backlog = 0;
	for (int i = 0; i < 40; i++) {
		rig_wait(rig, US_PER_SECOND / 5);
		rig_take(rig, 0, 20);
		for (size_t k = 0; k < rig->count; k++)
			backlog += rig->now - rig->fires[k].due_at > 5 * US_PER_SECOND;
		rig_answer(rig, 0, rig->fires, rig->count, FIRE_DELIVERED);
		rig_settle(rig);
	}
	assert_true(backlog >= 40);
	rig_free(rig);
}

static void what_was_answered_before_a_stop_never_comes_again(void **state G_GNUC_UNUSED)
{
	struct rig *rig = with_actions(10, ROW(0, EVERY_MINUTE));
	rig_wait(rig, US_PER_MINUTE);
	assert_int_equal(rig_take_part(rig, 0, 10, 6), 10);
	rig_answer(rig, 0, rig->fires + 3, 3, FIRE_DELIVERED);
	engine_stop(rig->engine);
	rig_settle(rig);
	assert_false(engine_is_idle(rig->engine));
	rig_answer(rig, 0, rig->fires, 3, FIRE_UNAVAILABLE);
	rig_settle(rig);
	assert_true(engine_is_idle(rig->engine));
	assert_int_equal(rig_count(rig, 0, STATUS_DELIVERED), 3);
	rig_crash(rig, US_PER_MS);
	assert_int_equal(rig_run(rig, 0), 7);
	rig_free(rig);
}

static void what_is_idle_has_nothing_to_write_down(void **state G_GNUC_UNUSED)
{
	struct rig *rig = with_actions(1, ROW(0, EVERY_MINUTE));
	assert_true(engine_is_idle(rig->engine));
	rig_wait(rig, US_PER_MINUTE);
	assert_int_equal(rig_take(rig, 0, 10), 1);
	rig_answer(rig, 0, rig->fires, 1, FIRE_DELIVERED);
	engine_stop(rig->engine);
	assert_false(engine_is_idle(rig->engine));
	assert_true(rig_commit(rig));
	assert_true(engine_is_idle(rig->engine));
	rig_free(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fires_of_one_instant_come_in_order_of_ids),
		cmocka_unit_test(a_fire_costs_one_commit),
		cmocka_unit_test(what_is_not_accepted_is_offered_again),
		cmocka_unit_test(a_rejected_fire_is_tried_again_later_and_later),
		cmocka_unit_test(attempts_are_counted_over_a_crash),
		cmocka_unit_test(an_unavailable_receiver_uses_up_no_attempt),
		cmocka_unit_test(the_back_off_of_a_lane_is_not_stretched_by_a_clock_set_back),
		cmocka_unit_test(a_fire_that_takes_long_is_written_down_as_open),
		cmocka_unit_test(only_what_is_not_durable_comes_again_after_a_crash),
		cmocka_unit_test(the_bound_stops_dispatch),
		cmocka_unit_test(answers_that_nobody_waits_for_are_passed_over),
		cmocka_unit_test(a_live_fire_over_max_instances_is_skipped),
		cmocka_unit_test(max_instances_holds_over_a_crash),
		cmocka_unit_test(live_fires_go_before_the_backlog),
		cmocka_unit_test(the_backlog_gets_its_share),
		cmocka_unit_test(what_was_answered_before_a_stop_never_comes_again),
		cmocka_unit_test(what_is_idle_has_nothing_to_write_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
