/* Times as people write them, and lengths of time as they read them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/tzfile.h"
#include "cli/time_arg.h"

static struct zone *berlin;

static time_us at(const char *text)
{
	time_us t;
	bool has_offset;
	assert_true(time_parse(text, &t, &has_offset));
	return t;
}

static void expect(const char *text, const char *now, const char *expected)
{
	g_autoptr(GError) error = NULL;
	time_us t = 0;
	char shown[TIME_TEXT_MAX];
	if (!time_arg_parse(text, at(now), berlin, &t, &error))
		fail_msg("%s: %s", text, error->message);
	if (t != at(expected))
		fail_msg("%s is %s, not %s", text, time_format_utc(t, shown), expected);
}

static void absolute_times(void **state)
{
	(void)state;
	const char *now = "2024-06-15T10:30:00Z";
	expect("2024-01-31T09:00:00+05:30", now, "2024-01-31T03:30:00Z");
	expect("2024-01-31T09:00:00Z", now, "2024-01-31T09:00:00Z");
	expect("2024-01-31", now, "2024-01-30T23:00:00Z");
	expect("2024-07-31", now, "2024-07-30T22:00:00Z");
	expect("2024-07-31 09:00", now, "2024-07-31T07:00:00Z");
	expect("2024-07-31 09:00:01", now, "2024-07-31T07:00:01Z");
	expect("  2024-07-31T09:00:01.5  ", now, "2024-07-31T07:00:01.5Z");
	expect("@0", now, "1970-01-01T00:00:00Z");
	expect("@1700000000", now, "2023-11-14T22:13:20Z");
	expect("@-1", now, "1969-12-31T23:59:59Z");
}

/* In a gap forward by its length, of two the first. */
static void wall_times_at_a_change_of_clocks(void **state)
{
	(void)state;
	expect("2024-03-31 02:30", "2024-01-01T00:00:00Z", "2024-03-31T01:30:00Z");
	expect("2024-10-27 02:30", "2024-01-01T00:00:00Z", "2024-10-27T00:30:00Z");
}

static void named_days(void **state)
{
	(void)state;
	expect("now", "2024-06-15T10:30:00.25Z", "2024-06-15T10:30:00.25Z");
	/* 00:30 of the 16th in Berlin. */
	expect("today", "2024-06-15T22:30:00Z", "2024-06-15T22:00:00Z");
	expect("tomorrow", "2024-06-15T22:30:00Z", "2024-06-16T22:00:00Z");
	expect("yesterday", "2024-06-15T22:30:00Z", "2024-06-14T22:00:00Z");
	/* A day of 23 hours. */
	expect("today", "2024-03-31T20:00:00Z", "2024-03-30T23:00:00Z");
	expect("tomorrow", "2024-03-31T20:00:00Z", "2024-03-31T22:00:00Z");
}

static void relative_times(void **state)
{
	(void)state;
	const char *now = "2024-06-15T10:30:00Z";
	expect("-5min", now, "2024-06-15T10:25:00Z");
	expect("+2h", now, "2024-06-15T12:30:00Z");
	expect("+ 2 hours", now, "2024-06-15T12:30:00Z");
	expect("+1h 30min", now, "2024-06-15T12:00:00Z");
	expect("+1h30m", now, "2024-06-15T12:00:00Z");
	expect("5 days ago", now, "2024-06-10T10:30:00Z");
	expect("1 week 1d ago", now, "2024-06-07T10:30:00Z");
	expect("1.5h ago", now, "2024-06-15T09:00:00Z");
	expect("-0.25s", now, "2024-06-15T10:29:59.75Z");
	expect("+250ms", now, "2024-06-15T10:30:00.25Z");
	expect("+1M", now, "2024-07-15T21:00:00Z");
	expect("+1year", now, "2025-06-15T16:30:00Z");
	expect("+0s", now, now);
}

static void other_texts_are_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {"", " ", "foo", "+", "-", "5", "+5", "5min", "5 days", "ago",
		"+5min ago", "-5 fortnights", "5 daysago2", "-5.min", "-.5h", "now now", "Today",
		"2024-02-30", "2024-13-01", "2024-01-01T24:00", "2024-01-01 9:00", "24-01-01", "@", "@x",
		"@1.5", "@99999999999999999999", "+99999999999999999999s", "+9223372036854775807d",
		"+300000y", "-3000y", "+1h -5min", "\n", "2024-01-01T00:00:00+25:00", "10:00"};
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_autoptr(GError) error = NULL;
		time_us t = 42;
		if (time_arg_parse(bad[i], at("2024-06-15T10:30:00Z"), berlin, &t, &error))
			fail_msg("'%s' is taken for a time", bad[i]);
		assert_int_equal(t, 42);
		assert_true(g_error_matches(error, AS_ERROR, AS_ERROR_INVALID));
		assert_non_null(strstr(error->message, bad[i]));
	}
}

static void expect_span(dur_us span, const char *expected)
{
	char text[SPAN_TEXT_MAX];
	assert_string_equal(span_format(span, text), expected);
}

static void lengths_of_time(void **state)
{
	(void)state;
	expect_span(0, "0s");
	expect_span(999, "0s");
	expect_span(250 * US_PER_MS, "250ms");
	expect_span(US_PER_SECOND, "1s");
	expect_span(1500 * US_PER_MS, "1s");
	expect_span(-(2 * US_PER_MINUTE + 3 * US_PER_SECOND), "2min 3s");
	expect_span(US_PER_HOUR, "1h");
	expect_span(US_PER_HOUR + 59 * US_PER_SECOND, "1h");
	expect_span(3 * US_PER_DAY + 4 * US_PER_HOUR + US_PER_MINUTE, "3d 4h");
	expect_span(400 * US_PER_DAY, "1y 34d");
	expect_span(INT64_MAX, "292271y 8d");
	expect_span(INT64_MIN, "292271y 8d");
}

static void distances_from_now(void **state)
{
	(void)state;
	char text[SPAN_TEXT_MAX];
	assert_string_equal(span_format_from(1000, 1000, text), "now");
	assert_string_equal(span_format_from(5 * US_PER_MINUTE, 0, text), "in 5min");
	assert_string_equal(span_format_from(0, 25 * US_PER_HOUR, text), "1d 1h ago");
	assert_string_equal(span_format_about(1000, 1000, text), "now");
	assert_string_equal(span_format_about(US_PER_SECOND - 1, 0, text), "now");
	assert_string_equal(span_format_about(5 * US_PER_MINUTE + 59 * US_PER_SECOND, 0, text), "in 5min");
	assert_string_equal(span_format_about(0, 25 * US_PER_HOUR, text), "1d ago");
}

static int load_zone(void **state)
{
	(void)state;
	size_t size;
	g_autofree uint8_t *data = tzfile_read("Europe/Berlin", &size, NULL);
	berlin = data ? zone_parse("Europe/Berlin", data, size, NULL) : NULL;
	return berlin ? 0 : -1;
}

static int drop_zone(void **state)
{
	(void)state;
	zone_unref(berlin);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(absolute_times),
		cmocka_unit_test(wall_times_at_a_change_of_clocks),
		cmocka_unit_test(named_days),
		cmocka_unit_test(relative_times),
		cmocka_unit_test(other_texts_are_refused),
		cmocka_unit_test(lengths_of_time),
		cmocka_unit_test(distances_from_now),
	};
	return cmocka_run_group_tests(tests, load_zone, drop_zone);
}
