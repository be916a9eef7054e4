#include "sim.h"

/* splitmix64 */
uint64_t rng_next(struct rng *rng)
{
	uint64_t x = rng->state += UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

uint64_t rng_below(struct rng *rng, uint64_t n)
{
	return n ? rng_next(rng) % n : 0;
}

bool rng_chance(struct rng *rng, unsigned percent)
{
	return rng_below(rng, 100) < percent;
}

int64_t rng_between(struct rng *rng, int64_t low, int64_t high)
{
	return low + (int64_t)rng_below(rng, (uint64_t)(high - low) + 1);
}

dur_us rng_span(struct rng *rng, dur_us low, dur_us high)
{
	unsigned doublings = 0;
	for (dur_us d = low; d < high; d *= 2)
		doublings++;
	dur_us top = low << rng_below(rng, doublings + 1);
	return rng_between(rng, low, top < high ? top : high);
}
