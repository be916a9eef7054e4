#include "cron/schedule_cache.h"

#include <string.h>
#include <xxhash.h>

#include "cron/schedule_internal.h"

/* A text and what it is read under. Texts that cannot be read remember why. */
struct entry {
	char *text;
	size_t length;
	char *timezone;
	enum unix_dialect dialect;
	enum dst_policy dst;
	struct shared *shared; /* NULL with an error */
	GError *error;
};

/* A schedule that any number of texts mean. */
struct shared {
	struct schedule *schedule;
	size_t texts;
};

struct schedule_cache {
	const struct zone_source *zones;
	GHashTable *entries; /* struct entry, a set */
	GHashTable *shared;  /* schedule key (borrowed from the schedule) → struct shared */
};

static guint entry_hash(gconstpointer p)
{
	const struct entry *e = p;
	return (guint)XXH3_64bits_withSeed(e->text, e->length, (uint64_t)e->dialect * 2 + (uint64_t)e->dst) *
		       33 +
	       g_str_hash(e->timezone);
}

static gboolean entry_equal(gconstpointer a, gconstpointer b)
{
	const struct entry *x = a, *y = b;
	return x->length == y->length && x->dialect == y->dialect && x->dst == y->dst &&
	       memcmp(x->text, y->text, x->length) == 0 && strcmp(x->timezone, y->timezone) == 0;
}

static void entry_free(gpointer p)
{
	struct entry *e = p;
	g_free(e->text);
	g_free(e->timezone);
	g_clear_error(&e->error);
	if (e->shared)
		e->shared->texts--;
	g_free(e);
}

static void shared_free(gpointer p)
{
	struct shared *shared = p;
	schedule_unref(shared->schedule);
	g_free(shared);
}

struct schedule_cache *schedule_cache_new(const struct zone_source *zones)
{
	struct schedule_cache *cache = g_new0(struct schedule_cache, 1);
	cache->zones = zones;
	cache->entries = g_hash_table_new_full(entry_hash, entry_equal, entry_free, NULL);
	cache->shared = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, shared_free);
	return cache;
}

void schedule_cache_free(struct schedule_cache *cache)
{
	if (!cache)
		return;
	g_hash_table_unref(cache->entries);
	g_hash_table_unref(cache->shared);
	g_free(cache);
}

static struct schedule *parse(struct schedule_cache *cache, const struct entry *e, GError **error)
{
	struct zone *zone = cache->zones->load(cache->zones->context, e->timezone, error);
	if (!zone)
		return NULL;
	struct schedule_context context = {zone, cache->zones, e->dialect, e->dst};
	struct schedule *schedule = schedule_parse(e->text, e->length, &context, error);
	zone_unref(zone);
	return schedule;
}

/* Takes over the reference. */
static struct shared *share(struct schedule_cache *cache, struct schedule *schedule)
{
	struct shared *shared = g_hash_table_lookup(cache->shared, schedule_key(schedule));
	if (shared) {
		schedule_unref(schedule);
	} else {
		shared = g_new0(struct shared, 1);
		shared->schedule = schedule;
		g_hash_table_insert(cache->shared, (char *)(uintptr_t)schedule_key(schedule), shared);
	}
	shared->texts++;
	return shared;
}

static struct entry *add_entry(struct schedule_cache *cache, const struct entry *wanted)
{
	struct entry *e = g_new0(struct entry, 1);
	*e = *wanted;
	e->text = g_strndup(wanted->text, wanted->length);
	memcpy(e->text, wanted->text, wanted->length);
	e->timezone = g_strdup(wanted->timezone);
	struct schedule *schedule = parse(cache, e, &e->error);
	if (schedule)
		e->shared = share(cache, schedule);
	g_hash_table_add(cache->entries, e);
	return e;
}

struct schedule *schedule_cache_get(struct schedule_cache *cache, const char *cron, size_t length,
	const char *zone_name, enum unix_dialect dialect, enum dst_policy dst, GError **error)
{
	struct entry wanted = {
		(char *)(uintptr_t)cron, length, (char *)(uintptr_t)zone_name, dialect, dst, NULL, NULL};
	struct entry *e = g_hash_table_lookup(cache->entries, &wanted);
	if (!e)
		e = add_entry(cache, &wanted);
	if (e->shared)
		return schedule_ref(e->shared->schedule);
	if (error)
		*error = g_error_copy(e->error);
	return NULL;
}

static gboolean entry_is_unused(gpointer key, gpointer value G_GNUC_UNUSED, gpointer user_data G_GNUC_UNUSED)
{
	const struct entry *e = key;
	return !e->shared || g_atomic_int_get(&e->shared->schedule->refs) == 1;
}

static gboolean shared_is_unused(gpointer key G_GNUC_UNUSED, gpointer value, gpointer user_data G_GNUC_UNUSED)
{
	const struct shared *shared = value;
	return shared->texts == 0;
}

void schedule_cache_trim(struct schedule_cache *cache)
{
	g_hash_table_foreach_remove(cache->entries, entry_is_unused, NULL);
	g_hash_table_foreach_remove(cache->shared, shared_is_unused, NULL);
}
