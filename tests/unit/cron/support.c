#include "support.h"

#include <stdlib.h>

static struct zone_cache *cache;

const struct zone_source *test_zones(void)
{
	if (!cache)
		cache = zone_cache_new(tzfile_read);
	return zone_cache_source(cache);
}

struct zone *test_zone(const char *name)
{
	const struct zone_source *zones = test_zones();
	g_autoptr(GError) error = NULL;
	struct zone *zone = zones->load(zones->context, name, &error);
	if (!zone)
		fail_msg("zone %s: %s", name, error->message);
	return zone;
}

struct schedule *test_read_json(const json_t *document, const char *zone_name, enum unix_dialect dialect,
	enum dst_policy dst, char **why)
{
	g_autoptr(GError) error = NULL;
	struct zone *zone = test_zone(zone_name);
	struct schedule_context context = {zone, test_zones(), dialect, dst};
	struct schedule *schedule = schedule_parse_json(document, &context, &error);
	zone_unref(zone);
	assert_true(schedule || (error && error->domain == AS_ERROR && error->code == AS_ERROR_INVALID));
	if (why)
		*why = error ? g_strdup(error->message) : NULL;
	return schedule;
}

struct schedule *test_read(
	const char *text, const char *zone_name, enum unix_dialect dialect, enum dst_policy dst, char **why)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(json_t) document = json_read(text, strlen(text), &error);
	if (!document)
		fail_msg("%s: %s", text, error->message);
	return test_read_json(document, zone_name, dialect, dst, why);
}

struct schedule *test_schedule(const char *text, const char *zone_name)
{
	char *why = NULL;
	struct schedule *schedule = test_read(text, zone_name, UNIX_DIALECT_STANDARD, DST_WALL_CLOCK, &why);
	if (!schedule)
		fail_msg("%s: %s", text, why);
	g_free(why);
	return schedule;
}

time_us test_time(const char *text)
{
	time_us t = 0;
	bool has_offset;
	if (!time_parse(text, &t, &has_offset) || !has_offset)
		fail_msg("no time: %s", text);
	return t;
}

uint64_t test_seed(void)
{
	const char *text = getenv("SEED");
	return text ? strtoull(text, NULL, 10) : 20240229;
}

/* splitmix64 */
uint64_t test_random(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9E3779B97F4A7C15);
	z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
	z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
	return z ^ z >> 31;
}

int test_below(uint64_t *state, int n)
{
	return (int)(test_random(state) % (uint64_t)n);
}
