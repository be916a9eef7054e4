/* What is foreseen is what a run then does with all that is owed. */
#include "rig.h"

#define ACTIONS  12
#define REASONS  (REASON_PROGRESS_SET + 1)
#define JITTERED "{\"format\":\"apscheduler\",\"params\":{\"minute\":\"*\",\"jitter\":90}}"
#define DAILY_AT "{\"format\":\"unix\",\"params\":{\"value\":\"7 0 * * *\"}}"

struct counts {
	uint64_t of[ACTIONS + 1][STATUS_SKIPPED + 1];
	uint64_t because[ACTIONS + 1][REASONS];
};

typedef void (*edit_fn)(struct rig *rig);

static struct rig_row row_of(int64_t id, const char *cron, bool merge, int32_t actuality_s, int32_t limit)
{
	struct rig_row row = ROW(id, cron);
	row.merge_missed = merge;
	row.actuality_s = actuality_s;
	row.catch_up_limit = limit;
	return row;
}

static struct rig *began(void)
{
	struct rig *rig = rig_new();
	struct rig_row rows[ACTIONS] = {
		row_of(1, EVERY_MINUTE, false, -1, -1),
		row_of(2, EVERY_MINUTE, true, -1, -1),
		row_of(3, EVERY_MINUTE, false, 180, -1),
		row_of(4, EVERY_MINUTE, false, -1, 4),
		row_of(5, JITTERED, false, -1, -1),
		row_of(6, JITTERED, true, 30, -1),
		row_of(7, EVERY_MINUTE, false, 600, 3),
		row_of(8, EVERY_MINUTE, false, -1, -1),
		row_of(9, EVERY_MINUTE, true, -1, 0),
		row_of(10, EVERY_MINUTE, false, 0, -1),
		row_of(11, DAILY_AT, true, 60, -1),
		row_of(12, EVERY_MINUTE, false, -1, -1),
	};
	rows[7].lane = RIG_LASTING;
	rows[11].lane = RIG_ONCE;
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
		rig_put(rig, rows[i]);
	return rig;
}

static void run_all(struct rig *rig)
{
	/* What begins at most once is handed out a turn later, when that is durable. */
	for (int idle = 0; idle < 3; idle++)
		if (rig_run(rig, RIG_QUICK) + rig_run(rig, RIG_LASTING) + rig_run(rig, RIG_ONCE) > 0)
			idle = 0;
}

static void foreseen_take(void *context, const struct foreseen *foreseen)
{
	struct counts *counts = context;
	assert_true(foreseen->count > 0 && foreseen->first <= foreseen->last);
	assert_true(foreseen->status != STATUS_DELIVERED || foreseen->reason == REASON_NONE);
	assert_true((foreseen->status == STATUS_MERGED) == (foreseen->merged_into != TIME_US_MIN));
	counts->of[foreseen->action_id][foreseen->status] += foreseen->count;
	counts->because[foreseen->action_id][foreseen->reason] += foreseen->count;
}

static void restart(struct rig *rig, edit_fn edit)
{
	rig_kill(rig);
	rig_start(rig);
	if (edit)
		edit(rig);
}

/* Those that are not missed, as they are due just now, but for a definition that begins now. */
static uint64_t live_of(const struct rig *rig, int64_t id)
{
	const struct action *action = engine_find_action(rig->engine, id);
	time_us after = rig->now - ENGINE_GRACE - 1;
	return action ? fire_count(action->schedule, id, MAX(after, action->since), rig->now) : 0;
}

static void counts_take(const struct rig *rig, struct counts *out)
{
	for (int id = 1; id <= ACTIONS; id++) {
		for (int status = 0; status <= STATUS_SKIPPED; status++)
			out->of[id][status] = rig_count(rig, id, (enum fire_status)status);
		for (int reason = 0; reason < REASONS; reason++)
			out->because[id][reason] = rig_count_reason(rig, id, (enum fire_reason)reason);
	}
}

static void compare(int id, const char *what, uint64_t foreseen, uint64_t done)
{
	if (foreseen != done)
		fail_msg("action %d: %s: foreseen %d, done %d", id, what, (int)foreseen, (int)done);
}

/* Returns how many fires there were. */
static uint64_t check(struct rig *rig, edit_fn edit)
{
	struct counts foreseen = {0}, before, after;
	uint64_t total = 0;
	restart(rig, edit);
	engine_foresee(rig->engine, foreseen_take, &foreseen);
	restart(rig, edit);
	engine_release(rig->engine, false);
	for (int id = 1; id <= ACTIONS; id++) {
		foreseen.of[id][STATUS_DELIVERED] += live_of(rig, id);
		foreseen.because[id][REASON_NONE] += live_of(rig, id);
	}
	counts_take(rig, &before);
	run_all(rig);
	counts_take(rig, &after);
	for (int id = 1; id <= ACTIONS; id++) {
		for (int i = 0; i <= STATUS_SKIPPED; i++) {
			compare(id, fire_status_name((enum fire_status)i), foreseen.of[id][i],
				after.of[id][i] - before.of[id][i]);
			total += after.of[id][i] - before.of[id][i];
		}
		for (int i = 0; i < REASONS; i++)
			compare(id, fire_reason_text((enum fire_reason)i), foreseen.because[id][i],
				after.because[id][i] - before.because[id][i]);
	}
	return total;
}

static struct rig *down_for_twenty_minutes(void)
{
	struct rig *rig = began();
	for (int i = 0; i < 5; i++) {
		rig_wait(rig, US_PER_MINUTE);
		run_all(rig);
	}
	rig_crash(rig, 20 * US_PER_MINUTE + 30 * US_PER_SECOND);
	return rig;
}

static void a_stretch_is_foreseen(void **state G_GNUC_UNUSED)
{
	struct rig *rig = down_for_twenty_minutes();
	assert_true(check(rig, NULL) > 200);
	/* Then nothing is owed. */
	struct counts none = {0};
	restart(rig, NULL);
	engine_foresee(rig->engine, foreseen_take, &none);
	for (int id = 1; id <= ACTIONS; id++)
		for (int status = 0; status <= STATUS_SKIPPED; status++)
			assert_int_equal(none.of[id][status], 0);
	rig_free(rig);
}

static void what_catch_up_drops_is_foreseen(void **state G_GNUC_UNUSED)
{
	static const dur_us before_now[] = {0, 7 * US_PER_MINUTE, 60 * US_PER_MINUTE};
	for (size_t i = 0; i < G_N_ELEMENTS(before_now); i++) {
		struct rig *rig = down_for_twenty_minutes();
		rig->options.catch_up_from = before_now[i] ? rig->now - before_now[i] : TIME_US_MAX;
		check(rig, NULL);
		uint64_t skipped = rig_count_reason(rig, 1, REASON_CATCH_UP_OPTION);
		assert_int_equal(skipped, i == 0 ? 20 : i == 1 ? 13 : 0);
		rig_free(rig);
	}
}

static void deliver_some(struct rig *rig, uint16_t lane, size_t count, size_t answered)
{
	rig_take(rig, lane, count);
	rig_answer(rig, lane, rig->fires, MIN(answered, rig->count), FIRE_DELIVERED);
	rig_commit(rig);
}

/* A record that is half done, fires that are unanswered, and another stretch. */
static struct rig *interrupted(void)
{
	struct rig *rig = down_for_twenty_minutes();
	rig_take(rig, RIG_QUICK, 1);
	rig_take(rig, RIG_LASTING, 1);
	rig_take(rig, RIG_ONCE, 1);
	rig_settle(rig);
	deliver_some(rig, RIG_QUICK, 20, 12);
	deliver_some(rig, RIG_LASTING, 2, 1);
	deliver_some(rig, RIG_ONCE, 2, 0);
	rig_wait(rig, 2 * US_PER_SECOND);
	rig_settle(rig);
	deliver_some(rig, RIG_ONCE, 2, 1);
	rig_crash(rig, 10 * US_PER_MINUTE);
	assert_true(rig->open->len > 0 && rig->backlog->len > 0);
	return rig;
}

static void an_interrupted_backlog_is_foreseen(void **state G_GNUC_UNUSED)
{
	struct rig *rig = interrupted();
	check(rig, NULL);
	rig_free(rig);
	rig = interrupted();
	rig->options.catch_up_from = rig->now - 15 * US_PER_MINUTE;
	check(rig, NULL);
	assert_true(rig_count_reason(rig, 1, REASON_CATCH_UP_OPTION) > 0);
	rig_free(rig);
}

static void edit_table(struct rig *rig)
{
	struct rig_row moved = row_of(1, EVERY_HOUR, false, -1, -1);
	moved.lane = RIG_LASTING;
	rig_put(rig, moved);
	rig_remove(rig, 2, REASON_REMOVED);
	rig_put(rig, row_of(3, EVERY_MINUTE, true, -1, -1));
	rig_remove(rig, 4, REASON_DISABLED);
	rig_put(rig, row_of(5, EVERY_MINUTE, true, -1, -1));
	rig_remove(rig, 12, REASON_BAD_ROW);
}

static void edits_of_the_table_are_foreseen(void **state G_GNUC_UNUSED)
{
	struct rig *rig = down_for_twenty_minutes();
	check(rig, edit_table);
	assert_int_equal(rig_count_reason(rig, 2, REASON_REMOVED), 20);
	rig_free(rig);
	rig = interrupted();
	check(rig, edit_table);
	assert_true(rig_count_reason(rig, 4, REASON_DISABLED) > 0);
	rig_free(rig);
}

static void a_hold_counts_as_over(void **state G_GNUC_UNUSED)
{
	for (int edited = 0; edited < 2; edited++) {
		struct rig *rig = began();
		rig_wait(rig, 90 * US_PER_SECOND);
		run_all(rig);
		assert_true(engine_hold(rig->engine, NULL));
		rig_settle(rig);
		rig_crash(rig, 20 * US_PER_MINUTE);
		/* Such a record is decided at the end of the hold. */
		if (edited)
			rig_put(rig, row_of(3, EVERY_HOUR, true, -1, -1));
		rig_settle(rig);
		rig_crash(rig, 10 * US_PER_MINUTE + 30 * US_PER_SECOND);
		assert_non_null(engine_held(rig->engine));
		assert_true(check(rig, edited ? edit_table : NULL) > 200);
		rig_free(rig);
	}
}

static void what_progress_set_skips_is_foreseen(void **state G_GNUC_UNUSED)
{
	struct rig *rig = interrupted();
	rig->options.catch_up_from = rig->now - 12 * US_PER_MINUTE;
	g_array_index(rig->backlog, struct backlog_record, 0).skip_before = rig->now - 15 * US_PER_MINUTE;
	check(rig, NULL);
	assert_true(rig_count_reason(rig, 1, REASON_PROGRESS_SET) > 0);
	assert_true(rig_count_reason(rig, 1, REASON_CATCH_UP_OPTION) > 0);
	rig_free(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_stretch_is_foreseen),
		cmocka_unit_test(what_catch_up_drops_is_foreseen),
		cmocka_unit_test(an_interrupted_backlog_is_foreseen),
		cmocka_unit_test(edits_of_the_table_are_foreseen),
		cmocka_unit_test(a_hold_counts_as_over),
		cmocka_unit_test(what_progress_set_skips_is_foreseen),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
