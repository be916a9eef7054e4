/* Purpose: a fire of an action: its identity, when it is due, how it ended. Plain data and pure functions. */
#pragma once

#include "model/action.h"

/* Fires of a lane have a total order: by when they are due, then by action, then by nominal time (which
 * differs from the due time only with jitter). A position in it is a watermark or a cursor. */
struct position {
	time_us due_at;
	int64_t action_id;
	time_us nominal;
};
#define POSITION_MIN ((struct position){TIME_US_MIN, INT64_MIN, TIME_US_MIN})

static inline int position_compare(struct position a, struct position b)
{
	if (a.due_at != b.due_at)
		return a.due_at < b.due_at ? -1 : 1;
	if (a.action_id != b.action_id)
		return a.action_id < b.action_id ? -1 : 1;
	return (a.nominal > b.nominal) - (a.nominal < b.nominal);
}
/* The position after every fire due at `t`. */
static inline struct position position_end_of(time_us t)
{
	return (struct position){t, INT64_MAX, TIME_US_MAX};
}

/* When the fire of a nominal time is due: nominal + a jitter that is a pure function of action id and nominal
 * time (splitmix64), uniform in [0, schedule_jitter], or up to the schedule's end where that is nearer. */
time_us fire_due_at(const struct schedule *schedule, int64_t action_id, time_us nominal);

/* The first fire of one action later than `after` in the order; false where there is none. */
bool fire_next(
	const struct schedule *schedule, int64_t action_id, struct position after, struct position *out);
/* The last fire of one action that is due at or before `until`; false where there is none. */
bool fire_last(const struct schedule *schedule, int64_t action_id, time_us until, struct position *out);

/* How many fires of one action are due in (after, until]. */
uint64_t fire_count(const struct schedule *schedule, int64_t action_id, time_us after, time_us until);
/* When the n-th (1-based) fire of one action that is due later than `after` is due; it must exist. */
time_us fire_nth_due(const struct schedule *schedule, int64_t action_id, time_us after, uint64_t n);

/* The longest fire id, with its NUL. */
#define FIRE_ID_MAX     80
#define FIRE_MANUAL_MAX 37 /* a UUID with its NUL */

/* `17@2024-01-01T00:05:00Z`, or `17!UUID` where manual is not NULL and not empty. Returns buf. */
char *fire_id_format(int64_t action_id, time_us nominal, const char *manual, char buf[static FIRE_ID_MAX]);
/* Reads a fire id; false where it is none. manual becomes empty for a scheduled one. */
bool fire_id_parse(
	const char *text, int64_t *action_id, time_us *nominal, char manual[static FIRE_MANUAL_MAX]);

/* A fire as it is handed to a callback. */
struct fire {
	uint64_t ticket;             /* names it in the answer */
	const struct action *action; /* alive until the answer */
	time_us nominal;             /* scheduled_at */
	time_us due_at;
	uint16_t attempt;   /* 1 for the first */
	const char *manual; /* UUID of a manual fire, else NULL */
	bool live;          /* it is handed out for the first time, and neither missed nor asked for */
};

enum fire_answer {
	FIRE_DELIVERED,
	FIRE_REJECTED,    /* refused: uses up an attempt */
	FIRE_UNAVAILABLE, /* the receiver is not there: the lane waits, no attempt is used up */
};

/* The answer of a callback. */
struct fire_result {
	uint64_t ticket;
	enum fire_answer answer;
	time_us started_at, finished_at;
	time_us retry_at; /* not again before this, as the receiver asks; 0: when the back-off says */
	char *detail;     /* error or output, owned by whoever holds the result; mostly NULL */
};

enum fire_status {
	STATUS_DELIVERED,
	STATUS_FAILED,
	STATUS_MERGED,
	STATUS_MISSED,  /* too old */
	STATUS_SKIPPED, /* a limit, paused, removed */
};
const char *fire_status_name(enum fire_status status);
bool fire_status_parse(const char *name, enum fire_status *out);

enum fire_reason {
	REASON_NONE,
	REASON_MERGED,  /* merge_missed: a later missed fire stands for it */
	REASON_TOO_OLD, /* older than actuality_time */
	REASON_CATCH_UP_LIMIT,
	REASON_CATCH_UP_OPTION, /* run --catch-up */
	REASON_REMOVED,         /* the row is gone */
	REASON_DISABLED,        /* the row is disabled */
	REASON_BAD_ROW,         /* the row became bad */
	REASON_MAX_INSTANCES,   /* as many as max_instances were running */
	REASON_REFUSED,         /* max_attempts used up */
	REASON_CLOCK,           /* delivered while a clock jump was held, which was taken back */
	REASON_INTERRUPTED,     /* at_most_once: the scheduler ended while it may have been running */
	REASON_HELD,            /* due while everything was held, which ended with resume --all --skip */
	REASON_PROGRESS_SET,    /* progress set: it was due before the time given */
};
/* The reason in words, for history: `older than actuality_time`. */
const char *fire_reason_text(enum fire_reason reason);
/* Of what a receiver said, what tells most on a line: of a traceback of Python its last line, else all.
 * Points into the text. */
const char *fire_detail_brief(const char *detail);
