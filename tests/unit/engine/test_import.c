/* What another scheduler left owed, through the engine: what is handed out and what is recorded, by the
 * rules. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/tzfile.h"
#include "cron/schedule_cache.h"
#include "cron/zone_cache.h"
#include "engine/engine.h"

#include <string.h>

/* 2030-05-06 12:00:30 UTC */
#define NOW    (INT64_C(1904299230) * US_PER_SECOND)
#define MINUTE "{\"format\": \"unix\", \"params\": {\"value\": \"* * * * *\"}}"

struct world {
	struct zone_cache *zones;
	struct schedule_cache *cache;
	struct engine *engine;
	time_us now;
	uint64_t counts[STATUS_SKIPPED + 1];
	GArray *fired; /* int64_t: nominal times, in order */
};

static bool one_lane(void *context, const char *callback, uint16_t *lane, GError **error)
{
	(void)context;
	(void)callback;
	(void)error;
	*lane = 0;
	return true;
}

static void world_tick(struct world *w, dur_us step)
{
	w->now += step;
	engine_clock(w->engine, w->now, w->now);
}

static int world_setup(void **state)
{
	static const struct engine_lane_options lane = {.name = "print"};
	struct world *w = g_new0(struct world, 1);
	struct engine_options options = {.lanes = &lane, .lane_count = 1, .catch_up_from = TIME_US_MIN};
	w->zones = zone_cache_new(tzfile_read);
	w->cache = schedule_cache_new(zone_cache_source(w->zones));
	w->engine = engine_new(&options);
	w->now = NOW;
	w->fired = g_array_new(FALSE, FALSE, sizeof(int64_t));
	engine_restore(w->engine, NULL, NOW, NOW);
	*state = w;
	return 0;
}

static int world_teardown(void **state)
{
	struct world *w = *state;
	engine_free(w->engine);
	schedule_cache_free(w->cache);
	zone_cache_free(w->zones);
	g_array_unref(w->fired);
	g_free(w);
	return 0;
}

static struct text text_of(const char *string)
{
	return (struct text){string, strlen(string)};
}

static void world_add(struct world *w, int64_t id, const char *cron, bool merge, int64_t actuality_s)
{
	struct action_defaults defaults = {.timezone = "UTC",
		.callback = "print",
		.actuality_s = actuality_s,
		.merge_missed = merge,
		.catch_up_limit = -1,
		.max_instances = 3,
		.max_attempts = 1};
	struct lane_names lanes = {one_lane, NULL};
	struct action_row row = {
		.id = id, .name = text_of("a"), .command = text_of("c"), .cron = text_of(cron)};
	GByteArray *packed = g_byte_array_new();
	struct action_change change = {.kind = CHANGE_UPSERT, .id = id};
	action_pack(&row, &defaults, packed);
	assert_int_equal(
		action_build(packed->data, packed->len, &defaults, &lanes, w->cache, &change.action, NULL),
		ACTION_ACTIVE);
	change.packed_length = packed->len;
	change.packed = g_byte_array_free(packed, FALSE);
	engine_apply(w->engine, &change, 1);
}

static bool world_fire(struct world *w)
{
	struct fire fires[64];
	struct fire_result results[64] = {0};
	size_t count = engine_take(w->engine, 0, fires, G_N_ELEMENTS(fires));
	for (size_t i = 0; i < count; i++) {
		g_array_append_val(w->fired, fires[i].nominal);
		results[i] = (struct fire_result){.ticket = fires[i].ticket,
			.answer = FIRE_DELIVERED,
			.started_at = w->now,
			.finished_at = w->now};
	}
	if (!count)
		return false;
	engine_accepted(w->engine, 0, count);
	engine_resolved(w->engine, 0, results, count);
	return true;
}

static bool world_commit(struct world *w)
{
	struct commit *commit = engine_take_commit(w->engine);
	if (!commit)
		return false;
	for (guint i = 0; i < commit->outcomes->len; i++)
		w->counts[g_array_index(commit->outcomes, struct outcome, i).status]++;
	for (guint i = 0; i < commit->ranges->len; i++) {
		const struct outcome_range *range = &g_array_index(commit->ranges, struct outcome_range, i);
		w->counts[range->status] += range->count * range->id_count;
	}
	engine_committed(w->engine, commit->sequence);
	commit_free(commit);
	return true;
}

/* Until nothing is left to do at this time. */
static void world_settle(struct world *w)
{
	bool busy = true;
	while (busy) {
		busy = world_fire(w);
		busy = world_commit(w) || busy;
		busy = engine_work(w->engine) || busy;
	}
}

static struct import_result world_import_end(struct world *w)
{
	struct import_result result;
	engine_import_end(w->engine, &result);
	return result;
}

static int64_t fired_at(const struct world *w, guint i)
{
	return g_array_index(w->fired, int64_t, i);
}

static time_us minutes_ago(int64_t minutes)
{
	return NOW - 30 * US_PER_SECOND - minutes * US_PER_MINUTE;
}

static void test_next_run_itself_and_all_since_are_owed(void **state)
{
	struct world *w = *state;
	struct import_job job = {.action_id = 1, .next_run = minutes_ago(9)};
	engine_import(w->engine, &job, 1);
	world_add(w, 1, MINUTE, false, -1);
	struct import_result result = world_import_end(w);
	assert_int_equal(result.seen, 1);
	assert_int_equal(result.owing, 1);
	assert_int_equal(result.first_due, minutes_ago(9));
	world_settle(w);
	assert_int_equal(w->fired->len, 10);
	for (guint i = 0; i < 10; i++)
		assert_int_equal(fired_at(w, i), minutes_ago(9 - i));
	world_tick(w, 30 * US_PER_SECOND);
	world_settle(w);
	assert_int_equal(w->fired->len, 11);
	assert_int_equal(fired_at(w, 10), NOW + 30 * US_PER_SECOND);
}

static void test_merged_and_too_old(void **state)
{
	struct world *w = *state;
	struct import_job jobs[] = {{1, minutes_ago(9)}, {2, minutes_ago(9)}, {3, minutes_ago(9)}};
	engine_import(w->engine, jobs, 3);
	world_add(w, 1, MINUTE, true, -1);
	world_add(w, 2, MINUTE, false, 150);
	world_add(w, 3, MINUTE, true, 10);
	world_import_end(w);
	world_settle(w);
	assert_int_equal(w->fired->len, 1 + 3);
	assert_int_equal(w->counts[STATUS_DELIVERED], 4);
	assert_int_equal(w->counts[STATUS_MERGED], 9 + 9);
	assert_int_equal(w->counts[STATUS_MISSED], 7 + 1);
}

static void test_who_owes_nothing(void **state)
{
	struct world *w = *state;
	struct import_job jobs[] = {
		{1, TIME_US_MAX}, {2, minutes_ago(-1)}, {3, NOW - 20 * US_PER_SECOND}, {9, minutes_ago(9)}};
	engine_import(w->engine, jobs, 4);
	for (int64_t id = 1; id <= 4; id++)
		world_add(w, id, MINUTE, false, -1);
	struct import_result result = world_import_end(w);
	assert_int_equal(result.seen, 3);
	assert_int_equal(result.owing, 0);
	world_settle(w);
	assert_int_equal(w->fired->len, 0);
	world_tick(w, 30 * US_PER_SECOND);
	world_settle(w);
	assert_int_equal(w->fired->len, 4);
}

/* The table is seen long after the start: what is due meanwhile is lost neither before nor behind that. */
static void test_a_table_that_comes_late(void **state)
{
	struct world *w = *state;
	struct import_job jobs[] = {{1, minutes_ago(4)}, {2, minutes_ago(-1)}};
	engine_import(w->engine, jobs, 2);
	for (int i = 0; i < 20; i++) {
		world_tick(w, 15 * US_PER_SECOND);
		assert_false(world_fire(w));
	}
	world_add(w, 1, MINUTE, false, -1);
	world_tick(w, US_PER_MS);
	world_add(w, 2, MINUTE, false, -1);
	world_add(w, 3, MINUTE, false, -1);
	world_import_end(w);
	world_settle(w);
	assert_int_equal(w->fired->len, 5 + 5 + 5);
	assert_int_equal(w->counts[STATUS_DELIVERED], 15);
}

/* The jitter that is drawn here may make the fire due before the time that was drawn there. */
static void test_jitter(void **state)
{
	struct world *w = *state;
	const char *daily = "{\"format\": \"apscheduler\", \"params\": {\"hour\": 11, \"jitter\": 1800}}";
	time_us nominal = minutes_ago(60), last = nominal + 30 * US_PER_MINUTE;
	struct import_job jobs[100];
	for (int64_t id = 1; id <= 100; id++)
		jobs[id - 1] = (struct import_job){id, id % 2 ? last : nominal + US_PER_MINUTE};
	engine_import(w->engine, jobs, 100);
	for (int64_t id = 1; id <= 100; id++)
		world_add(w, id, daily, false, -1);
	assert_int_equal(world_import_end(w).owing, 100);
	world_settle(w);
	assert_int_equal(w->fired->len, 100);
	for (guint i = 0; i < 100; i++)
		assert_int_equal(fired_at(w, i), nominal);
}

static void test_an_edit_before_it_is_made_up_for(void **state)
{
	struct world *w = *state;
	struct import_job job = {.action_id = 1, .next_run = minutes_ago(9)};
	engine_import(w->engine, &job, 1);
	world_add(w, 1, MINUTE, false, -1);
	world_add(w, 1, MINUTE, true, -1);
	assert_int_equal(world_import_end(w).owing, 1);
	world_settle(w);
	assert_int_equal(w->fired->len, 1);
	assert_int_equal(w->counts[STATUS_MERGED], 9);
}

static void test_many_actions(void **state)
{
	enum { MANY = 40000 };
	struct world *w = *state;
	g_autofree struct import_job *jobs = g_new(struct import_job, MANY);
	for (int64_t id = 1; id <= MANY; id++)
		jobs[id - 1] = (struct import_job){id, minutes_ago(id % 2)};
	engine_import(w->engine, jobs, MANY);
	for (int64_t id = 1; id <= MANY; id++)
		world_add(w, id, MINUTE, false, -1);
	assert_int_equal(world_import_end(w).owing, MANY);
	world_settle(w);
	assert_int_equal(w->fired->len, MANY + MANY / 2);
}

int main(void)
{
#define WORLD_TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
		WORLD_TEST(test_next_run_itself_and_all_since_are_owed),
		WORLD_TEST(test_merged_and_too_old),
		WORLD_TEST(test_who_owes_nothing),
		WORLD_TEST(test_a_table_that_comes_late),
		WORLD_TEST(test_jitter),
		WORLD_TEST(test_an_edit_before_it_is_made_up_for),
		WORLD_TEST(test_many_actions),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
