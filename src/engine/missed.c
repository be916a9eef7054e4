#include "engine/internal.h"

time_us lane_since(const struct lane *lane, const struct action *action)
{
	return position_bound(lane->live.dispatched, action->schedule, action->id);
}

static bool is_late(const struct lane *lane, const struct flight *flight, time_us limit)
{
	return flight->stream == &lane->live && !flight->handed && flight->position.due_at < limit;
}

/* The first fire that was dispatched and is late without having been handed out. */
static bool any_late(const struct lane *lane, time_us limit)
{
	for (GList *link = lane->ready.head; link; link = link->next) {
		if (is_late(lane, link->data, limit))
			return true;
	}
	return false;
}

/* Fires before `since` of their action are accounted for elsewhere. */
struct cursor *lane_live_top(struct lane *lane, time_us until)
{
	struct cursor *top;
	while ((top = source_top(&lane->source)) && top->head.due_at <= until &&
		top->head.due_at <= cursor_action(top)->since)
		source_advance(&lane->source);
	return top && top->head.due_at <= until ? top : NULL;
}

static void cohort_take_back(struct lane *lane, const struct flight *flight)
{
	struct cohort *cohort = lane_cohort(lane, flight->action->schedule, flight->action_id, false);
	bool is_back = !cohort || (cohort->cursor.heap_index != UINT32_MAX &&
					  position_compare(cohort->cursor.head, flight->position) <= 0);
	if (!is_back)
		source_seek(&lane->source, &cohort->cursor, lane->live.dispatched);
}

/* Fires are handed out in order: from the first one on that was not, none was. */
void lane_take_back(struct lane *lane)
{
	struct flight *flight = lane->live.first, *next;
	while (flight && (flight->state != FLIGHT_READY || flight->handed))
		flight = flight->next;
	if (!flight)
		return;
	lane->live.dispatched = position_before(flight->position);
	for (; flight; flight = next) {
		next = flight->next;
		stream_remove(&lane->live, flight);
		if (flight->state == FLIGHT_READY)
			g_queue_remove(&lane->ready, flight);
		run_leave(lane, flight);
		cohort_take_back(lane, flight);
		flight_free(lane, flight);
	}
}

static void stream_open(struct lane *lane, struct stream *stream, struct position to)
{
	for (struct flight *flight = stream->first, *next; flight; flight = next) {
		next = flight->next;
		if (position_compare(flight->position, to) > 0)
			break;
		if (flight->state != FLIGHT_DONE)
			flight_open(lane, flight);
	}
}

void lane_write_down(struct lane *lane)
{
	struct position all = position_end_of(TIME_US_MAX);
	lane_take_back(lane);
	stream_open(lane, &lane->live, all);
	if (lane->records->len > 0)
		stream_open(lane, &((struct record *)lane->records->pdata[0])->stream, all);
}

/* Takes the live stream beyond `to`. Returns the position after which fires are missed. */
static struct position live_cut(struct lane *lane, struct position to)
{
	lane_take_back(lane);
	struct position from = lane->live.dispatched;
	stream_open(lane, &lane->live, to);
	if (position_compare(lane->live.dispatched, to) < 0)
		lane->live.dispatched = to;
	source_skip(&lane->source, to);
	return from;
}

static void stretch_note(struct lane *lane, const char *what, struct position from, struct position to)
{
	char a[TIME_TEXT_MAX], b[TIME_TEXT_MAX];
	engine_note(lane->engine, true, "callback %s: fires due after %s up to %s %s", lane->name,
		from.due_at == TIME_US_MIN ? "the beginning" : time_format_utc(from.due_at, a),
		time_format_utc(to.due_at, b), what);
}

bool lane_is_held_up(const struct lane *lane)
{
	time_us limit = lane->engine->now - ENGINE_GRACE;
	const struct cursor *top = source_top(&lane->source);
	return lane->jump.on && ((top && top->head.due_at < limit) || any_late(lane, limit));
}

static void lane_missed_to(struct lane *lane, time_us until)
{
	struct position to = position_end_of(until);
	struct position from = live_cut(lane, to);
	struct record *record = record_new(lane, from, to, lane->engine->now);
	if (!lane->started)
		record->data.drop_before = engine_drop_before(lane->engine);
	stretch_note(lane, "were missed, they are made up for", from, to);
}

void lane_find_missed(struct lane *lane)
{
	time_us limit = lane->engine->now - ENGINE_GRACE;
	if (!lane->jump.on && (lane_live_top(lane, limit - 1) || any_late(lane, limit)))
		lane_missed_to(lane, limit - 1);
}

void lane_drop_held(struct lane *lane, time_us since, time_us until)
{
	lane_take_back(lane);
	if (lane_live_top(lane, since))
		lane_missed_to(lane, since);
	if (!lane_live_top(lane, until))
		return;
	struct position to = position_end_of(until), begin = position_end_of(since);
	struct position from = live_cut(lane, to);
	if (position_compare(from, begin) < 0)
		from = begin; /* it owes nothing before */
	struct record *record = record_new(lane, from, to, lane->engine->now);
	record->data.drop_before = TIME_US_MAX;
	record->data.drop_reason = REASON_HELD;
	stretch_note(lane, "were held, they are dropped", from, to);
}

void lane_jump_begin(struct lane *lane)
{
	struct position to = position_end_of(lane->engine->now - ENGINE_GRACE - 1);
	if (!lane->jump.on && position_compare(to, lane->live.dispatched) <= 0)
		return;
	lane->jump.until_boottime = lane->engine->boottime + ENGINE_STEP_WAIT;
	if (lane->jump.on)
		return;
	lane->jump.from = live_cut(lane, to);
	lane->jump.to = to;
	lane->jump.on = true;
}

void lane_jump_believe(struct lane *lane)
{
	lane->jump.on = false;
	struct record *record = record_new(lane, lane->jump.from, lane->jump.to, lane->engine->now);
	record->data.held = engine_held(lane->engine) != NULL;
	stretch_note(
		lane, "were jumped over by the clock, they are made up for", lane->jump.from, lane->jump.to);
}

void lane_seek(struct lane *lane, struct position position)
{
	GHashTableIter iter;
	void *data;
	lane->live.dispatched = position;
	if (!lane->cohorts)
		return;
	g_hash_table_iter_init(&iter, lane->cohorts);
	while (g_hash_table_iter_next(&iter, &data, NULL))
		source_seek(&lane->source, &((struct cohort *)data)->cursor, position);
}

/* What is on its way of the live stream goes on apart from the watermark, which is going elsewhere. */
static void live_leave(struct lane *lane, struct position after)
{
	lane_take_back(lane);
	for (struct flight *flight = lane->live.first, *next; flight; flight = next) {
		next = flight->next;
		if (position_compare(flight->position, after) <= 0)
			continue;
		flight_open(lane, flight);
		if (flight->state == FLIGHT_DONE && flight->status == STATUS_DELIVERED)
			flight->reason = REASON_CLOCK;
	}
}

/* Fires after the time t of a stretch will come again by themselves. */
static void records_cut(struct lane *lane, time_us t)
{
	for (guint i = 0; i < lane->records->len; i++)
		record_cut(lane->records->pdata[i], t);
}

static void lane_clamp_since(struct lane *lane)
{
	const struct action_list *all = &lane->engine->actions;
	for (uint32_t i = 0; i < all->count; i++) {
		if (all->items[i]->lane == lane->index)
			action_begin_no_later(lane->engine, all->items[i], lane->engine->now);
	}
}

void lane_jump_cancel(struct lane *lane)
{
	lane->jump.on = false;
	live_leave(lane, lane->jump.from);
	lane_clamp_since(lane);
	lane_seek(lane, lane->jump.from);
}

void lane_new_epoch(struct lane *lane)
{
	struct position now = position_end_of(lane->engine->now);
	/* Where the clock is still beyond it, that jump was real. */
	if (lane->jump.on)
		lane_jump_believe(lane);
	lane->clock_epoch++;
	lane->epoch_new = true;
	live_leave(lane, POSITION_MIN);
	records_cut(lane, lane->engine->now);
	lane_clamp_since(lane);
	/* What was due by now already and is not handed out is still owed. */
	lane_seek(lane, position_compare(lane->live.dispatched, now) < 0 ? lane->live.dispatched : now);
}
