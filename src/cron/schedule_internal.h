/* Purpose: what a schedule is made of. Internal to src/cron. */
#pragma once

#include "cron/calendar.h"
#include "cron/schedule.h"

enum schedule_format { SCHEDULE_UNIX, SCHEDULE_APSCHEDULER, SCHEDULE_DATE, SCHEDULE_INTERVAL };

/* Instants beyond this are not fired (9999-12-31T23:59:59 UTC). */
#define SCHEDULE_LAST_S (CALENDAR_END_S - 1)

struct schedule {
	gint refs; /* atomic, as that of a zone */
	enum schedule_format format;
	enum unix_dialect dialect;
	enum dst_policy dst;
	struct zone *zone;
	time_us start; /* TIME_US_MIN for none; the one fire of a date, the anchor of an interval */
	time_us end;   /* TIME_US_MAX for none; inclusive */
	dur_us jitter;
	dur_us step;    /* of an interval */
	bool has_start; /* start_date was given */
	bool fixed;     /* dst is vixie and the schedule names fixed times: SEMANTICS 3.6 holds for it */
	struct calendar calendar; /* of unix and apscheduler */
	char *key;
};

/* Fires of a calendar in a zone (fires.c), in whole seconds, bounds of the schedule not applied. Instants
 * asked for lie within FIRES_FIRST_S and SCHEDULE_LAST_S. */
#define FIRES_FIRST_S (-3 * INT64_C(86400))
bool fires_next(const struct schedule *schedule, int64_t from, int64_t *out);
bool fires_prev(const struct schedule *schedule, int64_t until, int64_t *out);
uint64_t fires_count(const struct schedule *schedule, int64_t from, int64_t until); /* both inclusive */
bool fires_nth(const struct schedule *schedule, int64_t from, int64_t until, uint64_t n, int64_t *out);
