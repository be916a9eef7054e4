/* English. */
#include "cron/words_internal.h"

#define AND " and "

static const char *const weekdays[] = {
	"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"};
static const char *const months[] = {"January", "February", "March", "April", "May", "June", "July", "August",
	"September", "October", "November", "December"};
static const char *const units[] = {"second", "minute", "hour", "day"};

static void append_ordinal(GString *out, int n)
{
	const char *suffix = n % 100 / 10 == 1 ? "th"
			     : n % 10 == 1     ? "st"
			     : n % 10 == 2     ? "nd"
			     : n % 10 == 3     ? "rd"
					       : "th";
	g_string_append_printf(out, "%d%s", n, suffix);
}

static void append_even(GString *out, int first, int last, int step)
{
	g_string_append_printf(out, "%d–%d in steps of %d", first, last, step);
}

static const struct words_list numbers = {words_number, NULL, append_even, AND};

static void append_amount(GString *out, int64_t n, enum words_unit unit)
{
	g_string_append_printf(out, "%" G_GINT64_FORMAT " %s%s", n, units[unit], n == 1 ? "" : "s");
}

static void append_every(GString *out, int64_t n, enum words_unit unit)
{
	g_string_append(out, "every ");
	if (n == 1)
		g_string_append(out, units[unit]);
	else
		append_amount(out, n, unit);
}

/* --- the times of a day --- */

static void append_numbered(GString *out, const char *what, uint64_t bits)
{
	g_string_append_printf(out, "%s%s ", what, words_count(bits) == 1 ? "" : "s");
	words_append_list(out, bits, &numbers);
}

/* Where hours are limited: from 08:00 to 18:59, or in hours 8, 10 and 12–14. */
static void append_hours(GString *out, uint64_t hours)
{
	if (hours == WORDS_ALL_HOURS)
		return;
	int first = words_first(hours), last = first + words_count(hours) - 1;
	if (words_is_run(hours)) {
		g_string_append_printf(out, " from %02d:00 to %02d:59", first, last);
		return;
	}
	g_string_append(out, " in ");
	append_numbered(out, "hour", hours);
}

static void append_second(GString *out, int second)
{
	if (second)
		g_string_append_printf(out, " at second %d", second);
}

static void append_minute(GString *out, const struct words_day *day)
{
	if (day->minute || day->second)
		g_string_append_printf(out, " at minute %d", day->minute);
	append_second(out, day->second);
}

static void say_day(GString *out, const struct calendar *c, const struct words_day *day, bool every_day)
{
	switch (day->shape) {
	case WORDS_TIMES:
		g_string_append(out, every_day ? "every day at " : "at ");
		words_append_times(out, c, day->second, AND);
		return;
	case WORDS_SECONDS:
		append_every(out, day->step, WORDS_SECOND);
		if (c->minutes != WORDS_ALL_MINUTES) {
			g_string_append(out, " in ");
			append_numbered(out, "minute", c->minutes);
		}
		break;
	case WORDS_MINUTES:
		append_every(out, day->step, WORDS_MINUTE);
		append_second(out, day->second);
		break;
	case WORDS_HOURS:
		append_every(out, day->step, WORDS_HOUR);
		append_minute(out, day);
		if (day->step > 1)
			return;
		break;
	case WORDS_MINUTES_OF:
		g_string_append(out, "at ");
		append_numbered(out, "minute", c->minutes);
		append_second(out, day->second);
		g_string_append(out, " of every hour");
		break;
	case WORDS_SECONDS_OF:
		g_string_append(out, "at ");
		append_numbered(out, "second", c->seconds);
		g_string_append(out, " of ");
		if (c->minutes == WORDS_ALL_MINUTES)
			g_string_append(out, "every minute");
		else
			append_numbered(out, "minute", c->minutes);
		break;
	}
	append_hours(out, c->hours);
}

/* --- dates --- */

static void append_day_run(GString *out, int first, int last)
{
	append_ordinal(out, first);
	g_string_append(out, " to ");
	append_ordinal(out, last);
}

static void append_day_even(GString *out, int first, int last, int step)
{
	append_day_run(out, first, last);
	g_string_append_printf(out, " in steps of %d", step);
}

static const struct words_list days_of_month = {append_ordinal, append_day_run, append_day_even, AND};

static void append_positions(GPtrArray *pieces, const struct calendar *c)
{
	static const char *const positions[] = {"1st", "2nd", "3rd", "4th", "5th", "last"};
	for (int i = 0; i < 6; i++)
		for (int d = 0; d < 7; d++)
			if (c->nth_weekdays[i] >> d & 1)
				g_ptr_array_add(pieces, g_strdup_printf("%s %s", positions[i], weekdays[d]));
	if (c->last_day)
		g_ptr_array_add(pieces, g_strdup("last day"));
}

static void append_days(GString *out, const struct calendar *c)
{
	g_autoptr(GPtrArray) pieces = g_ptr_array_new_with_free_func(g_free);
	words_add_pieces(pieces, c->days, &days_of_month);
	append_positions(pieces, c);
	g_string_append(out, " on the ");
	words_join(out, pieces, AND);
	g_string_append(out, " of the month");
}

static void append_weekday(GString *out, int d)
{
	g_string_append(out, weekdays[d]);
}

static void append_weekday_run(GString *out, int first, int last)
{
	g_string_append_printf(out, "%s to %s", weekdays[first], weekdays[last]);
}

static const struct words_list weekday_list = {append_weekday, append_weekday_run, NULL, AND};
static const struct words_list weekday_choice = {append_weekday, append_weekday_run, NULL, " or "};

static void append_month(GString *out, int m)
{
	g_string_append(out, months[m - 1]);
}

static void append_month_run(GString *out, int first, int last)
{
	g_string_append_printf(out, "%s to %s", months[first - 1], months[last - 1]);
}

static void append_month_even(GString *out, int first, int last, int step)
{
	append_month_run(out, first, last);
	g_string_append_printf(out, " in steps of %d", step);
}

static const struct words_list month_list = {append_month, append_month_run, append_month_even, AND};

static void append_day_parts(GString *out, const struct calendar *c)
{
	bool all_days = c->days == WORDS_ALL_DAYS, all_weekdays = c->weekdays == WORDS_ALL_WEEKDAYS;
	if (c->either_day && (all_days || all_weekdays))
		return;
	if (!all_days)
		append_days(out, c);
	if (all_weekdays)
		return;
	g_string_append(out, all_days ? " on " : c->either_day ? " and also on every " : " if it is ");
	words_append_list(out, c->weekdays, all_days || c->either_day ? &weekday_list : &weekday_choice);
}

static void say_dates(GString *out, const struct calendar *c)
{
	append_day_parts(out, c);
	if ((c->weeks & WORDS_ALL_WEEKS) != WORDS_ALL_WEEKS) {
		g_string_append(out, " in ISO ");
		append_numbered(out, "week", c->weeks);
	}
	if (c->months != WORDS_ALL_MONTHS) {
		g_string_append(out, " in ");
		words_append_list(out, c->months, &month_list);
	}
	if (c->years) {
		g_string_append(out, " in ");
		words_append_years(out, c, AND);
	}
}

/* --- the rest --- */

static void say_once(GString *out, const struct schedule *s)
{
	g_string_append(out, "once on ");
	words_append_date(out, s, s->start);
}

static void append_length(GString *out, dur_us length)
{
	char number[G_ASCII_DTOSTR_BUF_SIZE];
	g_string_append(out, g_ascii_dtostr(number, sizeof number, (double)length / US_PER_SECOND));
	g_string_append(out, " s");
}

static void say_interval(GString *out, const struct schedule *s)
{
	int64_t count;
	if (s->step % US_PER_SECOND) {
		g_string_append(out, "every ");
		append_length(out, s->step);
	} else if (words_is_long(s->step)) {
		g_string_append(out, "every");
		words_append_parts(out, s->step, append_amount);
	} else {
		enum words_unit unit = words_unit_of(s->step, &count);
		append_every(out, count, unit);
	}
	g_string_append(out, ", counted from ");
	words_append_date(out, s, s->start);
}

static void say_rest(GString *out, const struct schedule *s, bool with_zone)
{
	if (s->has_start && s->format != SCHEDULE_INTERVAL && s->format != SCHEDULE_DATE) {
		g_string_append(out, " from ");
		words_append_date(out, s, s->start);
	}
	if (s->end != TIME_US_MAX) {
		g_string_append(out, " until ");
		words_append_date(out, s, s->end);
	}
	if (s->jitter) {
		g_string_append(out, ", up to ");
		append_length(out, s->jitter);
		g_string_append(out, " later at random");
	}
	if (with_zone)
		g_string_append_printf(out, ", %s time", zone_name(s->zone));
	if (s->fixed)
		g_string_append(out,
			"; a time that the clock skips comes right after, one that comes twice counts once");
}

const struct words_speaker words_english = {
	.day = say_day,
	.dates = say_dates,
	.once = say_once,
	.interval = say_interval,
	.rest = say_rest,
	.never = "never",
};
