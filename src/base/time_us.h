/* Purpose: instants and durations, the civil calendar, and RFC 3339 text.
 * Pure functions; any thread. An instant is a count of microseconds since 1970-01-01T00:00:00Z without leap
 * seconds. Civil arithmetic is that of the proleptic Gregorian calendar (H. Hinnant, "chrono-Compatible
 * Low-Level Date Algorithms"). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef int64_t time_us; /* an instant, microseconds since the Unix epoch, UTC */
typedef int64_t dur_us;  /* a length of time, microseconds */

#define US_PER_MS     INT64_C(1000)
#define US_PER_SECOND INT64_C(1000000)
#define US_PER_MINUTE (60 * US_PER_SECOND)
#define US_PER_HOUR   (60 * US_PER_MINUTE)
#define US_PER_DAY    (24 * US_PER_HOUR)

/* Sentinels: before and after every instant that can be written. */
#define TIME_US_MIN INT64_MIN
#define TIME_US_MAX INT64_MAX

/* A date and time of day without a zone. */
struct civil {
	int32_t year;
	int8_t month;  /* 1..12 */
	int8_t day;    /* 1..31 */
	int8_t hour;   /* 0..23 */
	int8_t minute; /* 0..59 */
	int8_t second; /* 0..59 */
	int32_t us;    /* 0..999999 */
};

/* Quotient and remainder that round towards minus infinity; b > 0. */
static inline int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}
static inline int64_t floor_mod(int64_t a, int64_t b)
{
	return a % b + (a % b < 0 ? b : 0);
}

/* Days since 1970-01-01 of a date, and back. Any year from -32767 to 32767. */
int64_t days_from_civil(int32_t year, int month, int day);
void civil_from_days(int64_t days, int32_t *year, int8_t *month, int8_t *day);
bool year_is_leap(int32_t year);
int month_days(int32_t year, int month);
/* 0 = Monday .. 6 = Sunday. */
static inline int weekday_of_days(int64_t days)
{
	return (int)floor_mod(days + 3, 7);
}

/* The civil time read as UTC. */
time_us time_from_civil(const struct civil *c);
void time_to_civil(time_us t, struct civil *out);

/* The longest text that time_format writes, with its NUL. */
#define TIME_TEXT_MAX 40

/* Writes RFC 3339 with the given offset (seconds east of UTC) as +HH:MM (seconds of an offset are dropped
 * from the text, as RFC 3339 has none), microseconds where they are not zero. Returns buf. */
char *time_format(time_us t, int32_t offset_s, char buf[static TIME_TEXT_MAX]);
/* The same in UTC with a Z: `2024-01-01T00:05:00Z`. */
char *time_format_utc(time_us t, char buf[static TIME_TEXT_MAX]);

/* Reads RFC 3339 / ISO 8601: `YYYY-MM-DD[(T| )HH:MM[:SS[.f]]][Z|+HH:MM|-HH:MM]`. The fraction is a decimal
 * one, digits past the sixth are dropped. has_offset tells whether an offset stood there; without one *out is
 * the civil time read as UTC. Returns false, and writes nothing, where the text is anything else. */
bool time_parse(const char *text, time_us *out, bool *has_offset);
