/* Purpose: what the fuzz targets of schedules share: a context, and what must hold for any schedule that was
 * read. */
#pragma once

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/tzfile.h"
#include "cron/schedule.h"
#include "cron/zone_cache.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline const struct zone_source *fuzz_zones(void)
{
	static struct zone_cache *cache;
	if (!cache)
		cache = zone_cache_new(tzfile_read);
	return zone_cache_source(cache);
}

static inline struct schedule_context fuzz_context(uint8_t choice)
{
	static struct zone *zone;
	if (!zone)
		zone = fuzz_zones()->load(fuzz_zones()->context, "America/New_York", NULL);
	return (struct schedule_context){zone, fuzz_zones(),
		choice & 1 ? UNIX_DIALECT_APSCHEDULER : UNIX_DIALECT_STANDARD,
		choice & 2 ? DST_VIXIE : DST_WALL_CLOCK};
}

static inline void fuzz_check(const struct schedule *schedule, const struct schedule_context *context)
{
	time_us t = INT64_C(1710000000) * US_PER_SECOND, next, back;
	for (int i = 0; i < 5 && schedule_next(schedule, t, &next); i++, t = next) {
		if (next <= t || schedule_count(schedule, t, next) != 1)
			abort();
		if (i && (!schedule_prev(schedule, next, &back) || back != t))
			abort();
		if (!schedule_nth(schedule, t, 1, &back) || back != next)
			abort();
	}
	g_autoptr(json_t) printed = schedule_print(schedule);
	struct schedule *again = schedule_parse_json(printed, context, NULL);
	if (!again || strcmp(schedule_key(schedule), schedule_key(again)) != 0)
		abort();
	schedule_unref(again);
}
