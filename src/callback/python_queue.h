/* Purpose: the fires of a callback `python` that are not answered yet, in the order in which they may run. Of
 * each action one at a time is given out, so that none overtakes another, whatever worker runs it. One
 * thread, the pool's. A request belongs to the queue from python_queue_put to python_queue_done. */
#pragma once

#include "model/fire.h"

struct python_request {
	struct fire fire;
	struct python_turn *turn; /* of its action */
	char *frame;              /* what the worker is sent; NULL until it was made */
	size_t frame_length;
	time_us started_at; /* when it came to be the one that runs */
	bool died;          /* a worker died while it ran */
};

struct python_queue {
	GQueue next;       /* requests that may run */
	GHashTable *turns; /* the actions that have requests: id → struct python_turn */
	size_t count;      /* requests, those that are taken included */
};

void python_queue_init(struct python_queue *queue);
/* Frees what is in it. What is taken must have been put back. */
void python_queue_clear(struct python_queue *queue);

void python_queue_put(struct python_queue *queue, const struct fire *fire);
/* The next that may run; NULL where there is none. */
struct python_request *python_queue_take(struct python_queue *queue);
/* It was not run: it is the next again. */
void python_queue_put_back(struct python_queue *queue, struct python_request *request);
/* One that was taken is answered; frees it. The next of its action may run. */
void python_queue_done(struct python_queue *queue, struct python_request *request);
