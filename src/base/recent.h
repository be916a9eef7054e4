/* Purpose: what was in the last minute: an amount, and how values were spread. Fixed sizes, and no timer: old
 * parts are forgotten when something is added or asked for. The caller gives `now`, of a clock that does not
 * step (clock_boottime). Plain data, all zeroes is empty; one thread at a time. */
#pragma once

#include "base/histogram.h"
#include "base/time_us.h"

#define RECENT_SECONDS 60
/* A histogram for each ten seconds. */
#define RECENT_PARTS   6

struct recent_amount {
	int64_t second; /* of the newest part */
	uint64_t parts[RECENT_SECONDS];
};

void recent_amount_add(struct recent_amount *recent, time_us now, uint64_t amount);
/* What was added within the last 60 seconds: 59 whole ones and the one that is going on. */
uint64_t recent_amount_sum(const struct recent_amount *recent, time_us now);

struct recent_values {
	int64_t part; /* the newest one, counted in steps of ten seconds */
	struct histogram parts[RECENT_PARTS];
};

void recent_values_add(struct recent_values *recent, time_us now, int64_t value);
/* The values of the last 50 to 60 seconds are merged into *out. */
void recent_values_merge(const struct recent_values *recent, time_us now, struct histogram *out);
