#include "callback/python_queue.h"

#include <stdlib.h>

/* An action that has a request which may run or does, and those behind it. */
struct python_turn {
	int64_t action_id;
	GQueue waiting;
};

static void request_free(gpointer data)
{
	struct python_request *request = data;
	free(request->frame);
	g_free(request);
}

static void turn_free(gpointer data)
{
	struct python_turn *turn = data;
	g_queue_clear_full(&turn->waiting, request_free);
	g_free(turn);
}

void python_queue_init(struct python_queue *queue)
{
	g_queue_init(&queue->next);
	queue->turns = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, turn_free);
	queue->count = 0;
}

void python_queue_clear(struct python_queue *queue)
{
	g_queue_clear_full(&queue->next, request_free);
	g_hash_table_unref(queue->turns);
}

void python_queue_put(struct python_queue *queue, const struct fire *fire)
{
	struct python_request *request = g_new0(struct python_request, 1);
	struct python_turn *turn = g_hash_table_lookup(queue->turns, &fire->action->id);
	request->fire = *fire;
	queue->count++;
	if (turn) {
		request->turn = turn;
		g_queue_push_tail(&turn->waiting, request);
		return;
	}
	request->turn = turn = g_new0(struct python_turn, 1);
	turn->action_id = fire->action->id;
	g_hash_table_insert(queue->turns, &turn->action_id, turn);
	g_queue_push_tail(&queue->next, request);
}

struct python_request *python_queue_take(struct python_queue *queue)
{
	return g_queue_pop_head(&queue->next);
}

void python_queue_put_back(struct python_queue *queue, struct python_request *request)
{
	g_queue_push_head(&queue->next, request);
}

void python_queue_done(struct python_queue *queue, struct python_request *request)
{
	struct python_turn *turn = request->turn;
	struct python_request *following = g_queue_pop_head(&turn->waiting);
	if (following)
		g_queue_push_tail(&queue->next, following);
	else
		g_hash_table_remove(queue->turns, &turn->action_id);
	request_free(request);
	queue->count--;
}
