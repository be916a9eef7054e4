/* Fires of one action: their order with and without jitter, against a walk over all nominal times; fire ids.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/fire.h"

#define BEGIN (INT64_C(1704067200) * US_PER_SECOND) /* 2024-01-01T00:00:00Z */
#define END   (BEGIN + 2 * US_PER_HOUR)

static const char *const documents[] = {
	"{\"format\":\"apscheduler\",\"params\":{\"second\":\"*/30\"}}",
	"{\"format\":\"apscheduler\",\"params\":{\"minute\":\"*\",\"jitter\":20}}",
	"{\"format\":\"apscheduler\",\"params\":{\"second\":\"*/20\",\"jitter\":300}}",
	"{\"format\":\"apscheduler\",\"params\":{\"second\":\"*/20\",\"jitter\":300,"
	"\"end_date\":\"2024-01-01 01:10:30\"}}",
	"{\"format\":\"interval\",\"params\":{\"seconds\":47,\"jitter\":0.5,"
	"\"start_date\":\"2024-01-01 00:30:00\"}}",
	"{\"format\":\"date\",\"params\":{\"run_date\":\"2024-01-01 01:00:00\"}}",
};

static struct schedule *parse(const char *text)
{
	struct zone *utc = zone_new_utc();
	struct schedule_context context = {.timezone = utc};
	g_autoptr(GError) error = NULL;
	struct schedule *schedule = schedule_parse(text, strlen(text), &context, &error);
	zone_unref(utc);
	if (!schedule)
		fail_msg("%s: %s", text, error->message);
	return schedule;
}

static int by_position(const void *a, const void *b)
{
	return position_compare(*(const struct position *)a, *(const struct position *)b);
}

/* Every fire due in (BEGIN, END], in order. */
static GArray *all_fires(const struct schedule *schedule, int64_t id)
{
	GArray *fires = g_array_new(FALSE, FALSE, sizeof(struct position));
	time_us nominal = BEGIN - US_PER_HOUR;
	while (schedule_next(schedule, nominal, &nominal) && nominal <= END) {
		struct position p = {fire_due_at(schedule, id, nominal), id, nominal};
		if (p.due_at > BEGIN && p.due_at <= END)
			g_array_append_val(fires, p);
	}
	g_array_sort(fires, by_position);
	return fires;
}

typedef void (*look)(const struct schedule *schedule, int64_t id, const struct position *fires, guint count);

static void for_all(look check)
{
	for (size_t i = 0; i < G_N_ELEMENTS(documents); i++) {
		struct schedule *schedule = parse(documents[i]);
		for (int64_t id = -2; id < 5; id++) {
			GArray *fires = all_fires(schedule, id);
			check(schedule, id, (const struct position *)(void *)fires->data, fires->len);
			g_array_unref(fires);
		}
		schedule_unref(schedule);
	}
}

static void check_due(const struct schedule *schedule, int64_t id, const struct position *fires, guint count)
{
	for (guint i = 0; i < count; i++) {
		time_us latest = fires[i].nominal + schedule_jitter(schedule);
		assert_true(fires[i].due_at >= fires[i].nominal);
		assert_true(fires[i].due_at <= MIN(latest, schedule_end(schedule)));
		assert_int_equal(fire_due_at(schedule, id, fires[i].nominal), fires[i].due_at);
	}
}

static void jitter_stays_in_its_window(void **state G_GNUC_UNUSED)
{
	for_all(check_due);
}

static void jitter_differs_by_action_and_by_time(void **state G_GNUC_UNUSED)
{
	struct schedule *schedule = parse(documents[2]);
	time_us a = fire_due_at(schedule, 1, BEGIN), b = fire_due_at(schedule, 2, BEGIN);
	time_us c = fire_due_at(schedule, 1, BEGIN + 20 * US_PER_SECOND);
	assert_true(a != b && a != c);
	schedule_unref(schedule);
}

static void check_walk(const struct schedule *schedule, int64_t id, const struct position *fires, guint count)
{
	struct position at = position_end_of(BEGIN);
	for (guint i = 0; i < count; i++) {
		assert_true(fire_next(schedule, id, at, &at));
		assert_int_equal(position_compare(at, fires[i]), 0);
	}
	struct position next;
	assert_true(!fire_next(schedule, id, at, &next) || next.due_at > END);
}

static void fires_follow_each_other_in_order(void **state G_GNUC_UNUSED)
{
	for_all(check_walk);
}

static void check_last(const struct schedule *schedule, int64_t id, const struct position *fires, guint count)
{
	for (guint i = 0; i < count; i++) {
		struct position last;
		assert_true(fire_last(schedule, id, fires[i].due_at, &last));
		assert_true(position_compare(last, fires[i]) >= 0 && last.due_at == fires[i].due_at);
		if (i > 0 && fires[i - 1].due_at < fires[i].due_at) {
			assert_true(fire_last(schedule, id, fires[i].due_at - 1, &last));
			assert_int_equal(position_compare(last, fires[i - 1]), 0);
		}
	}
}

static void the_last_fire_up_to_a_time_is_found(void **state G_GNUC_UNUSED)
{
	for_all(check_last);
}

static void check_count(
	const struct schedule *schedule, int64_t id, const struct position *fires, guint count)
{
	assert_int_equal(fire_count(schedule, id, BEGIN, END), count);
	assert_int_equal(fire_count(schedule, id, END, BEGIN), 0);
	for (guint i = 0; i < count; i += 7) {
		assert_int_equal(fire_count(schedule, id, BEGIN, fires[i].due_at - 1), i);
		assert_int_equal(fire_count(schedule, id, fires[i].due_at - 1, END), count - i);
		assert_int_equal(fire_nth_due(schedule, id, BEGIN, i + 1), fires[i].due_at);
	}
}

static void fires_are_counted(void **state G_GNUC_UNUSED)
{
	for_all(check_count);
}

static void positions_have_a_total_order(void **state G_GNUC_UNUSED)
{
	struct position p = {10, 5, 7};
	struct position later[] = {{11, 0, 0}, {10, 6, 0}, {10, 5, 8}};
	for (size_t i = 0; i < G_N_ELEMENTS(later); i++) {
		assert_true(position_compare(p, later[i]) < 0);
		assert_true(position_compare(later[i], p) > 0);
	}
	assert_int_equal(position_compare(p, p), 0);
	assert_true(position_compare(later[1], position_end_of(10)) < 0);
	assert_true(position_compare(POSITION_MIN, p) < 0);
}

static void a_fire_id_is_written_and_read(void **state G_GNUC_UNUSED)
{
	char id[FIRE_ID_MAX], manual[FIRE_MANUAL_MAX];
	int64_t action;
	time_us nominal;
	assert_string_equal(
		fire_id_format(17, BEGIN + 5 * US_PER_MINUTE, NULL, id), "17@2024-01-01T00:05:00Z");
	assert_true(fire_id_parse(id, &action, &nominal, manual));
	assert_int_equal(action, 17);
	assert_int_equal(nominal, BEGIN + 5 * US_PER_MINUTE);
	assert_string_equal(manual, "");
	fire_id_format(INT64_MIN, 0, "6f0a2c1e-3b7d-4c55-9f6e-0123456789ab", id);
	assert_string_equal(id, "-9223372036854775808!6f0a2c1e-3b7d-4c55-9f6e-0123456789ab");
	assert_true(fire_id_parse(id, &action, &nominal, manual));
	assert_int_equal(action, INT64_MIN);
	assert_string_equal(manual, "6f0a2c1e-3b7d-4c55-9f6e-0123456789ab");
}

static void what_is_no_fire_id_is_refused(void **state G_GNUC_UNUSED)
{
	static const char *const texts[] = {"", "17", "17@", "@2024-01-01T00:05:00Z",
		"017@2024-01-01T00:05:00Z", "+17@2024-01-01T00:05:00Z", "17@2024-01-01T00:05:00",
		"17@yesterday", "17!", "17!not-a-uuid", "17#2024-01-01T00:05:00Z",
		"99999999999999999999@2024-01-01T00:05:00Z"};
	char manual[FIRE_MANUAL_MAX];
	int64_t action;
	time_us nominal;
	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
		if (fire_id_parse(texts[i], &action, &nominal, manual))
			fail_msg("%s is taken for a fire id", texts[i]);
	}
}

static void states_have_names(void **state G_GNUC_UNUSED)
{
	for (int i = STATUS_DELIVERED; i <= STATUS_SKIPPED; i++) {
		enum fire_status status;
		assert_true(fire_status_parse(fire_status_name((enum fire_status)i), &status));
		assert_int_equal(status, i);
	}
	enum fire_status status;
	assert_false(fire_status_parse("Delivered", &status));
	for (int i = REASON_MERGED; i <= REASON_CLOCK; i++)
		assert_true(strlen(fire_reason_text((enum fire_reason)i)) > 0);
	assert_string_equal(fire_reason_text(REASON_TOO_OLD), "older than actuality_time");
}

static void a_traceback_is_told_by_its_last_line(void **state G_GNUC_UNUSED)
{
	static const char *const texts[][2] = {
		{"Traceback (most recent call last):\n  File \"m.py\", line 1\nValueError: no good\n",
			"ValueError: no good\n"},
		{"Traceback (most recent call last):", "Traceback (most recent call last):"},
		{"exit status 1: two\nlines", "exit status 1: two\nlines"},
		{"", ""},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
		assert_string_equal(fire_detail_brief(texts[i][0]), texts[i][1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(jitter_stays_in_its_window),
		cmocka_unit_test(jitter_differs_by_action_and_by_time),
		cmocka_unit_test(fires_follow_each_other_in_order),
		cmocka_unit_test(the_last_fire_up_to_a_time_is_found),
		cmocka_unit_test(fires_are_counted),
		cmocka_unit_test(positions_have_a_total_order),
		cmocka_unit_test(a_fire_id_is_written_and_read),
		cmocka_unit_test(what_is_no_fire_id_is_refused),
		cmocka_unit_test(states_have_names),
		cmocka_unit_test(a_traceback_is_told_by_its_last_line),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
