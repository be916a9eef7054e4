/* Prints zones as this program reads them: for each name on stdin a line `NAME` and lines `FROM OFFSET DST
 * ABBREVIATION` of its intervals between two instants (seconds, the arguments), or `NAME` and `!REASON`. For
 * zones_test.py. */
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/tzfile.h"
#include "cron/zone_cache.h"

static void dump(const struct zone *zone, int64_t from, int64_t to)
{
	struct zone_interval interval;
	printf("%s\n", zone_name(zone));
	for (time_us t = from * US_PER_SECOND; t < to * US_PER_SECOND; t = interval.to) {
		zone_interval_at(zone, t, &interval);
		printf("%lld\t%d\t%d\t%s\n", (long long)(MAX(interval.from, t) / US_PER_SECOND),
			interval.offset_s, interval.dst, interval.abbreviation);
	}
}

int main(int argc, char **argv)
{
	char name[256];
	if (argc != 3)
		return 2;
	struct zone_cache *cache = zone_cache_new(tzfile_read);
	const struct zone_source *zones = zone_cache_source(cache);
	while (fgets(name, sizeof(name), stdin)) {
		name[strcspn(name, "\n")] = '\0';
		g_autoptr(GError) error = NULL;
		struct zone *zone = zones->load(zones->context, name, &error);
		if (zone)
			dump(zone, strtoll(argv[1], NULL, 10), strtoll(argv[2], NULL, 10));
		else
			printf("%s\t!%s\n", name, error->message);
		zone_unref(zone);
	}
	zone_cache_free(cache);
	return 0;
}
