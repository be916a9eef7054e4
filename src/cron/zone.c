#include "cron/zone.h"

#include <string.h>

#include "cron/zone_data.h"

/* Width of a slot of the guess table: a little over a year, so that a look-up passes two or three spans at
 * most. */
#define SLOT_SHIFT 25

static struct zone *zone_new(const char *name, GArray *spans, struct zone_type *types, int64_t cycle_start)
{
	struct zone *zone = g_new0(struct zone, 1);
	zone->refs = 1;
	zone->name = g_strdup(name);
	zone->types = types;
	zone->cycle_start = cycle_start;
	zone->count = spans->len;
	zone->spans = (struct zone_data_span *)(void *)g_array_free(spans, FALSE);
	if (zone->count > 1) {
		zone->slot_base = zone->spans[1].from;
		zone->slot_count =
			(uint32_t)((zone->spans[zone->count - 1].from - zone->slot_base) >> SLOT_SHIFT) + 1;
		zone->slots = g_new(uint32_t, zone->slot_count);
		uint32_t span = 0;
		for (uint32_t i = 0; i < zone->slot_count; i++) {
			int64_t at = zone->slot_base + ((int64_t)i << SLOT_SHIFT);
			while (span + 1 < zone->count && zone->spans[span + 1].from <= at)
				span++;
			zone->slots[i] = span;
		}
	}
	return zone;
}

struct zone *zone_parse(const char *name, const uint8_t *data, size_t size, GError **error)
{
	GArray *spans = NULL;
	struct zone_type *types = NULL;
	int64_t cycle_start = 0;
	if (!zone_data_read(data, size, &spans, &types, &cycle_start, error))
		return NULL;
	return zone_new(name, spans, types, cycle_start);
}

struct zone *zone_new_utc(void)
{
	GArray *spans = g_array_new(FALSE, FALSE, sizeof(struct zone_data_span));
	struct zone_data_span all = {.from = INT64_MIN};
	g_array_append_val(spans, all);
	struct zone_type *types = g_new0(struct zone_type, 1);
	memcpy(types[0].abbreviation, "UTC", 4);
	return zone_new("UTC", spans, types, INT64_MAX);
}

struct zone *zone_ref(struct zone *zone)
{
	g_atomic_int_inc(&zone->refs);
	return zone;
}

void zone_unref(struct zone *zone)
{
	if (!zone || !g_atomic_int_dec_and_test(&zone->refs))
		return;
	g_free(zone->name);
	g_free(zone->types);
	g_free(zone->spans);
	g_free(zone->slots);
	g_free(zone);
}

const char *zone_name(const struct zone *zone)
{
	return zone->name;
}

/* Index of the span of `s`, which lies before the end of the first cycle. */
static uint32_t find_span(const struct zone *zone, int64_t s)
{
	if (zone->count == 1 || s < zone->slot_base)
		return 0;
	uint64_t slot = (uint64_t)(s - zone->slot_base) >> SLOT_SHIFT;
	uint32_t i = zone->slots[MIN(slot, zone->slot_count - 1)];
	while (i + 1 < zone->count && zone->spans[i + 1].from <= s)
		i++;
	return i;
}

/* How far back `s` is moved to fall into the first cycle. */
static inline int64_t cycle_shift(const struct zone *zone, int64_t s)
{
	if (G_LIKELY(s < zone->cycle_start || s - zone->cycle_start < ZONE_CYCLE_S))
		return 0;
	return (s - zone->cycle_start) / ZONE_CYCLE_S * ZONE_CYCLE_S;
}

/* The span of `s`; returns its type. */
static uint16_t look_up(const struct zone *zone, int64_t s, struct zone_span *out)
{
	int64_t shift = cycle_shift(zone, s);
	uint32_t i = find_span(zone, s - shift);
	const struct zone_data_span *span = &zone->spans[i];
	out->from_s = i ? span->from + shift : ZONE_FIRST_S;
	out->to_s = i + 1 < zone->count ? span[1].from + shift : ZONE_LAST_S;
	out->offset_s = span->offset_s;
	return span->type;
}

void zone_span_at(const struct zone *zone, int64_t s, struct zone_span *out)
{
	look_up(zone, s, out);
}

void zone_interval_at(const struct zone *zone, time_us t, struct zone_interval *out)
{
	struct zone_span span;
	const struct zone_type *type = &zone->types[look_up(zone, floor_div(t, US_PER_SECOND), &span)];
	out->from = span.from_s == ZONE_FIRST_S ? TIME_US_MIN : span.from_s * US_PER_SECOND;
	out->to = span.to_s == ZONE_LAST_S || span.to_s > TIME_US_MAX / US_PER_SECOND
			  ? TIME_US_MAX
			  : span.to_s * US_PER_SECOND;
	out->offset_s = span.offset_s;
	out->dst = type->dst;
	memcpy(out->abbreviation, type->abbreviation, sizeof(out->abbreviation));
}

int32_t zone_offset_at(const struct zone *zone, time_us t)
{
	struct zone_span span;
	look_up(zone, floor_div(t, US_PER_SECOND), &span);
	return span.offset_s;
}

/* Every instant that could show `local` lies within the largest offset on both sides of it, so the spans
 * there are asked in order. An instant outside what a time_us can hold is no instant. */
int zone_instants(const struct zone *zone, time_us local, time_us out[static 2])
{
	int64_t s = floor_div(local, US_PER_SECOND), rest = local - s * US_PER_SECOND;
	int found = 0;
	struct zone_span span;
	for (int64_t at = s - ZONE_OFFSET_MAX_S; at <= s - ZONE_OFFSET_MIN_S && found < 2; at = span.to_s) {
		zone_span_at(zone, at, &span);
		int64_t t = s - span.offset_s;
		if (t >= span.from_s && t < span.to_s && t > TIME_US_MIN / US_PER_SECOND &&
			t < TIME_US_MAX / US_PER_SECOND)
			out[found++] = t * US_PER_SECOND + rest;
	}
	return found;
}

time_us zone_resolve(const struct zone *zone, time_us local)
{
	time_us instants[2];
	if (zone_instants(zone, local, instants))
		return instants[0];
	/* A gap: read with the offset in force before it, the wall time lies as far behind the change as it
	 * lay inside the gap. */
	int64_t s = floor_div(local, US_PER_SECOND);
	struct zone_span span;
	zone_span_at(zone, s - ZONE_OFFSET_MAX_S, &span);
	while (span.to_s <= s - ZONE_OFFSET_MIN_S) {
		struct zone_span next;
		zone_span_at(zone, span.to_s, &next);
		if (s < next.from_s + next.offset_s)
			break;
		span = next;
	}
	return local - span.offset_s * US_PER_SECOND;
}

char *zone_format(const struct zone *zone, time_us t, char buf[static TIME_TEXT_MAX])
{
	return time_format(t, zone_offset_at(zone, t), buf);
}
