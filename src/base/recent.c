#include "base/recent.h"

#include <string.h>

#define PART_LENGTH (10 * US_PER_SECOND)

/* How many of `count` parts in a ring are not of the time up to `now` any more. */
static int64_t parts_gone(int64_t newest, int64_t now, int64_t count)
{
	int64_t passed = now - newest;
	return passed < 0 ? 0 : passed < count ? passed : count;
}

void recent_amount_add(struct recent_amount *recent, time_us now, uint64_t amount)
{
	int64_t second = floor_div(now, US_PER_SECOND);
	for (int64_t i = parts_gone(recent->second, second, RECENT_SECONDS); i > 0; i--)
		recent->parts[floor_mod(second - i + 1, RECENT_SECONDS)] = 0;
	if (second > recent->second)
		recent->second = second;
	recent->parts[floor_mod(recent->second, RECENT_SECONDS)] += amount;
}

uint64_t recent_amount_sum(const struct recent_amount *recent, time_us now)
{
	int64_t second = floor_div(now, US_PER_SECOND);
	uint64_t sum = 0;
	for (int64_t i = parts_gone(recent->second, second, RECENT_SECONDS); i < RECENT_SECONDS; i++)
		sum += recent->parts[floor_mod(second - i, RECENT_SECONDS)];
	return sum;
}

void recent_values_add(struct recent_values *recent, time_us now, int64_t value)
{
	int64_t part = floor_div(now, PART_LENGTH);
	for (int64_t i = parts_gone(recent->part, part, RECENT_PARTS); i > 0; i--)
		memset(&recent->parts[floor_mod(part - i + 1, RECENT_PARTS)], 0, sizeof recent->parts[0]);
	if (part > recent->part)
		recent->part = part;
	histogram_add(&recent->parts[floor_mod(recent->part, RECENT_PARTS)], value);
}

void recent_values_merge(const struct recent_values *recent, time_us now, struct histogram *out)
{
	int64_t part = floor_div(now, PART_LENGTH);
	for (int64_t i = parts_gone(recent->part, part, RECENT_PARTS); i < RECENT_PARTS; i++)
		histogram_merge(out, &recent->parts[floor_mod(part - i, RECENT_PARTS)]);
}
