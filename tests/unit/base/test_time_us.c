/* Instants, the civil calendar and RFC 3339 text, against known values and the C library. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include <glib.h>

#include "base/time_us.h"

static const struct {
	int32_t year;
	int month, day;
	int64_t days;
	int weekday; /* 0 = Monday */
} known_days[] = {
	{1970, 1, 1, 0, 3},
	{1969, 12, 31, -1, 2},
	{2000, 2, 29, 11016, 1},
	{2000, 3, 1, 11017, 2},
	{1900, 2, 28, -25509, 2},
	{1900, 3, 1, -25508, 3},
	{2024, 1, 1, 19723, 0},
	{2100, 3, 1, 47541, 0},
	{1, 1, 1, -719162, 0},
	{0, 3, 1, -719468, 2},
	{9999, 12, 31, 2932896, 4},
};

static void days_of_known_dates(void **state)
{
	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(known_days); i++) {
		int32_t year = 0;
		int8_t month = 0, day = 0;
		assert_int_equal(days_from_civil(known_days[i].year, known_days[i].month, known_days[i].day),
			known_days[i].days);
		civil_from_days(known_days[i].days, &year, &month, &day);
		assert_int_equal(year, known_days[i].year);
		assert_int_equal(month, known_days[i].month);
		assert_int_equal(day, known_days[i].day);
		assert_int_equal(weekday_of_days(known_days[i].days), known_days[i].weekday);
	}
}

/* Counts day by day through four centuries, which is the whole cycle of the calendar. */
static void every_day_of_a_cycle_follows_the_one_before(void **state)
{
	(void)state;
	int64_t days = days_from_civil(1800, 1, 1);
	for (int32_t year = 1800; year < 2200; year++) {
		for (int month = 1; month <= 12; month++) {
			for (int day = 1; day <= month_days(year, month); day++, days++) {
				int32_t y = 0;
				int8_t m = 0, d = 0;
				assert_int_equal(days_from_civil(year, month, day), days);
				civil_from_days(days, &y, &m, &d);
				assert_true(y == year && m == month && d == day);
			}
		}
	}
	assert_int_equal(days, days_from_civil(2200, 1, 1));
}

static void lengths_of_months_and_leap_years(void **state)
{
	(void)state;
	assert_true(year_is_leap(2000) && year_is_leap(2024) && year_is_leap(0) && year_is_leap(-4));
	assert_false(year_is_leap(1900) || year_is_leap(2023) || year_is_leap(2100) || year_is_leap(-1));
	assert_int_equal(month_days(2023, 2), 28);
	assert_int_equal(month_days(2024, 2), 29);
	assert_int_equal(month_days(2024, 4), 30);
	assert_int_equal(month_days(2024, 12), 31);
}

static void random_instants_agree_with_the_c_library(void **state)
{
	(void)state;
	g_autoptr(GRand) rand = g_rand_new_with_seed(20240101);
	for (int i = 0; i < 200000; i++) {
		int64_t year = g_rand_int_range(rand, -32767, 32768);
		int64_t seconds =
			days_from_civil((int32_t)year, 1, 1) * 86400 + g_rand_int_range(rand, 0, 366 * 86400);
		time_us t = seconds * US_PER_SECOND + g_rand_int_range(rand, 0, 1000000);
		time_t at = seconds;
		struct tm tm;
		assert_non_null(gmtime_r(&at, &tm));
		struct civil c;
		time_to_civil(t, &c);
		assert_int_equal(c.year, tm.tm_year + 1900);
		assert_int_equal(c.month, tm.tm_mon + 1);
		assert_int_equal(c.day, tm.tm_mday);
		assert_int_equal(c.hour, tm.tm_hour);
		assert_int_equal(c.minute, tm.tm_min);
		assert_int_equal(c.second, tm.tm_sec);
		assert_int_equal(c.us, t - seconds * US_PER_SECOND);
		assert_int_equal(weekday_of_days(floor_div(seconds, 86400)), (tm.tm_wday + 6) % 7);
		assert_int_equal(time_from_civil(&c), t);
	}
}

static void division_rounds_towards_minus_infinity(void **state)
{
	(void)state;
	assert_int_equal(floor_div(7, 3), 2);
	assert_int_equal(floor_div(-7, 3), -3);
	assert_int_equal(floor_div(-6, 3), -2);
	assert_int_equal(floor_div(0, 3), 0);
	assert_int_equal(floor_mod(7, 3), 1);
	assert_int_equal(floor_mod(-7, 3), 2);
	assert_int_equal(floor_mod(-6, 3), 0);
}

#define AT(seconds, us) ((seconds)*US_PER_SECOND + (us))

static const struct {
	const char *text;
	time_us t;
	bool has_offset;
} readable[] = {
	{"1970-01-01", 0, false},
	{"1970-01-01T00:00:00Z", 0, true},
	{"1970-01-01t00:00:00z", 0, true},
	{"1970-01-01Z", 0, true},
	{"2024-01-01T00:05:00Z", AT(INT64_C(1704067500), 0), true},
	{"2024-01-01 00:05", AT(INT64_C(1704067500), 0), false},
	{"2024-01-01T03:05:00+03:00", AT(INT64_C(1704067500), 0), true},
	{"2023-12-31T18:35:00-05:30", AT(INT64_C(1704067500), 0), true},
	{"2023-06-17T23:18:40.011761+03:00", AT(INT64_C(1687033120), 11761), true},
	{"2023-06-17T20:18:40.5Z", AT(INT64_C(1687033120), 500000), true},
	{"2023-06-17T20:18:40.1234567899Z", AT(INT64_C(1687033120), 123456), true},
	{"1969-12-31T23:59:59.999999Z", -1, true},
	{"2024-02-29T23:59:59Z", AT(INT64_C(1709251199), 0), true},
	{"0001-01-01T00:00:00Z", AT(INT64_C(-62135596800), 0), true},
	{"9999-12-31T23:59:59-23:59", AT(INT64_C(253402387139), 0), true},
};

static void text_is_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(readable); i++) {
		time_us t = 42;
		bool has_offset = !readable[i].has_offset;
		if (!time_parse(readable[i].text, &t, &has_offset))
			fail_msg("%s is refused", readable[i].text);
		assert_int_equal(t, readable[i].t);
		assert_int_equal(has_offset, readable[i].has_offset);
	}
}

static const char *const unreadable[] = {
	"",
	"x",
	"2024",
	"2024-01",
	"2024-1-01",
	"2024-01-1",
	"24-01-01",
	"0000-01-01",
	"2024-00-01",
	"2024-13-01",
	"2024-01-00",
	"2024-01-32",
	"2023-02-29",
	"2024-02-30",
	"1900-02-29",
	"2024-04-31",
	"2024-01-01T",
	"2024-01-01 ",
	"2024-01-01T10",
	"2024-01-01T10:",
	"2024-01-01T1:00",
	"2024-01-01T24:00",
	"2024-01-01T10:60",
	"2024-01-01T10:00:60Z",
	"2024-01-01T10:00:",
	"2024-01-01T10:00:00.",
	"2024-01-01T10:00:00.Z",
	"2024-01-01T10:00:00,5Z",
	"2024-01-01T10:00:00+3:00",
	"2024-01-01T10:00:00+0300",
	"2024-01-01T10:00:00+03",
	"2024-01-01T10:00:00+24:00",
	"2024-01-01T10:00:00+03:60",
	"2024-01-01T10:00:00ZZ",
	"2024-01-01T10:00:00Z ",
	" 2024-01-01",
	"2024-01-01T10:00:00 Z",
	"2024/01/01",
	"-2024-01-01",
	"12024-01-01",
	"2024-01-01T-1:00",
	"2024-01-01T10:00:00+-3:00",
	"\xd9\xa2\xd9\xa0\xd9\xa2\xd9\xa4-01-01",
};

static void other_text_is_refused_and_writes_nothing(void **state)
{
	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(unreadable); i++) {
		time_us t = 42;
		bool has_offset = true;
		if (time_parse(unreadable[i], &t, &has_offset))
			fail_msg("'%s' is read", unreadable[i]);
		assert_int_equal(t, 42);
		assert_true(has_offset);
	}
}

static void instants_are_written(void **state)
{
	(void)state;
	char buf[TIME_TEXT_MAX];
	time_us t = AT(INT64_C(1687033120), 11761);
	assert_string_equal(time_format(t, 3 * 3600, buf), "2023-06-17T23:18:40.011761+03:00");
	assert_string_equal(time_format(t, -(5 * 3600 + 1800), buf), "2023-06-17T14:48:40.011761-05:30");
	assert_string_equal(time_format(t - 11761, 0, buf), "2023-06-17T20:18:40+00:00");
	assert_string_equal(time_format_utc(t, buf), "2023-06-17T20:18:40.011761Z");
	assert_string_equal(time_format_utc(AT(INT64_C(1704067500), 0), buf), "2024-01-01T00:05:00Z");
	assert_string_equal(time_format_utc(-1, buf), "1969-12-31T23:59:59.999999Z");
	assert_string_equal(time_format_utc(AT(INT64_C(-62135596800), 0), buf), "0001-01-01T00:00:00Z");
	/* Local mean time: the seconds of the offset count for the civil time and are dropped from the text.
	 */
	assert_string_equal(time_format(0, 9017, buf), "1970-01-01T02:30:17+02:30");
	assert_string_equal(time_format(0, -2670, buf), "1969-12-31T23:15:30-00:44");
}

static void the_longest_text_fits(void **state)
{
	(void)state;
	char buf[TIME_TEXT_MAX];
	assert_true(strlen(time_format_utc(TIME_US_MIN, buf)) < TIME_TEXT_MAX);
	assert_true(strlen(time_format_utc(TIME_US_MAX, buf)) < TIME_TEXT_MAX);
	assert_true(strlen(time_format(TIME_US_MAX, -50400, buf)) < TIME_TEXT_MAX);
	assert_true(strlen(time_format(TIME_US_MIN, 50400, buf)) < TIME_TEXT_MAX);
}

static void what_is_written_is_read_back(void **state)
{
	(void)state;
	g_autoptr(GRand) rand = g_rand_new_with_seed(7);
	for (int i = 0; i < 100000; i++) {
		int64_t seconds = (int64_t)g_rand_double_range(rand, -62135500000.0, 253402200000.0);
		time_us t = seconds * US_PER_SECOND +
			    (g_rand_boolean(rand) ? g_rand_int_range(rand, 0, 1000000) : 0);
		int32_t offset_s = g_rand_int_range(rand, -23 * 60, 23 * 60) * 60;
		char buf[TIME_TEXT_MAX];
		time_us back = 0;
		bool has_offset = false;
		assert_true(time_parse(time_format(t, offset_s, buf), &back, &has_offset) && has_offset);
		assert_int_equal(back, t);
		assert_true(time_parse(time_format_utc(t, buf), &back, &has_offset) && has_offset);
		assert_int_equal(back, t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(days_of_known_dates),
		cmocka_unit_test(every_day_of_a_cycle_follows_the_one_before),
		cmocka_unit_test(lengths_of_months_and_leap_years),
		cmocka_unit_test(random_instants_agree_with_the_c_library),
		cmocka_unit_test(division_rounds_towards_minus_infinity),
		cmocka_unit_test(text_is_read),
		cmocka_unit_test(other_text_is_refused_and_writes_nothing),
		cmocka_unit_test(instants_are_written),
		cmocka_unit_test(the_longest_text_fits),
		cmocka_unit_test(what_is_written_is_read_back),
	};
	return cmocka_run_group_tests_name("time_us", tests, NULL, NULL);
}
