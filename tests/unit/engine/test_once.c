/* At most once: what a crash, a jump of the clock and an outage leave of fires that had begun, or had not. */
#include "rig.h"

#define UUID "%08x-8d5f-4e2a-9d3c-1f0a3c5b7e90"

static struct rig *with_actions(unsigned count, struct rig_row row)
{
	struct rig *rig = rig_new();
	row.lane = RIG_ONCE;
	for (unsigned i = 1; i <= count; i++) {
		row.id = i;
		rig_put(rig, row);
	}
	rig_settle(rig);
	return rig;
}

/* Takes what may begin, and what has begun once that is durable. */
static size_t begin(struct rig *rig)
{
	assert_int_equal(rig_take(rig, RIG_ONCE, 10), 0);
	rig_settle(rig);
	return rig_take(rig, RIG_ONCE, 10);
}

/* As many begin as may; the others were there before them, and wait for them. */
static void what_has_begun_does_not_wait_for_what_may_not(void **state G_GNUC_UNUSED)
{
	struct rig *rig = with_actions(1, ROW(0, EVERY_DAY));
	for (unsigned i = 1; i <= 5; i++) {
		char uuid[FIRE_MANUAL_MAX];
		g_snprintf(uuid, sizeof(uuid), UUID, i);
		engine_trigger(rig->engine, 1, uuid);
	}
	rig_settle(rig);
	assert_int_equal(begin(rig), 2);
	rig_answer(rig, RIG_ONCE, rig->fires, 2, FIRE_DELIVERED);
	rig_settle(rig);
	assert_int_equal(begin(rig), 2);
	rig_answer(rig, RIG_ONCE, rig->fires, 2, FIRE_DELIVERED);
	rig_settle(rig);
	assert_int_equal(begin(rig), 1);
	rig_free(rig);
}

/* The watermark stands before the jump meanwhile: after a crash all behind it would come again. */
static void nothing_begins_while_a_jump_of_the_clock_is_held(void **state G_GNUC_UNUSED)
{
	struct rig *rig = with_actions(1, ROW(0, EVERY_SECOND));
	rig_wait(rig, US_PER_SECOND / 2);
	rig_run(rig, RIG_ONCE);
	rig_set_clock(rig, 2 * US_PER_HOUR);
	size_t delivered = 0;
	for (int i = 0; i < 10; i++) {
		rig_wait(rig, US_PER_SECOND / 2);
		delivered += rig_run(rig, RIG_ONCE);
	}
	assert_int_equal(delivered, 0);
	rig_crash(rig, US_PER_MS);
	assert_int_equal(rig_run(rig, RIG_ONCE), 2 * 3600 + 5);
	rig_free(rig);
}

static void what_was_asked_for_begins_while_a_jump_of_the_clock_is_held(void **state G_GNUC_UNUSED)
{
	struct rig *rig = with_actions(1, ROW(0, EVERY_DAY));
	rig_set_clock(rig, 2 * US_PER_HOUR);
	engine_trigger(rig->engine, 1, "0b6d4bd6-8d5f-4e2a-9d3c-1f0a3c5b7e90");
	rig_settle(rig);
	assert_int_equal(begin(rig), 1);
	rig_free(rig);
}

/* Of one action missed runs go one by one; what comes after the one that waits is handed out before it. */
static void what_comes_after_a_run_that_waits_is_not_repeated_by_a_crash(void **state G_GNUC_UNUSED)
{
	struct rig *rig = with_actions(2, ROW(0, EVERY_MINUTE));
	rig_run(rig, RIG_ONCE);
	rig_crash(rig, 2 * US_PER_MINUTE + US_PER_MINUTE / 2);
	rig_take(rig, RIG_ONCE, 10);
	rig_settle(rig);
	/* Both of the first minute. The first run goes on, the other action's two come to an end. */
	assert_int_equal(begin(rig), 2);
	assert_int_equal(rig->fires[1].action->id, 2);
	rig_answer(rig, RIG_ONCE, rig->fires + 1, 1, FIRE_DELIVERED);
	rig_settle(rig);
	assert_int_equal(begin(rig), 1);
	assert_int_equal(rig->fires[0].action->id, 2);
	rig_answer(rig, RIG_ONCE, rig->fires, 1, FIRE_DELIVERED);
	rig_settle(rig);
	assert_int_equal(rig_count(rig, 2, STATUS_DELIVERED), 2);
	rig_crash(rig, US_PER_SECOND);
	rig_settle(rig);
	assert_int_equal(rig_run(rig, RIG_ONCE), 1);
	assert_int_equal(rig_count_reason(rig, 1, REASON_INTERRUPTED), 1);
	assert_int_equal(rig_count(rig, 1, STATUS_DELIVERED), 1);
	assert_int_equal(rig_count(rig, 2, STATUS_DELIVERED), 2);
	rig_free(rig);
}

static void what_found_the_receiver_out_of_reach_has_not_begun(void **state G_GNUC_UNUSED)
{
	struct rig *rig = with_actions(1, ROW(0, EVERY_DAY));
	rig_wait(rig, US_PER_DAY);
	assert_int_equal(begin(rig), 1);
	rig_answer(rig, RIG_ONCE, rig->fires, 1, FIRE_UNAVAILABLE);
	rig_settle(rig);
	assert_false(g_array_index(rig->open, struct open_fire, 0).started);
	rig_crash(rig, US_PER_MINUTE);
	rig_settle(rig);
	assert_int_equal(rig->outcomes->len, 0);
	assert_int_equal(begin(rig), 1);
	rig_free(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_has_begun_does_not_wait_for_what_may_not),
		cmocka_unit_test(nothing_begins_while_a_jump_of_the_clock_is_held),
		cmocka_unit_test(what_was_asked_for_begins_while_a_jump_of_the_clock_is_held),
		cmocka_unit_test(what_comes_after_a_run_that_waits_is_not_repeated_by_a_crash),
		cmocka_unit_test(what_found_the_receiver_out_of_reach_has_not_begun),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
