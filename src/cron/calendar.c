#include "cron/calendar.h"

#include <glib.h>

#include "base/time_us.h"

#define DAY_S 86400

/* A month being looked at. */
struct month {
	int32_t year;
	int month;
	int length;
	int64_t first_day; /* days since 1970 */
	uint32_t days;     /* its matching days, bit 0 is the 1st */
};

/* Year, month and day of a day of this calendar. The search spends most of its time here, so it is done in 32
 * bits (C. Neri, L. Schneider, "Euclidean affine functions and their application to calendar algorithms");
 * the base folder's own works for all years. */
static inline int split_day(int64_t day, struct month *m)
{
	uint32_t n1 = 4 * ((uint32_t)day + 719468) + 3;
	uint32_t century = n1 / 146097;
	uint32_t n2 = n1 % 146097 | 3;
	uint64_t p2 = UINT64_C(2939745) * n2;
	uint32_t day_of_year = (uint32_t)p2 / 2939745 / 4; /* from March 1 */
	uint32_t n3 = 2141 * day_of_year + 197913;
	bool next_year = day_of_year >= 306;
	m->year = (int32_t)(100 * century + (uint32_t)(p2 >> 32) + next_year);
	m->month = (int)(n3 >> 16) - (next_year ? 12 : 0);
	return (int)((n3 & 0xFFFF) / 2141) + 1;
}

static inline uint32_t bits_from(int n) /* n <= 31 */
{
	return ~UINT32_C(0) << n;
}

static inline bool year_allowed(const struct calendar *c, int32_t year)
{
	unsigned i = (unsigned)(year - CALENDAR_FIRST_YEAR);
	return !c->years || (c->years[i / 64] >> (i % 64) & 1);
}

/* ISO 8601 week of a day. */
static int iso_week(int64_t day)
{
	int32_t year;
	int8_t month, dom;
	int64_t thursday = day - weekday_of_days(day) + 3;
	civil_from_days(thursday, &year, &month, &dom);
	return (int)(thursday - days_from_civil(year, 1, 1)) / 7 + 1;
}

static uint32_t week_days(const struct calendar *c, const struct month *m)
{
	uint32_t days = 0;
	int first_monday = 7 - weekday_of_days(m->first_day); /* index of the first day of the second week */
	for (int from = 0, to = first_monday; from < m->length; from = to, to += 7) {
		if (c->weeks >> iso_week(m->first_day + from) & 1)
			days |= bits_from(from) & ~(to < 32 ? bits_from(to) : 0);
	}
	return days;
}

static void load_days(const struct calendar *c, struct month *m)
{
	m->length = month_days(m->year, m->month);
	m->days = 0;
	if (!(c->months >> m->month & 1) || !year_allowed(c, m->year))
		return;
	m->days = c->month_days[weekday_of_days(m->first_day)][m->length - 28];
	if (c->weeks_limited)
		m->days &= week_days(c, m);
}

static inline int lowest(uint64_t bits)
{
	return __builtin_ctzll(bits);
}

static inline int highest(uint64_t bits)
{
	return 63 - __builtin_clzll(bits);
}

/* The month of a day; returns the index of the day in it. */
static int load_month_of(const struct calendar *c, int64_t day, struct month *m)
{
	int dom = split_day(day, m);
	m->first_day = day - dom + 1;
	load_days(c, m);
	return dom - 1;
}

/* Whether a month can have matching days, whatever weekday it begins on. */
static inline bool month_is_possible(const struct calendar *c, const struct month *m)
{
	return (c->months >> m->month & 1) && c->possible[month_days(m->year, m->month) - 28];
}

/* The next year of the set (step 1) or the one before (-1); false where the calendar ends. */
static bool seek_year(const struct calendar *c, struct month *m, int step)
{
	do
		m->year += step;
	while (m->year >= CALENDAR_FIRST_YEAR && m->year <= CALENDAR_LAST_YEAR && !year_allowed(c, m->year));
	return m->year >= CALENDAR_FIRST_YEAR && m->year <= CALENDAR_LAST_YEAR;
}

/* Goes to the next month (step 1) or the one before (-1) that has matching days. Returns false at the end of
 * the calendar. */
static bool seek_month(const struct calendar *c, struct month *m, int step)
{
	do {
		uint32_t left = c->months & (step > 0 ? bits_from(m->month + 1) : ~bits_from(m->month));
		if (!left) {
			if (!seek_year(c, m, step))
				return false;
			left = c->months;
		}
		m->month = step > 0 ? lowest(left) : highest(left);
		m->days = 0;
		if (month_is_possible(c, m)) {
			m->first_day = days_from_civil(m->year, m->month, 1);
			load_days(c, m);
		}
	} while (!m->days);
	return true;
}

/* The first matching second of the day at or after `tod`. */
static bool next_time(const struct calendar *c, int tod, int *out)
{
	int hour = tod / 3600, minute = tod / 60 % 60, second = tod % 60;
	if (c->hours >> hour & 1) {
		uint64_t seconds = c->seconds >> second << second;
		if ((c->minutes >> minute & 1) && seconds) {
			*out = tod - second + lowest(seconds);
			return true;
		}
		uint64_t minutes = c->minutes & (~UINT64_C(1) << minute);
		if (minutes) {
			*out = hour * 3600 + lowest(minutes) * 60 + lowest(c->seconds);
			return true;
		}
	}
	uint32_t hours = c->hours & (~UINT32_C(1) << hour);
	if (!hours)
		return false;
	*out = lowest(hours) * 3600 + lowest(c->minutes) * 60 + lowest(c->seconds);
	return true;
}

/* The last matching second of the day at or before `tod`. */
static bool prev_time(const struct calendar *c, int tod, int *out)
{
	int hour = tod / 3600, minute = tod / 60 % 60, second = tod % 60;
	if (c->hours >> hour & 1) {
		uint64_t seconds = c->seconds & ~(~UINT64_C(1) << second);
		if ((c->minutes >> minute & 1) && seconds) {
			*out = tod - second + highest(seconds);
			return true;
		}
		uint64_t minutes = c->minutes & ~(~UINT64_C(0) << minute);
		if (minutes) {
			*out = hour * 3600 + highest(minutes) * 60 + highest(c->seconds);
			return true;
		}
	}
	uint32_t hours = c->hours & ~bits_from(hour);
	if (!hours)
		return false;
	*out = highest(hours) * 3600 + highest(c->minutes) * 60 + highest(c->seconds);
	return true;
}

/* How many matching seconds of a day lie before `tod` (0..86400). */
static uint32_t count_times(const struct calendar *c, int tod)
{
	if (tod >= DAY_S)
		return c->per_day;
	int hour = tod / 3600, minute = tod / 60 % 60, second = tod % 60;
	uint32_t n = (uint32_t)__builtin_popcount(c->hours & ~bits_from(hour)) * c->per_hour;
	if (c->hours >> hour & 1) {
		n += (uint32_t)__builtin_popcountll(c->minutes & ~(~UINT64_C(0) << minute)) * c->per_minute;
		if (c->minutes >> minute & 1)
			n += (uint32_t)__builtin_popcountll(c->seconds & ~(~UINT64_C(0) << second));
	}
	return n;
}

/* The position of the n-th (0-based) set bit. */
static int nth_bit(uint64_t bits, uint32_t n)
{
	while (n--)
		bits &= bits - 1;
	return lowest(bits);
}

/* The n-th (0-based) matching second of a day. */
static int nth_time(const struct calendar *c, uint32_t n)
{
	int hour = nth_bit(c->hours, n / c->per_hour);
	int minute = nth_bit(c->minutes, n % c->per_hour / c->per_minute);
	return hour * 3600 + minute * 60 + nth_bit(c->seconds, n % c->per_minute);
}

bool calendar_next(const struct calendar *c, int64_t local, int64_t *out)
{
	if (local > c->last_s || local >= CALENDAR_END_S)
		return false;
	local = MAX(local, 0);
	int64_t day = local / DAY_S;
	struct month m;
	int time, index = load_month_of(c, day, &m);
	if ((m.days >> index & 1) && next_time(c, (int)(local % DAY_S), &time)) {
		*out = day * DAY_S + time;
		return true;
	}
	m.days &= ~UINT32_C(1) << index;
	if (!m.days && !seek_month(c, &m, 1))
		return false;
	time = lowest(c->hours) * 3600 + lowest(c->minutes) * 60 + lowest(c->seconds);
	*out = (m.first_day + lowest(m.days)) * DAY_S + time;
	return true;
}

bool calendar_prev(const struct calendar *c, int64_t local, int64_t *out)
{
	if (local < c->first_s)
		return false;
	local = MIN(local, CALENDAR_END_S - 1);
	int64_t day = local / DAY_S;
	struct month m;
	int time, index = load_month_of(c, day, &m);
	if ((m.days >> index & 1) && prev_time(c, (int)(local % DAY_S), &time)) {
		*out = day * DAY_S + time;
		return true;
	}
	m.days &= ~bits_from(index);
	if (!m.days && !seek_month(c, &m, -1))
		return false;
	time = highest(c->hours) * 3600 + highest(c->minutes) * 60 + highest(c->seconds);
	*out = (m.first_day + highest(m.days)) * DAY_S + time;
	return true;
}

/* Matching days in [from, to). */
static uint64_t count_days(const struct calendar *c, int64_t from, int64_t to)
{
	struct month m;
	uint64_t n = 0;
	if (from >= to)
		return 0;
	m.days = 0;
	int index = load_month_of(c, from, &m);
	m.days &= bits_from(index);
	do {
		if (m.first_day >= to)
			break;
		if (to - m.first_day < 32)
			m.days &= ~bits_from((int)(to - m.first_day));
		n += (uint64_t)__builtin_popcount(m.days);
	} while (seek_month(c, &m, 1));
	return n;
}

static bool day_matches(const struct calendar *c, int64_t day)
{
	struct month m;
	int index = load_month_of(c, day, &m);
	return m.days >> index & 1;
}

uint64_t calendar_count(const struct calendar *c, int64_t from, int64_t to)
{
	from = MAX(from, c->first_s);
	to = MIN(to, c->last_s + 1);
	if (from >= to)
		return 0;
	int64_t first = from / DAY_S, last = (to - 1) / DAY_S; /* days, both inclusive */
	uint64_t n = count_days(c, first, last + 1) * c->per_day;
	if (day_matches(c, first))
		n -= count_times(c, (int)(from % DAY_S));
	if (day_matches(c, last))
		n -= c->per_day - count_times(c, (int)(to - last * DAY_S));
	return n;
}

int64_t calendar_nth(const struct calendar *c, int64_t from, uint64_t n)
{
	from = MAX(from, 0);
	int64_t day = from / DAY_S;
	struct month m;
	int index = load_month_of(c, day, &m);
	n--;
	if (m.days >> index & 1)
		n += count_times(c, (int)(from % DAY_S)); /* counted from the beginning of the day */
	m.days &= bits_from(index);
	for (;;) {
		uint64_t here = (uint64_t)__builtin_popcount(m.days) * c->per_day;
		if (n < here)
			break;
		n -= here;
		if (!seek_month(c, &m, 1))
			g_assert_not_reached();
	}
	int match = nth_bit(m.days, (uint32_t)(n / c->per_day));
	return (m.first_day + match) * DAY_S + nth_time(c, (uint32_t)(n % c->per_day));
}

/* The days of a month that begins on a weekday and has so many days, as day and day_of_week say. */
static uint32_t month_mask(const struct calendar *c, int first_weekday, int length)
{
	uint32_t mask = 0;
	for (int i = 0; i < length; i++) {
		int weekday = (first_weekday + i) % 7;
		bool by_day = c->days >> (i + 1) & 1;
		by_day |= c->nth_weekdays[i / 7] >> weekday & 1;
		by_day |= i + 7 >= length && (c->nth_weekdays[5] >> weekday & 1);
		by_day |= c->last_day && i + 1 == length;
		bool by_weekday = c->weekdays >> weekday & 1;
		if (c->either_day ? by_day || by_weekday : by_day && by_weekday)
			mask |= UINT32_C(1) << i;
	}
	return mask;
}

/* Whether a day ever matches. The calendar repeats after 400 years, dates and weekdays alike, so that many
 * decide; where years are limited, all of those named. */
static bool ever_matches(const struct calendar *c)
{
	int32_t end = c->years ? CALENDAR_LAST_YEAR + 1 : CALENDAR_FIRST_YEAR + 400;
	struct month m;
	for (m.year = CALENDAR_FIRST_YEAR; m.year < end; m.year++) {
		for (m.month = 1; m.month <= 12 && year_allowed(c, m.year); m.month++) {
			if (!month_is_possible(c, &m))
				continue;
			m.first_day = days_from_civil(m.year, m.month, 1);
			load_days(c, &m);
			if (m.days)
				return true;
		}
	}
	return false;
}

void calendar_prepare(struct calendar *c)
{
	for (int weekday = 0; weekday < 7; weekday++) {
		for (int i = 0; i < 4; i++) {
			c->month_days[weekday][i] = month_mask(c, weekday, 28 + i);
			c->possible[i] |= c->month_days[weekday][i] != 0;
		}
	}
	uint64_t all_weeks = ((UINT64_C(1) << 54) - 1) & ~UINT64_C(1);
	c->weeks_limited = (c->weeks & all_weeks) != all_weeks;
	c->per_minute = (uint32_t)__builtin_popcountll(c->seconds);
	c->per_hour = (uint32_t)__builtin_popcountll(c->minutes) * c->per_minute;
	c->per_day = (uint32_t)__builtin_popcount(c->hours) * c->per_hour;
	c->first_s = INT64_MAX;
	c->last_s = INT64_MIN;
	if (!ever_matches(c))
		return;
	c->last_s = CALENDAR_END_S;
	calendar_next(c, 0, &c->first_s);
	calendar_prev(c, CALENDAR_END_S, &c->last_s);
}

void calendar_clear(struct calendar *c)
{
	g_free(c->years);
	c->years = NULL;
}
