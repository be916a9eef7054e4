/* Purpose: reads the table `apscheduler_jobs`, which the Python program keeps in its internal_db: when each
 * action was to run next. Nothing is unpickled and nothing is written. Any thread; blocks, with a deadline.
 */
#pragma once

#include "base/error.h"
#include "model/import.h"
#include "store/store.h"

struct apscheduler_jobs {
	GArray *jobs;      /* struct import_job, ascending by action id */
	size_t unusable;   /* rows whose id is no action's, or whose time cannot be read */
	char *unusable_id; /* of the first of them, made fit to be shown; NULL where there is none */
};

/* *out is NULL where the database has no such table (one without the columns id and next_run_time is another
 * one's); else the caller's. Errors: AS_ERROR_MISSING where there is no such file, AS_ERROR_UNAVAILABLE where
 * a later try may help, AS_ERROR_INVALID for a dialect that this build cannot read, which it lists. */
bool apscheduler_jobs_read(const struct store_options *where, struct apscheduler_jobs **out, GError **error);
void apscheduler_jobs_free(struct apscheduler_jobs *jobs); /* NULL is fine */

/* Takes a row in, for the readers: text that may not end in a NUL, and seconds since 1970. */
void apscheduler_jobs_add(struct apscheduler_jobs *jobs, struct text id, bool paused, double next_run_s);
