#include "base/clock.h"

#include <time.h>

#ifdef TEST_CLOCK
#include <glib.h>
#include <stdatomic.h>
#include <stdlib.h>

static _Atomic int64_t test_offset;

static dur_us test_offset_read(void)
{
	const char *path = getenv("ACTION_SCHEDULER_CLOCK");
	g_autofree char *text = NULL;
	if (!path || !g_file_get_contents(path, &text, NULL, NULL))
		return atomic_load(&test_offset);
	char *end = NULL;
	double seconds = g_ascii_strtod(text, &end);
	/* A file that is just being written reads as empty: the last offset stays. */
	return end == text ? atomic_load(&test_offset) : (dur_us)(seconds * 1e6);
}

bool clock_test_poll(void)
{
	dur_us fresh = test_offset_read();
	return atomic_exchange(&test_offset, fresh) != fresh;
}

dur_us clock_test_offset(void)
{
	return atomic_load(&test_offset);
}
#else
bool clock_test_poll(void)
{
	return false;
}

dur_us clock_test_offset(void)
{
	return 0;
}
#endif

static time_us clock_read(clockid_t id)
{
	struct timespec ts;
	clock_gettime(id, &ts);
	return (time_us)ts.tv_sec * US_PER_SECOND + ts.tv_nsec / 1000;
}

time_us clock_now(void)
{
	return clock_read(CLOCK_REALTIME) + clock_test_offset();
}

time_us clock_boottime(void)
{
	return clock_read(CLOCK_BOOTTIME);
}

time_us clock_monotonic(void)
{
	return clock_read(CLOCK_MONOTONIC);
}
