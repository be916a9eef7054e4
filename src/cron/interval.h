/* Purpose: fires at start + k * step, in elapsed time: the formats `interval` and `date` (one fire). Internal
 * to src/cron; pure. Bounds of the schedule are applied by the caller. */
#pragma once

#include "cron/schedule_internal.h"

bool interval_next(const struct schedule *schedule, time_us from, time_us *out);       /* at or after */
bool interval_prev(const struct schedule *schedule, time_us until, time_us *out);      /* at or before */
uint64_t interval_count(const struct schedule *schedule, time_us from, time_us until); /* both inclusive */
