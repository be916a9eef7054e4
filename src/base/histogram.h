/* Purpose: how values are spread, in a fixed size: a log-linear histogram (as HdrHistogram has it). A bucket
 * is at most 1/16 as wide as its values, so a quantile is too high by 6.25 % at most. Plain data; one thread
 * at a time. */
#pragma once

#include <stdint.h>

/* Linear buckets to a power of two, and the values from which on all lie in the last bucket. */
#define HISTOGRAM_LINEAR  16
#define HISTOGRAM_BITS    40
#define HISTOGRAM_BUCKETS (HISTOGRAM_LINEAR * (HISTOGRAM_BITS - 3))

/* All zeroes is an empty one. */
struct histogram {
	uint64_t count;
	int64_t sum, max;
	uint64_t buckets[HISTOGRAM_BUCKETS];
};

/* A value below 0 counts as 0. */
void histogram_add(struct histogram *histogram, int64_t value);
void histogram_merge(struct histogram *into, const struct histogram *from);
/* The value that a share of the values (0 to 1) does not exceed, rounded up to the end of its bucket, at most
 * the largest value; 0 of an empty one. */
int64_t histogram_quantile(const struct histogram *histogram, double share);
