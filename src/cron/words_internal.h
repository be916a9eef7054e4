/* Purpose: what the languages of words.h share. Internal to src/cron. */
#pragma once

#include "cron/schedule_internal.h"
#include "cron/words.h"

/* The shape of the times of a day. */
enum words_time {
	WORDS_TIMES,      /* at 03:00 and 15:30 */
	WORDS_SECONDS,    /* every `step` seconds, of minutes and hours */
	WORDS_MINUTES,    /* every `step` minutes at a second, of hours */
	WORDS_HOURS,      /* every `step` hours at a minute and second; 1 also where the hours are limited */
	WORDS_MINUTES_OF, /* at minutes, at a second, of hours */
	WORDS_SECONDS_OF, /* at seconds of minutes of hours */
};

struct words_day {
	enum words_time shape;
	int step;
	int minute, second; /* the one, where there is one */
};

#define WORDS_ALL_MINUTES  ((UINT64_C(1) << 60) - 1)
#define WORDS_ALL_HOURS    ((UINT64_C(1) << 24) - 1)
#define WORDS_ALL_DAYS     ((UINT64_C(1) << 32) - 2)
#define WORDS_ALL_MONTHS   ((UINT64_C(1) << 13) - 2)
#define WORDS_ALL_WEEKS    ((UINT64_C(1) << 54) - 2)
#define WORDS_ALL_WEEKDAYS 0x7fu

struct words_day words_day_of(const struct calendar *calendar);

static inline int words_count(uint64_t bits)
{
	return __builtin_popcountll(bits);
}
static inline int words_first(uint64_t bits)
{
	return __builtin_ctzll(bits);
}
/* Whether the values are one run without a gap. */
bool words_is_run(uint64_t bits);

/* How a list of values is written. */
struct words_list {
	void (*value)(GString *out, int value);
	/* A run of three and more; NULL: value–value. */
	void (*run)(GString *out, int first, int last);
	/* All of them, five and more, evenly apart by more than one. */
	void (*even)(GString *out, int first, int last, int step);
	const char *last_separator; /* " and " */
};

void words_append_list(GString *out, uint64_t bits, const struct words_list *list);
/* The pieces of a list, without joining them. */
void words_add_pieces(GPtrArray *pieces, uint64_t bits, const struct words_list *list);
void words_join(GString *out, const GPtrArray *pieces, const char *last_separator);

void words_number(GString *out, int value);
/* Years, which no mask holds: `2024–2026, 2030`. */
void words_append_years(GString *out, const struct calendar *calendar, const char *last_separator);
/* `03:00, 15:30 and 18:00`, with seconds where they are not 0. */
void words_append_times(
	GString *out, const struct calendar *calendar, int second, const char *last_separator);
/* `2050-05-05`, with the time where it is not midnight, and the offset where the time comes twice. */
void words_append_date(GString *out, const struct schedule *schedule, time_us t);

enum words_unit { WORDS_SECOND, WORDS_MINUTE, WORDS_HOUR, WORDS_DAY };
/* The largest unit that the length is a whole number of. */
enum words_unit words_unit_of(dur_us length, int64_t *count);
/* Whether that would be a large number of a small unit: 183845 seconds. */
bool words_is_long(dur_us length);
/* ` 2 days 3 hours 4 minutes 5 seconds`, of a length of whole seconds. */
void words_append_parts(
	GString *out, dur_us length, void (*append)(GString *out, int64_t count, enum words_unit unit));

/* What a language says. Each begins without a blank. */
struct words_speaker {
	void (*day)(
		GString *out, const struct calendar *calendar, const struct words_day *day, bool every_day);
	/* The parts about dates, each with a blank before it. */
	void (*dates)(GString *out, const struct calendar *calendar);
	void (*once)(GString *out, const struct schedule *schedule);
	void (*interval)(GString *out, const struct schedule *schedule);
	/* Bounds, jitter, zone, clock changes, each with what parts it from the rest. */
	void (*rest)(GString *out, const struct schedule *schedule, bool with_zone);
	const char *never;
};
extern const struct words_speaker words_english, words_russian;
