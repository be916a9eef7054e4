#include "base/histogram.h"

#include <glib.h>

/* Values below HISTOGRAM_LINEAR have a bucket each; then each power of two has HISTOGRAM_LINEAR of them. */
static unsigned bucket_of(int64_t value)
{
	if (value < HISTOGRAM_LINEAR)
		return (unsigned)value;
	unsigned exponent = 63u - (unsigned)__builtin_clzll((unsigned long long)value);
	if (exponent >= HISTOGRAM_BITS)
		return HISTOGRAM_BUCKETS - 1;
	unsigned within = (unsigned)(value >> (exponent - 4)) & (HISTOGRAM_LINEAR - 1);
	return (exponent - 3) * HISTOGRAM_LINEAR + within;
}

/* The largest value of a bucket. */
static int64_t bucket_end(unsigned bucket)
{
	if (bucket < HISTOGRAM_LINEAR)
		return bucket;
	unsigned exponent = bucket / HISTOGRAM_LINEAR + 3;
	int64_t within = bucket % HISTOGRAM_LINEAR;
	return ((HISTOGRAM_LINEAR + within + 1) << (exponent - 4)) - 1;
}

void histogram_add(struct histogram *histogram, int64_t value)
{
	value = MAX(value, 0);
	histogram->count++;
	histogram->sum = value > INT64_MAX - histogram->sum ? INT64_MAX : histogram->sum + value;
	histogram->max = MAX(histogram->max, value);
	histogram->buckets[bucket_of(value)]++;
}

void histogram_merge(struct histogram *into, const struct histogram *from)
{
	into->count += from->count;
	into->sum = from->sum > INT64_MAX - into->sum ? INT64_MAX : into->sum + from->sum;
	into->max = MAX(into->max, from->max);
	for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
		into->buckets[i] += from->buckets[i];
}

int64_t histogram_quantile(const struct histogram *histogram, double share)
{
	double rank = share * (double)histogram->count;
	uint64_t seen = 0;
	if (!histogram->count)
		return 0;
	for (unsigned i = 0; i < HISTOGRAM_BUCKETS - 1; i++) {
		seen += histogram->buckets[i];
		if (seen > 0 && (double)seen >= rank)
			return MIN(bucket_end(i), histogram->max);
	}
	return histogram->max;
}
