/* Purpose: the one place that reads clocks. Never included by a pure folder (cron, model, engine), which get
 * `now` as a parameter. Any thread.
 * In a build with the option test_clock, clock_now adds the signed number of seconds in the file that the
 * variable ACTION_SCHEDULER_CLOCK names; clock_test_poll rereads it and is called every 50 ms. */
#pragma once

#include "base/time_us.h"

/* The system's real-time clock (with the test offset where built in). */
time_us clock_now(void);
/* CLOCK_BOOTTIME: goes on while suspended, never steps. */
time_us clock_boottime(void);
/* CLOCK_MONOTONIC, for deadlines and rates. */
time_us clock_monotonic(void);

/* Rereads the offset; true where it changed, which is a step of the clock. False in a release build. */
bool clock_test_poll(void);
/* The offset in force, 0 in a release build: a timer on the system's clock subtracts it. */
dur_us clock_test_offset(void);
