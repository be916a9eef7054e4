/* Purpose: decides what fires when, and what is recorded of it: (now, event) → effects. Pure: it reads no
 * clock, does no I/O and takes no lock; one thread (the loop) owns it.
 *
 * Progress of a lane (a callback), see ARCHITECTURE.md:
 *  - the watermark: everything at or before it is resolved, or open, or in a backlog record;
 *  - the open fires: handed out (or waiting for their next attempt) and written down, as they took long;
 *  - the backlog records: stretches of missed time that are being made up for, each decided once.
 * Fires are computed, never stored: a lane walks its order of fires with a cursor for each distinct schedule.
 *
 * Invariants:
 *  - a fire is retired (counted as done by a commit) only in order, or after it was written down as open;
 *  - handed out but not durably retired are at most open_max fires a lane: with one commit group more, this
 *    is the window of possible repeats after a crash;
 *  - a live fire is handed out within ENGINE_GRACE of its time, or it is missed and goes through a backlog
 *    record;
 *  - a record is durable before anything of it is told or fired, so that it is decided once;
 *  - a definition becomes durable together with all that its predecessor had on its way. */
#pragma once

#include "model/change.h"
#include "model/foreseen.h"
#include "model/import.h"
#include "model/progress.h"

/* A fire handed out within this of its time is never missed. */
#define ENGINE_GRACE      US_PER_SECOND
/* A forward step of the clock of more than this that time awake and suspended does not explain is held ... */
#define ENGINE_STEP_HELD  US_PER_HOUR
/* ... for this long, before it is believed. A backward step of more than ENGINE_STEP_HELD opens a clock
 * epoch. */
#define ENGINE_STEP_WAIT  US_PER_MINUTE
/* A step smaller than this is not worth a note. */
#define ENGINE_STEP_NOTED (2 * US_PER_SECOND)
/* A fire that is unanswered for so long is written down as open, so that the watermark can go on. */
#define ENGINE_OPEN_AFTER (250 * US_PER_MS)
/* Fires handed out, or done and not yet durable, of one lane; half of them at most are from the backlog. */
#define ENGINE_OPEN_MAX   8192
/* Fires that were asked for and are not over, of one lane: no more are taken. */
#define ENGINE_ASKED_MAX  8192

struct engine;

struct engine_lane_options {
	const char *name; /* the callback's canonical name */
	bool lasting;     /* a fire is a run that lasts (callback.h) */
	/* At most once: this many may have begun at a time, each being durable as such before it is handed
	 * out; what has begun when the process goes ends as failed. 0: at least once. */
	uint32_t begin_max;
	uint32_t open_max; /* 0: that of the engine */
	int64_t per_hour;  /* fires an hour, evenly spread but for a tenth of a second; 0: no limit */
};

struct engine_options {
	const struct engine_lane_options *lanes; /* an action's lane is an index into it */
	uint16_t lane_count;
	uint32_t open_max;           /* 0: ENGINE_OPEN_MAX */
	uint32_t asked_max;          /* 0: ENGINE_ASKED_MAX */
	dur_us retry_min, retry_max; /* back-off between attempts, doubled each time; 0: 1 s and 5 min */
	bool manual_only;            /* hands out nothing but what is asked for, and moves no watermark */
	time_us catch_up_from;       /* missed fires due before are skipped at this start; TIME_US_MIN: none,
					TIME_US_MAX: all */
};

struct engine *engine_new(const struct engine_options *options);
void engine_free(struct engine *engine);

/* Adds a lane, whose index is returned: one that engine_restore is to find must be there before; one that
 * comes later begins now, or with the start as long as nothing was taken: it has nothing owed. */
uint16_t engine_add_lane(struct engine *engine, const struct engine_lane_options *options);

/* --- the start, in this order: restore the actions, the progress, the changes of the table; then run --- */

/* Takes over a definition read back from internal_db, ascending by id; its lane is the one it had then. The
 * reference is taken over. */
void engine_restore_action(struct engine *engine, struct action *action, time_us since);
/* Takes over the progress read back (NULL: none) and frees it. Backlog members must have their schedule set.
 */
void engine_restore(struct engine *engine, struct progress *progress, time_us now, time_us boottime);

/* What another scheduler left owed: after engine_restore, where nothing was known before. Actions first seen
 * from now on owe their fires from the time that stands here (ascending by id, copied), in backlog records.
 * Until engine_import_end, which is to come before the first commit is taken, so that the import is durable
 * as a whole. */
void engine_import(struct engine *engine, const struct import_job *jobs, size_t count);
struct import_result {
	size_t seen;       /* jobs whose action was seen */
	size_t owing;      /* actions that owe fires of before the start */
	time_us first_due; /* of these; TIME_US_MAX where there is none */
};
void engine_import_end(struct engine *engine, struct import_result *out);

/* --- in place of running --- */

typedef void (*engine_foreseen_fn)(void *context, const struct foreseen *foreseen);
/* After the changes of the table: tells what would become of all that is owed by now, if it ran. It decides
 * as it would then, and hands out nothing; a hold counts as over now. Afterwards the engine is good for
 * nothing but engine_free. */
void engine_foresee(struct engine *engine, engine_foreseen_fn each, void *context);

/* --- events --- */

/* Tells the time; called first in every turn. Notices steps of the clock: `boottime` goes on steadily. */
void engine_clock(struct engine *engine, time_us now, time_us boottime);
/* Changes of the table, ascending by id; actions and packed definitions are taken over (the array is not). */
void engine_apply(struct engine *engine, struct action_change *changes, size_t count);
/* Answers of a callback; details are taken over. Unknown tickets are passed over. */
void engine_resolved(struct engine *engine, uint16_t lane, const struct fire_result *results, size_t count);
/* The callback of the lane has room again. */
void engine_ready(struct engine *engine, uint16_t lane);
enum engine_asked {
	ENGINE_QUEUED,
	ENGINE_NO_ACTION, /* none such fires */
	ENGINE_UNDER_WAY, /* the fire is open, or its end is not durable yet */
	ENGINE_BUSY,      /* asked_max fires of the lane wait already */
};
/* A fire out of turn, of an action that is known. It is handed out once it is durable, under the id
 * `ID!UUID`. */
enum engine_asked engine_trigger(struct engine *engine, int64_t action_id, const char *uuid);
/* Another round of attempts for a fire that failed: action, nominal time, due time, manual and attempts of
 * `fire` are read. It is handed out once that is durable; its outcome takes the place of the one in the
 * history. */
enum engine_asked engine_retry(struct engine *engine, const struct open_fire *fire);
/* All waits from now on, for maintenance: nothing is handed out, not even what is asked for; what is handed
 * out goes on to its end. It lasts over restarts. The reason is copied; NULL: none. False where it is so
 * already. */
bool engine_hold(struct engine *engine, const char *reason);
/* The end of it, as soon as that is durable: what was due since is missed, by the ordinary rules, or with
 * `skip` dropped. False where nothing is held. */
bool engine_release(struct engine *engine, bool skip);
/* NULL where nothing is held. Borrowed until the next event. */
const struct hold *engine_held(const struct engine *engine);
/* The commit with which that is durable; 0: it is. */
uint64_t engine_hold_sequence(const struct engine *engine);
/* What was asked for by now is durable once this commit is. */
uint64_t engine_next_sequence(const struct engine *engine);
/* A commit is durable. */
void engine_committed(struct engine *engine, uint64_t sequence);
/* No more fires are handed out; those handed out may still be answered. */
void engine_stop(struct engine *engine);

/* --- effects --- */

/* Does a bounded piece of background work (deciding over missed time); true where more is left. */
bool engine_work(struct engine *engine);
/* The next fires to hand to the callback of a lane, at most max; 0 where there are none now. Valid until the
 * next call of engine_resolved or engine_apply. Each must be answered for by engine_accepted before anything
 * else. */
size_t engine_take(struct engine *engine, uint16_t lane, struct fire *out, size_t max);
/* The callback accepted the first `accepted` of those just taken; the rest waits for engine_ready. */
void engine_accepted(struct engine *engine, uint16_t lane, size_t accepted);
/* What is to be made durable now; NULL where there is nothing, or the last one is not yet committed. The
 * caller owns it. */
struct commit *engine_take_commit(struct engine *engine);
/* When to call again if nothing else happens: TIME_US_MIN for at once, TIME_US_MAX for never. */
time_us engine_next_wake(const struct engine *engine);
/* Nothing handed out is unanswered, and nothing waits to be made durable. */
bool engine_is_idle(const struct engine *engine);

/* --- a look inside, for logs, status and tests --- */

struct engine_lane_status {
	const char *name;
	struct position watermark; /* as of the last durable commit */
	time_us next_due;          /* of the live fires; TIME_US_MAX: there is none */
	uint32_t clock_epoch;
	uint32_t in_flight; /* handed out and unanswered */
	uint32_t open;      /* written down as open */
	uint32_t retained;  /* counted against open_max */
	uint32_t asked;     /* asked for by hand and not over */
	uint32_t backlog_records;
	time_us backlog_from, backlog_to; /* of the oldest record */
	dur_us backlog_left;              /* of all records: the time that is still to be made up for */
	dur_us backlog_walked;            /* made up for since the start; only grows */
	bool waiting;                     /* the receiver is unavailable */
};
void engine_lane_status(const struct engine *engine, uint16_t lane, struct engine_lane_status *out);
size_t engine_action_count(const struct engine *engine);
/* Of these, the actions that have a fire to come. Kept, not counted. */
size_t engine_firing_count(const struct engine *engine);
/* Of each action the first live fire due after now, the earliest of all first, at most max of at most
 * ENGINE_NEXT_MAX; borrowed until the next change. Bounded in time: of a lane with very many schedules that
 * are due and not handed out, none are told. */
#define ENGINE_NEXT_MAX 32
struct engine_next {
	const struct action *action;
	struct position position;
};
size_t engine_next_fires(const struct engine *engine, struct engine_next *out, size_t max);
/* The open fires of a lane, the first that were written down, at most max; borrowed until the next event. */
struct engine_open {
	const struct action *action; /* NULL: it is gone */
	int64_t action_id;
	struct position position;
	const char *manual;      /* NULL for a scheduled one */
	uint16_t attempts;       /* answers that refused it */
	time_us next_attempt_at; /* TIME_US_MIN: it waits for none */
	bool handed_out;         /* and unanswered */
};
size_t engine_open_fires(const struct engine *engine, uint16_t lane, struct engine_open *out, size_t max);
/* Whether internal_db durably knows of a fire that was handed out that it is over (manual: its UUID, else
 * empty). False for anything not sure, and while a commit is under way. */
bool engine_is_settled(
	const struct engine *engine, uint16_t lane, struct position position, const char *manual);
/* NULL where there is none such that fires. Borrowed until the next change. */
const struct action *engine_find_action(const struct engine *engine, int64_t id);
size_t engine_schedule_count(const struct engine *engine);
/* Walks the actions ascending by id with their next fire after now (false: none). */
typedef void (*engine_action_fn)(void *context, const struct action *action, bool has_next, time_us next_due);
void engine_each_action(const struct engine *engine, engine_action_fn each, void *context);
/* Texts for the log (clock steps, missed stretches found and made up for), oldest first; NULL where there is
 * none. The caller frees it. */
char *engine_take_note(struct engine *engine);
/* Adds a note: for the history with the next commit, and for the log. */
void engine_tell(struct engine *engine, const char *text);
