/* Schedules in words: what is said of some, and that the same words are never said of different fires. */
#include "support.h"

#include "cron/words.h"
#include "random_schedule.h"

#define DRAWS 5000

static void check(const char *document, const char *english, const char *russian)
{
	struct schedule *s = test_schedule(document, "UTC");
	g_autofree char *en = schedule_words(s, WORDS_ENGLISH, false);
	g_autofree char *ru = schedule_words(s, WORDS_RUSSIAN, false);
	assert_string_equal(en, english);
	assert_string_equal(ru, russian);
	schedule_unref(s);
}

static void check_unix(const char *expression, const char *english, const char *russian)
{
	g_autofree char *document =
		g_strdup_printf("{\"format\": \"unix\", \"params\": {\"value\": \"%s\"}}", expression);
	check(document, english, russian);
}

#define APS(params) "{\"format\": \"apscheduler\", \"params\": {" params "}}"

static void times_of_a_day(void **state)
{
	(void)state;
	check_unix("* * * * *", "every minute", "каждую минуту");
	check_unix("*/5 * * * *", "every 5 minutes", "каждые 5 минут");
	check_unix("*/2 * * * *", "every 2 minutes", "каждые 2 минуты");
	check_unix("0 * * * *", "every hour", "каждый час");
	check_unix("15 * * * *", "every hour at minute 15", "каждый час в минуту 15");
	check_unix("0 */3 * * *", "every 3 hours", "каждые 3 часа");
	check_unix("0 0 * * *", "every day at 00:00", "каждый день в 00:00");
	check_unix("30 3,15 * * *", "every day at 03:30 and 15:30", "каждый день в 03:30 и 15:30");
	check_unix("*/10 8-18 * * *", "every 10 minutes from 08:00 to 18:59",
		"каждые 10 минут с 08:00 до 18:59");
	check_unix("0 8-18 * * *", "every hour from 08:00 to 18:59", "каждый час с 08:00 до 18:59");
	check_unix("*/7 * * * *", "at minutes 0–56 in steps of 7 of every hour",
		"в минуты 0–56 с шагом 7 каждого часа");
	check_unix("5,10,20-30 * * * *", "at minutes 5, 10 and 20–30 of every hour",
		"в минуты 5, 10 и 20–30 каждого часа");
	check_unix("*/30 1,4-6,9 * * *", "every 30 minutes in hours 1, 4–6 and 9",
		"каждые 30 минут в часы 1, 4–6 и 9");
	check(APS("\"second\": \"*/20\", \"end_date\": \"2050-05-05\""), "every 20 seconds until 2050-05-05",
		"каждые 20 секунд до 2050-05-05");
	check(APS("\"second\": \"*\""), "every second", "каждую секунду");
	check(APS("\"minute\": 5, \"second\": \"*/15\""), "every 15 seconds in minute 5",
		"каждые 15 секунд в минуту 5");
	check(APS("\"second\": \"1,2\""), "at seconds 1 and 2 of every minute",
		"в секунды 1 и 2 каждой минуты");
	check(APS("\"hour\": 3, \"second\": 7"), "every minute at second 7 from 03:00 to 03:59",
		"каждую минуту в секунду 7 с 03:00 до 03:59");
}

static void days(void **state)
{
	(void)state;
	check_unix("0 3 * * 1", "at 03:00 on Monday", "в 03:00 по понедельникам");
	check_unix("0 3 * * mon-fri", "at 03:00 on Monday to Friday", "в 03:00 с понедельника по пятницу");
	check_unix("0 3 1,15 * *", "at 03:00 on the 1st and 15th of the month", "в 03:00 1-го и 15-го числа");
	check_unix("0 0 13 * 5", "at 00:00 on the 13th of the month and also on every Friday",
		"в 00:00 13-го числа, а также по пятницам");
	check_unix("0 0 1 1,3-5 *", "at 00:00 on the 1st of the month in January and March to May",
		"в 00:00 1-го числа в январе и с марта по май");
	check_unix("0 0 28-31 * *", "at 00:00 on the 28th to 31st of the month",
		"в 00:00 с 28-го по 31-е число");
	check_unix("0 0 1,28-31 * *", "at 00:00 on the 1st and 28th to 31st of the month",
		"в 00:00 1-го и с 28-го по 31-е число");
	check_unix("0 0 1-3,15 * *", "at 00:00 on the 1st to 3rd and 15th of the month",
		"в 00:00 с 1-го по 3-е и 15-го числа");
	check_unix("0 0 */2 * *", "at 00:00 on the 1st to 31st in steps of 2 of the month",
		"в 00:00 с 1-го по 31-е число с шагом 2");
	check(APS("\"day\": 13, \"day_of_week\": \"fri\""),
		"at 00:00 on the 13th of the month if it is Friday", "в 00:00 13-го числа, если это пятница");
	check(APS("\"day\": \"last fri\", \"hour\": 3"), "at 03:00 on the last Friday of the month",
		"в 03:00 в последнюю пятницу месяца");
	check(APS("\"day\": \"2nd tue\""), "at 00:00 on the 2nd Tuesday of the month",
		"в 00:00 во 2-й вторник месяца");
	check(APS("\"day\": \"1,last\", \"hour\": 3"), "at 03:00 on the 1st and last day of the month",
		"в 03:00 1-го числа и в последний день месяца");
	check(APS("\"week\": \"1,5-10\", \"day_of_week\": \"mon\""),
		"at 00:00 on Monday in ISO weeks 1 and 5–10",
		"в 00:00 по понедельникам в недели ISO 1 и 5–10");
	check(APS("\"year\": \"2024-2026\", \"month\": 12"),
		"at 00:00 on the 1st of the month in December in 2024–2026",
		"в 00:00 1-го числа в декабре в 2024–2026 годах");
	check(APS("\"day\": 31, \"month\": 2"), "never", "никогда");
}

static void bounds_and_others(void **state)
{
	(void)state;
	check(APS("\"hour\": 3, \"start_date\": \"2024-01-01 08:00:00\", \"jitter\": 90"),
		"every day at 03:00 from 2024-01-01 08:00, up to 90 s later at random",
		"каждый день в 03:00 с 2024-01-01 08:00, со случайной задержкой до 90 с");
	check("{\"format\": \"date\", \"params\": {\"run_date\": \"2024-12-31 23:59:00\"}}",
		"once on 2024-12-31 23:59", "один раз 2024-12-31 23:59");
	check("{\"format\": \"interval\", \"params\": {\"minutes\": 90, \"start_date\": \"2024-01-01\"}}",
		"every 90 minutes, counted from 2024-01-01", "каждые 90 минут, считая от 2024-01-01");
}

#define EVERY(params) "{\"format\": \"interval\", \"params\": {" params ", \"start_date\": \"2024-01-01\"}}"

static void long_intervals_are_said_in_parts(void **state)
{
	(void)state;
	check(EVERY("\"seconds\": 600"), "every 10 minutes, counted from 2024-01-01",
		"каждые 10 минут, считая от 2024-01-01");
	check(EVERY("\"seconds\": 599"), "every 599 seconds, counted from 2024-01-01",
		"каждые 599 секунд, считая от 2024-01-01");
	check(EVERY("\"seconds\": 601"), "every 10 minutes 1 second, counted from 2024-01-01",
		"каждые 10 минут 1 секунду, считая от 2024-01-01");
	check(EVERY("\"days\": 2, \"hours\": 3, \"minutes\": 4, \"seconds\": 5"),
		"every 2 days 3 hours 4 minutes 5 seconds, counted from 2024-01-01",
		"каждые 2 дня 3 часа 4 минуты 5 секунд, считая от 2024-01-01");
	check(EVERY("\"weeks\": 100, \"minutes\": 1"), "every 700 days 1 minute, counted from 2024-01-01",
		"каждые 700 дней 1 минуту, считая от 2024-01-01");
	check(EVERY("\"hours\": 21"), "every 21 hours, counted from 2024-01-01",
		"каждый 21 час, считая от 2024-01-01");
	check(EVERY("\"days\": 11"), "every 11 days, counted from 2024-01-01",
		"каждые 11 дней, считая от 2024-01-01");
}

static void the_zone_is_said_where_asked_for(void **state)
{
	(void)state;
	struct schedule *s = test_schedule(
		"{\"format\": \"unix\", \"params\": {\"value\": \"0 3 * * *\"}}", "Europe/Moscow");
	g_autofree char *en = schedule_words(s, WORDS_ENGLISH, true);
	g_autofree char *ru = schedule_words(s, WORDS_RUSSIAN, true);
	assert_string_equal(en, "every day at 03:00, Europe/Moscow time");
	assert_string_equal(ru, "каждый день в 03:00, по времени Europe/Moscow");
	schedule_unref(s);
}

/* --- the same words, the same fires --- */

struct seen {
	GHashTable *schedules; /* words → struct schedule */
	unsigned collisions;
};

static bool same_fires(const struct schedule *a, const struct schedule *b, time_us after)
{
	for (int i = 0; i < 300; i++) {
		time_us x = after, y = after;
		bool more_x = schedule_next(a, after, &x), more_y = schedule_next(b, after, &y);
		if (more_x != more_y || x != y)
			return false;
		if (!more_x)
			return true;
		after = x;
	}
	return true;
}

static void see_words(struct seen *seen, struct schedule *s, enum words_language language, time_us after)
{
	char *words = schedule_words(s, language, true);
	struct schedule *other = g_hash_table_lookup(seen->schedules, words);
	if (!other) {
		g_hash_table_insert(seen->schedules, words, schedule_ref(s));
		return;
	}
	seen->collisions++;
	bool same = schedule_jitter(other) == schedule_jitter(s);
	for (int year = 0; same && year < 12; year++)
		same = same_fires(other, s, after + year * 31 * US_PER_DAY) &&
		       same_fires(other, s, (time_us)year * 400 * US_PER_DAY);
	if (!same)
		fail_msg("“%s” is said of %s and of %s", words, schedule_key(other), schedule_key(s));
	g_free(words);
}

static void see(struct seen *seen, struct schedule *s, time_us after)
{
	see_words(seen, s, WORDS_ENGLISH, after);
	see_words(seen, s, WORDS_RUSSIAN, after);
}

static struct seen seen_new(void)
{
	return (struct seen){
		g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)schedule_unref), 0};
}

static unsigned see_line(struct seen *seen, const char *line)
{
	unsigned count = 0;
	g_autoptr(json_t) c = json_read(line, strlen(line), NULL);
	const char *zone = json_string_value(json_object_get(c, "timezone_default"));
	const char *after = json_string_value(json_object_get(c, "after"));
	for (int dialect = 0; dialect < 2; dialect++) {
		for (int dst = 0; dst < 2; dst++) {
			g_autofree char *why = NULL;
			struct schedule *s = test_read_json(json_object_get(c, "schedule"),
				zone ? zone : "UTC", (enum unix_dialect)dialect, (enum dst_policy)dst, &why);
			if (!s)
				continue;
			see(seen, s, after ? test_time(after) : 0);
			schedule_unref(s);
			count++;
		}
	}
	return count;
}

static void different_fires_of_the_vectors_have_different_words(void **state)
{
	(void)state;
	struct seen seen = seen_new();
	unsigned count = 0;
	g_autoptr(GDir) dir = g_dir_open(VECTORS_DIR, 0, NULL);
	for (const char *name; (name = g_dir_read_name(dir));) {
		g_autofree char *path = g_build_filename(VECTORS_DIR, name, NULL);
		g_autofree char *text = NULL;
		if (!g_str_has_suffix(name, ".jsonl") || !g_file_get_contents(path, &text, NULL, NULL))
			continue;
		g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
		for (char **line = lines; *line; line++)
			if (**line)
				count += see_line(&seen, *line);
	}
	print_message("%u schedules, the same words %u times\n", count, seen.collisions);
	assert_true(count > 3000);
	g_hash_table_unref(seen.schedules);
}

static void different_fires_of_drawn_schedules_have_different_words(void **state)
{
	(void)state;
	struct seen seen = seen_new();
	uint64_t seed = test_seed();
	for (int i = 0; i < DRAWS; i++) {
		struct drawn drawn;
		draw_schedule(&seed, test_below(&seed, 2), false, test_below(&seed, 2), &drawn);
		g_autofree char *why = NULL;
		struct schedule *s = test_read(drawn.document, "Europe/Berlin", UNIX_DIALECT_STANDARD,
			test_below(&seed, 2) ? DST_VIXIE : DST_WALL_CLOCK, &why);
		if (s)
			see(&seen, s, INT64_C(1700000000) * SECOND);
		schedule_unref(s);
		drawn_clear(&drawn);
	}
	print_message("the same words %u times\n", seen.collisions);
	assert_true(seen.collisions > 10);
	g_hash_table_unref(seen.schedules);
}

static void languages_have_names(void **state)
{
	(void)state;
	enum words_language language;
	assert_true(words_language_parse("ru", &language));
	assert_int_equal(language, WORDS_RUSSIAN);
	assert_true(words_language_parse("en", &language));
	assert_int_equal(language, WORDS_ENGLISH);
	assert_false(words_language_parse("de", &language));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(times_of_a_day),
		cmocka_unit_test(days),
		cmocka_unit_test(bounds_and_others),
		cmocka_unit_test(long_intervals_are_said_in_parts),
		cmocka_unit_test(the_zone_is_said_where_asked_for),
		cmocka_unit_test(different_fires_of_the_vectors_have_different_words),
		cmocka_unit_test(different_fires_of_drawn_schedules_have_different_words),
		cmocka_unit_test(languages_have_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
