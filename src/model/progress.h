/* Purpose: what internal_db holds, as plain data: the progress of each lane, and the commits that move it on.
 * Made by the engine, written and read by a journal. Whoever holds a struct owns what hangs on it. */
#pragma once

#include "model/fire.h"

/* Progress of a lane (a callback; later: a shard and a callback). Everything at or before the watermark is
 * resolved, or open, or in a backlog record. */
struct lane_progress {
	char *name; /* the callback's canonical name */
	uint32_t clock_epoch;
	struct position watermark;
};

/* One action of a backlog record that speaks of some actions only: the schedule it had then. */
struct backlog_member {
	int64_t action_id;
	time_us since; /* its fires due at or before are not this record's */
	struct schedule
		*schedule; /* a reference; NULL in data read back until the engine resolves `packed` */
	uint8_t *packed;   /* the packed definition that the schedule comes from */
	uint32_t packed_length;
};

/* A stretch (from, to] of missed time that is being made up for. The record is the decision: merging and age
 * are judged against decided_now, once. */
struct backlog_record {
	uint64_t id; /* unique, ascending in the order of decision */
	char *lane;
	struct position from, to;
	time_us decided_now;
	time_us drop_before; /* fires due before are `skipped`; TIME_US_MIN for none */
	uint8_t drop_reason; /* enum fire_reason: why they are */
	time_us skip_before; /* what is not handed out yet of before is `skipped`, as the progress was set;
				else TIME_US_MIN */
	bool held;           /* it was found during a hold: it is decided at the end of that */
	time_us fire_until;  /* fires due after come again by themselves, as the clock was taken back; else
				TIME_US_MAX */
	int64_t settled_id;  /* dropped fires of actions up to this id are in the history; INT64_MIN at first
			      */
	struct position cursor;         /* fires up to here are resolved or open; `from` at first */
	struct backlog_member *members; /* ascending by id; NULL: every action of the lane */
	uint32_t member_count;
};

void backlog_record_clear(struct backlog_record *record);
/* Fills `packed` of each from its schedule, to be written down; and the other way round, at the start. */
void backlog_members_pack(struct backlog_member *members, uint32_t count);
bool backlog_member_resolve(struct backlog_member *member, struct schedule_cache *cache, GError **error);

/* All waits, for maintenance. */
struct hold {
	time_us since;      /* TIME_US_MIN: nothing is held */
	time_us skip_until; /* it was ended where no scheduler ran, and what was due up to here is dropped:
			       the next start does that; else TIME_US_MIN */
	char *reason;       /* as it was given; NULL: none was */
};
#define HOLD_NONE       ((struct hold){TIME_US_MIN, TIME_US_MIN, NULL})
/* A reason has at most so many bytes. */
#define HOLD_REASON_MAX 1000
struct hold hold_copy(const struct hold *hold);
void hold_clear(struct hold *hold); /* leaves HOLD_NONE */

/* A fire that is handed out and not resolved, or that waits for its next attempt. */
struct open_fire {
	char *lane;
	int64_t action_id;
	time_us nominal, due_at;
	char manual[FIRE_MANUAL_MAX]; /* empty for a scheduled one */
	bool backlog;
	bool started;             /* at_most_once: it was begun, and is not begun again after a crash */
	uint16_t attempts;        /* answers that refused it so far */
	uint16_t attempts_before; /* those of them before a retry was asked for; 0: none was */
	time_us next_attempt_at;  /* TIME_US_MIN: at once */
};

/* A definition of an action, as last seen. */
struct definition {
	int64_t action_id;
	time_us since;
	/* NULL: the definition goes (since is TIME_US_MIN), or only its `since` is another. */
	uint8_t *packed;
	GBytes *block; /* a reference to what packed lies in; NULL: it is an allocation of its own */
	uint32_t length;
};

void definition_clear(struct definition *definition);

/* How one fire ended. */
struct outcome {
	int64_t action_id;
	time_us nominal;
	time_us started_at, finished_at;
	char *manual; /* NULL for a scheduled one */
	char *detail; /* error or output, mostly NULL */
	uint16_t attempts;
	bool again;     /* of a retry: it takes the place of the failed entry of the same fire */
	uint8_t status; /* enum fire_status */
	uint8_t reason; /* enum fire_reason */
};

/* Fires of several actions that ended alike without being handed out: each of `ids` had `count` fires, from
 * `first` to `last` (nominal times). */
struct outcome_range {
	uint8_t status, reason;
	time_us at; /* when it was decided */
	time_us first, last;
	uint64_t count;
	time_us merged_into; /* nominal time of the fire that stands for them; TIME_US_MIN for none */
	int64_t *ids;        /* ascending */
	uint32_t id_count;
};

/* Something that the operator must find in the history: a clock step, a stretch of downtime. */
struct history_note {
	time_us at;
	char *text;
};

/* A group commit: all of it becomes durable, or nothing. */
struct commit {
	uint64_t sequence;
	GArray *lanes;   /* struct lane_progress, upserted by name */
	GArray *backlog; /* struct backlog_record, upserted by id; members are written where not NULL, else
			    kept */
	GArray *backlog_done; /* uint64_t ids */
	GArray *open;         /* struct open_fire, upserted by (lane, action, nominal, manual) */
	GArray *open_done;    /* struct open_fire, only its key is read */
	GArray *definitions;  /* struct definition, ascending by action_id */
	GArray *outcomes;     /* struct outcome, in the order they ended */
	GArray *ranges;       /* struct outcome_range */
	GArray *notes;        /* struct history_note */
	bool hold_changed;    /* what follows is written */
	struct hold hold;
};

struct commit *commit_new(void);
void commit_free(struct commit *commit); /* NULL is fine; frees all that hangs on it */
bool commit_is_empty(const struct commit *commit);

/* All that was read back at the start. Definitions come one by one, see journal.h. */
struct progress {
	GArray *lanes;   /* struct lane_progress */
	GArray *backlog; /* struct backlog_record, ascending by id */
	GArray *open;    /* struct open_fire */
	struct hold hold;
	bool known; /* false where this internal_db has never seen a scheduler */
};
struct progress *progress_new(void);
void progress_free(struct progress *progress);
