/* Purpose: shared schedules: identical text is parsed once, equal schedules are one object.
 * A million actions over some hundred distinct schedules cost some hundred parses. One thread at a time. */
#pragma once

#include "cron/schedule.h"

struct schedule_cache;

/* `zones` is borrowed and must outlive the cache. */
struct schedule_cache *schedule_cache_new(const struct zone_source *zones);
void schedule_cache_free(struct schedule_cache *cache);

/* The schedule of a `cron` text in a zone (by name), dialect and dst policy. Errors as schedule_parse, also
 * for an unknown zone; errors are remembered too, so that a million bad rows cost one parse. The caller owns
 * a reference. */
struct schedule *schedule_cache_get(struct schedule_cache *cache, const char *cron, size_t length,
	const char *zone_name, enum unix_dialect dialect, enum dst_policy dst, GError **error);

/* Drops what nobody else holds any more; called after a reload. */
void schedule_cache_trim(struct schedule_cache *cache);
