/* Fuzz target: the data of a zone file. */
#include <stdlib.h>

#include "cron/zone.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autoptr(GError) error = NULL;
	struct zone *zone = zone_parse("Fuzz", data, size, &error);
	if (!zone) {
		if (!error)
			abort();
		return 0;
	}
	struct zone_interval interval = {.to = TIME_US_MIN};
	for (int i = 0; i < 300 && interval.to != TIME_US_MAX; i++) {
		time_us at = interval.to, instants[2];
		zone_interval_at(zone, at, &interval);
		if (interval.from > at || interval.to <= at)
			abort();
		time_us local = at / 2 + interval.offset_s * US_PER_SECOND;
		int n = zone_instants(zone, local, instants);
		for (int k = 0; k < n; k++)
			if (instants[k] + zone_offset_at(zone, instants[k]) * US_PER_SECOND != local)
				abort();
		zone_resolve(zone, local);
	}
	zone_unref(zone);
	return 0;
}
