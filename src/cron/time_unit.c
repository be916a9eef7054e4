#include "cron/time_unit.h"

static const int64_t length_s[] = {
	[UNIT_SECOND] = 1, [UNIT_MINUTE] = 60, [UNIT_HOUR] = 3600, [UNIT_DAY] = 86400};

dur_us time_unit_length(enum time_unit unit)
{
	return length_s[unit] * US_PER_SECOND;
}

/* The last midnight at or before: of two that one zone shows, the one before t. */
static int64_t day_begin(const struct zone *zone, int64_t s)
{
	struct zone_span span;
	zone_span_at(zone, s, &span);
	int64_t midnight = floor_div(s + span.offset_s, length_s[UNIT_DAY]) * length_s[UNIT_DAY];
	while (midnight - span.offset_s < span.from_s) {
		int64_t change = span.from_s;
		zone_span_at(zone, change - 1, &span);
		/* Midnight was skipped: the day begins where the clock was set. */
		if (change - 1 + span.offset_s < midnight)
			return change;
	}
	return midnight - span.offset_s;
}

static int64_t day_end(const struct zone *zone, int64_t s)
{
	struct zone_span span;
	zone_span_at(zone, s, &span);
	int64_t midnight = (floor_div(s + span.offset_s, length_s[UNIT_DAY]) + 1) * length_s[UNIT_DAY];
	while (midnight - span.offset_s >= span.to_s) {
		int64_t change = span.to_s;
		zone_span_at(zone, change, &span);
		if (change + span.offset_s >= midnight)
			return change;
	}
	return midnight - span.offset_s;
}

time_us time_unit_begin(const struct zone *zone, enum time_unit unit, time_us t)
{
	int64_t s = floor_div(t, US_PER_SECOND);
	if (unit == UNIT_DAY)
		return day_begin(zone, s) * US_PER_SECOND;
	struct zone_span span;
	zone_span_at(zone, s, &span);
	int64_t local = s + span.offset_s;
	return MAX(s - floor_mod(local, length_s[unit]), span.from_s) * US_PER_SECOND;
}

time_us time_unit_end(const struct zone *zone, enum time_unit unit, time_us t)
{
	int64_t s = floor_div(t, US_PER_SECOND);
	if (unit == UNIT_DAY)
		return day_end(zone, s) * US_PER_SECOND;
	struct zone_span span;
	zone_span_at(zone, s, &span);
	int64_t local = s + span.offset_s;
	return MIN(s + length_s[unit] - floor_mod(local, length_s[unit]), span.to_s) * US_PER_SECOND;
}
