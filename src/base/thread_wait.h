/* Purpose: waiting on a condition variable up to a deadline of CLOCK_MONOTONIC. Any thread. */
#pragma once

#include <pthread.h>
#include <stdbool.h>

#include "base/time_us.h"

/* False where the deadline has passed. */
static inline bool thread_wait_until(pthread_cond_t *cond, pthread_mutex_t *lock, time_us deadline)
{
	struct timespec ts = {deadline / US_PER_SECOND, (deadline % US_PER_SECOND) * 1000};
	return pthread_cond_clockwait(cond, lock, CLOCK_MONOTONIC, &ts) == 0;
}
