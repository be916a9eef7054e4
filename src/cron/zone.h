/* Purpose: time zones of the tz database, read from TZif data (RFC 9636, versions 1 to 4, with footer rules).
 * Pure: the bytes come from the caller (base/tzfile.h reads them from the system). A zone is immutable once
 * parsed and may be used by any thread; its reference count is atomic. Invariant: the intervals of a zone
 * cover all of time without gap or overlap, each with one offset. */
#pragma once

#include <glib.h>

#include "base/time_us.h"

struct zone;

/* A stretch of time with one offset. */
struct zone_interval {
	time_us from;     /* inclusive; TIME_US_MIN for the first */
	time_us to;       /* exclusive; TIME_US_MAX for the last */
	int32_t offset_s; /* seconds east of UTC */
	bool dst;
	char abbreviation[8]; /* MSK, +03 */
};

/* Reads TZif data. Errors: AS_ERROR_INVALID with the reason. The caller owns a reference. */
struct zone *zone_parse(const char *name, const uint8_t *data, size_t size, GError **error);
/* UTC, for callers without zone files. */
struct zone *zone_new_utc(void);
struct zone *zone_ref(struct zone *zone);
void zone_unref(struct zone *zone); /* NULL is fine */
const char *zone_name(const struct zone *zone);

/* The interval that holds instant t. */
void zone_interval_at(const struct zone *zone, time_us t, struct zone_interval *out);
/* The same in whole seconds and without the names: what the search for fires uses. */
struct zone_span {
	int64_t from_s; /* inclusive; ZONE_FIRST_S for the first */
	int64_t to_s;   /* exclusive; ZONE_LAST_S for the last */
	int32_t offset_s;
};
#define ZONE_FIRST_S INT64_MIN
#define ZONE_LAST_S  INT64_MAX
void zone_span_at(const struct zone *zone, int64_t s, struct zone_span *out);

/* Offset in force at t, seconds east of UTC. */
int32_t zone_offset_at(const struct zone *zone, time_us t);

/* The instants at which the wall clock shows `local` (a civil time encoded as if it were UTC): 0 in a gap, 2
 * in an overlap, in ascending order. Returns their number. */
int zone_instants(const struct zone *zone, time_us local, time_us out[static 2]);
/* One instant for a wall time: the first of two; in a gap, moved forward by the length of the gap. */
time_us zone_resolve(const struct zone *zone, time_us local);

/* RFC 3339 in the zone. */
char *zone_format(const struct zone *zone, time_us t, char buf[static TIME_TEXT_MAX]);

/* Where zones come from: an implementation reads files, a test may hold them in memory. */
struct zone_source {
	/* Errors: AS_ERROR_INVALID for a name that is no zone. The caller owns a reference. */
	struct zone *(*load)(void *context, const char *name, GError **error);
	void *context;
};
