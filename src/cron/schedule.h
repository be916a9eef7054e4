/* Purpose: a schedule: a pure function from an instant to the next and the previous fire time.
 * The four formats `unix`, `apscheduler`, `date` and `interval` parse into it. Immutable once parsed; any
 * thread; the reference count is atomic. Fires are what docs/schedules.md says, without jitter: jitter
 * belongs to a fire (model/fire.h), as it depends on the action. Invariants: schedule_next(s, t) > t;
 * schedule_prev(s, t) < t; both agree on the set of fires. */
#pragma once

#include <glib.h>
#include <jansson.h>

#include "base/time_us.h"
#include "cron/zone.h"

struct schedule;

/* How a unix expression is read. */
enum unix_dialect {
	UNIX_DIALECT_STANDARD, /* Db2 and crontab(5): 0 and 7 are Sunday, restricted day fields are OR-ed */
	UNIX_DIALECT_APSCHEDULER, /* CronTrigger.from_crontab: 0 is Monday, all fields must match */
};

/* What a change of clocks does to fixed-time schedules. */
enum dst_policy {
	DST_WALL_CLOCK, /* nothing in a gap, twice in an overlap */
	DST_VIXIE,      /* as cron(8): fixed times of a gap right after it, once in an overlap */
};

/* What the document does not say itself. */
struct schedule_context {
	struct zone *timezone; /* where the document names no zone; borrowed during the call */
	const struct zone_source *zones;
	enum unix_dialect dialect;
	enum dst_policy dst;
};

/* Parses a document `{"format": …, "params": …}`. Errors: AS_ERROR_INVALID, naming the parameter or the
 * field, the column where there is one, and the reason. The caller owns a reference. */
struct schedule *schedule_parse(
	const char *text, size_t length, const struct schedule_context *context, GError **error);
struct schedule *schedule_parse_json(
	const json_t *document, const struct schedule_context *context, GError **error);
struct schedule *schedule_ref(struct schedule *schedule);
void schedule_unref(struct schedule *schedule); /* NULL is fine */

/* The first fire strictly later than `after`; false where there is none, ever (then *out is untouched). */
bool schedule_next(const struct schedule *schedule, time_us after, time_us *out);
/* The last fire strictly earlier than `before`; false where there is none. */
bool schedule_prev(const struct schedule *schedule, time_us before, time_us *out);
/* How many fires lie in (after, until]. Cost grows with the days between, not with the fires. */
uint64_t schedule_count(const struct schedule *schedule, time_us after, time_us until);
/* The n-th (1-based) fire later than `after`; false where there are fewer. Cost as schedule_count. */
bool schedule_nth(const struct schedule *schedule, time_us after, uint64_t n, time_us *out);

/* The largest jitter, 0 for none. */
dur_us schedule_jitter(const struct schedule *schedule);
/* The instant after which nothing fires (end_date), TIME_US_MAX for none: a jittered fire is capped to it. */
time_us schedule_end(const struct schedule *schedule);
/* The zone it runs in; borrowed. */
struct zone *schedule_zone(const struct schedule *schedule);

/* How it was read. */
enum unix_dialect schedule_dialect(const struct schedule *schedule);
enum dst_policy schedule_dst(const struct schedule *schedule);

/* The normalised document: parse → print → parse gives the same schedule, and two documents that mean the
 * same by their fields print the same. With the zone always written out. The caller owns the reference. */
json_t *schedule_print(const struct schedule *schedule);

/* A text that is equal for two schedules exactly if their normalised documents, zone, dialect and dst policy
 * are. Borrowed, lives as long as the schedule. */
const char *schedule_key(const struct schedule *schedule);
