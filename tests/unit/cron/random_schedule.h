/* Purpose: random schedules whose meaning is known by construction, and a matcher that walks wall clocks
 * second by second through the C library's localtime. Shares no code with src/cron. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <time.h>
#include <glib.h>

enum {
	DRAW_YEAR,
	DRAW_MONTH,
	DRAW_DAY,
	DRAW_WEEK,
	DRAW_WEEKDAY,
	DRAW_HOUR,
	DRAW_MINUTE,
	DRAW_SECOND,
	DRAW_FIELDS
};

struct drawn {
	bool unix_format;
	bool apscheduler_dialect;
	bool set[DRAW_FIELDS]
		[64]; /* by value; the year by year - 1970, no more than the first 64 are ever named */
	bool any[DRAW_FIELDS];
	bool star[DRAW_FIELDS]; /* the text begins with `*` */
	bool nth[6][7];         /* positions 1st..5th, last; Monday first */
	bool last_day;
	char *document; /* JSON */
};

/* sparse: many fields are restricted; else most are `*`. */
void draw_schedule(
	uint64_t *state, bool unix_format, bool apscheduler_dialect, bool sparse, struct drawn *out);
void drawn_clear(struct drawn *drawn);

/* The fires with from < t <= until (seconds), as int64_t, in the zone that TZ names. vixie: by cron(8). */
GArray *drawn_fires(const struct drawn *drawn, int64_t from, int64_t until, bool vixie);
