#include "cron/words_internal.h"

#include <string.h>

/* So many times of a day are named one by one. */
#define TIMES_MAX 6
/* From so many on, values evenly apart are not named one by one. */
#define EVEN_MIN  5

bool words_language_parse(const char *text, enum words_language *out)
{
	bool russian = strcmp(text, "ru") == 0;
	if (!russian && strcmp(text, "en") != 0)
		return false;
	*out = russian ? WORDS_RUSSIAN : WORDS_ENGLISH;
	return true;
}

/* --- shapes --- */

bool words_is_run(uint64_t bits)
{
	uint64_t low = bits >> words_first(bits);
	return (low & (low + 1)) == 0;
}

/* The distance of values that are evenly apart, from the first on; 0 where they are not. */
static int even_step(uint64_t bits)
{
	int first = words_first(bits), step = 0, before = first;
	for (int i = first + 1; i < 64; i++) {
		if (!(bits >> i & 1))
			continue;
		if (step && i - before != step)
			return 0;
		step = i - before;
		before = i;
	}
	return step;
}

/* Values that come evenly over the end of `count` values, too, beginning with 0: the step; else 0. */
static int wrapping_step(uint64_t bits, int count)
{
	int values = words_count(bits), step = values > 1 ? even_step(bits) : 0;
	return step && words_first(bits) == 0 && step * values == count ? step : 0;
}

struct words_day words_day_of(const struct calendar *c)
{
	struct words_day day = {.minute = words_first(c->minutes), .second = words_first(c->seconds)};
	int hours = words_count(c->hours), minutes = words_count(c->minutes),
	    seconds = words_count(c->seconds);
	int hour_step = wrapping_step(c->hours, 24), minute_step = wrapping_step(c->minutes, 60);
	int second_step = wrapping_step(c->seconds, 60);
	if (seconds == 1 && minutes == 1 && hour_step && hours > 2) {
		day.shape = WORDS_HOURS;
		day.step = hour_step;
	} else if (seconds == 1 && hours * minutes <= TIMES_MAX) {
		day.shape = WORDS_TIMES;
	} else if (second_step) {
		day.shape = WORDS_SECONDS;
		day.step = second_step;
	} else if (seconds == 1 && minute_step) {
		day.shape = WORDS_MINUTES;
		day.step = minute_step;
	} else if (seconds == 1 && minutes == 1) {
		day.shape = WORDS_HOURS;
		day.step = 1;
	} else {
		day.shape = seconds == 1 ? WORDS_MINUTES_OF : WORDS_SECONDS_OF;
	}
	return day;
}

/* --- lists --- */

void words_number(GString *out, int value)
{
	g_string_append_printf(out, "%d", value);
}

static void add_piece(GPtrArray *pieces, const struct words_list *list, int first, int last)
{
	GString *piece = g_string_new(NULL);
	if (first == last) {
		list->value(piece, first);
	} else if (list->run) {
		list->run(piece, first, last);
	} else {
		list->value(piece, first);
		g_string_append(piece, "–");
		list->value(piece, last);
	}
	g_ptr_array_add(pieces, g_string_free(piece, FALSE));
}

void words_add_pieces(GPtrArray *pieces, uint64_t bits, const struct words_list *list)
{
	int step = words_count(bits) >= EVEN_MIN ? even_step(bits) : 0;
	if (step > 1) {
		GString *piece = g_string_new(NULL);
		list->even(piece, words_first(bits), 63 - __builtin_clzll(bits), step);
		g_ptr_array_add(pieces, g_string_free(piece, FALSE));
		return;
	}
	for (int i = 0; i < 64; i++) {
		if (!(bits >> i & 1))
			continue;
		int last = i;
		while (last < 63 && bits >> (last + 1) & 1)
			last++;
		if (last - i < 2)
			last = i;
		add_piece(pieces, list, i, last);
		i = last;
	}
}

void words_join(GString *out, const GPtrArray *pieces, const char *last_separator)
{
	for (guint i = 0; i < pieces->len; i++)
		g_string_append_printf(out, "%s%s",
			i == 0                 ? ""
			: i + 1 == pieces->len ? last_separator
					       : ", ",
			(const char *)pieces->pdata[i]);
}

void words_append_list(GString *out, uint64_t bits, const struct words_list *list)
{
	g_autoptr(GPtrArray) pieces = g_ptr_array_new_with_free_func(g_free);
	words_add_pieces(pieces, bits, list);
	words_join(out, pieces, list->last_separator);
}

static bool has_year(const struct calendar *c, int year)
{
	unsigned i = (unsigned)(year - CALENDAR_FIRST_YEAR);
	return year <= CALENDAR_LAST_YEAR && (c->years[i / 64] >> (i % 64) & 1);
}

void words_append_years(GString *out, const struct calendar *c, const char *last_separator)
{
	g_autoptr(GPtrArray) pieces = g_ptr_array_new_with_free_func(g_free);
	for (int year = CALENDAR_FIRST_YEAR; year <= CALENDAR_LAST_YEAR; year++) {
		if (!has_year(c, year))
			continue;
		int last = year;
		while (has_year(c, last + 1))
			last++;
		if (last - year < 2)
			last = year;
		g_ptr_array_add(pieces,
			last == year ? g_strdup_printf("%d", year) : g_strdup_printf("%d–%d", year, last));
		year = last;
	}
	words_join(out, pieces, last_separator);
}

void words_append_times(GString *out, const struct calendar *c, int second, const char *last_separator)
{
	g_autoptr(GPtrArray) pieces = g_ptr_array_new_with_free_func(g_free);
	for (int hour = 0; hour < 24; hour++) {
		for (int minute = 0; minute < 60; minute++) {
			if (!(c->hours >> hour & 1) || !(c->minutes >> minute & 1))
				continue;
			g_ptr_array_add(
				pieces, second ? g_strdup_printf("%02d:%02d:%02d", hour, minute, second)
					       : g_strdup_printf("%02d:%02d", hour, minute));
		}
	}
	words_join(out, pieces, last_separator);
}

/* --- dates and lengths --- */

void words_append_date(GString *out, const struct schedule *s, time_us t)
{
	char text[TIME_TEXT_MAX];
	int32_t offset = zone_offset_at(s->zone, t);
	time_us local = t + offset * US_PER_SECOND;
	bool plain = zone_resolve(s->zone, local) == t;
	time_format(t, offset, text);
	char *time = strchr(text, 'T');
	char *end = time + strcspn(time, "+-Z");
	if (plain)
		*end = '\0';
	*time++ = '\0';
	g_string_append(out, text);
	if (plain && strcmp(time, "00:00:00") == 0)
		return;
	if (plain && g_str_has_suffix(time, ":00") && strlen(time) == 8)
		time[5] = '\0';
	g_string_append_printf(out, " %s", time);
}

static const dur_us lengths[] = {US_PER_SECOND, US_PER_MINUTE, US_PER_HOUR, US_PER_DAY};

enum words_unit words_unit_of(dur_us length, int64_t *count)
{
	int unit = WORDS_DAY;
	while (unit > WORDS_SECOND && length % lengths[unit])
		unit--;
	*count = length / lengths[unit];
	return (enum words_unit)unit;
}

bool words_is_long(dur_us length)
{
	int64_t count;
	return words_unit_of(length, &count) < WORDS_DAY && count > 600;
}

void words_append_parts(
	GString *out, dur_us length, void (*append)(GString *out, int64_t count, enum words_unit unit))
{
	for (int unit = WORDS_DAY; unit >= WORDS_SECOND; length %= lengths[unit--]) {
		if (length < lengths[unit])
			continue;
		g_string_append_c(out, ' ');
		append(out, length / lengths[unit], (enum words_unit)unit);
	}
}

/* --- the whole --- */

static bool is_every_day(const struct calendar *c)
{
	bool days = (c->days == WORDS_ALL_DAYS), weekdays = c->weekdays == WORDS_ALL_WEEKDAYS;
	bool day = c->either_day ? days || weekdays : days && weekdays;
	return day && c->months == WORDS_ALL_MONTHS && (c->weeks & WORDS_ALL_WEEKS) == WORDS_ALL_WEEKS &&
	       !c->years;
}

static void append_calendar(GString *out, const struct schedule *s, const struct words_speaker *speaker)
{
	const struct calendar *c = &s->calendar;
	if (c->first_s > c->last_s) {
		g_string_append(out, speaker->never);
		return;
	}
	struct words_day day = words_day_of(c);
	speaker->day(out, c, &day, is_every_day(c));
	speaker->dates(out, c);
}

char *schedule_words(const struct schedule *s, enum words_language language, bool with_zone)
{
	const struct words_speaker *speaker = language == WORDS_RUSSIAN ? &words_russian : &words_english;
	GString *out = g_string_new(NULL);
	switch (s->format) {
	case SCHEDULE_UNIX:
	case SCHEDULE_APSCHEDULER: append_calendar(out, s, speaker); break;
	case SCHEDULE_DATE: speaker->once(out, s); break;
	case SCHEDULE_INTERVAL: speaker->interval(out, s); break;
	}
	speaker->rest(out, s, with_zone);
	return g_string_free(out, FALSE);
}
