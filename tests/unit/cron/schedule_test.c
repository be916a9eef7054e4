#include "support.h"

#include <stdlib.h>

#define UNIX(value)      "{\"format\":\"unix\",\"params\":{\"value\":\"" value "\"}}"
#define APS(params)      "{\"format\":\"apscheduler\",\"params\":{" params "}}"
#define DATE(params)     "{\"format\":\"date\",\"params\":{" params "}}"
#define INTERVAL(params) "{\"format\":\"interval\",\"params\":{" params "}}"

static void assert_fires(const struct schedule *s, const char *after, ...) G_GNUC_NULL_TERMINATED;

/* The next fires after a time are those given, NULL-terminated, as text in the zone; "-" says that none is
 * left. */
static void assert_fires(const struct schedule *s, const char *after, ...)
{
	time_us t = test_time(after);
	char text[TIME_TEXT_MAX];
	va_list fires;
	va_start(fires, after);
	for (const char *want; (want = va_arg(fires, const char *));) {
		bool found = schedule_next(s, t, &t);
		assert_string_equal(found ? zone_format(schedule_zone(s), t, text) : "-", want);
	}
	va_end(fires);
}

static void assert_message(const char *document, enum unix_dialect dialect, const char *message)
{
	g_autofree char *why = NULL;
	struct schedule *s = test_read(document, "UTC", dialect, DST_WALL_CLOCK, &why);
	if (s)
		fail_msg("accepted: %s", document);
	assert_string_equal(why, message);
}

static void messages_name_field_column_and_reason(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
		{UNIX("0 25 * * *"), "params.value: hour field \"25\" (column 3): 25 is above 23"},
		{UNIX("1,70 * * * *"), "params.value: minute field \"1,70\" (column 3): 70 is above 59"},
		{UNIX("* * 0 * *"), "params.value: day of month field \"0\" (column 5): 0 is below 1"},
		{UNIX("0 22-2 * * *"),
			"params.value: hour field \"22-2\" (column 3): the range ends before it begins"},
		{UNIX("5/15 * * * *"), "params.value: minute field \"5/15\" (column 2): a step needs `*` or "
				       "a range before it"},
		{UNIX("*/0 * * * *"), "params.value: minute field \"*/0\" (column 3): a step of 0"},
		{UNIX("* * * * monday"),
			"params.value: day of week field \"monday\" (column 9): \"monday\" is no known name"},
		{UNIX("mon * * * *"), "params.value: minute field \"mon\" (column 1): \"mon\" is no number, "
				      "and the field takes no names"},
		{UNIX("1,, * * * *"),
			"params.value: minute field \"1,,\" (column 3): an item of the list is empty"},
		{UNIX("* * * * 1#2"),
			"params.value: day of week field \"1#2\" (column 10): \"#2\" is too much"},
		{UNIX("@daily"), "params.value: 1 field, there must be 5 (minute, hour, day of month, month, "
				 "day of week)"},
		{APS("\"hour\":\" 1, 24\""), "params.hour \" 1, 24\" (column 5): 24 is above 23"},
		{APS("\"second\":\"*/60\""), "params.second \"*/60\" (column 3): the step is larger than "
					     "the range, which is 59 wide"},
		{APS("\"minute\":5.0"), "params.minute: it must be an integer or a string"},
		{APS("\"day\":\"1st foo\""), "params.day \"1st foo\" (column 5): \"1st\" must be followed "
					     "by a blank and a day from mon to sun"},
		{APS("\"day_of_week\":\"mon-5\""), "params.day_of_week \"mon-5\" (column 1): a range from a "
						   "name to a number, or the other way"},
		{APS("\"hour\":1,\"end_date\":\"2024-02-30\""),
			"params.end_date \"2024-02-30\": there is no such date"},
		{APS("\"hour\":1,\"jitter\":-1"), "params.jitter: it must not be negative"},
		{APS("\"hour\":1,\"jitter\":true"), "params.jitter: it must be a number of seconds"},
		{APS("\"timezone\":\"utc\""), "params.timezone: \"utc\" is no time zone; names are those of "
					      "the tz database, such as Europe/Moscow"},
		{APS("\"timezone\":\"\""), "params.timezone: \"\" is no time zone; names are those of the tz "
					   "database, such as Europe/Moscow"},
		{DATE(""), "params.run_date: it is missing"},
		{DATE("\"run_date\":\"2024-01-01\",\"jitter\":1"),
			"params: unknown parameter \"jitter\"; there are run_date, timezone"},
		{INTERVAL("\"hours\":-1"), "params.hours: it must not be negative"},
		{INTERVAL("\"hours\":\"1\""), "params.hours: it must be a number"},
		{INTERVAL("\"days\":4000000"), "params.days: it is longer than 3000000 days"},
		{INTERVAL("\"seconds\":0.0001"),
			"params.seconds: an interval must be a millisecond at least"},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
		assert_message(cases[i][0], UNIX_DIALECT_STANDARD, cases[i][1]);
	assert_message(UNIX("* * * * 7"), UNIX_DIALECT_APSCHEDULER,
		"params.value: day of week field \"7\" (column 9): 7 is above 6");
}

static void an_expression_is_no_document(void **state)
{
	(void)state;
	static const char *const texts[] = {"*/5 * * * *", "", " ", "\"* * * * *\"", "[]"};
	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
		g_autoptr(GError) error = NULL;
		assert_null(schedule_parse(texts[i], strlen(texts[i]), NULL, &error));
		assert_string_equal(error->message, "a schedule must be an object with format and params");
	}
}

static void hostile_texts_give_whole_messages(void **state)
{
	(void)state;
	g_autoptr(GString) text = g_string_new("{\"format\":\"unix\",\"params\":{\"value\":\"");
	for (int i = 0; i < 100; i++)
		g_string_append(text, "é");
	g_string_append(text, " * * * *\"}}");
	g_autofree char *why = NULL;
	assert_null(test_read(text->str, "UTC", UNIX_DIALECT_STANDARD, DST_WALL_CLOCK, &why));
	assert_true(g_utf8_validate(why, -1, NULL));
	assert_true(strlen(why) < 400);
	assert_null(schedule_parse(
		"{\"format\":\"unix\",\"format\":\"unix\"}", 33, NULL, NULL)); /* a key twice */
}

static void the_apscheduler_dialect_reads_as_from_crontab(void **state)
{
	(void)state;
	static const char *const same[][2] = {
		{UNIX("0 0 * * 0"), APS("\"minute\":0,\"hour\":0,\"day_of_week\":\"mon\"")},
		{UNIX("0 0 13 * 5"), APS("\"minute\":0,\"hour\":0,\"day\":13,\"day_of_week\":\"sat\"")},
		{UNIX("5/15 * last * sun"),
			APS("\"minute\":\"5/15\",\"day\":\"last\",\"day_of_week\":\"sun\"")},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(same); i++) {
		struct schedule *s[2];
		for (int k = 0; k < 2; k++)
			s[k] = test_read(same[i][k], "UTC", UNIX_DIALECT_APSCHEDULER, DST_WALL_CLOCK, NULL);
		time_us t[2] = {0, 0};
		for (int n = 0; n < 50; n++) {
			assert_true(schedule_next(s[0], t[0], &t[0]) && schedule_next(s[1], t[1], &t[1]));
			assert_int_equal(t[0], t[1]);
		}
		schedule_unref(s[0]);
		schedule_unref(s[1]);
	}
}

static void a_date_fires_once(void **state)
{
	(void)state;
	struct schedule *s = test_schedule(
		DATE("\"run_date\":\"2024-03-10 02:30:00\",\"timezone\":\"America/New_York\""), "UTC");
	assert_fires(s, "2024-01-01T00:00:00Z", "2024-03-10T03:30:00-04:00", "-", NULL);
	assert_fires(s, "2024-03-10T07:30:00Z", "-", NULL);
	time_us t;
	assert_true(schedule_prev(s, TIME_US_MAX, &t));
	assert_false(schedule_prev(s, t, &t));
	assert_int_equal(schedule_count(s, TIME_US_MIN, TIME_US_MAX), 1);
	assert_true(schedule_nth(s, TIME_US_MIN, 1, &t));
	assert_false(schedule_nth(s, TIME_US_MIN, 2, &t));
	schedule_unref(s);
}

static void an_interval_counts_elapsed_time(void **state)
{
	(void)state;
	struct schedule *s = test_schedule(
		INTERVAL("\"hours\":12,\"start_date\":\"2024-03-09 12:00:00\","
			 "\"end_date\":\"2024-03-10 13:00:00\",\"timezone\":\"America/New_York\""),
		"UTC");
	assert_fires(s, "2020-01-01T00:00:00Z", "2024-03-09T12:00:00-05:00", "2024-03-10T00:00:00-05:00",
		"2024-03-10T13:00:00-04:00", "-", NULL);
	time_us t;
	assert_true(schedule_prev(s, test_time("2024-03-10T12:59:59-04:00"), &t));
	assert_int_equal(t, test_time("2024-03-10T00:00:00-05:00"));
	assert_int_equal(schedule_count(s, TIME_US_MIN, TIME_US_MAX), 3);
	assert_int_equal(schedule_count(s, test_time("2024-03-09T12:00:00-05:00"), TIME_US_MAX), 2);
	assert_true(schedule_nth(s, test_time("2024-03-09T12:00:00-05:00"), 2, &t));
	assert_int_equal(t, test_time("2024-03-10T13:00:00-04:00"));
	assert_false(schedule_nth(s, test_time("2024-03-09T12:00:00-05:00"), 3, &t));
	schedule_unref(s);
}

static void an_interval_without_start_is_anchored(void **state)
{
	(void)state;
	struct schedule *s = test_schedule(INTERVAL("\"days\":1,\"minutes\":0.5"), "Europe/Moscow");
	assert_fires(
		s, "1969-12-31T20:00:00Z", "1970-01-01T00:00:00+03:00", "1970-01-02T00:00:30+03:00", NULL);
	schedule_unref(s);
	s = test_schedule(INTERVAL(""), "UTC"); /* nothing is a second, as in APScheduler */
	assert_fires(
		s, "2024-01-01T00:00:00.25Z", "2024-01-01T00:00:01+00:00", "2024-01-01T00:00:02+00:00", NULL);
	schedule_unref(s);
	s = test_schedule(INTERVAL("\"seconds\":0.25"), "UTC");
	assert_fires(s, "2024-01-01T00:00:00Z", "2024-01-01T00:00:00.250000+00:00", NULL);
	schedule_unref(s);
}

static void what_never_fires_is_known_at_once(void **state)
{
	(void)state;
	static const char *const never[] = {UNIX("0 0 30 2 *"), APS("\"month\":2,\"day\":30"),
		APS("\"day\":\"1st sun\",\"day_of_week\":\"mon\""),
		APS("\"year\":2021,\"month\":2,\"day\":29"), APS("\"month\":6,\"week\":53"),
		APS("\"year\":\"1970-9999\",\"month\":6,\"week\":53"),
		APS("\"start_date\":\"2024-01-02\",\"end_date\":\"2024-01-01\"")};
	for (size_t i = 0; i < G_N_ELEMENTS(never); i++) {
		struct schedule *s = test_schedule(never[i], "America/New_York");
		time_us t = 5;
		gint64 begin = g_get_monotonic_time();
		for (int n = 0; n < 1000; n++) {
			assert_false(schedule_next(s, n, &t));
			assert_false(schedule_prev(s, TIME_US_MAX - n, &t));
			assert_false(schedule_nth(s, n, 1, &t));
			assert_int_equal(schedule_count(s, TIME_US_MIN, TIME_US_MAX), 0);
			assert_int_equal(t, 5);
			if (g_get_monotonic_time() - begin > 5 * G_USEC_PER_SEC)
				fail_msg("slow: %s", never[i]);
		}
		schedule_unref(s);
	}
}

static void the_calendar_has_two_ends(void **state)
{
	(void)state;
	struct schedule *s = test_schedule(UNIX("* * * * *"), "America/New_York");
	assert_fires(s, "9999-12-31T23:58:00Z", "9999-12-31T18:59:00-05:00", "-", NULL);
	time_us t;
	assert_true(schedule_next(s, TIME_US_MIN, &t));
	assert_int_equal(t, test_time("1970-01-01T00:00:00-05:00"));
	assert_false(schedule_prev(s, t, &t));
	assert_true(schedule_prev(s, TIME_US_MAX, &t));
	assert_int_equal(t, test_time("9999-12-31T18:59:00-05:00"));
	assert_int_equal(schedule_count(s, TIME_US_MIN, TIME_US_MAX),
		UINT64_C(8030) * 365 * 1440 + UINT64_C(1947) * 1440 - 300);
	schedule_unref(s);
}

static void every_day_of_the_calendar_is_split_right(void **state)
{
	(void)state;
	struct schedule *s = test_schedule(APS("\"day\":\"last\""), "UTC");
	time_us t = TIME_US_MIN, back;
	for (int year = 1970; year <= 9999; year++) {
		for (int month = 1; month <= 12; month++) {
			assert_true(schedule_next(s, t, &t));
			assert_int_equal(
				t, days_from_civil(year, month, month_days(year, month)) * US_PER_DAY);
			assert_true(schedule_prev(s, t + US_PER_DAY, &back) && back == t);
		}
	}
	assert_false(schedule_next(s, t, &t));
	schedule_unref(s);
}

static void bounds_are_inclusive_instants(void **state)
{
	(void)state;
	struct schedule *s =
		test_schedule(APS("\"hour\":1,\"minute\":30,\"start_date\":\"2013-11-02 01:30:00\","
				  "\"end_date\":\"2013-11-03 01:40:00\",\"timezone\":\"America/New_York\""),
			"UTC");
	assert_fires(s, "2000-01-01T00:00:00Z", "2013-11-02T01:30:00-04:00", "2013-11-03T01:30:00-04:00", "-",
		NULL);
	assert_int_equal(schedule_end(s), test_time("2013-11-03T01:40:00-04:00"));
	assert_int_equal(schedule_count(s, TIME_US_MIN, TIME_US_MAX), 2);
	schedule_unref(s);
	s = test_schedule(
		APS("\"second\":0,\"start_date\":\"2024-01-01T00:00:00.000001Z\",\"jitter\":1.5"), "UTC");
	assert_fires(s, "2000-01-01T00:00:00Z", "2024-01-01T00:01:00+00:00", NULL);
	assert_int_equal(schedule_jitter(s), 1500000);
	assert_int_equal(schedule_end(s), TIME_US_MAX);
	schedule_unref(s);
}

static void assert_printed(const char *document, enum dst_policy dst, const char *printed)
{
	struct schedule *s = test_read(document, "UTC", UNIX_DIALECT_STANDARD, dst, NULL);
	g_autoptr(json_t) out = schedule_print(s);
	char *text = json_dumps(json_object_get(out, "params"), JSON_COMPACT);
	assert_string_equal(text, printed);
	free(text);
	schedule_unref(s);
}

static void documents_are_normalised(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
		{UNIX(" 0-59\\t*/1 1-31 jan-dec 0-7"), "{\"value\":\"* * * * *\",\"timezone\":\"UTC\"}"},
		{UNIX("00,05,10,15,20,25,30,35,40,45,50,55 9-17 * * mon-FRI"),
			"{\"value\":\"*/5 9-17 * * 1-5\",\"timezone\":\"UTC\"}"},
		{UNIX("5,4,3,50 */90 */2 * 7"), "{\"value\":\"3-5,50 0 */2 * 0\",\"timezone\":\"UTC\"}"},
		{UNIX("1-59/2 0 1,15 * 5"), "{\"value\":\"1-59/2 0 1,15 * 5\",\"timezone\":\"UTC\"}"},
		{APS(""), "{\"second\":\"*\",\"timezone\":\"UTC\"}"},
		{APS("\"hour\":\"*\",\"minute\":0"), "{\"hour\":\"*\",\"timezone\":\"UTC\"}"},
		{APS("\"month\":\"jul\",\"day\":\"1\""), "{\"month\":\"7\",\"timezone\":\"UTC\"}"},
		{APS("\"year\":\"*\""), "{\"year\":\"*\",\"timezone\":\"UTC\"}"},
		{APS("\"day\":\"last,LAST fri , 1st mon, "
		     "3\",\"second\":\"*/20\",\"jitter\":2,\"end_date\":\"2050-05-05\""),
			"{\"day\":\"3,1st mon,last "
			"fri,last\",\"second\":\"*/20\",\"end_date\":\"2050-05-05T00:00:00+00:00\","
			"\"jitter\":2,\"timezone\":\"UTC\"}"},
		{DATE("\"run_date\":\"2024-1-5 4:05:06.7\",\"timezone\":\"Asia/Tokyo\""),
			"{\"run_date\":\"2024-01-05T04:05:06.000007+09:00\",\"timezone\":\"Asia/Tokyo\"}"},
		{INTERVAL("\"weeks\":1,\"hours\":36"), "{\"days\":8,\"seconds\":43200,\"start_date\":\"1970-"
						       "01-01T00:00:00+00:00\",\"timezone\":\"UTC\"}"},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
		assert_printed(cases[i][0], DST_WALL_CLOCK, cases[i][1]);
	/* What begins with `*` counts there. */
	assert_printed(UNIX("0-59 0-23/2 * * *"), DST_VIXIE,
		"{\"value\":\"0-59 0-22/2 * * *\",\"timezone\":\"UTC\"}");
	assert_printed(UNIX("*/30,7 */12 * * *"), DST_VIXIE,
		"{\"value\":\"*/30,7 */12 * * *\",\"timezone\":\"UTC\"}");
}

static void the_vixie_policy_leaves_long_changes_alone(void **state)
{
	(void)state;
	struct schedule *s =
		test_read(APS("\"hour\":12"), "Pacific/Apia", UNIX_DIALECT_STANDARD, DST_VIXIE, NULL);
	assert_fires(
		s, "2011-12-29T00:00:00Z", "2011-12-29T12:00:00-10:00", "2011-12-31T12:00:00+14:00", NULL);
	schedule_unref(s);
	/* Seconds that repeat make it no fixed time. */
	s = test_read(APS("\"hour\":2,\"minute\":30,\"second\":\"*/30\""), "America/New_York",
		UNIX_DIALECT_STANDARD, DST_VIXIE, NULL);
	assert_fires(s, "2024-03-10T00:00:00-05:00", "2024-03-11T02:30:00-04:00", NULL);
	schedule_unref(s);
	s = test_read(APS("\"hour\":2,\"minute\":30,\"second\":\"15\""), "America/New_York",
		UNIX_DIALECT_STANDARD, DST_VIXIE, NULL);
	assert_fires(s, "2024-03-10T00:00:00-05:00", "2024-03-10T03:00:00-04:00", "2024-03-11T02:30:15-04:00",
		NULL);
	schedule_unref(s);
}

static struct schedule *get(
	struct schedule_cache *cache, const char *text, const char *zone, enum dst_policy dst, GError **error)
{
	return schedule_cache_get(cache, text, strlen(text), zone, UNIX_DIALECT_STANDARD, dst, error);
}

static void equal_schedules_are_one(void **state)
{
	(void)state;
	struct schedule_cache *cache = schedule_cache_new(test_zones());
	struct schedule *a = get(cache, UNIX("*/5 * * * *"), "UTC", DST_WALL_CLOCK, NULL);
	struct schedule *b = get(cache, UNIX("*/5 * * * *"), "UTC", DST_WALL_CLOCK, NULL);
	struct schedule *c = get(cache, UNIX("0-55/5  * * * *"), "UTC", DST_WALL_CLOCK, NULL);
	struct schedule *d = get(cache, UNIX("*/5 * * * *"), "Europe/Moscow", DST_WALL_CLOCK, NULL);
	struct schedule *e = get(cache, UNIX("*/5 * * * *"), "UTC", DST_VIXIE, NULL);
	assert_ptr_equal(a, b);
	assert_ptr_equal(a, c);
	assert_ptr_not_equal(a, d);
	assert_ptr_not_equal(a, e);
	assert_string_not_equal(schedule_key(a), schedule_key(e));
	schedule_unref(b);
	schedule_unref(c);
	schedule_unref(d);
	schedule_unref(e);
	schedule_cache_trim(cache);
	b = get(cache, UNIX("*/5 * * * *"), "UTC", DST_WALL_CLOCK, NULL);
	assert_ptr_equal(a, b); /* was in use */
	schedule_unref(a);
	schedule_unref(b);
	schedule_cache_trim(cache);
	a = get(cache, UNIX("0-55/5  * * * *"), "UTC", DST_WALL_CLOCK, NULL);
	assert_non_null(a);
	schedule_cache_free(cache);
	time_us t;
	assert_true(schedule_next(a, 0, &t)); /* outlives the cache */
	schedule_unref(a);
}

static void errors_are_remembered(void **state)
{
	(void)state;
	struct schedule_cache *cache = schedule_cache_new(test_zones());
	for (int i = 0; i < 2; i++) {
		g_autoptr(GError) bad = NULL, zone = NULL, json = NULL;
		assert_null(get(cache, UNIX("x"), "UTC", DST_WALL_CLOCK, &bad));
		assert_null(get(cache, UNIX("* * * * *"), "Mars/Base", DST_WALL_CLOCK, &zone));
		assert_null(get(cache, "{", "UTC", DST_WALL_CLOCK, &json));
		assert_non_null(bad);
		assert_non_null(strstr(zone->message, "Mars/Base"));
		assert_non_null(strstr(json->message, "JSON"));
		assert_null(get(cache, UNIX("x"), "UTC", DST_WALL_CLOCK, NULL));
	}
	schedule_cache_trim(cache);
	schedule_cache_free(cache);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_name_field_column_and_reason),
		cmocka_unit_test(an_expression_is_no_document),
		cmocka_unit_test(hostile_texts_give_whole_messages),
		cmocka_unit_test(the_apscheduler_dialect_reads_as_from_crontab),
		cmocka_unit_test(a_date_fires_once),
		cmocka_unit_test(an_interval_counts_elapsed_time),
		cmocka_unit_test(an_interval_without_start_is_anchored),
		cmocka_unit_test(what_never_fires_is_known_at_once),
		cmocka_unit_test(the_calendar_has_two_ends),
		cmocka_unit_test(every_day_of_the_calendar_is_split_right),
		cmocka_unit_test(bounds_are_inclusive_instants),
		cmocka_unit_test(documents_are_normalised),
		cmocka_unit_test(the_vixie_policy_leaves_long_changes_alone),
		cmocka_unit_test(equal_schedules_are_one),
		cmocka_unit_test(errors_are_remembered),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
