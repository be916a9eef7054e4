/* Purpose: the thread of a callback `python`: who of the workers gets which fire, and what becomes of it.
 * Everything here is that thread's; what it shares is in python.h. python_pool.c      the thread: what it
 * waits for, answers python_workers.c   start, trouble and end of workers
 *
 * A worker is given more than one fire at a time only while its calls are short. What it has not begun is
 * taken back when a call turns out to be long, when it is to be killed, and when it died. */
#pragma once

#include "callback/python.h"
#include "callback/fire_queue.h"

/* Fires at a worker at a time, and how long those behind the first may have to wait by what calls took so
 * far. */
#define PYTHON_DEPTH_MAX    32
#define PYTHON_AHEAD        (2 * US_PER_MS)
/* A call that takes longer keeps none waiting behind it. */
#define PYTHON_LONG         (5 * US_PER_MS)
/* From SIGTERM to SIGKILL. */
#define PYTHON_KILL_AFTER   (5 * US_PER_SECOND)
/* A worker that has not imported the module by then is killed. */
#define PYTHON_START_MAX    (2 * US_PER_MINUTE)
/* Workers that are starting at a time. */
#define PYTHON_STARTING_MAX 4
/* Between failed starts, doubled each time. */
#define PYTHON_RETRY_MIN    (US_PER_SECOND / 2)
#define PYTHON_RETRY_MAX    (30 * US_PER_SECOND)

enum python_state {
	PYTHON_NONE,
	PYTHON_STARTING, /* it imports the module */
	PYTHON_READY,
	PYTHON_KILLED, /* it is about to end */
};

/* A place for a worker. */
struct python_slot {
	enum python_state state;
	bool writes;    /* it is waited for until its channel is writable */
	bool timed_out; /* killed for the call that it runs */
	GQueue sent;    /* requests at the worker, in order; the first is running */
	time_us due_at; /* when the state, or the call that runs, has lasted too long; TIME_US_MAX: never */
	time_us since;  /* of the call that runs */
	time_us ready_at;
	dur_us typical; /* what a call takes; 0: not known */
	struct python_worker worker;
};

struct python_pool {
	struct callback *python;
	struct fire_queue queue;
	struct python_slot *slots;
	size_t slot_count;
	size_t states[PYTHON_KILLED + 1]; /* how many slots have each */
	GArray *results;                  /* struct fire_result, to be told */
	bool started;                     /* there was a first start */
	bool proven;                      /* the last worker that had something to say was ready */
	bool away;                        /* no worker is there, and none can be started */
	char *reason;                     /* why the last start failed; NULL: it did not */
	dur_us delay;                     /* after the next start that fails */
	time_us start_at;                 /* the next start, not before */
	bool stopping;                    /* as python.h has it */
	bool ending;                      /* the callback is closed but for its workers */
	time_us deadline;
};

/* --- python_pool.c --- */

/* Keeps the answer to a request, which is then done. The detail is taken over. */
void python_answer(
	struct python_pool *pool, struct fire_request *request, enum fire_answer answer, char *detail);
/* Takes back what the worker has not begun. */
void python_take_back(struct python_pool *pool, struct python_slot *slot);
/* When the request that has come to be the first at a worker must be over. */
void python_begin(struct python_slot *slot, time_us now);

/* --- python_workers.c --- */

void python_set_state(struct python_pool *pool, struct python_slot *slot, enum python_state state);
/* Starts as many workers as are wanted and may be started. */
void python_start_wanted(struct python_pool *pool, time_us now);
/* The worker said that it is ready, or why it cannot be. */
void python_ready(struct python_pool *pool, struct python_slot *slot, time_us now);
void python_failed(struct python_pool *pool, struct python_slot *slot, const json_t *frame, time_us now);
/* The state of a worker, or its call, has lasted too long. */
void python_overdue(struct python_pool *pool, struct python_slot *slot, time_us now);
/* Kills a worker that breaks the rules. */
void python_distrust(struct python_pool *pool, struct python_slot *slot, const char *why, time_us now);
/* The worker has ended; what it has said was read. */
void python_died(struct python_pool *pool, struct python_slot *slot, time_us now);
/* Answers everything that waits by FIRE_UNAVAILABLE. */
void python_turn_away(struct python_pool *pool);
/* All workers are to end: those that have nothing to do in good order. */
void python_dismiss_all(struct python_pool *pool);
void python_kill_all(struct python_pool *pool);
