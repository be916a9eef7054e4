/* Purpose: seconds, minutes, hours and days as the wall clock of a zone has them: a day is as long as it is
 * there, and a change of the clock begins a new hour. Pure; any thread. */
#pragma once

#include "cron/zone.h"

enum time_unit { UNIT_SECOND, UNIT_MINUTE, UNIT_HOUR, UNIT_DAY };

/* How long it is where the clock does not change. */
dur_us time_unit_length(enum time_unit unit);
/* When the one begins that holds t. */
time_us time_unit_begin(const struct zone *zone, enum time_unit unit, time_us t);
/* When the next one begins; later than t. */
time_us time_unit_end(const struct zone *zone, enum time_unit unit, time_us t);
