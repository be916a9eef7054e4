#include "engine/internal.h"

/* While live fires are enough to fill every batch, each fourth one goes to the backlog. */
#define BACKLOG_TURN 4

/* --- life --- */

void lane_init(struct lane *lane, struct engine *engine, uint16_t index)
{
	const struct engine_lane_options *options = &engine->options.lanes[index];
	*lane = (struct lane){
		.engine = engine,
		.name = g_strdup(options->name),
		.lasting = options->lasting,
		.index = index,
		.records = g_ptr_array_new(),
		.taken = g_ptr_array_new(),
		.live.dispatched = POSITION_MIN,
		.watermark = POSITION_MIN,
		.blocked_until = TIME_US_MIN,
	};
	if (lane->lasting)
		lane->runs = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, g_free);
}

void lane_clear(struct lane *lane)
{
	for (guint i = 0; i < lane->records->len; i++)
		record_free(lane->records->pdata[i]);
	g_ptr_array_unref(lane->records);
	g_ptr_array_unref(lane->taken);
	g_queue_clear(&lane->ready);
	g_queue_clear(&lane->waiting);
	source_clear(&lane->source);
	if (lane->cohorts)
		g_hash_table_unref(lane->cohorts);
	if (lane->runs) {
		GHashTableIter iter;
		void *data;
		g_hash_table_iter_init(&iter, lane->runs);
		while (g_hash_table_iter_next(&iter, NULL, &data))
			g_queue_clear(&((struct run *)data)->deferred);
		g_hash_table_unref(lane->runs);
	}
	g_free(lane->name);
}

/* --- taking --- */

/* The definition may have been edited or removed since; false where the fire is nobody's any more. */
static bool flight_refresh(struct lane *lane, struct flight *flight)
{
	if (!flight->action || !flight->action->stale)
		return flight->action != NULL;
	struct action *current = action_list_find(&lane->engine->actions, flight->action_id);
	if (!current || current->incarnation != flight->action->incarnation)
		return false;
	action_unref(flight->action);
	flight->action = action_ref(current);
	return true;
}

/* The action has another callback now: what was not handed out goes there, written down as open. */
static void flight_move(struct lane *from, struct lane *to, struct flight *flight)
{
	if (flight->recorded) {
		struct open_fire gone = open_fire_of(from, flight);
		g_array_append_val(from->engine->pending->open_done, gone);
	}
	if (flight->open)
		open_remove(from, flight);
	run_leave(from, flight);
	from->retained--;
	from->backlog_retained -= flight->backlog;
	to->retained++;
	to->backlog_retained += flight->backlog;
	flight->recorded = false;
	flight->lane = to->index;
	flight_open(to, flight);
	g_queue_push_tail(&to->ready, flight);
}

static void promote_waiting(struct lane *lane)
{
	for (GList *link = lane->waiting.head, *next; link; link = next) {
		struct flight *flight = link->data;
		next = link->next;
		if (flight->next_attempt_at > lane->engine->now)
			continue;
		g_queue_delete_link(&lane->waiting, link);
		flight->state = FLIGHT_READY;
		g_queue_push_tail(&lane->ready, flight);
	}
}

static void take_ready(struct lane *lane, size_t max)
{
	while (lane->taken->len < max && !g_queue_is_empty(&lane->ready)) {
		struct flight *flight = g_queue_pop_head(&lane->ready);
		if (!flight_refresh(lane, flight))
			flight_done(lane, flight, STATUS_SKIPPED, REASON_REMOVED);
		else if (flight->action->lane != lane->index)
			flight_move(lane, &lane->engine->lanes[flight->action->lane], flight);
		else
			g_ptr_array_add(lane->taken, flight);
	}
}

static void take_flight(struct lane *lane, struct flight *flight)
{
	if (flight->state == FLIGHT_READY && lane->lasting)
		run_enter(lane, flight);
	if (flight->state == FLIGHT_READY)
		g_ptr_array_add(lane->taken, flight);
	else if (flight->state == FLIGHT_DONE)
		flight->finished_at = lane->engine->now;
}

static void take_live(struct lane *lane, size_t max)
{
	struct engine *engine = lane->engine;
	struct cursor *top;
	while (lane->taken->len < max && lane->retained < engine->options.open_max &&
		(top = lane_live_top(lane, engine->now))) {
		struct flight *flight = flight_new(lane, &lane->live, cursor_action(top), top->head, false);
		lane->live.dispatched = top->head;
		source_advance(&lane->source);
		take_flight(lane, flight);
	}
}

static bool backlog_has_room(const struct lane *lane)
{
	uint32_t most = lane->engine->options.open_max;
	return lane->backlog_retained < most / 2 && lane->retained < most;
}

static void take_backlog(struct lane *lane, size_t max)
{
	struct record *record = lane_firing(lane);
	while (record && lane->taken->len < max && backlog_has_room(lane)) {
		struct flight *flight = record_dispatch(lane, record);
		if (!flight)
			break;
		take_flight(lane, flight);
	}
}

static bool next_is_due(const struct lane *lane, const struct flight *flight)
{
	return flight->next_attempt_at <= lane->engine->now;
}

static bool any_waiting_due(const struct lane *lane)
{
	for (GList *link = lane->waiting.head; link; link = link->next) {
		if (next_is_due(lane, link->data))
			return true;
	}
	return false;
}

bool lane_can_take(const struct lane *lane)
{
	const struct engine *engine = lane->engine;
	if (engine->stopped || lane->full || lane->blocked_until > engine->boottime || lane_is_held_up(lane))
		return false;
	if (lane->ready.length > 0 || any_waiting_due(lane))
		return true;
	const struct cursor *top = source_top(&lane->source);
	if (top && top->head.due_at <= engine->now && lane->retained < engine->options.open_max)
		return true;
	const struct record *record = lane_firing(lane);
	return record && record_has_more(record) && backlog_has_room(lane);
}

static void take_batch(struct lane *lane, size_t max)
{
	lane->blocked_until = TIME_US_MIN;
	lane_find_missed(lane);
	lane->started = true;
	promote_waiting(lane);
	take_ready(lane, max);
	if (++lane->turns % BACKLOG_TURN == 0)
		take_backlog(lane, MIN(max, lane->taken->len + MAX(1, max / BACKLOG_TURN)));
	take_live(lane, max);
	take_backlog(lane, max);
}

size_t engine_take(struct engine *engine, uint16_t index, struct fire *out, size_t max)
{
	struct lane *lane = &engine->lanes[index];
	g_ptr_array_set_size(lane->taken, 0);
	engine->starting = false;
	lane_live_top(lane, engine->now);
	if (lane_can_take(lane))
		take_batch(lane, max);
	for (guint i = 0; i < lane->taken->len; i++) {
		struct flight *flight = lane->taken->pdata[i];
		out[i] = (struct fire){
			.ticket = flight->ticket,
			.action = flight->action,
			.nominal = flight->position.nominal,
			.due_at = flight->position.due_at,
			.attempt = (uint16_t)(flight->attempts + 1),
			.manual = flight->manual,
		};
	}
	return lane->taken->len;
}

void engine_accepted(struct engine *engine, uint16_t index, size_t accepted)
{
	struct lane *lane = &engine->lanes[index];
	for (guint i = lane->taken->len; i > accepted; i--)
		g_queue_push_head(&lane->ready, lane->taken->pdata[i - 1]);
	lane->full = accepted < lane->taken->len;
	for (guint i = 0; i < accepted; i++) {
		struct flight *flight = lane->taken->pdata[i];
		flight->state = FLIGHT_SUBMITTED;
		flight->handed = true;
		flight->handed_at = engine->boottime;
	}
	lane->in_flight += (uint32_t)accepted;
	g_ptr_array_set_size(lane->taken, 0);
}

void engine_ready(struct engine *engine, uint16_t index)
{
	engine->lanes[index].full = false;
}

/* --- answers --- */

/* Doubles with each failure, up to the most; half of it is drawn, so that many do not come back at once. */
static dur_us back_off(const struct engine *engine, uint32_t failures, uint64_t draw)
{
	dur_us delay = engine->options.retry_min;
	for (uint32_t i = 1; i < failures && delay < engine->options.retry_max; i++)
		delay *= 2;
	delay = MIN(delay, engine->options.retry_max);
	draw *= UINT64_C(0x9e3779b97f4a7c15);
	return delay / 2 + (dur_us)((draw >> 33) % (uint64_t)(delay / 2 + 1));
}

static void answer_rejected(struct lane *lane, struct flight *flight)
{
	flight->attempts++;
	if (flight->attempts >= flight->action->max_attempts) {
		flight_done(lane, flight, STATUS_FAILED, REASON_REFUSED);
		return;
	}
	flight->state = FLIGHT_WAITING;
	flight->next_attempt_at =
		lane->engine->now + back_off(lane->engine, flight->attempts, flight->ticket);
	flight->finished_at = TIME_US_MIN;
	open_touch(lane, flight);
	g_queue_push_tail(&lane->waiting, flight);
}

/* Back to where it was among those to be handed out. */
static void answer_unavailable(struct lane *lane, struct flight *flight)
{
	GList *link = lane->ready.head;
	while (link && ((struct flight *)link->data)->order < flight->order)
		link = link->next;
	flight->state = FLIGHT_READY;
	flight->finished_at = TIME_US_MIN;
	g_queue_insert_before(&lane->ready, link, flight);
}

static void answer(struct lane *lane, const struct fire_result *result)
{
	struct engine *engine = lane->engine;
	uint64_t slot = result->ticket & UINT32_MAX;
	struct flight *flight = slot < engine->flights->len ? engine->flights->pdata[slot] : NULL;
	if (!flight || flight->ticket != result->ticket || flight->state != FLIGHT_SUBMITTED) {
		g_free(result->detail);
		return;
	}
	lane->in_flight--;
	flight->started_at = result->started_at;
	flight->finished_at = result->finished_at;
	g_free(flight->detail);
	flight->detail = result->detail;
	if (result->answer == FIRE_UNAVAILABLE) {
		answer_unavailable(lane, flight);
		return;
	}
	lane->failures = 0;
	if (result->answer == FIRE_DELIVERED) {
		flight->attempts++;
		flight_done(lane, flight, STATUS_DELIVERED, REASON_NONE);
	} else {
		answer_rejected(lane, flight);
	}
}

void engine_resolved(struct engine *engine, uint16_t index, const struct fire_result *results, size_t count)
{
	struct lane *lane = &engine->lanes[index];
	bool unavailable = false;
	for (size_t i = 0; i < count; i++) {
		answer(lane, &results[i]);
		unavailable |= results[i].answer == FIRE_UNAVAILABLE;
	}
	if (unavailable && lane->blocked_until <= engine->boottime)
		lane->blocked_until =
			engine->boottime + back_off(engine, ++lane->failures, engine->next_ticket);
}

/* --- when to look again --- */

static time_us wake_at_boottime(const struct engine *engine, time_us boottime)
{
	return engine->now + MAX(0, boottime - engine->boottime);
}

/* When the first of a stream has taken so long that it is to be written down. */
static time_us stream_wake(const struct engine *engine, const struct stream *stream)
{
	const struct flight *first = stream->first;
	if (!first || !first->handed || first->state == FLIGHT_DONE || engine->commit_sequence)
		return TIME_US_MAX;
	return wake_at_boottime(engine, first->handed_at + ENGINE_OPEN_AFTER + 1);
}

time_us lane_next_wake(const struct lane *lane)
{
	const struct engine *engine = lane->engine;
	if (lane_can_take(lane) || lane_can_settle(lane))
		return TIME_US_MIN;
	time_us wake = TIME_US_MAX;
	if (lane->hold.on)
		wake = wake_at_boottime(engine, lane->hold.until_boottime);
	else
		wake = stream_wake(engine, &lane->live);
	if (lane->records->len > 0)
		wake = MIN(wake, stream_wake(engine, &((struct record *)lane->records->pdata[0])->stream));
	if (engine->stopped || lane->full || lane_is_held_up(lane))
		return wake;
	if (lane->blocked_until > engine->boottime)
		return MIN(wake, wake_at_boottime(engine, lane->blocked_until));
	for (GList *link = lane->waiting.head; link; link = link->next)
		wake = MIN(wake, ((struct flight *)link->data)->next_attempt_at);
	const struct cursor *top = source_top(&lane->source);
	if (top && lane->retained < engine->options.open_max)
		wake = MIN(wake, top->head.due_at);
	return wake;
}
