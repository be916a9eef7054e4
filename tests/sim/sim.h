/* Purpose: a seeded simulation of the engine: a virtual clock, a journal, a table and callbacks around the
 * real engine, and an oracle that knows the contract only. Everything follows from the seed; one thread.
 *
 *   random.c    numbers drawn from the seed
 *   table.c     rows, random edits, what the tracker would tell
 *   receiver.c  callbacks: accept all, part or none, answer late, out of order, refuse, are unavailable
 *   oracle.c    what was seen of every fire: handed out when and in which order, answered how
 *   account.c   what the journal says of every fire, against what the table asked for
 *   decision.c  what a stretch of missed fires must come to, by brute force
 *   hold.c      holds, their ends, and what must come of the fires due meanwhile
 *   asked.c     fires that are asked for: triggers and retries
 *   lanes.c     what a lane may have of its own: a rate, a bound, at most once; when it joins the engine
 *   script.c    what happens to the world: edits, crashes, outages, clock steps
 *   world.c     turns of the loop, as the daemon takes them */
#pragma once

#include "engine/engine.h"

#define SIM_IDS     8
#define SIM_LANES   5
#define SIM_TAKE    24
#define SIM_INSTANT TIME_US_MAX /* a boottime that never comes */

/* Lanes of the simulation; that of the engine has another index, see lanes.c. */
enum { LANE_QUICK, LANE_OTHER, LANE_LASTING, LANE_ONCE, LANE_LATE };

struct world;

/* --- random.c --- */

struct rng {
	uint64_t state;
};
uint64_t rng_next(struct rng *rng);
uint64_t rng_below(struct rng *rng, uint64_t n);
bool rng_chance(struct rng *rng, unsigned percent);
int64_t rng_between(struct rng *rng, int64_t low, int64_t high);
/* The same, short times being as likely as long ones of each order of magnitude. */
dur_us rng_span(struct rng *rng, dur_us low, dur_us high);

/* --- table.c --- */

/* What of a row decides how it fires; the packed definition of the simulated tracker. */
struct def {
	int32_t schedule; /* index into the pool */
	int32_t actuality_s, catch_up_limit;
	uint32_t version; /* of the command */
	uint16_t max_attempts, max_instances;
	uint8_t lane;
	bool merge_missed;
};

struct row {
	struct def def;
	bool present, enabled, bad;
};

/* The schedules are parsed once a process. */
void pool_open(void);
void pool_close(void);
struct schedule *pool_schedule(int32_t index);

int64_t sim_id(int index);
int sim_index(int64_t id); /* -1 where it is none of the simulation's */

struct action *action_from_def(const struct world *world, int index, const struct def *def);
void table_fill(struct world *world);
void table_edit(struct world *world);
/* Compares the table with what the engine was told, and tells it the changes. */
void table_poll(struct world *world);

/* --- journal.c --- */

enum fault {
	FAULT_NONE,
	FAULT_COMMIT_SKIPPED,    /* a commit is called durable and is not there after a crash */
	FAULT_WATERMARK_EARLY,   /* the watermark is written ahead of what it stands for */
	FAULT_DECIDED_AGAIN,     /* a backlog record read back is decided against the time of the restart */
	FAULT_OPEN_FORGOTTEN,    /* open fires are not read back */
	FAULT_ID_ORDER_IGNORED,  /* the watermark read back is the end of its instant, whatever its action */
	FAULT_OUTCOME_DROPPED,   /* the end of a fire is not in the history */
	FAULT_DURABLE_EARLY,     /* the engine is told that a commit is durable while it is not */
	FAULT_STARTED_FORGOTTEN, /* that a fire had begun is not read back */
	FAULT_MANUAL_FORGOTTEN,  /* fires that were asked for are not read back */
	FAULT_RETRY_FORGOTTEN,   /* that an open fire is a retry is not read back */
	FAULT_LANE_FORGOTTEN,    /* the progress of a lane that joined late is not read back */
	FAULT_ONCE_IGNORED,      /* the engine does not know that the lane is at most once */
	FAULT_RATE_IGNORED,      /* ... that it has a rate */
	FAULT_BOUND_IGNORED,     /* ... that it has a bound of its own */
	FAULT_LASTING_IGNORED,   /* ... that its fires last */
	FAULT_RETRY_AT_IGNORED,  /* ... that the receiver asked to be left alone */
	FAULT_HOLD_FORGOTTEN,    /* that all is held is not read back */
	FAULT_HELD_FORGOTTEN,    /* that a record is decided at the end of the hold is not read back */
	FAULT_SKIP_FORGOTTEN,    /* that a hold ended while nobody ran is not read back */
	FAULT_SET_FORGOTTEN,     /* that what is left of a record is over is not read back */
	FAULT_COUNT
};
extern const char *const fault_names[FAULT_COUNT];

struct stored_record {
	struct backlog_record data;
	time_us decided_now; /* as it was first written */
	bool settled;        /* what it drops was told */
	bool clock_touched;  /* the clock was taken back while it was being made up for */
	uint32_t life;       /* in which it was first written */
};

struct sim_journal {
	struct lane_progress lanes[SIM_LANES];
	bool lane_known[SIM_LANES];
	GPtrArray *records; /* struct stored_record, in the order of their ids */
	GArray *open;       /* struct open_fire, without the lane's name */
	struct {
		struct def def;
		time_us since;
		bool present;
	} defs[SIM_IDS];
	struct hold hold; /* without its reason */
	struct commit *under_way;
	uint64_t applying;      /* the sequence of the commit that is being made durable */
	time_us done_at;        /* boottime */
	guint applied_mark;     /* changes of the table that the commit under way knows of */
	time_us slow_until;     /* boottime: commits take until then */
	uint64_t last_sequence; /* in this life */
};

void journal_init(struct world *world);
void journal_clear(struct world *world);
void journal_submit(struct world *world, struct commit *commit);
/* The commit under way becomes durable. */
void journal_complete(struct world *world);
struct progress *journal_load(struct world *world);
/* progress set, which nobody runs beside: all due before is over. Nothing where a lane would go back. */
void journal_set_progress(struct world *world, time_us at);
/* Whether a durable record of the lane owes a fire at a position. */
bool journal_record_covers(const struct world *world, int lane, struct position position);
/* The open fire of a lane, NULL where it is not open. Borrowed until the next commit. */
const struct open_fire *journal_open(
	const struct world *world, int lane, int64_t id, time_us nominal, uint32_t manual);
/* The same, in any lane. */
bool journal_is_open(const struct world *world, int64_t id, time_us nominal, uint32_t manual);
/* The lane of an open fire of the journal, whose `lane` is no name. */
int journal_open_lane(const struct open_fire *open);

/* --- receiver.c --- */

struct delivery {
	uint64_t ticket;
	int64_t action_id;
	time_us nominal, answer_at, started_at, handed_at;
	uint32_t manual;
	enum fire_answer answer;
	bool missed;
};

struct receiver {
	GArray *items; /* struct delivery, unanswered */
	uint32_t capacity;
	time_us ready_at;          /* boottime at which it tells that it has room again */
	time_us unavailable_until; /* boottime */
	time_us slow_until;        /* boottime */
	time_us answered_at;       /* boottime: when it last said more than that it is not there */
	GHashTable *away; /* ticket → boottime of its first hand-out that was answered unavailable */
	unsigned reject_percent, alone_percent, ask_percent;
	bool lasting, told_full;
};

void receiver_init(struct world *world, int lane);
void receiver_clear(struct world *world, int lane);
size_t receiver_submit(struct world *world, int lane, const struct fire *fires, size_t count);
time_us receiver_wake(const struct world *world, int lane);
/* Answers what is due, and tells of room. */
void receiver_answer(struct world *world, int lane);
/* The process is gone: some of what it had was done all the same. */
void receiver_crash(struct world *world, int lane);

/* --- oracle.c --- */

/* What was seen of a fire. */
struct fate {
	int64_t id;
	time_us nominal;
	time_us merged_into;
	uint32_t handed_life; /* the life that handed it out last */
	time_us due_at;       /* as it was handed out */
	uint16_t accounted, delivered, rejected;
	uint16_t least, most; /* how often it must, and may, be accounted for; filled in at the end */
	uint16_t attempts;    /* as the history has them */
	uint16_t answers;     /* how many attempts there can have been */
	uint8_t status;       /* the last one */
	uint8_t lane;
	bool again;        /* it may be handed out again: refused, or the receiver was unavailable */
	bool known, fresh; /* fresh: delivered in this life, and not durable yet */
	bool over;         /* the engine said that it will not come again */
	/* lanes.c */
	bool begun;              /* handed out at most once, and not answered so that it may be again */
	bool interrupted;        /* it had begun when a life ended, which is to be told */
	uint32_t asked_life;     /* in which the receiver asked not to see it before ...; 0: it did not */
	uint32_t asked_steps;    /* of the clock by then */
	dur_us asked_offset;     /* of the clock by then */
	time_us not_before;      /* by the clock */
	time_us not_before_boot; /* by boottime */
	/* asked.c */
	uint32_t manual;  /* which trigger it comes from; 0: none, it was due */
	bool asked;       /* a trigger or a retry whose end is not in the history */
	bool durable;     /* a commit has it as asked for */
	bool told;        /* and so did the engine say */
	guint asked_mark; /* edits known before */
};

/* A change that was told to the engine. */
struct applied {
	int index;
	bool removal, seen; /* seen: a durable commit holds it */
	uint64_t seen_in;   /* that commit's sequence */
	struct def def;
	time_us sight;       /* when the engine was told */
	time_us sight_start; /* for what an edit leaves behind: the start, where it was told at the start */
	time_us high;        /* where the clock had been before, if that is later; else TIME_US_MIN */
	guint backs;         /* how often the clock had been taken back by then */
	uint32_t life;
};

/* A stretch of one definition: its fires due in (from, to] are expected.
 * Exceptions: due in (from, from_high] or (to, to_high] the clock had been before when the change was seen,
 * so the lane may be past them; due in (from_low, from] the clock was taken back before the definition. */
struct segment {
	int32_t schedule;
	uint8_t lane;
	bool closed;
	time_us from, from_low, from_high, to, to_high;
	time_us sure_to; /* what a closed one owed after it went when the clock was taken back */
	time_us reached; /* where the clock had been before it was taken back */
};

/* The clock was taken back from `to` to `from`: ids due within come again. */
struct clock_back {
	time_us from, to;
};

struct excuse {
	time_us from, to;
};

struct oracle {
	struct fate *fates; /* open addressing */
	size_t fate_room, fate_count;
	GArray *applied;            /* struct applied */
	GArray *segments[SIM_IDS];  /* struct segment */
	GArray *backs;              /* struct clock_back */
	GArray *excuses[SIM_LANES]; /* struct excuse: when live fires may have been late; of this life */
	struct position order[SIM_IDS][SIM_LANES][2]; /* last one handed out first: live, backlog */
	GArray *asked; /* struct asked: those whose end is not in the history */
	uint32_t last_manual;
	time_us high;       /* the latest time the clock has shown */
	time_us start_high; /* the same, as this life began */
	time_us front;      /* the same, as far as it counts after the clock was taken back */
};

void oracle_init(struct world *world);
void oracle_clear(struct world *world);
/* `manual`: 0 for a fire that was due. Valid until the next call. */
struct fate *oracle_fate(struct world *world, int64_t id, time_us nominal, uint32_t manual);
const char *oracle_fire_text(int64_t id, time_us nominal, uint32_t manual); /* valid until the next call */
static inline const char *fate_text(const struct fate *fate)
{
	return oracle_fire_text(fate->id, fate->nominal, fate->manual);
}
/* Which trigger a UUID is of; 0 for NULL or empty. */
uint32_t oracle_manual(const char *uuid);
void oracle_start(struct world *world);
void oracle_clock(struct world *world);
void oracle_handed(struct world *world, int lane, const struct fire *fire);
void oracle_answered(struct world *world, const struct delivery *delivery);
void oracle_crash(struct world *world);
/* What the engine says is over does not come again: asked of a fire that is drawn. */
void oracle_settled(struct world *world);
void oracle_excuse(struct world *world, int lane, time_us from, time_us to);
/* Whether a fire may be accounted for more often than once, see struct segment and struct clock_back. */
bool oracle_may_repeat(const struct world *world, int index, time_us nominal);
void segment_taken_back(struct segment *segment, const struct clock_back *back);
static inline bool in_window(time_us t, time_us from, time_us to)
{
	return t > from && t <= to;
}

/* --- account.c --- */

/* A commit has become durable: every fire that it speaks of is accounted for. */
void oracle_commit(struct world *world, const struct commit *commit);
/* At the end, when nothing is under way: every fire that was expected is accounted for as often as it must.
 */
void oracle_finish(struct world *world);
/* The fires that an outcome range stands for, in order of being due; false where there is no such run. */
bool oracle_expand(
	const struct world *world, int index, const struct outcome_range *range, GArray *positions);

/* --- decision.c --- */

/* What a commit says of dropped fires: against what the records that it settles must come to. */
void decision_check(struct world *world, const struct commit *commit);
/* A record seen first: whether live fires had to be missed. */
void decision_new_record(struct world *world, const struct stored_record *record);
/* The fires of a schedule for an action that are due later than a position and up to another. */
void fires_between(const struct schedule *schedule, int64_t id, struct position after, struct position until,
	GArray *positions);

/* --- asked.c --- */

struct asked {
	int64_t id;
	time_us nominal;
	uint64_t sequence; /* of the commit with which it is durable */
	uint32_t manual, life;
};

/* The UUID of a trigger; the other way round it is oracle_manual. */
void asked_uuid(uint32_t manual, char out[static FIRE_MANUAL_MAX]);
/* What the script wants of the next turn. */
void asked_do(struct world *world);
/* A commit is being made durable. */
void asked_commit(struct world *world, const struct commit *commit);
/* The engine was told that it is. */
void asked_committed(struct world *world, uint64_t sequence);
void asked_handed(struct world *world, const struct fate *fate, const struct fire *fire);
/* Its end is in the history; false where that is not how such a fire may end. */
bool asked_ended(struct world *world, struct fate *fate, const struct outcome *outcome);
/* It is open no more, and its failure stays in the history. */
void asked_dropped(struct world *world, const struct open_fire *open);
void asked_crash(struct world *world);
void asked_stopped(struct world *world);
/* How many there are in this moment. */
uint32_t asked_count(const struct world *world);
void asked_finish(struct world *world);

/* --- hold.c --- */

enum hold_wish { HOLD_NOTHING, HOLD_BEGIN, HOLD_END, HOLD_SKIP };

/* What was due in (from, to] may be dropped, that in (sure_from, sure_to] must be: the clock may have been
 * taken back before the hold or during it. */
struct held_window {
	time_us from, to, sure_from, sure_to;
	uint64_t sequence; /* of the commit with which that is durable; 0: it is */
};

struct held {
	bool on;
	time_us since, high;  /* high: the latest time that the clock had shown by then */
	uint64_t released_by; /* the commit with which its end is durable; 0: it is */
	enum hold_wish wish;  /* of the next turn */
	GArray *windows;      /* struct held_window */
	GArray *ends;         /* time_us: when holds ended, by which what they kept is judged */
};

void held_init(struct world *world);
bool held_ended(const struct world *world, time_us at);
void held_clear(struct world *world);
/* What the script wants of the next turn. */
void held_do(struct world *world);
/* While nobody runs: somebody may write to the journal that all is held, or is no more. */
void held_down(struct world *world);
void held_start(struct world *world);
void held_clock(struct world *world);
/* A commit is being made durable; the engine was told that it is. */
void held_commit(struct world *world, const struct commit *commit);
void held_committed(struct world *world, uint64_t sequence);
static inline bool held_on(const struct held *held)
{
	return held->on || held->released_by;
}
/* Whether a fire may be told as dropped by the end of a hold, and at the end whether it had to be. */
bool held_drops(const struct world *world, int index, time_us nominal);
void held_check(struct world *world, const struct fate *fate, time_us due);

/* --- lanes.c --- */

/* What is seen of the limits of a lane, in one life. */
struct lane_watch {
	int64_t level_ns;      /* of the rate: how far the fires handed out are ahead of it */
	time_us level_at;      /* boottime */
	time_us blocked_until; /* boottime: the receiver asked to be left alone */
	uint32_t restored;     /* open fires that it began with */
	bool stepped;
};

extern const char *const sim_lane_names[SIM_LANES];
int lane_by_name(const char *name);
void lanes_draw(struct world *world);
/* The next life has other limits; the lanes that the engine needs at once join it. */
void lanes_start(struct world *world);
/* The lane joins the engine where it has not yet. */
void lane_join(struct world *world, int lane);
bool lane_joined(const struct world *world, int lane);
uint32_t lane_open_max(const struct world *world, int lane);
/* What of the engine's progress is read back belongs to lanes, too. */
void lanes_restored(struct world *world);
bool lane_is_missed(const struct world *world, int lane, const struct fire *fire);
void lane_handed(struct world *world, int lane, struct fate *fate, const struct fire *fire);
void lane_accepted(struct world *world, int lane);
/* The receiver of a lasting lane answers: whether the lane is to wait for it. */
void lane_answers(struct world *world, int lane, const struct delivery *answers, size_t count,
	struct fire_result *results);
/* Whether live fires may be late for the limits of the lane. */
bool lane_excused(const struct world *world, int lane, const struct engine_lane_status *status);
void lane_check(struct world *world, int lane, const struct engine_lane_status *status);
bool lane_interrupted(struct world *world, struct fate *fate);
void lanes_stopped(struct world *world, bool in_order);

/* --- script.c --- */

struct script {
	time_us next_at, end_at; /* boottime */
	unsigned weights[16];
	bool long_times;
};
void script_init(struct world *world);
void script_step(struct world *world);
/* Downtime, and the next life. */
void script_go_down(struct world *world);

/* --- world.c --- */

struct world {
	struct rng rng;
	uint64_t seed, hash;
	enum fault fault;
	bool trace, failed, calm;
	char message[512];

	time_us boot, offset;           /* wall clock = boot + offset */
	time_us life_started;           /* wall clock */
	time_us turned_at, turned_boot; /* the last turn */
	time_us wake;                   /* boottime at which the engine wants to be called */
	time_us jump_boot;              /* of the last step forward that is held; TIME_US_MIN for none */
	time_us poll_at;                /* boottime */
	uint32_t life, turns, idle_turns;
	unsigned crash_place;       /* where in the next turn the process goes; 0: nowhere */
	unsigned triggers, retries; /* wanted of the next turn */
	uint32_t open_max, steps;   /* steps: of the clock */
	bool moved;                 /* a fire may have changed lanes in this life */
	bool took;                  /* the engine was asked for fires in this life */
	bool stopping;
	bool setting;   /* the commit is one of progress set */
	time_us set_to; /* the latest time that the progress was set to; TIME_US_MIN: it was not */
	bool excused[SIM_LANES];
	bool idle_turns_at_once; /* the last turn asked for another one */
	size_t effects;          /* of the last turn */

	struct engine *engine;
	struct engine_lane_options lanes[SIM_LANES];
	struct lane_watch watches[SIM_LANES];
	uint16_t lane_index[SIM_LANES], lane_count; /* in the engine */
	bool lanes_join_late;
	struct row rows[SIM_IDS];
	struct {
		struct def def;
		bool present;
	} known[SIM_IDS]; /* what the engine was told */
	struct sim_journal journal;
	struct receiver receivers[SIM_LANES];
	struct oracle oracle;
	struct held held;
	struct script script;
};

static inline time_us world_now(const struct world *world)
{
	return world->boot + world->offset;
}
void world_fail(struct world *world, const char *format, ...) G_GNUC_PRINTF(2, 3);
void world_tell(struct world *world, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* Nothing is put into words that nobody reads. */
#define world_trace(world, ...)                           \
	do {                                              \
		if ((world)->trace)                       \
			world_tell((world), __VA_ARGS__); \
	} while (0)
void world_hash(struct world *world, uint64_t value);
void world_start(struct world *world);
void world_crash(struct world *world);
/* Stops in order; false where it had to be given up. */
bool world_stop(struct world *world);
void world_turn(struct world *world);

/* One seed from end to end; false where a check failed, the message telling which. */
bool world_run(uint64_t seed, enum fault fault, bool trace, uint64_t *hash, char message[512]);
