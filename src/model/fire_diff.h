/* Purpose: what another schedule of an action changes: which fires of a stretch of time go, and which are
 * new. Pure functions. */
#pragma once

#include "model/fire.h"

struct fire_diff {
	uint64_t gone, added, kept;
	time_us first_gone, first_added; /* when they are due; TIME_US_MAX where there are none */
};

/* Compares the fires of one action due in [from, to). NULL is a schedule without fires. Costs as fire_count
 * where both are one or one is NULL; else it walks the fires of both. */
void fire_diff_make(const struct schedule *before, const struct schedule *after, int64_t action_id,
	time_us from, time_us to, struct fire_diff *out);
