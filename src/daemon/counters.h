/* Purpose: what the daemon counts for `status`: how late live fires are handed out, answers, how fires ended,
 * how fast a backlog is made up for. Nothing here grows. Loop thread. */
#pragma once

#include "base/recent.h"
#include "model/fire.h"
#include "model/progress.h"

struct daemon;

struct counters {
	time_us started_at, started_boot; /* of the process */
	/* From the time at which a live fire was due to the moment at which its callback had accepted it, for
	 * those that are neither missed nor asked for, at their first hand-out. */
	struct histogram late;
	struct recent_values late_recent;
	/* Answers that a receiver gave: delivered or refused. */
	uint64_t answers;
	struct recent_amount answers_recent;
	uint64_t ended[STATUS_SKIPPED + 1]; /* by enum fire_status, in commits */
	time_us commit_began;               /* CLOCK_MONOTONIC: of the one under way */
};

/* Of a lane. */
struct lane_counters {
	uint64_t delivered, refused;
	struct recent_amount answers_recent;
	dur_us walked; /* of a backlog, as last seen */
	struct recent_amount walked_recent;
	time_us walking_since; /* boottime since which there is a backlog; 0: there is none */
	char *unavailable;     /* what the receiver's absence looked like; NULL: it has answered since */
	time_us unavailable_at;
	char *refusal; /* what was said with the latest answer that refused a fire; NULL: none has */
	time_us refusal_at;
};

struct lane;

void counters_begin(struct counters *counters);
/* A callback has just accepted these. */
void counters_handed_out(struct counters *counters, const struct fire *fires, size_t count);
void counters_answered(
	struct counters *counters, struct lane *lane, const struct fire_result *results, size_t count);
/* A commit is handed to the journal. */
void counters_committing(struct daemon *d, const struct commit *commit);

/* A second, over the last minute or since the start where that is less. */
double counters_pace(const struct recent_amount *recent, time_us now_boot, time_us since_boot);
