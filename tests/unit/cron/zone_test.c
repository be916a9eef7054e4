#include "support.h"

#include <stdlib.h>

#include "cron/zone_rule.h"

static time_us wall(const char *text)
{
	time_us t = 0;
	bool has_offset;
	assert_true(time_parse(text, &t, &has_offset));
	assert_false(has_offset);
	return t;
}

static void assert_instants(const char *zone_name, const char *local, const char *first, const char *second)
{
	struct zone *zone = test_zone(zone_name);
	time_us found[2] = {0};
	int n = zone_instants(zone, wall(local), found);
	assert_int_equal(n, second ? 2 : first ? 1 : 0);
	if (first)
		assert_int_equal(found[0], test_time(first));
	if (second)
		assert_int_equal(found[1], test_time(second));
	zone_unref(zone);
}

static void assert_resolves(const char *zone_name, const char *local, const char *instant)
{
	struct zone *zone = test_zone(zone_name);
	assert_int_equal(zone_resolve(zone, wall(local)), test_time(instant));
	zone_unref(zone);
}

static void wall_times_have_none_one_or_two_instants(void **state)
{
	(void)state;
	assert_instants("America/New_York", "2024-03-10 02:30:00", NULL, NULL);
	assert_instants("America/New_York", "2024-03-10 03:00:00", "2024-03-10T03:00:00-04:00", NULL);
	assert_instants("America/New_York", "2024-11-03 01:30:00", "2024-11-03T01:30:00-04:00",
		"2024-11-03T01:30:00-05:00");
	assert_instants("America/New_York", "2024-11-03 02:00:00", "2024-11-03T02:00:00-05:00", NULL);
	assert_instants("Pacific/Apia", "2011-12-30 12:00:00", NULL, NULL);
	assert_instants("Europe/Moscow", "2500-07-01 00:00:00.5", "2500-07-01T00:00:00.5+03:00", NULL);
	assert_instants("UTC", "1900-01-01", "1900-01-01T00:00:00Z", NULL);
}

static void one_instant_is_chosen(void **state)
{
	(void)state;
	assert_resolves("America/New_York", "2024-03-10 02:20:00", "2024-03-10T03:20:00-04:00");
	assert_resolves("America/New_York", "2024-11-03 01:30:00", "2024-11-03T01:30:00-04:00");
	assert_resolves("Pacific/Apia", "2011-12-30 12:00:00", "2011-12-31T12:00:00+14:00");
	assert_resolves("Antarctica/Troll", "2024-03-31 01:30:00", "2024-03-31T03:30:00+02:00");
	assert_resolves("America/New_York", "2900-03-14 02:20:00", "2900-03-14T03:20:00-04:00");
}

static void rules_hold_for_ever(void **state)
{
	(void)state;
	struct zone *zone = test_zone("Europe/Dublin");
	const time_us cycle = 146097 * US_PER_DAY;
	struct zone_interval a, b;
	for (time_us t = test_time("2038-01-01T00:00:00Z"); t < test_time("2040-01-01T00:00:00Z");
		t += 97 * US_PER_HOUR) {
		zone_interval_at(zone, t, &a);
		for (int k = 1; k < 20; k++) {
			zone_interval_at(zone, t + k * cycle, &b);
			assert_int_equal(a.from + k * cycle, b.from);
			assert_int_equal(a.to + k * cycle, b.to);
			assert_int_equal(a.offset_s, b.offset_s);
			assert_string_equal(a.abbreviation, b.abbreviation);
		}
	}
	zone_interval_at(zone, test_time("2100-07-01T00:00:00Z"), &a);
	assert_int_equal(a.offset_s, 3600);
	assert_string_equal(a.abbreviation, "IST");
	zone_unref(zone);
}

static void intervals_cover_all_time(void **state)
{
	(void)state;
	static const char *const names[] = {"UTC", "Europe/Moscow", "Africa/Casablanca", "America/New_York"};
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		struct zone *zone = test_zone(names[i]);
		struct zone_interval interval, next;
		zone_interval_at(zone, TIME_US_MIN, &interval);
		assert_int_equal(interval.from, TIME_US_MIN);
		for (int n = 0; n < 20000 && interval.to != TIME_US_MAX; n++, interval = next) {
			zone_interval_at(zone, interval.to, &next);
			assert_int_equal(next.from, interval.to);
			assert_true(next.to > next.from);
			assert_int_equal(zone_offset_at(zone, next.from), next.offset_s);
			assert_int_equal(zone_offset_at(zone, next.from - 1), interval.offset_s);
		}
		zone_interval_at(zone, TIME_US_MAX - 1, &interval);
		assert_true(interval.from < TIME_US_MAX);
		zone_unref(zone);
	}
}

static void footer_rules_are_read(void **state)
{
	(void)state;
	static const char *const bad[] = {"", "E", "EST", "EST5EDT", "EST5EDT,M3.2.0",
		"EST5EDT,M13.2.0,M11.1.0", "EST5EDT,M3.6.0,M11.1.0", "EST5EDT,J0,J300", "EST5EDT,1,366",
		"<+0", "<+03>", "EST25", "EST5EDT,M3.2.0/168,M11.1.0", "EST5x", "EST5:60"};
	struct zone_rule rule;
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_autoptr(GError) error = NULL;
		if (zone_rule_parse(bad[i], strlen(bad[i]), &rule, &error) || !error)
			fail_msg("read: %s", bad[i]);
	}
	assert_true(zone_rule_parse("<-02>2<-01>,M3.5.0/-1,M10.5.0/0", 31, &rule, NULL));
	assert_int_equal(rule.standard.offset_s, -7200);
	assert_int_equal(rule.daylight.offset_s, -3600);
	assert_int_equal(rule.start.time_s, -3600);
	/* The last Sunday of March 2024 is the 31st: an hour before its midnight, in UTC-2. */
	assert_int_equal(zone_rule_start(&rule, 2024) * SECOND, test_time("2024-03-31T01:00:00Z"));
	assert_true(zone_rule_parse("XXX-3YYY,J60/0,364/25:30:15", 27, &rule, NULL));
	assert_int_equal(zone_rule_start(&rule, 2024) * SECOND, test_time("2024-02-29T21:00:00Z"));
	assert_int_equal(zone_rule_start(&rule, 2023) * SECOND, test_time("2023-02-28T21:00:00Z"));
	assert_int_equal(zone_rule_end(&rule, 2024) * SECOND, test_time("2024-12-30T21:30:15Z"));
}

static struct zone *read_bytes(const uint8_t *data, size_t size)
{
	g_autoptr(GError) error = NULL;
	struct zone *zone = zone_parse("Test", data, size, &error);
	assert_true(zone || (error && error->code == AS_ERROR_INVALID));
	return zone;
}

static void cut_data_is_refused(void **state)
{
	(void)state;
	size_t size;
	g_autofree uint8_t *data = tzfile_read("America/New_York", &size, NULL);
	assert_non_null(data);
	for (size_t cut = 0; cut < size; cut++) {
		g_autofree uint8_t *part = g_memdup2(data, MAX(cut, 1));
		struct zone *zone = read_bytes(part, cut);
		/* Without its footer it is whole, but for the years that the rule would cover. */
		size_t footer = strlen("\nEST5EDT,M3.2.0,M11.1.0\n");
		assert_int_equal(zone != NULL, cut == size - footer);
		zone_unref(zone);
	}
}

static void damaged_data_never_harms(void **state)
{
	(void)state;
	uint64_t seed = test_seed();
	size_t size;
	g_autofree uint8_t *data = tzfile_read("Europe/Lisbon", &size, NULL);
	for (int i = 0; i < 3000; i++) {
		g_autofree uint8_t *copy = g_memdup2(data, size);
		for (int n = test_below(&seed, 4); n >= 0; n--)
			copy[test_below(&seed, i % 2 ? 60 : (int)size)] = (uint8_t)test_random(&seed);
		struct zone *zone = read_bytes(copy, size);
		struct zone_interval interval = {.to = TIME_US_MIN};
		for (int n = 0; zone && n < 50 && interval.to != TIME_US_MAX; n++) {
			time_us at = interval.to;
			zone_interval_at(zone, at, &interval);
			assert_true(interval.from <= at && interval.to > at);
		}
		zone_unref(zone);
	}
}

static void zones_are_read_once(void **state)
{
	(void)state;
	struct zone *a = test_zone("Europe/Moscow"), *b = test_zone("Europe/Moscow");
	assert_ptr_equal(a, b);
	zone_unref(a);
	zone_unref(b);
}

static void names_stay_within_the_database(void **state)
{
	(void)state;
	static const char *const bad[] = {"", "/", "/etc/passwd", "../zoneinfo/UTC", "Europe/../UTC",
		"Europe/", "/UTC", "Europe//Moscow", "posix/UTC", "right/UTC", "posixrules", "localtime",
		"zone.tab", "a b", "-x", "x/-y"};
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		size_t size;
		g_autoptr(GError) error = NULL;
		if (tzfile_name_is_valid(bad[i]) || tzfile_read(bad[i], &size, &error) ||
			error->code != AS_ERROR_INVALID)
			fail_msg("taken: %s", bad[i]);
	}
	assert_true(tzfile_name_is_valid("America/Argentina/ComodRivadavia"));
	assert_true(tzfile_name_is_valid("Etc/GMT+5"));
}

static void the_machine_has_a_zone(void **state)
{
	(void)state;
	setenv("TZ", ":Asia/Tokyo", 1);
	g_autofree char *named = tzfile_machine_zone_name();
	assert_string_equal(named, "Asia/Tokyo");
	setenv("TZ", "MSK-3", 1); /* no name: the machine decides */
	g_autofree char *machine = tzfile_machine_zone_name();
	struct zone *zone = test_zone(machine);
	zone_unref(zone);
	unsetenv("TZ");
}

static void zone_files_may_lie_elsewhere(void **state)
{
	(void)state;
	setenv("TZDIR", "/nonexistent", 1);
	size_t size;
	g_autoptr(GError) error = NULL;
	assert_null(tzfile_read("Europe/Moscow", &size, &error));
	struct zone_cache *cache = zone_cache_new(tzfile_read);
	const struct zone_source *zones = zone_cache_source(cache);
	struct zone *zone = zones->load(zones->context, "UTC", NULL); /* is known without files */
	assert_non_null(zone);
	zone_unref(zone);
	zone_cache_free(cache);
	unsetenv("TZDIR");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wall_times_have_none_one_or_two_instants),
		cmocka_unit_test(one_instant_is_chosen),
		cmocka_unit_test(rules_hold_for_ever),
		cmocka_unit_test(intervals_cover_all_time),
		cmocka_unit_test(footer_rules_are_read),
		cmocka_unit_test(cut_data_is_refused),
		cmocka_unit_test(damaged_data_never_harms),
		cmocka_unit_test(zones_are_read_once),
		cmocka_unit_test(names_stay_within_the_database),
		cmocka_unit_test(the_machine_has_a_zone),
		cmocka_unit_test(zone_files_may_lie_elsewhere),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
