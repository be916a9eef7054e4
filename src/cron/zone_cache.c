#include "cron/zone_cache.h"

struct zone_cache {
	zone_read read;
	struct zone_source source;
	GMutex lock;
	GHashTable *zones; /* name → struct zone */
};

static struct zone *read_zone(struct zone_cache *cache, const char *name, GError **error)
{
	size_t size;
	g_autoptr(GError) why = NULL;
	g_autofree uint8_t *data = cache->read(name, &size, &why);
	if (!data) {
		if (g_str_equal(name, "UTC"))
			return zone_new_utc();
		g_propagate_error(error, g_steal_pointer(&why));
		return NULL;
	}
	struct zone *zone = zone_parse(name, data, size, error);
	if (!zone)
		g_prefix_error(error, "time zone \"%s\": ", name);
	return zone;
}

static struct zone *load(void *context, const char *name, GError **error)
{
	struct zone_cache *cache = context;
	g_mutex_lock(&cache->lock);
	struct zone *zone = g_hash_table_lookup(cache->zones, name);
	if (!zone) {
		zone = read_zone(cache, name, error);
		if (zone)
			g_hash_table_insert(cache->zones, g_strdup(name), zone);
	}
	if (zone)
		zone_ref(zone);
	g_mutex_unlock(&cache->lock);
	return zone;
}

static void drop(gpointer zone)
{
	zone_unref(zone);
}

struct zone_cache *zone_cache_new(zone_read read)
{
	struct zone_cache *cache = g_new0(struct zone_cache, 1);
	cache->read = read;
	cache->source = (struct zone_source){load, cache};
	g_mutex_init(&cache->lock);
	cache->zones = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, drop);
	return cache;
}

void zone_cache_free(struct zone_cache *cache)
{
	if (!cache)
		return;
	g_hash_table_unref(cache->zones);
	g_mutex_clear(&cache->lock);
	g_free(cache);
}

const struct zone_source *zone_cache_source(struct zone_cache *cache)
{
	return &cache->source;
}
