/* Purpose: an engine with a clock that is moved by hand and a journal that holds what was committed, so that
 * it can crash and start again. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/engine.h"

#define RIG_START (INT64_C(1704067200) * US_PER_SECOND) /* 2024-01-01T00:00:00Z */
#define RIG_TAKE  4096

/* Its lanes. */
enum {
	RIG_QUICK,
	RIG_LASTING,
	RIG_ONCE,   /* at most once, two at a time */
	RIG_RATED,  /* 20 a second */
	RIG_NARROW, /* three on their way at most */
	RIG_SINGLE, /* one on its way at most */
};

/* What stands in the table. */
struct rig_row {
	int64_t id;
	const char *cron; /* a document */
	int32_t actuality_s, catch_up_limit;
	uint16_t max_instances, max_attempts, lane;
	bool merge_missed;
};
#define ROW(number, document)             \
	((struct rig_row){.id = (number), \
		.cron = (document),       \
		.actuality_s = -1,        \
		.catch_up_limit = -1,     \
		.max_instances = 3,       \
		.max_attempts = 1})
#define EVERY_SECOND "{\"format\":\"apscheduler\",\"params\":{\"second\":\"*\"}}"
#define EVERY_MINUTE "{\"format\":\"unix\",\"params\":{\"value\":\"* * * * *\"}}"
#define EVERY_DAY    "{\"format\":\"unix\",\"params\":{\"value\":\"0 0 * * *\"}}"
#define EVERY_HOUR   "{\"format\":\"unix\",\"params\":{\"value\":\"0 * * * *\"}}"

struct rig_definition {
	struct rig_row row;
	time_us since;
};

struct rig {
	struct engine *engine;
	struct engine_options options; /* for the next start */
	time_us now, boot;
	struct fire fires[RIG_TAKE]; /* the last ones taken */
	size_t count;
	/* durable */
	GArray *lanes, *backlog, *open; /* as in struct progress */
	GArray *definitions;            /* struct rig_definition */
	GArray *outcomes, *ranges;      /* the history; what hangs on them is not kept but the ids */
	GPtrArray *notes;
	struct hold hold; /* without its reason */
	unsigned commits;
};

struct rig *rig_new(void);
void rig_free(struct rig *rig);
/* The process goes without a word; then it starts again after a while. */
void rig_crash(struct rig *rig, dur_us down);
/* Only the first half: to look, or to change options. */
void rig_kill(struct rig *rig);
void rig_start(struct rig *rig);

void rig_put(struct rig *rig, struct rig_row row);
/* The change that rig_put would apply. */
void rig_change(struct rig_row row, struct action_change *out);
void rig_remove(struct rig *rig, int64_t id, enum fire_reason reason);

/* Time goes by. */
void rig_wait(struct rig *rig, dur_us time);
/* The clock is set, no time goes by. */
void rig_set_clock(struct rig *rig, dur_us step);

/* Takes at most max fires into rig->fires; all are accepted. */
size_t rig_take(struct rig *rig, uint16_t lane, size_t max);
/* The same; only some are accepted. */
size_t rig_take_part(struct rig *rig, uint16_t lane, size_t max, size_t accepted);
void rig_answer(
	struct rig *rig, uint16_t lane, const struct fire *fires, size_t count, enum fire_answer answer);
/* One commit, durable at once; false where there was none. */
bool rig_commit(struct rig *rig);
/* Commits and background work until nothing is left of either. */
void rig_settle(struct rig *rig);
/* Takes, delivers and commits until nothing is due; returns how many. */
size_t rig_run(struct rig *rig, uint16_t lane);

/* How many fires of an action (0: of all) the history has with a status. */
uint64_t rig_count(const struct rig *rig, int64_t id, enum fire_status status);
uint64_t rig_count_reason(const struct rig *rig, int64_t id, enum fire_reason reason);
struct engine_lane_status rig_status(const struct rig *rig, uint16_t lane);

time_us at(const char *time);
