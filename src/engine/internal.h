/* Purpose: the parts of the engine among themselves. Not for other folders.
 *
 *  - cohort.c: actions of a lane that are always due together (the order of their fires: model/fire_source.h)
 *  - actions.c: the table of actions: restore, changes, what an edit leaves owed
 *  - missed.c: live fires that are late, clock steps: what goes to a record, what comes again
 *  - decision.c: what is dropped of a stretch of missed fires
 *  - backlog.c: records of missed time: deciding over their actions, the order of what remains
 *  - foresee.c: what would become of all that is owed
 *  - manual.c: fires that were asked for
 *  - hold.c: all waits, for maintenance
 *  - settled.c: fires that are over for good
 *  - flight.c: fires on their way from being due to being durable, and the runs that last
 *  - lane.c: taking, answers, when to look again
 *  - commit.c: what is retired and written down
 *  - engine.c: life, clock
 *  - look.c: looks inside */
#pragma once

#include "engine/engine.h"
#include "model/fire_source.h"

/* --- cohorts --- */

/* Actions of a lane that are always due together: of one schedule, or a single one with jitter. */
struct cohort {
	struct schedule *schedule; /* a reference */
	int64_t jittered_id;       /* the one action's id; 0 without jitter */
	struct action_list members;
	struct cursor cursor; /* of the live stream */
	/* Changes gathered while a batch is applied. */
	GArray *out;   /* int64_t */
	GPtrArray *in; /* struct action */
};

struct lane;
struct cohort *lane_cohort(struct lane *lane, struct schedule *schedule, int64_t id, bool create);
void lane_cohort_drop(struct lane *lane, struct cohort *cohort);

/* --- flights --- */

enum flight_state {
	FLIGHT_READY,     /* to be handed out */
	FLIGHT_DEFERRED,  /* an earlier missed fire of the action is still on its way */
	FLIGHT_RECORDING, /* to be handed out once it is durable as open */
	FLIGHT_SUBMITTED, /* handed out */
	FLIGHT_WAITING,   /* for its next attempt */
	FLIGHT_DONE,      /* to be retired */
};

/* A fire on its way from being due to being durable. */
struct flight {
	struct flight *prev, *next; /* in its stream, or among the open ones, or the free ones */
	struct stream *stream;      /* NULL: written down as open */
	struct flight *twin;        /* of an open one: another with the same position and UUID */
	struct action *action;      /* a reference; NULL where it was gone at the start */
	struct position position;
	uint64_t ticket, order;   /* order: that of dispatch */
	time_us handed_at;        /* boottime */
	time_us unavailable_from; /* boottime of the first hand-out that found the receiver unavailable */
	time_us next_attempt_at, started_at, finished_at;
	char *manual, *detail;
	int64_t action_id;
	uint64_t recorded_by; /* the commit that FLIGHT_RECORDING waits for */
	uint16_t attempts, attempts_before, lane;
	uint16_t recorded_lane; /* in which internal_db has it as open */
	uint8_t state, status, reason;
	uint8_t unavailable; /* answers that the receiver is not there */
	bool backlog;
	bool handed;   /* handed out at least once, so it is never missed any more */
	bool open;     /* in the list of open ones */
	bool running;  /* counted among the runs of its action */
	bool recorded; /* internal_db has it as open */
	bool asked;    /* counted against asked_max */
	bool changed;  /* the open one is to be written again */
	bool started;  /* at_most_once: it is written down as begun, or will be */
};

/* Fires in order, dispatched and not yet retired. */
struct stream {
	struct flight *first, *last;
	struct position dispatched; /* everything up to here was dispatched, or is nobody's */
};

/* What runs of one action in a lane whose fires last. */
struct run {
	int64_t action_id;
	uint32_t running, backlog_running;
	GQueue deferred; /* struct flight */
};

/* --- backlog --- */

#define RANGES_MAX 4

/* Fires of an action that are dropped of a stretch. */
struct dropped {
	enum fire_status status;
	enum fire_reason reason;
	time_us first, last, merged_into;
	uint64_t count;
};

/* What becomes of the fires of an action in a stretch. */
struct decision {
	struct dropped ranges[RANGES_MAX];
	unsigned range_count;
	time_us floor; /* those due after it are fired */
	bool fires;
};

struct slice_key {
	const struct schedule *schedule;
	time_us after;
	int64_t jittered_id;
	int32_t actuality_s, catch_up_limit;
	bool merge_missed;
};

/* decision.c: INTERFACE: merged first, then too old, then the limit. One id stands for all of a slice. */
void decision_make(struct decision *decision, const struct backlog_record *record,
	const struct slice_key *key, int64_t id);

/* Actions of a record for which it has decided alike. */
struct slice {
	struct slice_key key;
	struct decision decision;
	struct action_list members; /* references */
	struct cursor cursor;
	uint32_t stale; /* members that were handed over to other records */
	GArray *ids;    /* int64_t: of the piece being settled, whose dropped fires are to be told */
};

enum record_phase { RECORD_WAITING, RECORD_SETTLING, RECORD_FIRING };

struct record {
	struct backlog_record data; /* data.cursor: as last committed */
	struct stream stream;
	struct source source;
	GHashTable *slices;  /* struct slice, while active */
	int64_t scanned_id;  /* actions up to here are in slices */
	time_us skip_before; /* dropped when they come, for a record of an earlier start */
	uint64_t fired;
	uint64_t written;      /* the commit that writes what is to be decided; 0 where it was read back */
	uint32_t members_left; /* not handed over to other records */
	uint8_t phase;
	uint64_t heir_turn;    /* of the last edit that left something to it */
	uint64_t derived_from; /* the record (0: the live stream) whose edited actions it took over */
	bool derived, dirty, members_dirty, stored;
	bool redefined; /* what is to be decided changed, and is to be written again first */
};

/* --- lanes --- */

struct jump {
	bool on;
	time_us until_boottime;
	struct position from, to;
};

struct lane {
	struct engine *engine;
	char *name;
	bool lasting;
	uint16_t index;
	uint32_t open_max;
	uint32_t begin_max; /* fires that may have begun at a time, each written down before; 0: no such thing
			     */
	uint32_t begun;     /* of these */
	int64_t interval_ns; /* between two fires by the rate; 0: none */
	uint32_t clock_epoch;
	GHashTable *cohorts; /* a set of struct cohort */
	struct source source;
	struct stream live;
	struct position watermark; /* as of the last commit made */
	struct position reached;   /* everything up to here is resolved or open, when this is committed */
	bool watermark_known;      /* a row of it is in internal_db */
	bool epoch_new;            /* its row has another clock epoch */
	GQueue ready;              /* struct flight, in order */
	GQueue waiting;            /* struct flight */
	struct flight *open_first, *open_last;
	GHashTable *open_set; /* the same, as a set; equal by position and UUID, twins behind one of them */
	GPtrArray *records;   /* struct record, the first is worked on */
	GHashTable *runs;     /* action id → struct run; NULL where fires do not last */
	struct jump jump;
	uint32_t retained, backlog_retained, in_flight, open_count, open_changed, asked;
	dur_us backlog_walked; /* time made up for, since the start */
	uint32_t turns;
	GPtrArray *taken;      /* struct flight: by the last engine_take */
	bool started;          /* the backlog of this start was looked for */
	bool full;             /* until engine_ready */
	time_us blocked_until; /* boottime: the receiver is unavailable; TIME_US_MIN: it is not */
	int64_t rate_ns;       /* boottime: when the fires handed out so far would have gone by the rate */
	GQueue recording;      /* struct flight: to be handed out once it is durable that they are open */
	uint32_t failures;
	time_us answered_at; /* boottime of the last answer that the receiver gave; TIME_US_MIN: none */
	size_t took;         /* dispatched by this engine_take, handed out or to be written down first */
};

struct engine {
	struct engine_options options;
	struct lane **lanes;
	uint16_t lane_count;
	bool restored;
	struct action_list actions;
	time_us now, boottime, started_at;
	bool clock_known, starting, stopped;
	uint32_t next_incarnation;
	uint64_t next_ticket, next_order, next_sequence, next_record, next_heir;
	/* flights by the low half of their ticket */
	GPtrArray *flights;
	struct flight *free_flights;
	/* what the next commit takes along */
	struct commit *pending;
	uint64_t pending_ids;
	uint64_t commit_sequence; /* under way, 0: none */
	uint64_t durable;         /* the last one that is */
	GPtrArray *retiring;      /* struct flight */
	GQueue notes;             /* char * */
	struct hold hold;
	uint64_t hold_by;      /* the commit with which it is durable as it is */
	uint64_t released_by;  /* the same of its last end */
	struct import *import; /* what another scheduler left owed; NULL: nothing, or it is done */
};

/* A receiver may ask to be left alone for so long at most. */
#define RETRY_AT_MAX US_PER_DAY

/* engine.c */
/* Fires of an action later than a position are those due after this. */
time_us position_bound(struct position p, const struct schedule *schedule, int64_t id);
/* The position just before a fire. */
static inline struct position position_before(struct position p)
{
	return (struct position){p.due_at, p.action_id, p.nominal - 1};
}
void engine_note(struct engine *engine, bool in_history, const char *format, ...) G_GNUC_PRINTF(3, 4);
/* Missed fires due before are dropped by run --catch-up: those of this start only. */
time_us engine_drop_before(const struct engine *engine);
void engine_owe_skipped(struct engine *engine, int64_t id, const struct schedule *schedule, time_us after,
	time_us until, enum fire_reason reason);

/* import.c */
/* Since when a new action is there; what it owes by its job goes into a record. */
time_us import_since(struct engine *engine, const struct action *action);
void import_free(struct import *import); /* NULL is fine */

/* actions.c */
/* A definition seen while the clock was ahead holds from an earlier time, durably. */
void action_begin_no_later(struct engine *engine, struct action *action, time_us t);

/* hold.c */
/* Whether nothing is to be handed out; a hold ends once that is durable. */
bool engine_holds(const struct engine *engine);
/* What was read back; taken out of the progress. The lanes and their records are restored. */
void hold_restore(struct engine *engine, struct hold *hold);
/* The clock went back: a hold cannot have begun later than now. */
void hold_clock_back(struct engine *engine);

/* flight.c */
struct flight *flight_new(struct lane *lane, struct stream *stream, struct action *action,
	struct position position, bool backlog);
void flight_free(struct lane *lane, struct flight *flight);
/* The flight leaves its stream and is written down as open by the next commit. */
void flight_open(struct lane *lane, struct flight *flight);
/* It is handed out only once the next commit, in which it is open, is durable. */
void flight_record(struct lane *lane, struct flight *flight);
/* Those of them that are durable by now may be handed out. */
void lane_recorded(struct lane *lane);
/* It is to be handed out once its next attempt is due. */
void flight_go_on(struct lane *lane, struct flight *flight);
/* It may be handed out: after those that may already, but one that is written down as begun before those that
 * are not, as these may have to wait for it. */
void flight_ready(struct lane *lane, struct flight *flight);
/* It has not begun, or is over: another one may begin. */
void flight_not_begun(struct lane *lane, struct flight *flight);
void flight_done(struct lane *lane, struct flight *flight, enum fire_status status, enum fire_reason reason);
void stream_remove(struct stream *stream, struct flight *flight);
void open_remove(struct lane *lane, struct flight *flight);
/* A set for lane.open_set. */
GHashTable *open_set_new(void);
/* Whether one with this position and UUID (empty: none) is open. */
bool open_has(const struct lane *lane, struct position position, const char *manual);
/* The open one is to be written again, or taken away, by the next commit. */
void open_touch(struct lane *lane, struct flight *flight);
/* The open one is as internal_db has it. */
void open_settled(struct lane *lane, struct flight *flight);
/* Counts a fire of a lasting callback in, or finds it a place to wait, or ends it as skipped. */
void run_enter(struct lane *lane, struct flight *flight);
void run_leave(struct lane *lane, struct flight *flight);

/* missed.c */
/* The live stream goes on from a position. */
void lane_seek(struct lane *lane, struct position position);
/* Live fires that were dispatched and not handed out go back: it is as if they had not been. */
void lane_take_back(struct lane *lane);
/* The same; and everything else that is on its way is written down as
 * open, so that the watermark passes it in the next commit, with whatever else that commit says. */
void lane_write_down(struct lane *lane);
/* The cursor with the next live fire due by then, NULL where there is none. */
struct cursor *lane_live_top(struct lane *lane, time_us until);
/* What an action of this lane is still owed from the live stream begins after this. */
time_us lane_since(const struct lane *lane, const struct action *action);
/* While a step of the clock is held, late fires wait for the end of that: they cannot be recorded before. */
bool lane_is_held_up(const struct lane *lane);
/* Opens a record over the live fires that are late, where there are any. */
void lane_find_missed(struct lane *lane);
/* What a hold kept of the live stream: the fires due after `since` up to `until` are dropped, those before
 * were missed. */
void lane_drop_held(struct lane *lane, time_us since, time_us until);
/* What is written down as begun and was not handed out does not begin for now. */
void lane_begin_no_more(struct lane *lane);
/* A jump of the clock forward: what it jumped over waits; it was real; it was not. */
void lane_jump_begin(struct lane *lane);
void lane_jump_believe(struct lane *lane);
void lane_jump_cancel(struct lane *lane);
/* The clock went back for good: what is fired from now on may have been fired before. */
void lane_new_epoch(struct lane *lane);

/* lane.c */
struct lane *lane_new(struct engine *engine, const struct engine_lane_options *options);
void lane_free(struct lane *lane);
bool lane_can_take(const struct lane *lane);
time_us lane_next_wake(const struct lane *lane);

/* commit.c */
/* The fire as internal_db knows it while it is open. */
struct open_fire open_fire_of(const struct lane *lane, const struct flight *flight);

/* backlog.c */
struct record *record_new(struct lane *lane, struct position from, struct position to, time_us decided_now);
struct record *record_restore(struct lane *lane, struct backlog_record *data); /* takes the contents over */
void record_free(struct record *record);
/* The record being fired, NULL where there is none or it is not decided yet. */
struct record *lane_firing(const struct lane *lane);
/* Whether the first record is still to be decided, and that may go on. */
bool lane_can_settle(const struct lane *lane);
/* Decides over some more actions of the first record; true where there is more to do. */
bool lane_settle(struct lane *lane);
/* The same for a record, whatever is durable; true where it is not through. */
bool record_settle(struct lane *lane, struct record *record);
/* Dispatches the next fire of the record; NULL where there is none. */
struct flight *record_dispatch(struct lane *lane, struct record *record);
bool record_has_more(const struct record *record);
/* Why a fire of it due before skip_before is. */
enum fire_reason record_skip_reason(const struct record *record, time_us due);
/* Where all of it is resolved: nothing to dispatch, nothing on its way. */
bool record_is_done(const struct record *record);
/* The bound after which an action's fires are owed by the record; false where it owes none. */
bool record_owes(const struct record *record, const struct action *action, time_us *after,
	const struct schedule **schedule, struct backlog_member **member);
void record_add_member(struct record *record, int64_t id, const struct schedule *schedule, time_us since);
/* The action, which is stale, was handed over: it need not be walked over fire by fire. */
void record_let_go(struct record *record, const struct action *action);
/* The member is handed over to another record. */
void record_drop_member(struct record *record, struct backlog_member *member);
/* Nothing of it is due after t any more. */
void record_cut(struct record *record, time_us t);
