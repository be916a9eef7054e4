/* Purpose: what is taken over from another scheduler's job store: when each action was to run next there.
 * Plain data and pure functions. */
#pragma once

#include "model/fire.h"

/* A job of that store. */
struct import_job {
	int64_t action_id;
	time_us next_run; /* its fires due from this on are owed; TIME_US_MAX: paused, nothing is */
};

/* Fires due later than this are owed where the action was to run next at next_run (itself included). A jitter
 * was drawn there otherwise than it is here: then the fire that next_run stood for is owed, whenever it is
 * due here. */
time_us import_owed_after(const struct schedule *schedule, int64_t action_id, time_us next_run);

/* Sorts by action id and lets each id stay once. */
void import_jobs_sort(GArray *jobs);
/* The job of an action among sorted ones, or NULL. */
const struct import_job *import_jobs_find(const GArray *jobs, int64_t action_id);
