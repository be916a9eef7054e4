#include "callback/python_pool.h"

#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "callback/command.h"

#define EVENTS_MAX 64
/* Reads of output, and answers, of a worker in a turn: the others are to have theirs. */
#define PIECES_MAX 4
/* How long workers may take to end in good order, and at least to be killed. */
#define END_MAX    (5 * US_PER_SECOND)
#define KILL_MAX   US_PER_SECOND

/* --- requests and answers --- */

void python_answer(
	struct python_pool *pool, struct fire_request *request, enum fire_answer answer, char *detail)
{
	time_us now = clock_now();
	struct fire_result result = {
		.ticket = request->fire.ticket,
		.answer = answer,
		.started_at = request->started_at ? request->started_at : now,
		.finished_at = now,
		.detail = detail,
	};
	/* The clock may have been set back. */
	result.finished_at = MAX(result.finished_at, result.started_at);
	g_array_append_val(pool->results, result);
	fire_queue_done(&pool->queue, request);
}

/* Tells the answers, and that there is room again. */
static void results_tell(struct python_pool *pool)
{
	struct callback *python = pool->python;
	const struct callback_host *host = &python->host;
	if (pool->results->len == 0)
		return;
	host->resolved(
		host->context, (const struct fire_result *)(void *)pool->results->data, pool->results->len);
	pthread_mutex_lock(&python->lock);
	python->open -= pool->results->len;
	bool room = python->refused && !python->away && python->open <= PYTHON_OPEN_MAX / 2;
	if (room)
		python->refused = false;
	pthread_mutex_unlock(&python->lock);
	g_array_set_size(pool->results, 0);
	if (room)
		host->ready(host->context);
}

static char *command_of(const struct python_pool *pool, const struct fire *fire)
{
	const char *command = action_command(fire->action);
	return pool->python->settings->placeholders ? command_expand(command, fire, COMMAND_PLAIN, NULL, 0)
						    : g_strdup(command);
}

static void frame_make(const struct python_pool *pool, struct fire_request *request)
{
	const struct fire *fire = &request->fire;
	char id[FIRE_ID_MAX];
	g_autofree char *command = command_of(pool, fire);
	g_autoptr(json_t) frame = json_object();
	json_object_set_new(frame, "id", json_integer((json_int_t)fire->ticket));
	json_object_set_new(frame, "command", json_text(command, strlen(command)));
	fire_id_format(fire->action->id, fire->nominal, fire->manual, id);
	json_object_set_new(frame, "fire_id", json_text(id, strlen(id)));
	json_object_set_new(frame, "action_id", json_integer(fire->action->id));
	json_object_set_new(
		frame, "action_name", json_text(action_name(fire->action), fire->action->name_length));
	json_object_set_new(frame, "scheduled_us", json_integer(fire->nominal));
	json_object_set_new(frame, "attempt", json_integer(fire->attempt));
	request->frame = json_write(frame);
	request->frame_length = strlen(request->frame);
}

void python_begin(struct python_slot *slot, time_us now)
{
	struct fire_request *request = g_queue_peek_head(&slot->sent);
	slot->since = now;
	slot->due_at = TIME_US_MAX;
	if (!request)
		return;
	request->started_at = clock_now();
	if (request->fire.action->timeout_s > 0)
		slot->due_at = now + request->fire.action->timeout_s * US_PER_SECOND;
}

/* Whether the channel is waited for to be writable follows from what is left to send. */
static void writable_await(struct python_pool *pool, struct python_slot *slot)
{
	bool writes = slot->worker.frame != NULL;
	if (writes == slot->writes)
		return;
	slot->writes = writes;
	struct epoll_event event = {
		.events = EPOLLIN | (writes ? EPOLLOUT : 0), .data.u64 = (uint64_t)(slot - pool->slots) << 2};
	epoll_ctl(pool->python->epoll, EPOLL_CTL_MOD, slot->worker.channel, &event);
}

void python_take_back(struct python_pool *pool, struct python_slot *slot)
{
	size_t count = python_worker_take_back(&slot->worker);
	while (count-- && slot->sent.length > 0) {
		struct fire_request *request = g_queue_pop_tail(&slot->sent);
		request->started_at = 0;
		fire_queue_put_back(&pool->queue, request);
	}
	writable_await(pool, slot);
}

/* --- handing out --- */

static size_t depth_of(const struct python_slot *slot)
{
	if (slot->state != PYTHON_READY || slot->worker.frame)
		return 0;
	const struct fire_request *first = slot->sent.head ? slot->sent.head->data : NULL;
	if (!slot->typical || (first && first->frame_length >= PYTHON_PACKET_MAX))
		return 1;
	return (size_t)CLAMP(PYTHON_AHEAD / slot->typical, 1, PYTHON_DEPTH_MAX);
}

/* Gives a worker the next request; false where there is none for it. */
static bool slot_give(struct python_pool *pool, struct python_slot *slot, time_us now)
{
	struct fire_request *request = fire_queue_take(&pool->queue);
	if (!request)
		return false;
	if (!request->frame)
		frame_make(pool, request);
	/* Such a one cannot be taken back: it gets a worker that has nothing else to do. */
	if (request->frame_length >= PYTHON_PACKET_MAX && slot->sent.length > 0) {
		fire_queue_put_back(&pool->queue, request);
		return false;
	}
	g_queue_push_tail(&slot->sent, request);
	if (slot->sent.length == 1)
		python_begin(slot, now);
	python_worker_send(&slot->worker, request->frame, request->frame_length);
	writable_await(pool, slot);
	return true;
}

/* First everyone gets one, then those whose calls are short a second one, and so on. */
static void hand_out(struct python_pool *pool, time_us now)
{
	for (size_t level = 0; level < PYTHON_DEPTH_MAX; level++) {
		for (size_t i = 0; i < pool->slot_count; i++) {
			struct python_slot *slot = &pool->slots[i];
			if (slot->sent.length == level && level < depth_of(slot) &&
				!slot_give(pool, slot, now))
				return;
		}
	}
}

/* --- what workers say --- */

static void called(struct python_pool *pool, struct python_slot *slot, const json_t *frame, time_us now)
{
	struct fire_request *request = g_queue_peek_head(&slot->sent);
	const json_t *id = json_object_get(frame, "id");
	const json_t *error = json_object_get(frame, "error");
	if (!request || !json_is_integer(id) || (uint64_t)json_integer_value(id) != request->fire.ticket ||
		(error && !json_is_string(error))) {
		python_distrust(pool, slot, "answered what was not asked", now);
		return;
	}
	g_queue_pop_head(&slot->sent);
	dur_us took = MAX(now - slot->since, 1);
	slot->typical = slot->typical ? (3 * slot->typical + took) / 4 : took;
	python_answer(pool, request, error ? FIRE_REJECTED : FIRE_DELIVERED,
		error ? g_strdup(json_string_value(error)) : NULL);
	if (slot->state == PYTHON_READY)
		python_begin(slot, now);
}

static void frame_apply(struct python_pool *pool, struct python_slot *slot, const json_t *frame, time_us now)
{
	if (slot->state != PYTHON_STARTING)
		called(pool, slot, frame, now);
	else if (json_is_true(json_object_get(frame, "ready")))
		python_ready(pool, slot, now);
	else
		python_failed(pool, slot, frame, now);
}

/* Reads what it said, at most `most` frames. */
static void frames_read(struct python_pool *pool, struct python_slot *slot, size_t most, time_us now)
{
	bool bad = false;
	json_t *frame;
	while (most-- && (frame = python_worker_receive(&slot->worker, &bad))) {
		frame_apply(pool, slot, frame, now);
		json_decref(frame);
	}
	if (bad)
		python_distrust(pool, slot, "said what is no frame", now);
}

static void output_read(struct python_pool *pool, struct python_slot *slot, size_t most)
{
	const struct callback_host *host = &pool->python->host;
	while (most-- && python_worker_read_output(&slot->worker, host->say, host->context))
		continue;
}

/* --- the thread --- */

static void incoming_take(struct python_pool *pool)
{
	struct callback *python = pool->python;
	pthread_mutex_lock(&python->lock);
	for (guint i = 0; i < python->incoming->len; i++)
		fire_queue_put(&pool->queue, &g_array_index(python->incoming, struct fire, i));
	g_array_set_size(python->incoming, 0);
	pool->stopping = python->stopping;
	pool->deadline = python->deadline;
	pthread_mutex_unlock(&python->lock);
}

static void event_apply(struct python_pool *pool, const struct epoll_event *event, time_us now)
{
	uint64_t index = event->data.u64 >> 2;
	if (index >= pool->slot_count) {
		eventfd_t value;
		eventfd_read(pool->python->wake, &value);
		return;
	}
	struct python_slot *slot = &pool->slots[index];
	if (slot->state == PYTHON_NONE)
		return;
	switch (event->data.u64 & 3) {
	case 0:
		python_worker_go_on(&slot->worker);
		writable_await(pool, slot);
		frames_read(pool, slot, PYTHON_DEPTH_MAX, now);
		break;
	case 1: output_read(pool, slot, PIECES_MAX); break;
	default:
		frames_read(pool, slot, SIZE_MAX, now);
		/* As much as a pipe holds; what others still write into it is not waited for. */
		output_read(pool, slot, PIECES_MAX);
		python_died(pool, slot, now);
	}
}

static bool keeps_waiting(const struct python_slot *slot)
{
	return slot->state == PYTHON_READY && slot->sent.length > 1;
}

/* `now` is that of the last try to start workers: what was to happen until then has happened. */
static time_us next_wake(const struct python_pool *pool, time_us now)
{
	time_us wake = pool->start_at > now ? pool->start_at : TIME_US_MAX;
	if (pool->stopping)
		wake = MIN(wake, pool->deadline);
	for (size_t i = 0; i < pool->slot_count; i++) {
		const struct python_slot *slot = &pool->slots[i];
		if (slot->state != PYTHON_NONE)
			wake = MIN(wake, slot->due_at);
		if (keeps_waiting(slot))
			wake = MIN(wake, slot->since + PYTHON_LONG);
	}
	return wake;
}

static void timers_apply(struct python_pool *pool, time_us now)
{
	for (size_t i = 0; i < pool->slot_count; i++) {
		struct python_slot *slot = &pool->slots[i];
		if (slot->state != PYTHON_NONE && slot->due_at <= now)
			python_overdue(pool, slot, now);
		if (keeps_waiting(slot) && slot->since + PYTHON_LONG <= now) {
			slot->typical = now - slot->since;
			python_take_back(pool, slot);
		}
	}
}

/* Waits until something happens, at most until `until`, and applies it. */
static void turn(struct python_pool *pool, time_us until)
{
	struct epoll_event events[EVENTS_MAX];
	dur_us left = until == TIME_US_MAX ? -1 : MAX(0, until - clock_monotonic());
	int timeout = left < 0 ? -1 : (int)MIN((left + US_PER_MS - 1) / US_PER_MS, 60 * 1000);
	int count = epoll_wait(pool->python->epoll, events, EVENTS_MAX, timeout);
	time_us now = clock_monotonic();
	for (int i = 0; i < count; i++)
		event_apply(pool, &events[i], now);
	timers_apply(pool, now);
}

static bool is_finished(const struct python_pool *pool)
{
	return pool->stopping && (pool->queue.count == 0 || clock_monotonic() >= pool->deadline);
}

static void work(struct python_pool *pool)
{
	for (;;) {
		results_tell(pool);
		incoming_take(pool);
		if (is_finished(pool))
			return;
		time_us now = clock_monotonic();
		hand_out(pool, now);
		python_start_wanted(pool, now);
		if (pool->away)
			python_turn_away(pool);
		turn(pool, pool->results->len > 0 ? now : next_wake(pool, now));
	}
}

static bool any_lives(const struct python_pool *pool)
{
	return pool->states[PYTHON_NONE] < pool->slot_count;
}

/* What ran past the deadline is killed with the group; the rest ends by itself if it does so soon. */
static void workers_end(struct python_pool *pool)
{
	time_us now = clock_monotonic(), until = CLAMP(pool->deadline, now, now + END_MAX);
	pool->ending = true;
	python_dismiss_all(pool);
	while (any_lives(pool) && clock_monotonic() < until)
		turn(pool, until);
	python_kill_all(pool);
	until = clock_monotonic() + KILL_MAX;
	while (any_lives(pool) && clock_monotonic() < until)
		turn(pool, until);
}

static void pool_open(struct python_pool *pool)
{
	pool->slot_count = (size_t)pool->python->settings->python.workers;
	pool->slots = g_new0(struct python_slot, pool->slot_count);
	pool->states[PYTHON_NONE] = pool->slot_count;
	pool->results = g_array_new(false, false, sizeof(struct fire_result));
	pool->delay = PYTHON_RETRY_MIN;
	pool->start_at = TIME_US_MIN;
	fire_queue_init(&pool->queue);
	struct epoll_event event = {.events = EPOLLIN, .data.u64 = (uint64_t)pool->slot_count << 2};
	epoll_ctl(pool->python->epoll, EPOLL_CTL_ADD, pool->python->wake, &event);
}

static void pool_close(struct python_pool *pool)
{
	const struct callback_host *host = &pool->python->host;
	for (size_t i = 0; i < pool->slot_count; i++) {
		struct python_slot *slot = &pool->slots[i];
		if (slot->state == PYTHON_NONE)
			continue;
		struct fire_request *request;
		while ((request = g_queue_pop_tail(&slot->sent)))
			fire_queue_put_back(&pool->queue, request);
		python_worker_close(&slot->worker, host->say, host->context);
	}
	for (guint i = 0; i < pool->results->len; i++)
		g_free(g_array_index(pool->results, struct fire_result, i).detail);
	g_array_unref(pool->results);
	fire_queue_clear(&pool->queue);
	g_free(pool->slots);
	g_free(pool->reason);
}

gpointer python_pool_run(gpointer data)
{
	struct python_pool pool = {.python = data};
	pool_open(&pool);
	work(&pool);
	workers_end(&pool);
	pool_close(&pool);
	return NULL;
}
