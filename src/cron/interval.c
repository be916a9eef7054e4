#include "cron/interval.h"

/* A step of 0 is a single fire. */

bool interval_next(const struct schedule *s, time_us from, time_us *out)
{
	if (from <= s->start) {
		*out = s->start;
		return true;
	}
	if (!s->step)
		return false;
	*out = s->start + (from - s->start + s->step - 1) / s->step * s->step;
	return true;
}

bool interval_prev(const struct schedule *s, time_us until, time_us *out)
{
	if (until < s->start)
		return false;
	*out = s->step ? until - (until - s->start) % s->step : s->start;
	return true;
}

uint64_t interval_count(const struct schedule *s, time_us from, time_us until)
{
	time_us first, last;
	if (from > until || !interval_next(s, from, &first) || !interval_prev(s, until, &last) ||
		first > last)
		return 0;
	return s->step ? (uint64_t)((last - first) / s->step) + 1 : 1;
}
