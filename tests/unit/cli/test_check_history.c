/* check: what the history says against a schedule. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/tzfile.h"
#include "cli/check_history.h"
#include "cron/zone_cache.h"

#define T0        (INT64_C(1700006400) * US_PER_SECOND) /* 2023-11-15T00:00:00Z */
#define EACH_HOUR "0 * * * *"
#define WORKING   "0 9,10,17 * * *"

static struct zone_cache *zones;
static struct schedule_cache *schedules;

static bool find_lane(void *context, const char *callback, uint16_t *lane, GError **error)
{
	(void)context;
	(void)callback;
	(void)error;
	*lane = 0;
	return true;
}

static struct action *action_of(int64_t id, const char *expression)
{
	static const struct action_defaults defaults = {
		.timezone = "UTC", .callback = "exec", .max_instances = 3, .max_attempts = 1};
	g_autofree char *cron =
		g_strdup_printf("{\"format\": \"unix\", \"params\": {\"value\": \"%s\"}}", expression);
	struct action_row row = {
		.id = id, .name = {"a", 1}, .command = {"b", 1}, .cron = {cron, strlen(cron)}};
	struct lane_names lanes = {find_lane, NULL};
	struct action *action = NULL;
	g_autoptr(GByteArray) packed = g_byte_array_new();
	action_pack(&row, &defaults, packed);
	assert_int_equal(action_build(packed->data, packed->len, &defaults, &lanes, schedules, &action, NULL),
		ACTION_ACTIVE);
	return action;
}

static struct history_entry run_of(int64_t id, time_us nominal, dur_us lasted)
{
	return (struct history_entry){.action_id = id,
		.status = STATUS_DELIVERED,
		.scheduled_at = nominal,
		.count = 1,
		.started_at = nominal,
		.finished_at = nominal + lasted,
		.attempts = 1};
}

static void take(struct check_history *history, int64_t id, time_us nominal, dur_us lasted)
{
	struct history_entry entry = run_of(id, nominal, lasted);
	assert_true(check_history_take(history, &entry));
}

/* The warnings about the action, a line each: the field and the reason. */
static void expect_said(
	const struct check_history *history, const char *expression, bool runs, const char *expected)
{
	char *text = NULL;
	size_t length = 0;
	FILE *file = open_memstream(&text, &length);
	struct output_style style = {.file = file, .format = OUTPUT_JSONL};
	struct problems problems;
	struct action *action = action_of(7, expression);
	g_autoptr(GString) said = g_string_new(NULL);
	problems_begin(&problems, &style);
	check_history_judge(history, action, runs, &problems);
	assert_int_equal(problems.errors, 0);
	problems_end(&problems);
	action_unref(action);
	fclose(file);
	g_auto(GStrv) lines = g_strsplit(g_strchomp(text), "\n", -1);
	for (char **line = lines; *line; line++) {
		json_t *problem = json_loads(*line, 0, NULL);
		assert_int_equal(json_integer_value(json_object_get(problem, "id")), 7);
		g_string_append_printf(said, "%s: %s\n", json_string_value(json_object_get(problem, "field")),
			json_string_value(json_object_get(problem, "reason")));
		json_decref(problem);
	}
	free(text);
	assert_string_equal(said->str, expected);
}

static void runs_that_end_before_the_next_fire_are_fine(void **state)
{
	(void)state;
	struct check_history *history = check_history_new(T0);
	take(history, 7, T0, US_PER_HOUR);
	take(history, 7, T0 + US_PER_HOUR, US_PER_MS);
	take(history, 8, T0, 2 * US_PER_HOUR);
	expect_said(history, EACH_HOUR, true, "");
	assert_int_equal(check_history_entries(history), 3);
	assert_int_equal(check_history_from(history), T0);
	check_history_free(history);
}

static void overruns_are_counted_among_the_runs(void **state)
{
	(void)state;
	struct check_history *history = check_history_new(T0);
	for (int i = 0; i < 20; i++)
		take(history, 7, T0 + i * US_PER_HOUR,
			i % 4 ? US_PER_SECOND : US_PER_HOUR + (i + 1) * US_PER_MINUTE);
	expect_said(history, EACH_HOUR, true,
		"cron: 5 of its last 20 runs lasted longer than its interval of 1h, the longest 1h 17min\n");
	/* A history without what was delivered cannot tell of how many. */
	expect_said(history, EACH_HOUR, false, "");
	check_history_free(history);
}

static void an_interval_that_differs_is_not_named(void **state)
{
	(void)state;
	struct check_history *history = check_history_new(T0);
	take(history, 7, T0 + 9 * US_PER_HOUR, 90 * US_PER_MINUTE);
	take(history, 7, T0 + 10 * US_PER_HOUR, 7 * US_PER_HOUR + 1);
	take(history, 7, T0 + 17 * US_PER_HOUR, 10 * US_PER_HOUR);
	expect_said(history, WORKING, true,
		"cron: 2 of its last 3 runs lasted longer than the time to its next fire, the longest 7h\n");
	check_history_free(history);
}

static void what_is_no_run_of_the_schedule_does_not_count(void **state)
{
	(void)state;
	struct check_history *history = check_history_new(T0);
	struct history_entry manual = run_of(7, T0, US_PER_DAY), range = manual, merged = manual,
			     never = manual;
	manual.manual = "11111111-2222-4333-8444-555555555555";
	range.count = 3;
	merged.status = STATUS_MERGED;
	never.started_at = TIME_US_MIN;
	assert_true(check_history_take(history, &manual));
	assert_true(check_history_take(history, &range));
	assert_true(check_history_take(history, &merged));
	assert_true(check_history_take(history, &never));
	/* Of a schedule that was replaced since. */
	take(history, 7, T0 + US_PER_MINUTE, US_PER_DAY);
	expect_said(history, EACH_HOUR, true, "");
	check_history_free(history);
}

static void skipped_fires_are_added_up(void **state)
{
	(void)state;
	struct check_history *history = check_history_new(T0);
	struct history_entry skipped = {.action_id = 7,
		.status = STATUS_SKIPPED,
		.reason = REASON_MAX_INSTANCES,
		.scheduled_at = T0,
		.count = 1,
		.started_at = TIME_US_MIN};
	assert_true(check_history_take(history, &skipped));
	expect_said(history, EACH_HOUR, true,
		"max_instances: 1 fire was skipped since 2023-11-15T00:00:00+00:00, as 3 runs were under "
		"way\n");
	skipped.count = 4;
	assert_true(check_history_take(history, &skipped));
	skipped.reason = REASON_DISABLED;
	assert_true(check_history_take(history, &skipped));
	expect_said(history, EACH_HOUR, false,
		"max_instances: 5 fires were skipped since 2023-11-15T00:00:00+00:00, as 3 runs were under "
		"way\n");
	check_history_free(history);
}

static void what_is_read_is_bounded(void **state)
{
	(void)state;
	struct check_history *history = check_history_new(TIME_US_MIN);
	/* The newest first: only those of the last hundred runs that are too long count. */
	for (int i = 0; i < CHECK_HISTORY_RUNS - 1; i++)
		take(history, 7, T0 - i * US_PER_HOUR, US_PER_SECOND);
	take(history, 7, T0 - 200 * US_PER_HOUR, US_PER_DAY);
	take(history, 7, T0 - 201 * US_PER_HOUR, US_PER_DAY);
	expect_said(history, EACH_HOUR, true,
		"cron: 1 of its last 100 runs lasted longer than its interval of 1h, the longest 1d\n");
	struct history_entry entry = run_of(9, T0 - 1000 * US_PER_HOUR, 0);
	while (check_history_take(history, &entry))
		;
	assert_int_equal(check_history_entries(history), CHECK_HISTORY_ENTRIES);
	assert_int_equal(check_history_from(history), entry.finished_at);
	check_history_free(history);
	check_history_free(NULL);
}

static int set_up(void **state)
{
	(void)state;
	zones = zone_cache_new(tzfile_read);
	schedules = schedule_cache_new(zone_cache_source(zones));
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	schedule_cache_free(schedules);
	zone_cache_free(zones);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(runs_that_end_before_the_next_fire_are_fine),
		cmocka_unit_test(overruns_are_counted_among_the_runs),
		cmocka_unit_test(an_interval_that_differs_is_not_named),
		cmocka_unit_test(what_is_no_run_of_the_schedule_does_not_count),
		cmocka_unit_test(skipped_fires_are_added_up),
		cmocka_unit_test(what_is_read_is_bounded),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
