#include "daemon/timer.h"

#include "base/clock.h"

#include <errno.h>
#include <glib.h>
#include <sys/timerfd.h>
#include <unistd.h>

/* With the test clock its file is looked at so often. */
#ifdef TEST_CLOCK
#define SLEEP_MAX (50 * US_PER_MS)
#else
#define SLEEP_MAX TIMER_SLEEP_MAX
#endif

int timer_open(void)
{
	int fd = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	if (fd < 0)
		g_error("timerfd_create: %m");
	return fd;
}

void timer_arm(int fd, time_us wake)
{
	time_us now = clock_now();
	time_us at = CLAMP(wake, now, now + SLEEP_MAX) - clock_test_offset();
	/* All zero would disarm it. */
	at = MAX(at, 1);
	struct itimerspec spec = {.it_value = {at / US_PER_SECOND, (at % US_PER_SECOND) * 1000}};
	/* ECANCELED: the clock was set since the last read; the timer is armed all the same. */
	if (timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &spec, NULL) != 0 &&
		errno != ECANCELED)
		g_error("timerfd_settime: %m");
}

bool timer_drain(int fd)
{
	uint64_t count;
	return read(fd, &count, sizeof count) < 0 && errno == ECANCELED;
}
