#include "wrap_poll.h"

#include <glib.h>
#include <poll.h>

static int longest = -1, timeouts;

int __real_poll(struct pollfd *fds, nfds_t count, int timeout_ms);
int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout_ms);

int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout_ms)
{
	longest = timeout_ms < 0 ? G_MAXINT : MAX(longest, timeout_ms);
	int ready = __real_poll(fds, count, timeout_ms);
	timeouts += ready == 0;
	return ready;
}

int wrap_poll_longest(void)
{
	return longest;
}

int wrap_poll_timeouts(void)
{
	return timeouts;
}

void wrap_poll_reset(void)
{
	longest = -1;
	timeouts = 0;
}
