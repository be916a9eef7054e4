/* Every case of tests/vectors, none left out; the number that ran is printed and compared with the lines
 * read. */
#include "support.h"

struct totals {
	int cases, failed;
};

static const char *text_of(const json_t *c, const char *key)
{
	return json_string_value(json_object_get(c, key));
}

static void report(struct totals *totals, const json_t *c, const char *format, ...) G_GNUC_PRINTF(3, 4);
static void report(struct totals *totals, const json_t *c, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	g_autofree char *what = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	g_autofree char *schedule =
		json_dumps(json_object_get(c, "schedule"), JSON_COMPACT | JSON_ENCODE_ANY);
	print_message("%s %s in %s: %s\n", text_of(c, "id"), schedule, text_of(c, "timezone_default"), what);
	totals->failed++;
}

/* The fires after `after` are those of the list; with `whole`, and no more. */
static bool check_fires(
	struct totals *totals, const json_t *c, const struct schedule *s, const json_t *expect, bool whole)
{
	time_us at = test_time(text_of(c, "after")), previous;
	size_t i;
	json_t *item;
	json_array_foreach(expect, i, item)
	{
		time_us want = test_time(json_string_value(item)), got = at;
		bool found = schedule_next(s, at, &got);
		char text[TIME_TEXT_MAX] = "none";
		if (found)
			zone_format(schedule_zone(s), got, text);
		if (!found || got != want || strcmp(text, json_string_value(item)) != 0) {
			report(totals, c, "fire %zu is %s, not %s", i + 1, text, json_string_value(item));
			return false;
		}
		if (i && (!schedule_prev(s, got, &previous) || previous != at)) {
			report(totals, c, "the fire before %s is another", text);
			return false;
		}
		at = got;
	}
	if (whole && schedule_next(s, at, &at)) {
		char text[TIME_TEXT_MAX];
		report(totals, c, "fires at %s, where nothing is left", time_format_utc(at, text));
		return false;
	}
	return true;
}

/* The window of the first jittered fire: jitter is drawn elsewhere, from 0 to schedule_jitter, and capped. */
static void check_jitter(struct totals *totals, const json_t *c, const struct schedule *s)
{
	const json_t *window = json_object_get(c, "jitter_window");
	if (!window)
		return;
	time_us first;
	bool found = schedule_next(s, test_time(text_of(c, "after")), &first);
	time_us last = MIN(first + schedule_jitter(s), schedule_end(s));
	if (!found || first < test_time(json_string_value(json_array_get(window, 0))) ||
		last > test_time(json_string_value(json_array_get(window, 1))))
		report(totals, c, "jitter leaves its window");
}

static void check_case(struct totals *totals, const json_t *c)
{
	g_autofree char *why = NULL;
	struct schedule *s = test_read_json(json_object_get(c, "schedule"), text_of(c, "timezone_default"),
		UNIX_DIALECT_STANDARD, DST_WALL_CLOCK, &why);
	bool refuse = json_is_true(json_object_get(c, "expect_error"));
	if (refuse && s)
		report(totals, c, "accepted");
	else if (!refuse && !s)
		report(totals, c, "refused: %s", why);
	else if (s && check_fires(totals, c, s, json_object_get(c, "expect"),
			      json_is_true(json_object_get(c, "exhausted"))))
		check_jitter(totals, c, s);
	schedule_unref(s);
}

/* Both readings. The lists are cut at six fires, and two days after the change of clocks that follows
 * `after`. */
static void check_informative(struct totals *totals, const json_t *c)
{
	static const char *const keys[] = {"expect_wall_clock", "expect_vixie"};
	for (int dst = DST_WALL_CLOCK; dst <= DST_VIXIE; dst++) {
		g_autofree char *why = NULL;
		const json_t *expect = json_object_get(c, keys[dst]);
		struct schedule *s = test_read_json(json_object_get(c, "schedule"),
			text_of(c, "timezone_default"), UNIX_DIALECT_STANDARD, (enum dst_policy)dst, &why);
		if (!s) {
			report(totals, c, "refused: %s", why);
			return;
		}
		time_us after = test_time(text_of(c, "after")), fire;
		struct zone_interval interval;
		zone_interval_at(schedule_zone(s), after, &interval);
		size_t n = json_array_size(expect);
		if (check_fires(totals, c, s, expect, false) && n < 6 &&
			schedule_nth(s, after, n + 1, &fire) && fire < interval.to + 2 * US_PER_DAY)
			report(totals, c, "%s: a fire too many", keys[dst]);
		schedule_unref(s);
	}
}

static void run_file(const char *name, void (*check)(struct totals *, const json_t *))
{
	g_autofree char *path = g_build_filename(VECTORS_DIR, name, NULL), *text = NULL;
	struct totals totals = {0};
	size_t length;
	if (!g_file_get_contents(path, &text, &length, NULL))
		fail_msg("cannot read %s", path);
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	int lines_read = 0;
	for (int i = 0; lines[i]; i++) {
		if (!*lines[i])
			continue;
		lines_read++;
		g_autoptr(GError) error = NULL;
		g_autoptr(json_t) c = json_read(lines[i], strlen(lines[i]), &error);
		if (!c)
			fail_msg("%s:%d: %s", name, i + 1, error->message);
		check(&totals, c);
		totals.cases++;
	}
	print_message("%s: %d cases ran, %d failed, 0 skipped\n", name, totals.cases, totals.failed);
	assert_int_equal(totals.cases, lines_read);
	assert_true(totals.cases > 0);
	assert_int_equal(totals.failed, 0);
}

#define CASE(name, file, check)        \
	static void name(void **state) \
	{                              \
		(void)state;           \
		run_file(file, check); \
	}

CASE(apscheduler, "apscheduler.jsonl", check_case)
CASE(apscheduler_deviations, "apscheduler_deviations.jsonl", check_case)
CASE(apscheduler_errors, "apscheduler_errors.jsonl", check_case)
CASE(unix_format, "unix.jsonl", check_case)
CASE(unix_errors, "unix_errors.jsonl", check_case)
CASE(document_errors, "document_errors.jsonl", check_case)
CASE(unix_dst_informative, "unix_dst_informative.jsonl", check_informative)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(apscheduler),
		cmocka_unit_test(apscheduler_deviations),
		cmocka_unit_test(apscheduler_errors),
		cmocka_unit_test(unix_format),
		cmocka_unit_test(unix_errors),
		cmocka_unit_test(document_errors),
		cmocka_unit_test(unix_dst_informative),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
