#include "engine/internal.h"

/* While live fires are enough to fill every batch, each fourth one goes to the backlog. */
#define BACKLOG_TURN 4
#define HOUR_NS      (US_PER_HOUR * 1000)
/* So much of a rate may come at once. */
#define BURST_NS     (100 * US_PER_MS * 1000)

/* --- life --- */

struct lane *lane_new(struct engine *engine, const struct engine_lane_options *options)
{
	struct lane *lane = g_new(struct lane, 1);
	*lane = (struct lane){
		.engine = engine,
		.name = g_strdup(options->name),
		.lasting = options->lasting,
		.begin_max = options->begin_max,
		.index = engine->lane_count,
		.open_max = options->open_max ? options->open_max : engine->options.open_max,
		.interval_ns = options->per_hour ? HOUR_NS / options->per_hour : 0,
		.rate_ns = INT64_MIN,
		.records = g_ptr_array_new(),
		.taken = g_ptr_array_new(),
		.open_set = open_set_new(),
		.live.dispatched = POSITION_MIN,
		.watermark = POSITION_MIN,
		.blocked_until = TIME_US_MIN,
		.answered_at = TIME_US_MIN,
	};
	if (lane->lasting)
		lane->runs = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, g_free);
	return lane;
}

void lane_free(struct lane *lane)
{
	for (guint i = 0; i < lane->records->len; i++)
		record_free(lane->records->pdata[i]);
	g_ptr_array_unref(lane->records);
	g_ptr_array_unref(lane->taken);
	g_hash_table_unref(lane->open_set);
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
	g_queue_clear(&lane->recording);
	g_free(lane->name);
	g_free(lane);
}

/* --- the rate: the generic cell rate algorithm (ITU-T I.371) --- */

static int64_t rate_now(const struct lane *lane)
{
	return MAX(lane->rate_ns, lane->engine->boottime * 1000);
}

static int64_t rate_burst(const struct lane *lane)
{
	return MAX(lane->interval_ns, BURST_NS);
}

/* How many may be handed out now, at most max. */
static size_t rate_allows(const struct lane *lane, size_t max)
{
	if (!lane->interval_ns)
		return max;
	int64_t room = lane->engine->boottime * 1000 + rate_burst(lane) - rate_now(lane);
	return room < lane->interval_ns ? 0 : MIN(max, (size_t)(room / lane->interval_ns));
}

/* The boottime at which the next one may be handed out. */
static time_us rate_until(const struct lane *lane)
{
	return (rate_now(lane) + lane->interval_ns - rate_burst(lane)) / 1000 + 1;
}

static void rate_spend(struct lane *lane, size_t count)
{
	if (lane->interval_ns)
		lane->rate_ns = rate_now(lane) + (int64_t)count * lane->interval_ns;
}

/* --- at most once: that a fire begins is durable before it does --- */

/* Whether a flight that is to be handed out may be, now or once it is written down. */
static bool may_begin(const struct lane *lane, const struct flight *flight)
{
	return !lane->begin_max || lane->begun < lane->begin_max || (flight && flight->started);
}

static void flight_begin(struct lane *lane, struct flight *flight)
{
	flight->started = true;
	lane->begun++;
	flight_record(lane, flight);
}

/* What begins is written down at once, and while a step of the clock is held the watermark cannot follow. */
static bool live_may_begin(const struct lane *lane)
{
	return !lane->begin_max || !lane->jump.on;
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
	if (flight->open)
		open_remove(from, flight);
	run_leave(from, flight);
	flight_not_begun(from, flight);
	flight->unavailable = 0;
	from->retained--;
	from->backlog_retained -= flight->backlog;
	to->retained++;
	to->backlog_retained += flight->backlog;
	from->asked -= flight->asked;
	to->asked += flight->asked;
	flight->lane = to->index;
	flight_open(to, flight);
	if (to->lasting)
		run_enter(to, flight);
	if (flight->state == FLIGHT_READY)
		g_queue_push_tail(&to->ready, flight);
	else if (flight->state == FLIGHT_DONE)
		flight->finished_at = to->engine->now;
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

static void take_out(struct lane *lane, struct flight *flight)
{
	lane->took++;
	if (lane->begin_max && !flight->started)
		flight_begin(lane, flight);
	else
		g_ptr_array_add(lane->taken, flight);
}

static void take_ready(struct lane *lane, size_t max)
{
	struct flight *flight;
	while (lane->took < max && (flight = g_queue_peek_head(&lane->ready)) && may_begin(lane, flight)) {
		g_queue_pop_head(&lane->ready);
		if (!flight_refresh(lane, flight))
			flight_done(lane, flight, STATUS_SKIPPED, REASON_REMOVED);
		else if (flight->action->lane != lane->index)
			flight_move(lane, lane->engine->lanes[flight->action->lane], flight);
		else
			take_out(lane, flight);
	}
}

static void take_flight(struct lane *lane, struct flight *flight)
{
	if (flight->state == FLIGHT_READY && lane->lasting)
		run_enter(lane, flight);
	if (flight->state == FLIGHT_READY)
		take_out(lane, flight);
	else if (flight->state == FLIGHT_DONE)
		flight->finished_at = lane->engine->now;
}

static void take_live(struct lane *lane, size_t max)
{
	struct engine *engine = lane->engine;
	struct cursor *top;
	while (lane->took < max && lane->retained < lane->open_max && may_begin(lane, NULL) &&
		live_may_begin(lane) && (top = lane_live_top(lane, engine->now))) {
		struct flight *flight = flight_new(lane, &lane->live, cursor_action(top), top->head, false);
		lane->live.dispatched = top->head;
		source_advance(&lane->source);
		take_flight(lane, flight);
	}
}

static bool backlog_has_room(const struct lane *lane)
{
	uint32_t most = lane->open_max;
	return lane->backlog_retained < MAX(1, most / 2) && lane->retained < most;
}

static void take_backlog(struct lane *lane, size_t max)
{
	struct record *record = lane_firing(lane);
	while (record && lane->took < max && backlog_has_room(lane) && may_begin(lane, NULL)) {
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
	if (engine->stopped || engine_holds(engine) || lane->full || lane->blocked_until > engine->boottime ||
		lane_is_held_up(lane) || !rate_allows(lane, 1) ||
		!may_begin(lane, g_queue_peek_head((GQueue *)&lane->ready)))
		return false;
	if (lane->ready.length > 0 || any_waiting_due(lane))
		return true;
	if (engine->options.manual_only)
		return false;
	const struct cursor *top = source_top(&lane->source);
	if (top && top->head.due_at <= engine->now && lane->retained < lane->open_max && live_may_begin(lane))
		return true;
	const struct record *record = lane_firing(lane);
	return record && record_has_more(record) && backlog_has_room(lane);
}

static void take_batch(struct lane *lane, size_t max)
{
	lane->blocked_until = TIME_US_MIN;
	lane->took = 0;
	promote_waiting(lane);
	if (lane->engine->options.manual_only) {
		take_ready(lane, max);
		return;
	}
	lane_find_missed(lane);
	lane->started = true;
	take_ready(lane, max);
	if (++lane->turns % BACKLOG_TURN == 0)
		take_backlog(lane, MIN(max, lane->took + MAX(1, max / BACKLOG_TURN)));
	take_live(lane, max);
	take_backlog(lane, max);
}

size_t engine_take(struct engine *engine, uint16_t index, struct fire *out, size_t max)
{
	struct lane *lane = engine->lanes[index];
	g_ptr_array_set_size(lane->taken, 0);
	engine->starting = false;
	lane_live_top(lane, engine->now);
	if (lane_can_take(lane))
		take_batch(lane, rate_allows(lane, max));
	for (guint i = 0; i < lane->taken->len; i++) {
		struct flight *flight = lane->taken->pdata[i];
		out[i] = (struct fire){
			.ticket = flight->ticket,
			.action = flight->action,
			.nominal = flight->position.nominal,
			.due_at = flight->position.due_at,
			.attempt = (uint16_t)(flight->attempts + 1),
			.manual = flight->manual,
			.live = !flight->handed && !flight->backlog,
		};
	}
	return lane->taken->len;
}

void engine_accepted(struct engine *engine, uint16_t index, size_t accepted)
{
	struct lane *lane = engine->lanes[index];
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
	rate_spend(lane, accepted);
	g_ptr_array_set_size(lane->taken, 0);
}

void engine_ready(struct engine *engine, uint16_t index)
{
	engine->lanes[index]->full = false;
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

static time_us retry_at(const struct engine *engine, const struct fire_result *result)
{
	return MIN(result->retry_at, engine->now + RETRY_AT_MAX);
}

static void flight_wait(
	struct lane *lane, struct flight *flight, const struct fire_result *result, uint32_t failures)
{
	time_us backed_off = lane->engine->now + back_off(lane->engine, failures, flight->ticket);
	flight->state = FLIGHT_WAITING;
	flight->next_attempt_at = MAX(backed_off, retry_at(lane->engine, result));
	flight->finished_at = TIME_US_MIN;
	flight_not_begun(lane, flight);
	open_touch(lane, flight);
	g_queue_push_tail(&lane->waiting, flight);
}

static void answer_rejected(struct lane *lane, struct flight *flight, const struct fire_result *result)
{
	flight->attempts++;
	uint32_t tried = (uint32_t)flight->attempts - flight->attempts_before;
	if (tried >= flight->action->max_attempts)
		flight_done(lane, flight, STATUS_FAILED, REASON_REFUSED);
	else
		flight_wait(lane, flight, result, tried);
}

/* The receiver has answered others since this fire was first handed out in vain: it is this one alone that it
 * has trouble with. Where fires are runs, their order is not that of their ends anyway. */
static bool is_alone_unavailable(const struct lane *lane, const struct flight *flight)
{
	return lane->lasting && lane->answered_at != TIME_US_MIN &&
	       lane->answered_at >= flight->unavailable_from;
}

/* Back to where it was among those to be handed out. */
static void answer_unavailable(struct lane *lane, struct flight *flight)
{
	/* Many come back together, in order: the place is looked for from the end. */
	GList *link = lane->ready.tail;
	if (flight->started)
		open_touch(lane, flight);
	flight_not_begun(lane, flight);
	while (link && !((struct flight *)link->data)->started &&
		((struct flight *)link->data)->order > flight->order)
		link = link->prev;
	flight->state = FLIGHT_READY;
	flight->finished_at = TIME_US_MIN;
	g_queue_insert_after(&lane->ready, link, flight);
}

/* Returns whether the lane is to wait. */
static bool answer(struct lane *lane, const struct fire_result *result)
{
	struct engine *engine = lane->engine;
	uint64_t slot = result->ticket & UINT32_MAX;
	struct flight *flight = slot < engine->flights->len ? engine->flights->pdata[slot] : NULL;
	if (!flight || flight->ticket != result->ticket || flight->state != FLIGHT_SUBMITTED) {
		g_free(result->detail);
		return false;
	}
	lane->in_flight--;
	flight->started_at = result->started_at;
	flight->finished_at = result->finished_at;
	g_free(flight->detail);
	flight->detail = result->detail;
	if (result->answer == FIRE_UNAVAILABLE) {
		if (flight->unavailable == 0)
			flight->unavailable_from = flight->handed_at;
		if (flight->unavailable < UINT8_MAX)
			flight->unavailable++;
		if (is_alone_unavailable(lane, flight)) {
			flight_wait(lane, flight, result, flight->unavailable);
			return false;
		}
		answer_unavailable(lane, flight);
		return true;
	}
	lane->failures = 0;
	lane->answered_at = engine->boottime;
	if (result->answer == FIRE_DELIVERED) {
		flight->attempts++;
		flight_done(lane, flight, STATUS_DELIVERED, REASON_NONE);
	} else {
		answer_rejected(lane, flight, result);
	}
	return false;
}

void engine_resolved(struct engine *engine, uint16_t index, const struct fire_result *results, size_t count)
{
	struct lane *lane = engine->lanes[index];
	bool unavailable = false;
	time_us asked = engine->now;
	for (size_t i = 0; i < count; i++) {
		if (!answer(lane, &results[i]))
			continue;
		unavailable = true;
		asked = MAX(asked, retry_at(engine, &results[i]));
	}
	if (!unavailable)
		return;
	if (lane->blocked_until <= engine->boottime)
		lane->blocked_until =
			engine->boottime + back_off(engine, ++lane->failures, engine->next_ticket);
	lane->blocked_until = MAX(lane->blocked_until, engine->boottime + (asked - engine->now));
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
	if (lane->jump.on)
		wake = wake_at_boottime(engine, lane->jump.until_boottime);
	else
		wake = stream_wake(engine, &lane->live);
	if (lane->records->len > 0)
		wake = MIN(wake, stream_wake(engine, &((struct record *)lane->records->pdata[0])->stream));
	if (engine->stopped || engine_holds(engine) || lane->full || lane_is_held_up(lane))
		return wake;
	if (lane->blocked_until > engine->boottime)
		return MIN(wake, wake_at_boottime(engine, lane->blocked_until));
	if (!rate_allows(lane, 1))
		return MIN(wake, wake_at_boottime(engine, rate_until(lane)));
	if (!may_begin(lane, g_queue_peek_head((GQueue *)&lane->ready)))
		return wake;
	for (GList *link = lane->waiting.head; link; link = link->next)
		wake = MIN(wake, ((struct flight *)link->data)->next_attempt_at);
	const struct cursor *top = source_top(&lane->source);
	if (top && lane->retained < lane->open_max && live_may_begin(lane) && !engine->options.manual_only)
		wake = MIN(wake, top->head.due_at);
	return wake;
}
