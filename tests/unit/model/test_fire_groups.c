/* Fires of many actions: counted by schedule and walked in their order, both against a walk action by action.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/fire_groups.h"
#include "model/fire_source.h"

#define BEGIN (INT64_C(1704067200) * US_PER_SECOND) /* 2024-01-01T00:00:00Z */
#define COUNT 40

static const char *const documents[] = {
	"{\"format\":\"apscheduler\",\"params\":{\"second\":\"*/30\"}}",
	"{\"format\":\"apscheduler\",\"params\":{\"minute\":\"*\",\"jitter\":150}}",
	("{\"format\":\"apscheduler\",\"params\":{\"second\":\"*/20\",\"jitter\":0.7,"
	 "\"end_date\":\"2024-01-01 00:40:30\"}}"),
	"{\"format\":\"interval\",\"params\":{\"seconds\":47,\"start_date\":\"2024-01-01 00:30:00.25\"}}",
	"{\"format\":\"date\",\"params\":{\"run_date\":\"2024-01-01 00:20:00\"}}",
	"{\"format\":\"unix\",\"params\":{\"value\":\"0 0 30 2 *\"}}",
};

struct table {
	struct schedule *schedules[G_N_ELEMENTS(documents)];
	struct action actions[COUNT]; /* only id and schedule count here */
};

static void table_init(struct table *table)
{
	struct zone *utc = zone_new_utc();
	struct schedule_context context = {.timezone = utc};
	for (size_t i = 0; i < G_N_ELEMENTS(documents); i++) {
		g_autoptr(GError) error = NULL;
		table->schedules[i] = schedule_parse(documents[i], strlen(documents[i]), &context, &error);
		if (!table->schedules[i])
			fail_msg("%s: %s", documents[i], error->message);
	}
	for (int i = 0; i < COUNT; i++)
		table->actions[i] = (struct action){
			.id = i * 3 - 5, .schedule = table->schedules[i % (int)G_N_ELEMENTS(documents)]};
	zone_unref(utc);
}

static void table_clear(struct table *table)
{
	for (size_t i = 0; i < G_N_ELEMENTS(documents); i++)
		schedule_unref(table->schedules[i]);
}

static int by_position(const void *a, const void *b)
{
	return position_compare(*(const struct position *)a, *(const struct position *)b);
}

/* Every fire due in [from, to), in order. */
static GArray *walk(const struct table *table, time_us from, time_us to)
{
	GArray *fires = g_array_new(FALSE, FALSE, sizeof(struct position));
	for (int i = 0; i < COUNT; i++) {
		const struct action *action = &table->actions[i];
		struct position at = position_end_of(from - 1);
		while (fire_next(action->schedule, action->id, at, &at) && at.due_at < to)
			g_array_append_val(fires, at);
	}
	g_array_sort(fires, by_position);
	return fires;
}

static void check_counts(
	const struct table *table, const struct fire_groups *groups, time_us from, time_us to)
{
	size_t seconds = fire_groups_seconds(from, to);
	g_autofree uint64_t *counts = g_new(uint64_t, seconds);
	g_autoptr(GArray) fires = walk(table, from, to);
	memset(counts, 0xff, seconds * sizeof *counts);
	fire_groups_count(groups, from, to, counts);
	for (guint i = 0; i < fires->len; i++) {
		time_us due = g_array_index(fires, struct position, i).due_at;
		counts[floor_div(due, US_PER_SECOND) - floor_div(from, US_PER_SECOND)]--;
	}
	for (size_t i = 0; i < seconds; i++)
		assert_int_equal(counts[i], 0);
}

static void counts_are_those_of_a_walk(void **state)
{
	(void)state;
	struct table table;
	table_init(&table);
	struct fire_groups *groups = fire_groups_new();
	for (int i = 0; i < COUNT; i++)
		fire_groups_add(groups, table.actions[i].schedule, table.actions[i].id);
	assert_int_equal(fire_groups_actions(groups), COUNT);
	assert_int_equal(fire_groups_schedules(groups), G_N_ELEMENTS(documents));
	check_counts(&table, groups, BEGIN, BEGIN + US_PER_HOUR);
	/* Windows that begin and end within a second, next to each other. */
	check_counts(&table, groups, BEGIN + 250 * US_PER_MS, BEGIN + 30 * US_PER_MINUTE + 250 * US_PER_MS);
	check_counts(&table, groups, BEGIN + 30 * US_PER_MINUTE + 250 * US_PER_MS,
		BEGIN + 40 * US_PER_MINUTE + 30 * US_PER_SECOND + 1);
	check_counts(&table, groups, BEGIN + 20 * US_PER_MINUTE, BEGIN + 20 * US_PER_MINUTE + 1);
	fire_groups_free(groups);
	table_clear(&table);
}

static void check_heads(struct source *source, const GArray *fires)
{
	for (guint i = 0; i < fires->len; i++) {
		const struct cursor *top = source_top(source);
		const struct position *expected = &g_array_index(fires, struct position, i);
		if (!top) {
			fail_msg("the order ends after %u of %u fires", i, fires->len);
			return;
		}
		assert_int_equal(position_compare(top->head, *expected), 0);
		assert_int_equal(cursor_action(top)->id, expected->action_id);
		source_advance(source);
	}
	assert_true(!source_top(source) || source_top(source)->head.due_at >= BEGIN + US_PER_HOUR);
}

/* Walks as `simulate` does, and compares fire by fire. */
static void check_order(struct table *table, struct cursor *cursors, size_t count)
{
	struct source source = {0};
	g_autoptr(GArray) fires = walk(table, BEGIN, BEGIN + US_PER_HOUR);
	for (size_t i = 0; i < count; i++)
		source_seek(&source, &cursors[i], position_end_of(BEGIN - 1));
	check_heads(&source, fires);
	source_clear(&source);
}

static void the_order_is_that_of_a_walk(void **state)
{
	(void)state;
	struct table table;
	struct action_list lists[COUNT] = {0};
	struct cursor cursors[COUNT];
	size_t count = 0;
	table_init(&table);
	for (int i = 0; i < COUNT; i++) {
		struct action *action = &table.actions[i];
		size_t at = 0;
		while (at < count &&
			(cursors[at].schedule != action->schedule || schedule_jitter(action->schedule)))
			at++;
		if (at == count)
			cursors[count++] = (struct cursor){.schedule = action->schedule,
				.members = &lists[at],
				.heap_index = UINT32_MAX};
		action_list_edit(&lists[at], NULL, 0, &action, 1);
	}
	check_order(&table, cursors, count);
	for (size_t i = 0; i < count; i++)
		action_list_clear(&lists[i]);
	table_clear(&table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_are_those_of_a_walk),
		cmocka_unit_test(the_order_is_that_of_a_walk),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
