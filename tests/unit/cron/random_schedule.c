#include "random_schedule.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

static const char *const keys[DRAW_FIELDS] = {
	"year", "month", "day", "week", "day_of_week", "hour", "minute", "second"};
static const int least[DRAW_FIELDS] = {1970, 1, 1, 1, 0, 0, 0, 0};
static const int most[DRAW_FIELDS] = {2033, 12, 31, 53, 6, 23, 59, 59};
static const char *const months[] = {
	"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"};
static const char *const weekdays[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

static void mark(struct drawn *d, int field, int from, int to, int step)
{
	for (int i = from; i <= to; i += step) {
		int value = field == DRAW_YEAR ? i - 1970 : i;
		if (field == DRAW_WEEKDAY && d->unix_format && !d->apscheduler_dialect)
			value = (i + 6) % 7; /* 0 and 7 are Sunday */
		d->set[field][value] = true;
	}
}

static void append_value(
	GString *text, uint64_t *state, const struct drawn *d, int field, int value, bool name)
{
	bool sunday_first = d->unix_format && !d->apscheduler_dialect;
	const char *word = NULL;
	if (name && field == DRAW_MONTH)
		word = months[value - 1];
	if (name && field == DRAW_WEEKDAY && value < 7)
		word = weekdays[sunday_first ? (value + 6) % 7 : value];
	if (word)
		g_string_append(text, word);
	else
		g_string_append_printf(text, test_below(state, 5) ? "%d" : "%02d", value);
}

static void draw_position(GString *text, uint64_t *state, struct drawn *d)
{
	static const char *const words[] = {"1st", "2nd", "3rd", "4th", "5th", "last"};
	int position = test_below(state, 7), weekday = test_below(state, 7);
	if (position == 6) {
		g_string_append(text, "LAST");
		d->last_day = true;
		return;
	}
	g_string_append_printf(text, "%s %s", words[position], weekdays[weekday]);
	d->nth[position][weekday] = true;
}

/* An item, and what it means. */
static void draw_item(GString *text, uint64_t *state, struct drawn *d, int field)
{
	bool standard = d->unix_format && !d->apscheduler_dialect;
	int low = least[field], high = standard && field == DRAW_WEEKDAY ? 7 : most[field];
	int a = low + test_below(state, high - low + 1), b = a + test_below(state, high - a + 1);
	int kind = test_below(state, 6);
	bool name = test_below(state, 2);
	if (field == DRAW_DAY && !d->unix_format && test_below(state, 5) == 0) {
		draw_position(text, state, d);
	} else if (kind == 0 && field != DRAW_YEAR) {
		int step = 1 + test_below(state, high - low);
		g_string_append_printf(text, "*/%d", step);
		mark(d, field, low, high, step);
	} else if (kind == 1 && !standard && a < high && field != DRAW_YEAR) {
		int step = 1 + test_below(state, high - a);
		g_string_append_printf(text, "%d/%d", a, step);
		mark(d, field, a, high, step);
	} else if (kind <= 3) {
		append_value(text, state, d, field, a, name);
		g_string_append_c(text, '-');
		append_value(text, state, d, field, b, name);
		int step = 1;
		if (test_below(state, 2) && b > a) {
			step = 1 + test_below(state, b - a);
			g_string_append_printf(text, "/%d", step);
		}
		mark(d, field, a, b, step);
	} else {
		append_value(text, state, d, field, a, name);
		mark(d, field, a, a, 1);
	}
}

static char *draw_field(uint64_t *state, struct drawn *d, int field, bool sparse)
{
	GString *text = g_string_new(NULL);
	if (test_below(state, 5) < (sparse ? 2 : 3)) {
		g_string_append_c(text, '*');
		d->any[field] = true;
	} else {
		for (int n = 1 + test_below(state, 3) * test_below(state, 2); n > 0; n--) {
			draw_item(text, state, d, field);
			if (n > 1)
				g_string_append(text, d->unix_format || test_below(state, 2) ? "," : " , ");
		}
	}
	d->star[field] = text->str[0] == '*';
	return g_string_free(text, FALSE);
}

static void draw_unix(uint64_t *state, struct drawn *d, bool sparse)
{
	static const int order[] = {DRAW_MINUTE, DRAW_HOUR, DRAW_DAY, DRAW_MONTH, DRAW_WEEKDAY};
	g_autoptr(GString) text = g_string_new(NULL);
	for (int i = 0; i < 5; i++) {
		g_autofree char *field = draw_field(state, d, order[i], sparse);
		g_string_append_printf(text, "%s%s", i ? test_below(state, 2) ? " " : "  " : "", field);
	}
	d->any[DRAW_YEAR] = d->any[DRAW_WEEK] = true;
	d->set[DRAW_SECOND][0] = true;
	d->document = g_strdup_printf("{\"format\":\"unix\",\"params\":{\"value\":\"%s\"}}", text->str);
}

static void draw_apscheduler(uint64_t *state, struct drawn *d, bool sparse)
{
	g_autoptr(GString) text = g_string_new(NULL);
	char *fields[DRAW_FIELDS] = {NULL};
	int last = -1;
	for (int i = 0; i < DRAW_FIELDS; i++) {
		if (test_below(state, 2))
			continue;
		fields[i] = draw_field(state, d, i, sparse);
		last = i;
		g_string_append_printf(text, "%s\"%s\":\"%s\"", text->len ? "," : "", keys[i], fields[i]);
	}
	for (int i = 0; i < DRAW_FIELDS; i++) {
		bool defaulted = !fields[i] && i > last && i != DRAW_WEEK && i != DRAW_WEEKDAY && last >= 0;
		if (defaulted)
			mark(d, i, least[i], least[i], 1);
		else if (!fields[i])
			d->any[i] = d->star[i] = true;
		g_free(fields[i]);
	}
	d->document = g_strdup_printf("{\"format\":\"apscheduler\",\"params\":{%s}}", text->str);
}

void draw_schedule(uint64_t *state, bool unix_format, bool apscheduler_dialect, bool sparse, struct drawn *d)
{
	memset(d, 0, sizeof(*d));
	d->unix_format = unix_format;
	d->apscheduler_dialect = apscheduler_dialect;
	if (unix_format)
		draw_unix(state, d, sparse);
	else
		draw_apscheduler(state, d, sparse);
}

void drawn_clear(struct drawn *d)
{
	g_free(d->document);
}

static bool field_is(const struct drawn *d, int field, int value)
{
	if (d->any[field])
		return true;
	return value >= 0 && value < 64 && d->set[field][value];
}

static bool day_is(const struct drawn *d, const struct tm *tm)
{
	static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	int year = tm->tm_year + 1900, weekday = (tm->tm_wday + 6) % 7;
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
	int length = lengths[tm->tm_mon] + (tm->tm_mon == 1 && leap);
	if (field_is(d, DRAW_DAY, tm->tm_mday) || (d->last_day && tm->tm_mday == length))
		return true;
	return d->nth[(tm->tm_mday - 1) / 7][weekday] || (tm->tm_mday + 7 > length && d->nth[5][weekday]);
}

static bool matches(const struct drawn *d, const struct tm *tm)
{
	char week[8];
	if (!field_is(d, DRAW_SECOND, tm->tm_sec) || !field_is(d, DRAW_MINUTE, tm->tm_min) ||
		!field_is(d, DRAW_HOUR, tm->tm_hour) || !field_is(d, DRAW_MONTH, tm->tm_mon + 1) ||
		!field_is(d, DRAW_YEAR, tm->tm_year + 1900 - 1970))
		return false;
	strftime(week, sizeof(week), "%V", tm);
	if (!field_is(d, DRAW_WEEK, atoi(week)))
		return false;
	bool day = day_is(d, tm), weekday = field_is(d, DRAW_WEEKDAY, (tm->tm_wday + 6) % 7);
	bool either =
		d->unix_format && !d->apscheduler_dialect && !d->star[DRAW_DAY] && !d->star[DRAW_WEEKDAY];
	return either ? day || weekday : day && weekday;
}

/* Whether a wall time in (from, until], none of which was shown, matches. */
static bool skipped_match(const struct drawn *d, int64_t from, int64_t until)
{
	for (int64_t wall = from + 1; wall <= until; wall++) {
		time_t t = (time_t)wall;
		struct tm tm;
		gmtime_r(&t, &tm);
		if (matches(d, &tm))
			return true;
	}
	return false;
}

GArray *drawn_fires(const struct drawn *d, int64_t from, int64_t until, bool vixie)
{
	GArray *fires = g_array_new(FALSE, FALSE, sizeof(int64_t));
	bool fixed = vixie && !d->star[DRAW_HOUR] && !d->star[DRAW_MINUTE] && !d->star[DRAW_SECOND];
	int64_t shown = INT64_MIN; /* the furthest the wall clock has been */
	for (int64_t t = from - 86400; t <= until; t++) {
		time_t instant = (time_t)t;
		struct tm tm;
		localtime_r(&instant, &tm);
		int64_t wall = t + tm.tm_gmtoff;
		bool fire = matches(d, &tm);
		if (fixed && shown != INT64_MIN) {
			if (wall > shown + 1 && wall - shown - 1 < 3 * 3600)
				fire |= skipped_match(d, shown, wall - 1);
			if (wall <= shown && shown - wall < 3 * 3600)
				fire = false;
			else
				shown = wall;
		} else {
			shown = wall;
		}
		if (fire && t > from)
			g_array_append_val(fires, t);
	}
	return fires;
}
