/* What must stay small however much there is: a million actions of one instant, a year of downtime. */
#include "rig.h"

#include <malloc.h>

/* A day after the start; jitter of an hour. */
#define JITTERED "{\"format\":\"apscheduler\",\"params\":{\"minute\":\"*/10\",\"jitter\":3600}}"

static size_t bytes_in_use(void)
{
	return mallinfo2().uordblks;
}

static void put_many(struct rig *rig, int64_t count, struct rig_row row)
{
	struct action_change *changes = g_new0(struct action_change, (size_t)count);
	/* The first one tells what an action of the row is. */
	row.id = 1;
	rig_put(rig, row);
	rig_settle(rig);
	for (int64_t id = 2; id <= count; id++) {
		row.id = id;
		rig_change(row, &changes[id - 2]);
	}
	engine_apply(rig->engine, changes, (size_t)count - 1);
	rig_settle(rig);
	g_free(changes);
}

/* Every id once and in order, piece by piece, and after a crash from where the last commit was. */
static void a_million_fires_of_an_instant_come_in_pieces_over_a_crash(void **state G_GNUC_UNUSED)
{
	enum { COUNT = 1000000 };
	struct rig *rig = rig_new();
	put_many(rig, COUNT, ROW(0, EVERY_DAY));
	assert_int_equal(engine_schedule_count(rig->engine), 1);
	rig_wait(rig, US_PER_DAY);
	int64_t next = 1;
	unsigned repeated = 0;
	for (bool crashed = false; next <= COUNT;) {
		assert_true(rig_take(rig, 0, RIG_TAKE) > 0);
		if (rig->fires[0].action->id < next)
			repeated += (unsigned)(next - rig->fires[0].action->id);
		if (crashed || next < COUNT / 2)
			assert_int_equal(repeated ? next : rig->fires[0].action->id, next);
		next = rig->fires[0].action->id;
		for (size_t i = 0; i < rig->count; i++)
			assert_int_equal(rig->fires[i].action->id, next++);
		rig_answer(rig, 0, rig->fires, rig->count, FIRE_DELIVERED);
		if (next > COUNT / 2 && !crashed) {
			crashed = true;
			rig_crash(rig, 10 * US_PER_MS);
		} else {
			rig_settle(rig);
		}
	}
	assert_int_equal(repeated, RIG_TAKE);
	assert_int_equal(rig->outcomes->len, COUNT);
	rig_free(rig);
}

static void a_year_of_downtime_costs_no_memory_and_little_time(void **state G_GNUC_UNUSED)
{
	struct rig *rig = rig_new();
	struct rig_row row = ROW(1, EVERY_SECOND);
	row.catch_up_limit = 20000;
	rig_put(rig, row);
	row = ROW(2, EVERY_SECOND);
	row.merge_missed = true;
	rig_put(rig, row);
	row = ROW(3, EVERY_SECOND);
	row.actuality_s = 3600;
	rig_put(rig, row);
	rig_settle(rig);
	rig_crash(rig, 365 * US_PER_DAY + US_PER_SECOND / 2);
	size_t before = bytes_in_use();
	gint64 begun = g_get_monotonic_time();
	assert_int_equal(rig_take(rig, 0, 10), 3);
	rig_answer(rig, 0, rig->fires, 3, FIRE_DELIVERED);
	rig_settle(rig);
	assert_true(g_get_monotonic_time() - begun < 2 * US_PER_SECOND);
	assert_true(bytes_in_use() < before + 100000);
	assert_int_equal(rig_run(rig, 0), 20000 + 1 + 3599);
	assert_int_equal(rig_count(rig, 1, STATUS_SKIPPED), 365 * 86400 - 1 - 20000);
	assert_int_equal(rig_count(rig, 2, STATUS_MERGED), 365 * 86400 - 2);
	rig_free(rig);
}

/* Removed while a year of it is being made up for: what is left is one range, not a walk over 31 million. */
static void a_backlog_of_a_year_is_let_go_of_at_once(void **state G_GNUC_UNUSED)
{
	struct rig *rig = rig_new();
	rig_put(rig, ROW(1, EVERY_SECOND));
	rig_put(rig, ROW(2, EVERY_SECOND));
	rig_put(rig, ROW(3, EVERY_MINUTE));
	rig_settle(rig);
	rig_crash(rig, 365 * US_PER_DAY + US_PER_SECOND / 2);
	rig_take(rig, 0, 10);
	rig_answer(rig, 0, rig->fires, rig->count, FIRE_DELIVERED);
	rig_settle(rig);
	rig_take(rig, 0, 100);
	rig_answer(rig, 0, rig->fires, rig->count, FIRE_DELIVERED);
	gint64 begun = g_get_monotonic_time();
	for (int64_t id = 1; id <= 3; id++)
		rig_remove(rig, id, REASON_REMOVED);
	assert_int_equal(rig_run(rig, 0), 0);
	assert_true(g_get_monotonic_time() - begun < 2 * US_PER_SECOND);
	assert_int_equal(
		rig_count_reason(rig, 1, REASON_REMOVED) + rig_count(rig, 1, STATUS_DELIVERED), 365 * 86400);
	assert_int_equal(rig->backlog->len, 0);
	rig_free(rig);
}

static void jittered_actions_come_in_order_of_their_due_times(void **state G_GNUC_UNUSED)
{
	struct rig *rig = rig_new();
	put_many(rig, 200, ROW(0, JITTERED));
	time_us last = TIME_US_MIN;
	size_t fires = 0;
	for (int i = 0; i < 4 * 3600; i++) {
		rig_wait(rig, US_PER_SECOND);
		rig_take(rig, 0, RIG_TAKE);
		for (size_t k = 0; k < rig->count; k++) {
			assert_true(rig->fires[k].due_at >= last);
			assert_in_range(rig->fires[k].due_at - rig->fires[k].nominal, 0, US_PER_HOUR);
			last = rig->fires[k].due_at;
		}
		fires += rig->count;
		rig_answer(rig, 0, rig->fires, rig->count, FIRE_DELIVERED);
		rig_settle(rig);
	}
	/* Six in an hour. */
	assert_in_range(fires, 200 * 6 * 4 - 300, 200 * 6 * 4 + 300);
	rig_free(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_million_fires_of_an_instant_come_in_pieces_over_a_crash),
		cmocka_unit_test(a_year_of_downtime_costs_no_memory_and_little_time),
		cmocka_unit_test(a_backlog_of_a_year_is_let_go_of_at_once),
		cmocka_unit_test(jittered_actions_come_in_order_of_their_due_times),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
