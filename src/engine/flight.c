#include "engine/internal.h"

/* --- streams and flights --- */

static void list_append(struct flight **first, struct flight **last, struct flight *flight)
{
	flight->prev = *last;
	flight->next = NULL;
	*(*last ? &(*last)->next : first) = flight;
	*last = flight;
}

static void list_remove(struct flight **first, struct flight **last, struct flight *flight)
{
	*(flight->prev ? &flight->prev->next : first) = flight->next;
	*(flight->next ? &flight->next->prev : last) = flight->prev;
	flight->prev = flight->next = NULL;
}

void stream_remove(struct stream *stream, struct flight *flight)
{
	list_remove(&stream->first, &stream->last, flight);
	flight->stream = NULL;
}

static guint open_hash(gconstpointer key)
{
	const struct flight *flight = key;
	uint64_t x = (uint64_t)flight->position.action_id * UINT64_C(0x9e3779b97f4a7c15) ^
		     (uint64_t)flight->position.nominal;
	return (guint)((x * UINT64_C(0xff51afd7ed558ccd)) >> 32);
}

static gboolean open_equal(gconstpointer a, gconstpointer b)
{
	const struct flight *x = a, *y = b;
	return position_compare(x->position, y->position) == 0 && g_strcmp0(x->manual, y->manual) == 0;
}

GHashTable *open_set_new(void)
{
	return g_hash_table_new(open_hash, open_equal);
}

bool open_has(const struct lane *lane, struct position position, const char *manual)
{
	char uuid[FIRE_MANUAL_MAX];
	if (!lane->open_count)
		return false;
	g_strlcpy(uuid, manual, sizeof uuid);
	const struct flight key = {.position = position, .manual = *manual ? uuid : NULL};
	return g_hash_table_contains(lane->open_set, &key);
}

/* A fire that comes again, after a step of the clock, may be there twice. */
static void open_set_add(GHashTable *set, struct flight *flight)
{
	flight->twin = g_hash_table_lookup(set, flight);
	g_hash_table_add(set, flight);
}

static void open_set_remove(GHashTable *set, struct flight *flight)
{
	struct flight *twin = g_hash_table_lookup(set, flight);
	if (twin == flight && !flight->twin)
		g_hash_table_remove(set, flight);
	else if (twin == flight)
		g_hash_table_add(set, flight->twin);
	while (twin->twin && twin->twin != flight)
		twin = twin->twin;
	if (twin->twin)
		twin->twin = flight->twin;
	flight->twin = NULL;
}

void open_remove(struct lane *lane, struct flight *flight)
{
	open_set_remove(lane->open_set, flight);
	list_remove(&lane->open_first, &lane->open_last, flight);
	lane->open_changed -= flight->changed;
	lane->open_count--;
	flight->open = flight->changed = false;
}

void open_touch(struct lane *lane, struct flight *flight)
{
	if (!flight->open || flight->changed)
		return;
	flight->changed = true;
	lane->open_changed++;
}

void open_settled(struct lane *lane, struct flight *flight)
{
	lane->open_changed -= flight->changed;
	flight->changed = false;
}

void flight_open(struct lane *lane, struct flight *flight)
{
	if (flight->stream)
		stream_remove(flight->stream, flight);
	list_append(&lane->open_first, &lane->open_last, flight);
	open_set_add(lane->open_set, flight);
	flight->open = true;
	lane->open_count++;
	open_touch(lane, flight);
}

/* What comes before it in its stream is open, too, or done: after a crash the stream goes on behind it. */
static void open_up_to(struct lane *lane, struct flight *flight)
{
	for (struct flight *f = flight->stream ? flight->stream->first : NULL, *next; f; f = next) {
		next = f == flight ? NULL : f->next;
		if (f->state != FLIGHT_DONE)
			flight_open(lane, f);
	}
}

void flight_record(struct lane *lane, struct flight *flight)
{
	open_up_to(lane, flight);
	if (!flight->open)
		flight_open(lane, flight);
	open_touch(lane, flight);
	flight->state = FLIGHT_RECORDING;
	flight->recorded_by = lane->engine->next_sequence + 1;
	g_queue_push_tail(&lane->recording, flight);
}

void lane_recorded(struct lane *lane)
{
	struct flight *flight;
	while ((flight = g_queue_peek_head(&lane->recording)) &&
		flight->recorded_by <= lane->engine->durable) {
		g_queue_pop_head(&lane->recording);
		flight_ready(lane, flight);
	}
}

void flight_go_on(struct lane *lane, struct flight *flight)
{
	bool waits = flight->next_attempt_at > lane->engine->now;
	flight->state = waits ? FLIGHT_WAITING : FLIGHT_READY;
	g_queue_push_tail(waits ? &lane->waiting : &lane->ready, flight);
}

void flight_ready(struct lane *lane, struct flight *flight)
{
	GList *link = flight->started ? lane->ready.head : NULL;
	while (link && ((struct flight *)link->data)->started)
		link = link->next;
	flight->state = FLIGHT_READY;
	g_queue_insert_before(&lane->ready, link, flight);
}

void flight_not_begun(struct lane *lane, struct flight *flight)
{
	lane->begun -= flight->started;
	flight->started = false;
}

struct flight *flight_new(struct lane *lane, struct stream *stream, struct action *action,
	struct position position, bool backlog)
{
	struct engine *engine = lane->engine;
	struct flight *flight = engine->free_flights;
	uint64_t slot;
	if (flight) {
		engine->free_flights = flight->next;
		slot = flight->ticket & UINT32_MAX;
	} else {
		flight = g_new(struct flight, 1);
		slot = engine->flights->len;
		g_ptr_array_add(engine->flights, flight);
	}
	*flight = (struct flight){
		.ticket = ++engine->next_ticket << 32 | slot,
		.order = ++engine->next_order,
		.stream = stream,
		.action = action ? action_ref(action) : NULL,
		.action_id = position.action_id,
		.position = position,
		.backlog = backlog,
		.lane = lane->index,
		.handed_at = TIME_US_MIN,
		.next_attempt_at = TIME_US_MIN,
		.started_at = TIME_US_MIN,
		.finished_at = TIME_US_MIN,
	};
	if (stream)
		list_append(&stream->first, &stream->last, flight);
	lane->retained++;
	lane->backlog_retained += backlog;
	return flight;
}

void flight_free(struct lane *lane, struct flight *flight)
{
	struct engine *engine = lane->engine;
	lane->retained--;
	lane->backlog_retained -= flight->backlog;
	lane->asked -= flight->asked;
	action_unref(flight->action);
	g_free(flight->manual);
	g_free(flight->detail);
	flight->action = NULL;
	flight->manual = flight->detail = NULL;
	flight->ticket &= UINT32_MAX; /* no answer matches it any more */
	flight->next = engine->free_flights;
	engine->free_flights = flight;
}

/* --- runs: what of an action is under way, where fires last --- */

static struct run *lane_run(struct lane *lane, int64_t id)
{
	struct run *run = g_hash_table_lookup(lane->runs, &id);
	if (!run) {
		run = g_new0(struct run, 1);
		run->action_id = id;
		g_queue_init(&run->deferred);
		g_hash_table_insert(lane->runs, &run->action_id, run);
	}
	return run;
}

void run_enter(struct lane *lane, struct flight *flight)
{
	struct run *run = lane_run(lane, flight->action_id);
	if (flight->backlog && run->backlog_running > 0) {
		flight->state = FLIGHT_DEFERRED;
		g_queue_push_tail(&run->deferred, flight);
		return;
	}
	if (!flight->backlog && !flight->handed && flight->action &&
		run->running >= flight->action->max_instances) {
		flight->status = STATUS_SKIPPED;
		flight->reason = REASON_MAX_INSTANCES;
		flight->state = FLIGHT_DONE;
		return;
	}
	run->running++;
	run->backlog_running += flight->backlog;
	flight->running = true;
}

void run_leave(struct lane *lane, struct flight *flight)
{
	if (!flight->running)
		return;
	flight->running = false;
	struct run *run = lane_run(lane, flight->action_id);
	run->running--;
	run->backlog_running -= flight->backlog;
	struct flight *next = run->backlog_running == 0 ? g_queue_pop_head(&run->deferred) : NULL;
	if (next) {
		run_enter(lane, next);
		flight_go_on(lane, next);
	} else if (run->running == 0 && g_queue_is_empty(&run->deferred)) {
		g_hash_table_remove(lane->runs, &flight->action_id);
	}
}

void flight_done(struct lane *lane, struct flight *flight, enum fire_status status, enum fire_reason reason)
{
	flight->state = FLIGHT_DONE;
	flight->status = (uint8_t)status;
	flight->reason = (uint8_t)reason;
	if (flight->finished_at == TIME_US_MIN)
		flight->finished_at = lane->engine->now;
	flight_not_begun(lane, flight);
	open_touch(lane, flight);
	run_leave(lane, flight);
}
