/* Workers come and go. */
#include "callback/python_pool.h"

#include <signal.h>
#include <string.h>
#include <sys/epoll.h>

/* A worker that ends without a reason so soon after it was ready would do so again. */
#define READY_LEAST US_PER_SECOND

void python_set_state(struct python_pool *pool, struct python_slot *slot, enum python_state state)
{
	pool->states[slot->state]--;
	slot->state = state;
	pool->states[state]++;
}

G_GNUC_PRINTF(2, 3) static void say(const struct python_pool *pool, const char *format, ...)
{
	const struct callback_host *host = &pool->python->host;
	va_list args;
	va_start(args, format);
	g_autofree char *line = g_strdup_vprintf(format, args);
	va_end(args);
	host->say(host->context, line);
}

/* --- trouble --- */

static void away_set(struct python_pool *pool, bool away)
{
	struct callback *python = pool->python;
	const struct callback_host *host = &python->host;
	pool->away = away;
	pthread_mutex_lock(&python->lock);
	python->away = away;
	bool room = !away && python->refused;
	if (room)
		python->refused = false;
	pthread_mutex_unlock(&python->lock);
	host->trouble(host->context, away ? pool->reason : NULL);
	if (room)
		host->ready(host->context);
}

static void lines_say(const struct python_pool *pool, const char *text)
{
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	for (size_t i = 0; lines[i]; i++)
		if (*lines[i])
			say(pool, "%s", lines[i]);
}

/* A start was in vain. The reason is taken over; it is said once for all tries that it spoils. */
static void start_failed(struct python_pool *pool, char *reason, const char *traceback, time_us now)
{
	bool news = !pool->reason || strcmp(pool->reason, reason) != 0;
	bool away = pool->states[PYTHON_READY] == 0;
	g_free(pool->reason);
	pool->reason = reason;
	pool->proven = false;
	if (now >= pool->start_at) {
		pool->start_at = now + pool->delay;
		pool->delay = MIN(2 * pool->delay, PYTHON_RETRY_MAX);
	}
	if (pool->ending)
		return;
	if (news && traceback)
		lines_say(pool, traceback);
	if (away && !pool->away)
		away_set(pool, true);
	else if (news)
		say(pool, "a worker: %s", reason);
}

void python_turn_away(struct python_pool *pool)
{
	struct fire_request *request;
	while ((request = fire_queue_take(&pool->queue)))
		python_answer(pool, request, FIRE_UNAVAILABLE, g_strdup(pool->reason));
}

/* --- the start --- */

static void watch(struct python_pool *pool, const struct python_slot *slot)
{
	const int fds[] = {slot->worker.channel, slot->worker.output, slot->worker.pidfd};
	for (size_t kind = 0; kind < G_N_ELEMENTS(fds); kind++) {
		struct epoll_event event = {
			.events = EPOLLIN, .data.u64 = (uint64_t)(slot - pool->slots) << 2 | kind};
		epoll_ctl(pool->python->epoll, EPOLL_CTL_ADD, fds[kind], &event);
	}
}

static bool worker_start(struct python_pool *pool, time_us now)
{
	struct python_slot *slot = pool->slots;
	g_autoptr(GError) error = NULL;
	while (slot->state != PYTHON_NONE)
		slot++;
	pool->started = true;
	*slot = (struct python_slot){.due_at = now + PYTHON_START_MAX};
	if (!python_worker_start(&slot->worker, &pool->python->program, &error)) {
		start_failed(pool, g_strdup(error->message), NULL, now);
		return false;
	}
	python_set_state(pool, slot, PYTHON_STARTING);
	watch(pool, slot);
	return true;
}

/* The first one shows early whether the function is there; while nobody is there it is tried for as long as
 * it takes. Otherwise there are more only while fires wait for one. Until one was ready they are started
 * singly. */
static size_t wanted(const struct python_pool *pool)
{
	size_t starting = pool->states[PYTHON_STARTING], most = pool->proven ? PYTHON_STARTING_MAX : 1;
	size_t waiting = pool->queue.next.length;
	if ((!pool->started || pool->away) && waiting == 0)
		waiting = 1;
	if (starting >= MIN(most, waiting))
		return 0;
	return MIN(MIN(most, waiting) - starting, pool->states[PYTHON_NONE]);
}

void python_start_wanted(struct python_pool *pool, time_us now)
{
	if (now < pool->start_at)
		return;
	for (size_t count = wanted(pool); count > 0; count--)
		if (!worker_start(pool, now))
			return;
}

void python_ready(struct python_pool *pool, struct python_slot *slot, time_us now)
{
	python_set_state(pool, slot, PYTHON_READY);
	slot->ready_at = now;
	slot->due_at = TIME_US_MAX;
	pool->proven = true;
	pool->delay = PYTHON_RETRY_MIN;
	pool->start_at = TIME_US_MIN;
	g_clear_pointer(&pool->reason, g_free);
	if (pool->away)
		away_set(pool, false);
}

/* --- the end --- */

static void slot_kill(struct python_pool *pool, struct python_slot *slot, int number, time_us now)
{
	python_take_back(pool, slot);
	python_worker_kill(&slot->worker, number);
	slot->due_at = number == SIGKILL ? TIME_US_MAX : now + PYTHON_KILL_AFTER;
	python_set_state(pool, slot, PYTHON_KILLED);
}

void python_failed(struct python_pool *pool, struct python_slot *slot, const json_t *frame, time_us now)
{
	const char *text = json_string_value(json_object_get(frame, "failed"));
	const char *traceback = json_string_value(json_object_get(frame, "traceback"));
	if (!text) {
		python_distrust(pool, slot, "said neither that it is ready nor that it failed", now);
		return;
	}
	/* It ends by itself. */
	slot->due_at = now + PYTHON_KILL_AFTER;
	python_set_state(pool, slot, PYTHON_KILLED);
	start_failed(pool, g_strdup_printf("the function cannot be loaded: %s", text), traceback, now);
}

void python_distrust(struct python_pool *pool, struct python_slot *slot, const char *why, time_us now)
{
	bool starting = slot->state == PYTHON_STARTING;
	if (slot->state == PYTHON_KILLED)
		return;
	slot_kill(pool, slot, SIGKILL, now);
	if (starting)
		start_failed(pool, g_strdup_printf("the worker %s", why), NULL, now);
	else
		say(pool, "worker %d %s, and is killed", (int)slot->worker.pid, why);
}

void python_overdue(struct python_pool *pool, struct python_slot *slot, time_us now)
{
	switch (slot->state) {
	case PYTHON_STARTING:
		slot_kill(pool, slot, SIGKILL, now);
		start_failed(pool,
			g_strdup_printf("the function is not loaded after %d s",
				(int)(PYTHON_START_MAX / US_PER_SECOND)),
			NULL, now);
		break;
	case PYTHON_READY:
		slot_kill(pool, slot, SIGTERM, now);
		slot->timed_out = true;
		break;
	default: python_worker_kill(&slot->worker, SIGKILL); slot->due_at = TIME_US_MAX;
	}
}

/* A fire that was running when its worker died is tried once more: it may not be to blame. */
static void run_lost(struct python_pool *pool, struct python_slot *slot, struct fire_request *request,
	const char *how, int pid)
{
	if (slot->timed_out) {
		python_answer(pool, request, FIRE_REJECTED,
			g_strdup_printf("timed out after %d s", (int)request->fire.action->timeout_s));
	} else if (request->died) {
		python_answer(pool, request, FIRE_REJECTED,
			g_strdup_printf(
				"the worker %s while it called the function, and so did another before",
				how));
	} else {
		char id[FIRE_ID_MAX];
		const struct fire *fire = &request->fire;
		if (!pool->ending)
			say(pool, "worker %d %s while it called the function for %s, which is repeated", pid,
				how, fire_id_format(fire->action->id, fire->nominal, fire->manual, id));
		request->died = true;
		request->started_at = 0;
		fire_queue_put_back(&pool->queue, request);
	}
}

static void slot_close(struct python_pool *pool, struct python_slot *slot)
{
	const struct callback_host *host = &pool->python->host;
	python_worker_close(&slot->worker, host->say, host->context);
	python_set_state(pool, slot, PYTHON_NONE);
}

void python_died(struct python_pool *pool, struct python_slot *slot, time_us now)
{
	const enum python_state state = slot->state;
	g_autofree char *how = NULL;
	int pid = (int)slot->worker.pid;
	python_take_back(pool, slot);
	bool idle = slot->sent.length == 0;
	/* What the call has started is not to outlive its time either. */
	if (slot->timed_out)
		python_worker_kill(&slot->worker, SIGKILL);
	if (!python_worker_reap(&slot->worker, &how))
		return;
	struct fire_request *request;
	while ((request = g_queue_pop_tail(&slot->sent)))
		run_lost(pool, slot, request, how, pid);
	slot_close(pool, slot);
	if (state == PYTHON_STARTING || (state == PYTHON_READY && idle && now - slot->ready_at < READY_LEAST))
		start_failed(pool, g_strdup_printf("the worker %s", how), NULL, now);
	else if (state == PYTHON_READY && idle && !pool->ending)
		say(pool, "worker %d %s", pid, how);
}

void python_dismiss_all(struct python_pool *pool)
{
	for (size_t i = 0; i < pool->slot_count; i++) {
		struct python_slot *slot = &pool->slots[i];
		if (slot->state == PYTHON_READY && slot->sent.length == 0)
			python_worker_dismiss(&slot->worker);
		else if (slot->state != PYTHON_NONE)
			python_worker_kill(&slot->worker, SIGKILL);
	}
}

void python_kill_all(struct python_pool *pool)
{
	for (size_t i = 0; i < pool->slot_count; i++)
		if (pool->slots[i].state != PYTHON_NONE)
			python_worker_kill(&pool->slots[i].worker, SIGKILL);
}
