#include "callback/fire_queue.h"

#include <stdlib.h>

/* An action that has a request which may run or does, and those behind it. */
struct fire_turn {
	int64_t action_id;
	GQueue waiting;
};

static void request_free(gpointer data)
{
	struct fire_request *request = data;
	free(request->frame);
	g_free(request);
}

static void turn_free(gpointer data)
{
	struct fire_turn *turn = data;
	g_queue_clear_full(&turn->waiting, request_free);
	g_free(turn);
}

void fire_queue_init(struct fire_queue *queue)
{
	g_queue_init(&queue->next);
	queue->turns = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, turn_free);
	queue->count = 0;
}

void fire_queue_clear(struct fire_queue *queue)
{
	g_queue_clear_full(&queue->next, request_free);
	g_hash_table_unref(queue->turns);
}

void fire_queue_put(struct fire_queue *queue, const struct fire *fire)
{
	struct fire_request *request = g_new0(struct fire_request, 1);
	struct fire_turn *turn = g_hash_table_lookup(queue->turns, &fire->action->id);
	request->fire = *fire;
	queue->count++;
	if (turn) {
		request->turn = turn;
		g_queue_push_tail(&turn->waiting, request);
		return;
	}
	request->turn = turn = g_new0(struct fire_turn, 1);
	turn->action_id = fire->action->id;
	g_hash_table_insert(queue->turns, &turn->action_id, turn);
	g_queue_push_tail(&queue->next, request);
}

struct fire_request *fire_queue_take(struct fire_queue *queue)
{
	return g_queue_pop_head(&queue->next);
}

void fire_queue_put_back(struct fire_queue *queue, struct fire_request *request)
{
	g_queue_push_head(&queue->next, request);
}

void fire_queue_done(struct fire_queue *queue, struct fire_request *request)
{
	struct fire_turn *turn = request->turn;
	struct fire_request *following = g_queue_pop_head(&turn->waiting);
	if (following)
		g_queue_push_tail(&queue->next, following);
	else
		g_hash_table_remove(queue->turns, &turn->action_id);
	request_free(request);
	queue->count--;
}

static void drain_waiting(struct fire_queue *queue, struct fire_turn *turn,
	void (*each)(void *, const struct fire *), void *context)
{
	struct fire_request *request;
	while ((request = g_queue_pop_head(&turn->waiting))) {
		each(context, &request->fire);
		request_free(request);
		queue->count--;
	}
}

void fire_queue_drain(
	struct fire_queue *queue, void (*each)(void *context, const struct fire *fire), void *context)
{
	struct fire_request *request;
	while ((request = g_queue_pop_head(&queue->next))) {
		struct fire_turn *turn = request->turn;
		each(context, &request->fire);
		drain_waiting(queue, turn, each, context);
		g_hash_table_remove(queue->turns, &turn->action_id);
		request_free(request);
		queue->count--;
	}
	/* Behind those that are under way. */
	GHashTableIter turns;
	gpointer turn;
	g_hash_table_iter_init(&turns, queue->turns);
	while (g_hash_table_iter_next(&turns, NULL, &turn))
		drain_waiting(queue, turn, each, context);
}
