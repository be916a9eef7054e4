/* Purpose: the alarm clock of the loop: a timerfd on the system's clock, which notices steps of the clock at
 * once. Loop thread. Errors end the process: without a timer there is no scheduler. */
#pragma once

#include <stdbool.h>

#include "base/time_us.h"

/* The longest sleep, whatever happens (a machine that was suspended). */
#define TIMER_SLEEP_MAX US_PER_MINUTE

int timer_open(void);
/* Readable at `wake`, or after TIMER_SLEEP_MAX, or when the clock is set. TIME_US_MAX for no wish. */
void timer_arm(int fd, time_us wake);
/* Makes it unreadable; true where the clock was set. */
bool timer_drain(int fd);
