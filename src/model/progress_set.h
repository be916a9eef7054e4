/* Purpose: sets the progress of lanes to a time: all that is due before is over, all that is due from then on
 * is owed. For after a restored backup. A pure function from what internal_db holds to a commit; no engine is
 * needed, as the records that it writes are decided by the next start. Any thread. */
#pragma once

#include "model/progress.h"

struct progress_goal {
	time_us at;
	time_us now;
	const char *lane; /* NULL: each */
	bool repeat;      /* a lane may go back */
};

/* What becomes of a lane. */
struct progress_move {
	const char *lane; /* borrowed of the progress */
	struct position from, to;
	bool back;        /* fires due between are due again */
	uint32_t ended;   /* open fires that are over */
	uint32_t again;   /* open fires that come again by themselves */
	uint32_t records; /* backlog records that were there */
};

/* Since when the definition of an action holds; TIME_US_MAX where it is not known. */
typedef time_us (*progress_since_fn)(void *context, int64_t action_id);

/* Adds to the commit what is to be written, and says what becomes of each lane (*out: struct progress_move).
 *  - A lane that goes forward: what is due in between becomes a backlog record of which nothing fires. It is
 * `skipped`, as are what is left of other records and the open fires that were due before; one that had begun
 * under at_most_once is `failed`.
 *  - A lane that goes back: it begins a clock epoch. Records and open fires due from then on go where the
 * lane gives the same fires again; those of an earlier definition of an action, and fires by hand, stay.
 * Errors: AS_ERROR_INVALID where there is no such lane, or where a lane would go back and may not; nothing
 * was added then. */
bool progress_set(const struct progress *progress, const struct progress_goal *goal, progress_since_fn since,
	void *context, struct commit *commit, GArray **out, GError **error);
