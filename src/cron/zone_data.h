/* Purpose: what a zone is made of, and the reader of TZif data. Internal to src/cron; pure.
 * Invariants: spans ascend, the first begins at INT64_MIN, neighbours differ. Footer rules are written out
 * for one cycle of 400 years (dates and weekdays of the Gregorian calendar repeat after it): the cycle begins
 * at cycle_start, which is the beginning of a span, and its last span begins one cycle later. */
#pragma once

#include "cron/zone.h"
#include "cron/zone_rule.h"

#define ZONE_CYCLE_S (INT64_C(146097) * 86400)

/* Bounds of offsets (RFC 9636, 3.2). */
#define ZONE_OFFSET_MIN_S (-89999)
#define ZONE_OFFSET_MAX_S 93599

struct zone_data_span {
	int64_t from; /* seconds */
	int32_t offset_s;
	uint16_t type; /* index into types */
};

struct zone {
	gint refs; /* atomic, by GLib's macros: a thread sanitizer cannot see into gatomicrefcount */
	char *name;
	struct zone_data_span *spans;
	uint32_t count;
	uint32_t slot_count;
	uint32_t *slots; /* the span in force at the beginning of each slot: the first guess of a look-up */
	int64_t slot_base;
	int64_t cycle_start; /* INT64_MAX where there is no cycle */
	struct zone_type *types;
};

/* Reads TZif data into spans (owned by the caller, of struct zone_data_span), types (g_free) and the start of
 * the cycle. Errors: AS_ERROR_INVALID with the reason. */
bool zone_data_read(const uint8_t *data, size_t size, GArray **spans, struct zone_type **types,
	int64_t *cycle_start, GError **error);
