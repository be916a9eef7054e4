/* Purpose: the fires of a callback that are not answered yet, in the order in which they may be handed on. Of
 * each action one at a time is given out, so that none overtakes another. One thread at a time. A request
 * belongs to the queue from fire_queue_put to fire_queue_done. */
#pragma once

#include "model/fire.h"

struct fire_request {
	struct fire fire;
	struct fire_turn *turn; /* of its action */
	/* For the callback, at first 0. */
	char *frame; /* as the receiver is sent it; freed with free() */
	size_t frame_length;
	time_us started_at; /* when it came to be the one that runs */
	bool died;          /* a worker died while it ran */
};

struct fire_queue {
	GQueue next;       /* requests that may be handed on */
	GHashTable *turns; /* the actions that have requests: id → struct fire_turn */
	size_t count;      /* not done: these, those behind them, and those that are taken */
};

void fire_queue_init(struct fire_queue *queue);
/* Frees what is in it, but for what is taken. */
void fire_queue_clear(struct fire_queue *queue);

/* The fire is copied, what it points to is not. */
void fire_queue_put(struct fire_queue *queue, const struct fire *fire);
/* The next that may be handed on; NULL where there is none. */
struct fire_request *fire_queue_take(struct fire_queue *queue);
/* It was not handed on: it is the next again. */
void fire_queue_put_back(struct fire_queue *queue, struct fire_request *request);
/* One that was taken is answered; frees it. The next of its action may be handed on. */
void fire_queue_done(struct fire_queue *queue, struct fire_request *request);
/* Takes out everything that is not taken, calling the function for each, those of an action in their order.
 */
void fire_queue_drain(
	struct fire_queue *queue, void (*each)(void *context, const struct fire *fire), void *context);
