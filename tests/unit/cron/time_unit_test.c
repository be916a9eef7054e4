/* Minutes, hours and days of a zone: against its wall clock, around its changes, and by chance. */
#include "cron/time_unit.h"
#include "support.h"

static void expect(
	const char *zone_name, enum time_unit unit, const char *t, const char *begin, const char *end)
{
	struct zone *zone = test_zone(zone_name);
	char text[TIME_TEXT_MAX];
	assert_string_equal(zone_format(zone, time_unit_begin(zone, unit, test_time(t)), text), begin);
	assert_string_equal(zone_format(zone, time_unit_end(zone, unit, test_time(t)), text), end);
	zone_unref(zone);
}

static void units_are_those_of_the_wall_clock(void **state)
{
	(void)state;
	const char *kolkata = "Asia/Kolkata", *berlin = "Europe/Berlin";
	expect("UTC", UNIT_SECOND, "2024-01-01T00:00:00.9+00:00", "2024-01-01T00:00:00+00:00",
		"2024-01-01T00:00:01+00:00");
	expect(kolkata, UNIT_MINUTE, "2024-01-01T10:15:59+05:30", "2024-01-01T10:15:00+05:30",
		"2024-01-01T10:16:00+05:30");
	expect(kolkata, UNIT_HOUR, "2024-01-01T10:15:59+05:30", "2024-01-01T10:00:00+05:30",
		"2024-01-01T11:00:00+05:30");
	expect(kolkata, UNIT_DAY, "2024-01-01T00:00:00+05:30", "2024-01-01T00:00:00+05:30",
		"2024-01-02T00:00:00+05:30");
	expect(berlin, UNIT_DAY, "1969-12-31T23:59:59.999999+01:00", "1969-12-31T00:00:00+01:00",
		"1970-01-01T00:00:00+01:00");
}

static void a_change_of_the_clock_makes_days_longer_or_shorter(void **state)
{
	(void)state;
	expect("Europe/Berlin", UNIT_DAY, "2024-03-31T12:00:00+02:00", "2024-03-31T00:00:00+01:00",
		"2024-04-01T00:00:00+02:00");
	expect("Europe/Berlin", UNIT_DAY, "2024-10-27T00:30:00+02:00", "2024-10-27T00:00:00+02:00",
		"2024-10-28T00:00:00+01:00");
	/* Midnight of 2018-11-04 was skipped. */
	expect("America/Sao_Paulo", UNIT_DAY, "2018-11-04T12:00:00-02:00", "2018-11-04T01:00:00-02:00",
		"2018-11-05T00:00:00-02:00");
	expect("America/Sao_Paulo", UNIT_DAY, "2018-11-03T12:00:00-03:00", "2018-11-03T00:00:00-03:00",
		"2018-11-04T01:00:00-02:00");
}

static void a_change_of_the_clock_begins_an_hour(void **state)
{
	(void)state;
	expect("Europe/Berlin", UNIT_HOUR, "2024-10-27T02:30:00+02:00", "2024-10-27T02:00:00+02:00",
		"2024-10-27T02:00:00+01:00");
	expect("Europe/Berlin", UNIT_HOUR, "2024-10-27T02:30:00+01:00", "2024-10-27T02:00:00+01:00",
		"2024-10-27T03:00:00+01:00");
	/* By half an hour. */
	expect("Australia/Lord_Howe", UNIT_HOUR, "2024-04-07T01:45:00+11:00", "2024-04-07T01:00:00+11:00",
		"2024-04-07T01:30:00+10:30");
	expect("Australia/Lord_Howe", UNIT_HOUR, "2024-04-07T01:45:00+10:30", "2024-04-07T01:30:00+10:30",
		"2024-04-07T02:00:00+10:30");
}

static void every_instant_is_in_one(void **state)
{
	(void)state;
	static const char *const zones[] = {
		"UTC", "Europe/Berlin", "America/Sao_Paulo", "Australia/Lord_Howe", "Africa/Monrovia"};
	uint64_t seed = test_seed();
	for (int i = 0; i < 20000; i++) {
		struct zone *zone = test_zone(zones[i % (int)G_N_ELEMENTS(zones)]);
		enum time_unit unit = (enum time_unit)test_below(&seed, UNIT_DAY + 1);
		time_us t = (test_below(&seed, 2000000000) - INT64_C(500000000)) * US_PER_SECOND +
			    test_below(&seed, 1000000);
		time_us begin = time_unit_begin(zone, unit, t), end = time_unit_end(zone, unit, t);
		assert_true(begin <= t && t < end);
		assert_true(end - begin <= time_unit_length(unit) + US_PER_HOUR);
		assert_true(time_unit_end(zone, unit, end - 1) == end);
		assert_true(time_unit_end(zone, unit, begin) == end);
		zone_unref(zone);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(units_are_those_of_the_wall_clock),
		cmocka_unit_test(a_change_of_the_clock_makes_days_longer_or_shorter),
		cmocka_unit_test(a_change_of_the_clock_begins_an_hour),
		cmocka_unit_test(every_instant_is_in_one),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
