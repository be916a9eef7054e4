/* Purpose: the fires of the callback `http` that are not answered yet, in the order in which they may be
 * sent. Of each action one at a time is given out, so that none overtakes another. One thread, the sender's.
 * A request belongs to the queue from http_queue_put to http_queue_done. */
#pragma once

#include "model/fire.h"

struct http_request {
	struct fire fire;
	struct http_turn *turn; /* of its action */
};

struct http_queue {
	GQueue next;       /* requests that may be sent */
	GHashTable *turns; /* the actions that have requests: id → struct http_turn */
	size_t count;      /* requests, those that are taken included */
};

void http_queue_init(struct http_queue *queue);
/* Frees what is in it, but for what is taken. */
void http_queue_clear(struct http_queue *queue);

void http_queue_put(struct http_queue *queue, const struct fire *fire);
/* The next that may be sent; NULL where there is none. */
struct http_request *http_queue_take(struct http_queue *queue);
/* One that was taken is answered; frees it. The next of its action may be sent. */
void http_queue_done(struct http_queue *queue, struct http_request *request);
/* Takes out everything that is not taken, calling the function for each, those of an action in their order.
 */
void http_queue_drain(
	struct http_queue *queue, void (*each)(void *context, const struct fire *fire), void *context);
