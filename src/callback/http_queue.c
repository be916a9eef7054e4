#include "callback/http_queue.h"

/* An action that has a request which may be sent or is, and those behind it. */
struct http_turn {
	int64_t action_id;
	GQueue waiting;
};

static void turn_free(gpointer data)
{
	struct http_turn *turn = data;
	g_queue_clear_full(&turn->waiting, g_free);
	g_free(turn);
}

void http_queue_init(struct http_queue *queue)
{
	g_queue_init(&queue->next);
	queue->turns = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, turn_free);
	queue->count = 0;
}

void http_queue_clear(struct http_queue *queue)
{
	g_queue_clear_full(&queue->next, g_free);
	g_hash_table_unref(queue->turns);
}

void http_queue_put(struct http_queue *queue, const struct fire *fire)
{
	struct http_request *request = g_new0(struct http_request, 1);
	struct http_turn *turn = g_hash_table_lookup(queue->turns, &fire->action->id);
	request->fire = *fire;
	queue->count++;
	if (turn) {
		request->turn = turn;
		g_queue_push_tail(&turn->waiting, request);
		return;
	}
	request->turn = turn = g_new0(struct http_turn, 1);
	turn->action_id = fire->action->id;
	g_hash_table_insert(queue->turns, &turn->action_id, turn);
	g_queue_push_tail(&queue->next, request);
}

struct http_request *http_queue_take(struct http_queue *queue)
{
	return g_queue_pop_head(&queue->next);
}

void http_queue_done(struct http_queue *queue, struct http_request *request)
{
	struct http_turn *turn = request->turn;
	struct http_request *following = g_queue_pop_head(&turn->waiting);
	if (following)
		g_queue_push_tail(&queue->next, following);
	else
		g_hash_table_remove(queue->turns, &turn->action_id);
	g_free(request);
	queue->count--;
}

static void drain_waiting(struct http_queue *queue, struct http_turn *turn,
	void (*each)(void *, const struct fire *), void *context)
{
	struct http_request *request;
	while ((request = g_queue_pop_head(&turn->waiting))) {
		each(context, &request->fire);
		g_free(request);
		queue->count--;
	}
}

void http_queue_drain(
	struct http_queue *queue, void (*each)(void *context, const struct fire *fire), void *context)
{
	struct http_request *request;
	while ((request = g_queue_pop_head(&queue->next))) {
		struct http_turn *turn = request->turn;
		each(context, &request->fire);
		drain_waiting(queue, turn, each, context);
		g_hash_table_remove(queue->turns, &turn->action_id);
		g_free(request);
		queue->count--;
	}
	/* Behind those that are under way. */
	GHashTableIter turns;
	gpointer turn;
	g_hash_table_iter_init(&turns, queue->turns);
	while (g_hash_table_iter_next(&turns, NULL, &turn))
		drain_waiting(queue, turn, each, context);
}
