/* Purpose: wall-clock patterns: which seconds of the civil calendar match a set of fields, without any zone.
 * Internal to src/cron; pure; immutable after calendar_prepare, any thread.
 * A wall time is counted in seconds since 1970-01-01 00:00:00 as if it were UTC; the calendar runs from there
 * to 9999-12-31 23:59:59. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define CALENDAR_FIRST_YEAR 1970
#define CALENDAR_LAST_YEAR  9999
#define CALENDAR_YEARS      (CALENDAR_LAST_YEAR - CALENDAR_FIRST_YEAR + 1)
#define CALENDAR_END_S      INT64_C(253402300800) /* exclusive */

enum calendar_field {
	FIELD_YEAR,
	FIELD_MONTH,
	FIELD_DAY,
	FIELD_WEEK,
	FIELD_DAY_OF_WEEK,
	FIELD_HOUR,
	FIELD_MINUTE,
	FIELD_SECOND,
	FIELD_COUNT,
};

struct calendar {
	/* What the fields say. Bit n stands for the value n; day of week 0 is Monday. */
	uint64_t *years; /* bit 0 is 1970; NULL for all */
	uint16_t months;
	uint32_t days;
	uint8_t nth_weekdays[6]; /* weekdays of `1st d` .. `5th d`, `last d` */
	bool last_day;
	uint64_t weeks;
	uint8_t weekdays;
	bool either_day; /* one of day and day_of_week suffices */
	uint32_t hours;
	uint64_t minutes;
	uint64_t seconds;
	uint16_t stars; /* bit FIELD_x: the text of the field begins with `*` */

	/* Worked out by calendar_prepare. */
	uint32_t month_days[7][4]; /* [weekday of the 1st][length - 28]: bit 0 is the 1st */
	bool possible[4];          /* whether months of that length have any */
	bool weeks_limited;
	int64_t first_s, last_s; /* the first and the last match; first_s > last_s where there is none */
	uint32_t per_minute, per_hour, per_day; /* matches */
};

/* Completes a calendar whose fields are set. */
void calendar_prepare(struct calendar *calendar);
void calendar_clear(struct calendar *calendar);

/* The first match at or after, and the last one at or before, a wall time; false where there is none. */
bool calendar_next(const struct calendar *calendar, int64_t local, int64_t *out);
bool calendar_prev(const struct calendar *calendar, int64_t local, int64_t *out);
/* The number of matches in [from, to). */
uint64_t calendar_count(const struct calendar *calendar, int64_t from, int64_t to);
/* The n-th (1-based) match at or after `from`; the caller knows that there are so many. */
int64_t calendar_nth(const struct calendar *calendar, int64_t from, uint64_t n);
