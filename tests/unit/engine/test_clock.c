/* Clock steps: held, believed, taken back; small ones; new epochs. */
#include "rig.h"

static struct rig *ticking(const char *cron)
{
	struct rig *rig = rig_new();
	rig_put(rig, ROW(7, cron));
	rig_wait(rig, 30 * US_PER_SECOND);
	rig_run(rig, 0);
	return rig;
}

static uint32_t epoch(const struct rig *rig)
{
	return rig_status(rig, 0).clock_epoch;
}

static void a_jump_is_held_for_a_minute(void **state G_GNUC_UNUSED)
{
	struct rig *rig = ticking(EVERY_MINUTE);
	rig_set_clock(rig, 2 * US_PER_HOUR);
	assert_int_equal(rig_run(rig, 0), 0);
	size_t live = 0; /* goes on meanwhile */
	for (int i = 0; i < 59; i++) {
		rig_wait(rig, US_PER_SECOND);
		live += rig_run(rig, 0);
	}
	assert_int_equal(live, 1);
	assert_int_equal(rig->backlog->len, 0);
	rig_wait(rig, US_PER_SECOND);
	assert_int_equal(rig_run(rig, 0), 120);
	assert_int_equal(epoch(rig), 0);
	rig_free(rig);
}

static void a_jump_that_is_taken_back_silences_nothing(void **state G_GNUC_UNUSED)
{
	struct rig *rig = ticking(EVERY_MINUTE);
	rig_set_clock(rig, 2 * US_PER_HOUR);
	rig_run(rig, 0);
	rig_wait(rig, 30 * US_PER_SECOND);
	assert_int_equal(rig_run(rig, 0), 1);
	rig_set_clock(rig, -2 * US_PER_HOUR);
	rig_settle(rig);
	/* It was fired ahead of its time, which the history tells. */
	assert_int_equal(rig_count_reason(rig, 7, REASON_CLOCK), 1);
	rig_wait(rig, 55 * US_PER_SECOND);
	assert_int_equal(rig_run(rig, 0), 1);
	assert_int_equal(epoch(rig), 0);
	rig_wait(rig, 2 * US_PER_HOUR);
	assert_int_equal(rig_run(rig, 0), 120);
	rig_free(rig);
}

/* What was open before the jump is known to be, and is not computed again. */
static void a_crash_during_a_hold_repeats_nothing_that_was_written_down(void **state G_GNUC_UNUSED)
{
	struct rig *rig = ticking(EVERY_MINUTE);
	rig_wait(rig, 30 * US_PER_SECOND);
	assert_int_equal(rig_take(rig, 0, 10), 1);
	rig_set_clock(rig, 2 * US_PER_HOUR);
	rig_settle(rig);
	assert_int_equal(rig->open->len, 1);
	rig_crash(rig, US_PER_SECOND);
	rig_run(rig, 0);
	assert_int_equal(rig_count(rig, 7, STATUS_DELIVERED), 121);
	rig_free(rig);
}

static void a_stop_during_a_hold_keeps_what_was_fired(void **state G_GNUC_UNUSED)
{
	struct rig *rig = ticking(EVERY_MINUTE);
	rig_set_clock(rig, 2 * US_PER_HOUR);
	rig_wait(rig, 30 * US_PER_SECOND);
	assert_int_equal(rig_run(rig, 0), 1);
	engine_stop(rig->engine);
	rig_settle(rig);
	assert_true(engine_is_idle(rig->engine));
	assert_int_equal(rig_count(rig, 7, STATUS_DELIVERED), 1);
	rig_crash(rig, US_PER_SECOND);
	assert_int_equal(rig_run(rig, 0), 120);
	rig_free(rig);
}

static void time_asleep_is_no_jump(void **state G_GNUC_UNUSED)
{
	struct rig *rig = ticking(EVERY_MINUTE);
	rig_wait(rig, 2 * US_PER_HOUR);
	assert_int_equal(rig_run(rig, 0), 120);
	rig_free(rig);
}

static void a_small_step_forward_makes_fires_missed(void **state G_GNUC_UNUSED)
{
	struct rig *rig = ticking(EVERY_MINUTE);
	rig_set_clock(rig, 10 * US_PER_MINUTE);
	assert_int_equal(rig_run(rig, 0), 10);
	rig_free(rig);
}

static void a_clock_set_back_a_little_is_waited_for(void **state G_GNUC_UNUSED)
{
	struct rig *rig = ticking(EVERY_MINUTE);
	rig_wait(rig, 10 * US_PER_MINUTE);
	assert_int_equal(rig_run(rig, 0), 10);
	rig_set_clock(rig, -5 * US_PER_MINUTE);
	rig_wait(rig, 4 * US_PER_MINUTE);
	assert_int_equal(rig_run(rig, 0), 0);
	rig_wait(rig, 2 * US_PER_MINUTE);
	assert_int_equal(rig_run(rig, 0), 1);
	assert_int_equal(epoch(rig), 0);
	rig_free(rig);
}

static void more_than_an_hour_back_is_a_new_epoch(void **state G_GNUC_UNUSED)
{
	struct rig *rig = ticking(EVERY_MINUTE);
	rig_wait(rig, 90 * US_PER_MINUTE);
	rig_run(rig, 0);
	rig_set_clock(rig, -80 * US_PER_MINUTE);
	rig_settle(rig);
	assert_int_equal(epoch(rig), 1);
	rig_wait(rig, 2 * US_PER_MINUTE);
	assert_int_equal(rig_run(rig, 0), 2);
	rig_crash(rig, 3 * US_PER_MINUTE);
	assert_int_equal(epoch(rig), 1);
	assert_int_equal(rig_run(rig, 0), 3);
	rig_free(rig);
}

static void a_clock_that_is_behind_at_the_start_is_a_new_epoch(void **state G_GNUC_UNUSED)
{
	struct rig *rig = ticking(EVERY_MINUTE);
	rig_wait(rig, US_PER_DAY);
	rig_run(rig, 0);
	rig_crash(rig, -20 * US_PER_HOUR);
	rig_settle(rig);
	assert_int_equal(epoch(rig), 1);
	rig_wait(rig, US_PER_MINUTE);
	assert_int_equal(rig_run(rig, 0), 1);
	rig_free(rig);
}

/* A fire on its way when the clock goes back still ends, once. */
static void a_new_epoch_keeps_fires_on_their_way(void **state G_GNUC_UNUSED)
{
	struct rig *rig = ticking(EVERY_MINUTE);
	rig_wait(rig, 90 * US_PER_MINUTE);
	rig_run(rig, 0);
	rig_wait(rig, 30 * US_PER_SECOND);
	assert_int_equal(rig_take(rig, 0, 10), 1);
	struct fire fire = rig->fires[0];
	rig_set_clock(rig, -85 * US_PER_MINUTE);
	rig_settle(rig);
	assert_int_equal(rig->open->len, 1);
	uint64_t before = rig_count(rig, 7, STATUS_DELIVERED);
	rig_answer(rig, 0, &fire, 1, FIRE_DELIVERED);
	rig_settle(rig);
	assert_int_equal(rig_count(rig, 7, STATUS_DELIVERED), before + 1);
	assert_int_equal(rig->open->len, 0);
	rig_free(rig);
}

/* An action first seen while the clock was ahead is owed from where the clock went back to, over a crash too.
 */
static void a_definition_from_a_clock_ahead_is_owed_after_a_crash(void **state G_GNUC_UNUSED)
{
	struct rig *rig = ticking(EVERY_MINUTE);
	rig_set_clock(rig, 400 * US_PER_DAY);
	rig_wait(rig, 2 * US_PER_MINUTE);
	rig_run(rig, 0);
	rig_put(rig, ROW(9, EVERY_HOUR));
	rig_settle(rig);
	rig_set_clock(rig, -400 * US_PER_DAY);
	rig_settle(rig);
	rig_crash(rig, 3 * US_PER_HOUR);
	rig_run(rig, 0);
	assert_int_equal(rig_count(rig, 9, STATUS_DELIVERED), 3);
	rig_free(rig);
}

/* What was decided against the old bounds is not decided otherwise because the clock went back. */
static void a_decided_backlog_outlives_a_clock_set_back(void **state G_GNUC_UNUSED)
{
	struct rig *rig = rig_new();
	struct rig_row row = ROW(7, EVERY_MINUTE);
	row.merge_missed = true;
	rig_put(rig, row);
	rig_settle(rig);
	rig_crash(rig, 5 * US_PER_HOUR + 30 * US_PER_SECOND);
	rig_take(rig, 0, 10);
	rig_settle(rig);
	assert_int_equal(rig_count(rig, 7, STATUS_MERGED), 299);
	rig_set_clock(rig, -2 * US_PER_HOUR);
	rig_settle(rig);
	rig_crash(rig, US_PER_MS);
	assert_int_equal(rig_run(rig, 0), 0);
	assert_int_equal(rig_count(rig, 7, STATUS_MERGED), 299);
	assert_int_equal(rig->backlog->len, 0);
	rig_free(rig);
}

/* Two jumps within a minute: the first one was real, the second one was not. */
static void a_real_jump_is_made_up_for_though_the_next_one_is_taken_back(void **state G_GNUC_UNUSED)
{
	struct rig *rig = ticking(EVERY_DAY);
	rig_set_clock(rig, 25 * US_PER_HOUR); /* 01:00:30 of the second day */
	assert_int_equal(rig_run(rig, 0), 0);
	dur_us jump = 22 * US_PER_HOUR + 59 * US_PER_MINUTE + 29 * US_PER_SECOND;
	rig_set_clock(rig, jump);
	rig_wait(rig, US_PER_SECOND);
	assert_int_equal(rig_run(rig, 0), 1); /* midnight, ahead of its time */
	rig_set_clock(rig, -jump);
	assert_int_equal(epoch(rig), 1);
	rig_wait(rig, 2 * ENGINE_STEP_WAIT);
	assert_int_equal(rig_run(rig, 0), 1);
	assert_int_equal(rig_count(rig, 7, STATUS_DELIVERED), 2);
	rig_wait(rig, 23 * US_PER_HOUR);
	assert_int_equal(rig_run(rig, 0), 1);
	rig_free(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_jump_is_held_for_a_minute),
		cmocka_unit_test(a_jump_that_is_taken_back_silences_nothing),
		cmocka_unit_test(a_crash_during_a_hold_repeats_nothing_that_was_written_down),
		cmocka_unit_test(a_stop_during_a_hold_keeps_what_was_fired),
		cmocka_unit_test(time_asleep_is_no_jump),
		cmocka_unit_test(a_small_step_forward_makes_fires_missed),
		cmocka_unit_test(a_clock_set_back_a_little_is_waited_for),
		cmocka_unit_test(more_than_an_hour_back_is_a_new_epoch),
		cmocka_unit_test(a_clock_that_is_behind_at_the_start_is_a_new_epoch),
		cmocka_unit_test(a_new_epoch_keeps_fires_on_their_way),
		cmocka_unit_test(a_definition_from_a_clock_ahead_is_owed_after_a_crash),
		cmocka_unit_test(a_decided_backlog_outlives_a_clock_set_back),
		cmocka_unit_test(a_real_jump_is_made_up_for_though_the_next_one_is_taken_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
