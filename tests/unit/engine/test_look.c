/* Looks inside: what status tells is what is there. */
#include "rig.h"

#include <stdlib.h>

#define UUID "0b6d4bd6-8d5f-4e2a-9d3c-1f0a3c5b7e90"

/* --- fires to come --- */

static const char *const documents[] = {
	EVERY_SECOND,
	EVERY_MINUTE,
	EVERY_HOUR,
	"{\"format\":\"unix\",\"params\":{\"value\":\"*/7 * * * *\"}}",
	"{\"format\":\"apscheduler\",\"params\":{\"second\":\"*/20\",\"jitter\":600}}",
	"{\"format\":\"apscheduler\",\"params\":{\"minute\":\"*/2\",\"end_date\":\"2024-01-01 00:03:00\"}}",
	("{\"format\":\"apscheduler\",\"params\":{\"second\":\"*\",\"end_date\":\"2024-01-01 00:00:30\","
	 "\"jitter\":5}}"),
	"{\"format\":\"apscheduler\",\"params\":{\"year\":\"2020\"}}",
};

struct expected {
	GArray *fires; /* struct engine_next without action, sorted: the next one of each action */
	size_t firing;
};

static int compare(const void *a, const void *b)
{
	return position_compare(
		((const struct engine_next *)a)->position, ((const struct engine_next *)b)->position);
}

static void expect_action(void *context, const struct action *action, bool has_next, time_us next_due)
{
	(void)action;
	(void)next_due;
	struct expected *expected = context;
	expected->firing += has_next;
}

/* Counted one by one, as engine_each_action has them. */
static void check_next(struct rig *rig, const struct rig_row *rows, size_t count)
{
	struct expected expected = {g_array_new(FALSE, FALSE, sizeof(struct engine_next)), 0};
	engine_each_action(rig->engine, expect_action, &expected);
	assert_int_equal(engine_firing_count(rig->engine), expected.firing);
	for (size_t i = 0; i < count; i++) {
		const struct action *action = engine_find_action(rig->engine, rows[i].id);
		struct engine_next next = {.position = position_end_of(rig->now)};
		if (action && fire_next(action->schedule, action->id, next.position, &next.position))
			g_array_append_val(expected.fires, next);
	}
	g_array_sort(expected.fires, compare);
	struct engine_next told[ENGINE_NEXT_MAX];
	size_t told_count = engine_next_fires(rig->engine, told, ENGINE_NEXT_MAX);
	assert_int_equal(told_count, MIN(expected.fires->len, ENGINE_NEXT_MAX));
	for (size_t i = 0; i < told_count; i++) {
		struct position position = g_array_index(expected.fires, struct engine_next, i).position;
		assert_int_equal(position_compare(told[i].position, position), 0);
		assert_int_equal(told[i].action->id, position.action_id);
	}
	g_array_unref(expected.fires);
}

static void run_all(struct rig *rig)
{
	size_t any;
	rig_settle(rig);
	do {
		any = rig_run(rig, RIG_QUICK) + rig_run(rig, RIG_NARROW);
		rig_settle(rig);
	} while (any);
}

static void the_next_fires_are_those_of_all_actions_in_order(void **state G_GNUC_UNUSED)
{
	g_autoptr(GRand) rand = g_rand_new_with_seed(11);
	struct rig *rig = rig_new();
	struct rig_row rows[40];
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
		rows[i] = ROW((int64_t)i + 1, documents[0]);
	for (int turn = 0; turn < 200; turn++) {
		struct rig_row *row = &rows[g_rand_int_range(rand, 0, G_N_ELEMENTS(rows))];
		row->cron = documents[g_rand_int_range(rand, 0, G_N_ELEMENTS(documents))];
		row->lane = g_rand_boolean(rand) ? RIG_QUICK : RIG_NARROW;
		if (g_rand_int_range(rand, 0, 4) == 0)
			rig_remove(rig, row->id, REASON_REMOVED);
		else
			rig_put(rig, *row);
		rig_wait(rig, g_rand_int_range(rand, 0, 3000) * US_PER_MS);
		run_all(rig);
		if (turn == 100)
			rig_crash(rig, 10 * US_PER_SECOND);
		if (turn == 100)
			run_all(rig);
		check_next(rig, rows, G_N_ELEMENTS(rows));
	}
	rig_free(rig);
}

static void fewer_may_be_asked_for_and_none_be_there(void **state G_GNUC_UNUSED)
{
	struct rig *rig = rig_new();
	struct engine_next told[3];
	assert_int_equal(engine_next_fires(rig->engine, told, 3), 0);
	assert_int_equal(engine_firing_count(rig->engine), 0);
	rig_put(rig, ROW(1, EVERY_SECOND));
	assert_int_equal(engine_next_fires(rig->engine, told, 3), 1);
	for (int64_t id = 2; id < 6; id++)
		rig_put(rig, ROW(id, EVERY_SECOND));
	assert_int_equal(engine_next_fires(rig->engine, told, 3), 3);
	assert_int_equal(told[2].action->id, 3);
	assert_int_equal(told[2].position.due_at, RIG_START + US_PER_SECOND);
	for (int64_t id = 2; id < 6; id++)
		rig_remove(rig, id, REASON_REMOVED);
	rig_put(rig, ROW(1, documents[7]));
	assert_int_equal(engine_next_fires(rig->engine, told, 3), 0);
	assert_int_equal(engine_action_count(rig->engine), 1);
	assert_int_equal(engine_firing_count(rig->engine), 0);
	rig_free(rig);
}

/* What is due by now and not handed out is no fire to come; where that is very much, the lane is left out. */
static void a_lane_far_behind_does_not_cost_more(void **state G_GNUC_UNUSED)
{
	static char schedules[300][80];
	struct rig *rig = rig_new();
	struct engine_next told[4];
	struct rig_row row = ROW(1000, EVERY_MINUTE);
	row.lane = RIG_NARROW;
	for (row.id = 1000; row.id < 1004; row.id++)
		rig_put(rig, row);
	for (int i = 0; i < 300; i++) {
		g_snprintf(schedules[i], sizeof schedules[i],
			"{\"format\":\"apscheduler\",\"params\":{\"second\":\"0\",\"minute\":\"%d\",\"hour\":"
			"\"0-%d\"}}",
			i % 20, i / 20 + 1);
		rig_put(rig, ROW(i + 1, schedules[i]));
	}
	assert_int_equal(engine_next_fires(rig->engine, told, 4), 4);
	assert_int_equal(told[0].action->id, 2);
	rig_wait(rig, 30 * US_PER_MINUTE);
	assert_int_equal(engine_next_fires(rig->engine, told, 4), 4);
	for (int i = 0; i < 4; i++)
		assert_int_equal(told[i].action->id, 1000 + i);
	assert_true(rig_status(rig, RIG_QUICK).next_due < rig->now);
	rig_free(rig);
}

/* --- open fires, and those that were asked for --- */

static void open_fires_are_told_with_what_they_wait_for(void **state G_GNUC_UNUSED)
{
	struct rig *rig = rig_new();
	struct engine_open open[4];
	struct rig_row row = ROW(1, EVERY_SECOND);
	row.max_attempts = 3;
	rig_put(rig, row);
	rig_wait(rig, 2 * US_PER_SECOND);
	assert_int_equal(rig_take(rig, RIG_QUICK, 10), 2);
	assert_true(rig->fires[0].live && rig->fires[1].live);
	assert_int_equal(engine_open_fires(rig->engine, RIG_QUICK, open, 4), 0);
	rig_answer(rig, RIG_QUICK, rig->fires, 1, FIRE_REJECTED);
	rig_wait(rig, ENGINE_OPEN_AFTER + US_PER_MS);
	rig_settle(rig);
	assert_int_equal(engine_open_fires(rig->engine, RIG_QUICK, open, 4), 2);
	assert_int_equal(open[0].position.nominal, RIG_START + US_PER_SECOND);
	assert_int_equal(open[0].attempts, 1);
	assert_true(open[0].next_attempt_at > rig->now);
	assert_false(open[0].handed_out);
	assert_true(open[1].handed_out);
	assert_int_equal(open[1].next_attempt_at, TIME_US_MIN);
	assert_int_equal(engine_open_fires(rig->engine, RIG_QUICK, open, 1), 1);
	rig_free(rig);
}

static void another_attempt_and_a_missed_fire_are_not_live(void **state G_GNUC_UNUSED)
{
	struct rig *rig = rig_new();
	struct rig_row row = ROW(1, EVERY_MINUTE);
	row.max_attempts = 3;
	rig_put(rig, row);
	rig_wait(rig, US_PER_MINUTE);
	assert_int_equal(rig_take(rig, RIG_QUICK, 10), 1);
	assert_true(rig->fires[0].live);
	rig_answer(rig, RIG_QUICK, rig->fires, 1, FIRE_REJECTED);
	rig_wait(rig, 5 * US_PER_SECOND);
	assert_int_equal(rig_take(rig, RIG_QUICK, 10), 1);
	assert_false(rig->fires[0].live);
	rig_answer(rig, RIG_QUICK, rig->fires, 1, FIRE_DELIVERED);
	rig_settle(rig);
	rig_crash(rig, 10 * US_PER_MINUTE);
	for (int i = 0; i < 10; i++) {
		rig_take(rig, RIG_QUICK, 1);
		rig_settle(rig);
		assert_false(rig->count && rig->fires[0].live);
	}
	engine_trigger(rig->engine, 1, UUID);
	rig_settle(rig);
	assert_int_equal(rig_take(rig, RIG_QUICK, 1), 1);
	assert_false(rig->fires[0].live);
	rig_free(rig);
}

static char *uuid_of(int number)
{
	return g_strdup_printf("%08d-8d5f-4e2a-9d3c-1f0a3c5b7e90", number);
}

static void no_more_than_so_many_that_are_asked_for_wait(void **state G_GNUC_UNUSED)
{
	struct rig *rig = rig_new();
	rig->options.asked_max = 5;
	rig_put(rig, ROW(1, EVERY_DAY));
	struct rig_row other = ROW(2, EVERY_DAY);
	other.lane = RIG_NARROW;
	rig_put(rig, other);
	rig_settle(rig);
	rig_kill(rig);
	rig_start(rig);
	for (int i = 0; i < 8; i++) {
		g_autofree char *uuid = uuid_of(i);
		assert_int_equal(engine_trigger(rig->engine, 1, uuid), i < 5 ? ENGINE_QUEUED : ENGINE_BUSY);
	}
	assert_int_equal(engine_trigger(rig->engine, 2, UUID), ENGINE_QUEUED);
	assert_int_equal(rig_status(rig, RIG_QUICK).asked, 5);
	struct open_fire failed = {.action_id = 1, .nominal = RIG_START, .due_at = RIG_START, .attempts = 1};
	assert_int_equal(engine_retry(rig->engine, &failed), ENGINE_BUSY);
	/* They are the same after a crash. */
	rig_settle(rig);
	rig_crash(rig, US_PER_SECOND);
	assert_int_equal(engine_trigger(rig->engine, 1, UUID), ENGINE_BUSY);
	assert_int_equal(rig_take(rig, RIG_QUICK, 2), 2);
	rig_answer(rig, RIG_QUICK, rig->fires, 2, FIRE_DELIVERED);
	assert_int_equal(engine_trigger(rig->engine, 1, UUID), ENGINE_BUSY);
	rig_settle(rig);
	assert_int_equal(engine_trigger(rig->engine, 1, UUID), ENGINE_QUEUED);
	assert_int_equal(engine_retry(rig->engine, &failed), ENGINE_QUEUED);
	assert_int_equal(engine_trigger(rig->engine, 1, UUID), ENGINE_BUSY);
	/* Where the action goes, they go. */
	other.id = 1;
	rig_put(rig, other);
	rig_settle(rig);
	rig_run(rig, RIG_QUICK);
	rig_run(rig, RIG_NARROW);
	rig_settle(rig);
	assert_int_equal(rig_status(rig, RIG_QUICK).asked, 0);
	assert_int_equal(rig_status(rig, RIG_NARROW).asked, 0);
	rig_free(rig);
}

/* --- the backlog --- */

static void what_is_left_of_a_backlog_shrinks_by_what_is_made_up_for(void **state G_GNUC_UNUSED)
{
	struct rig *rig = rig_new();
	rig_put(rig, ROW(1, EVERY_MINUTE));
	rig_wait(rig, US_PER_MINUTE);
	rig_run(rig, RIG_QUICK);
	rig_crash(rig, 2 * US_PER_HOUR);
	assert_int_equal(rig_status(rig, RIG_QUICK).backlog_left, 0);
	/* It is found with the first look. */
	size_t live = rig_take(rig, RIG_QUICK, 1);
	rig_answer(rig, RIG_QUICK, rig->fires, live, FIRE_DELIVERED);
	rig_settle(rig);
	struct engine_lane_status first = rig_status(rig, RIG_QUICK), now = first;
	assert_true(first.backlog_left > 2 * US_PER_HOUR - US_PER_MINUTE);
	while (now.backlog_records) {
		size_t taken = rig_take(rig, RIG_QUICK, 10);
		rig_answer(rig, RIG_QUICK, rig->fires, taken, FIRE_DELIVERED);
		rig_settle(rig);
		struct engine_lane_status next = rig_status(rig, RIG_QUICK);
		assert_true(next.backlog_left <= now.backlog_left);
		assert_int_equal(
			next.backlog_left + next.backlog_walked, first.backlog_left + first.backlog_walked);
		now = next;
	}
	assert_int_equal(now.backlog_left, 0);
	assert_int_equal(rig_count(rig, 1, STATUS_DELIVERED), 121);
	rig_free(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_next_fires_are_those_of_all_actions_in_order),
		cmocka_unit_test(fewer_may_be_asked_for_and_none_be_there),
		cmocka_unit_test(a_lane_far_behind_does_not_cost_more),
		cmocka_unit_test(open_fires_are_told_with_what_they_wait_for),
		cmocka_unit_test(another_attempt_and_a_missed_fire_are_not_live),
		cmocka_unit_test(no_more_than_so_many_that_are_asked_for_wait),
		cmocka_unit_test(what_is_left_of_a_backlog_shrinks_by_what_is_made_up_for),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
