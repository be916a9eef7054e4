/* Purpose: a zone source that reads each zone once. Pure: how the bytes of a zone are got is the caller's
 * (base/tzfile.h reads the system's). Any thread. */
#pragma once

#include "cron/zone.h"

struct zone_cache;

/* Returns the TZif data of a zone, to be freed with g_free, or NULL with an error. Called under the cache's
 * lock. */
typedef uint8_t *(*zone_read)(const char *name, size_t *size, GError **error);

struct zone_cache *zone_cache_new(zone_read read);
void zone_cache_free(struct zone_cache *cache); /* NULL is fine */

/* Lives as long as the cache. Unknown names are asked for again each time. UTC is known even where there are
 * no zone files. */
const struct zone_source *zone_cache_source(struct zone_cache *cache);
