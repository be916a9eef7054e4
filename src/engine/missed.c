#include "engine/internal.h"

time_us lane_since(const struct lane *lane, const struct action *action)
{
	return position_bound(lane->live.dispatched, action->schedule, action->id);
}

static bool is_late(const struct flight *flight, time_us limit)
{
	return flight->state == FLIGHT_READY && !flight->handed && !flight->backlog &&
	       flight->position.due_at < limit;
}

/* The first fire that was dispatched and is late without having been handed out. */
static struct flight *first_late(const struct lane *lane, time_us limit)
{
	for (GList *link = lane->ready.head; link; link = link->next) {
		if (is_late(link->data, limit))
			return link->data;
	}
	return NULL;
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

/* Takes the live stream beyond `to`: what was dispatched and not handed out is taken back, what was handed
 * out and is unanswered is written down as open. Returns the position after which fires are missed. */
static struct position live_cut(struct lane *lane, struct position to)
{
	struct flight *late = first_late(lane, to.due_at + 1);
	struct position from = late ? position_before(late->position) : lane->live.dispatched;
	for (struct flight *flight = lane->live.first, *next; flight; flight = next) {
		next = flight->next;
		if (position_compare(flight->position, to) > 0)
			break;
		if (position_compare(flight->position, from) > 0 && !flight->handed) {
			stream_remove(&lane->live, flight);
			g_queue_remove(&lane->ready, flight);
			run_leave(lane, flight);
			flight_free(lane, flight);
		} else if (flight->state != FLIGHT_DONE) {
			flight_open(lane, flight);
		}
	}
	if (position_compare(lane->live.dispatched, to) < 0)
		lane->live.dispatched = to;
	source_skip(&lane->source, to);
	return from;
}

static void stretch_note(struct lane *lane, const char *what, struct position from, struct position to)
{
	char a[TIME_TEXT_MAX], b[TIME_TEXT_MAX];
	engine_note(lane->engine, true, "callback %s: fires due after %s up to %s %s, they are made up for",
		lane->name, from.due_at == TIME_US_MIN ? "the beginning" : time_format_utc(from.due_at, a),
		time_format_utc(to.due_at, b), what);
}

void lane_find_missed(struct lane *lane)
{
	struct engine *engine = lane->engine;
	time_us limit = engine->now - ENGINE_GRACE;
	if (lane->hold.on || (!lane_live_top(lane, limit - 1) && !first_late(lane, limit)))
		return;
	struct position to = position_end_of(limit - 1);
	struct position from = live_cut(lane, to);
	struct record *record = record_new(lane, from, to, engine->now);
	if (!lane->started)
		record->data.drop_before = engine->options.catch_up_from;
	stretch_note(lane, "were missed", from, to);
}

void lane_hold(struct lane *lane)
{
	struct position to = position_end_of(lane->engine->now - ENGINE_GRACE - 1);
	if (lane->hold.on || position_compare(to, lane->live.dispatched) <= 0)
		return;
	lane->hold.from = live_cut(lane, to);
	lane->hold.to = to;
	lane->hold.until_boottime = lane->engine->boottime + ENGINE_HOLD;
	lane->hold.on = true;
}

void lane_release_hold(struct lane *lane)
{
	lane->hold.on = false;
	record_new(lane, lane->hold.from, lane->hold.to, lane->engine->now);
	stretch_note(lane, "were jumped over by the clock", lane->hold.from, lane->hold.to);
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
	for (struct flight *flight = lane->live.first, *next; flight; flight = next) {
		next = flight->next;
		if (position_compare(flight->position, after) <= 0)
			continue;
		if (flight->handed) {
			flight_open(lane, flight);
			if (flight->state == FLIGHT_DONE)
				flight->reason = REASON_CLOCK;
			continue;
		}
		stream_remove(&lane->live, flight);
		g_queue_remove(&lane->ready, flight);
		run_leave(lane, flight);
		flight_free(lane, flight);
	}
}

/* Fires after the time t of a stretch will come again by themselves. */
static void records_cut(struct lane *lane, time_us t)
{
	for (guint i = 0; i < lane->records->len; i++)
		record_cut(lane->records->pdata[i], t);
}

void lane_cancel_hold(struct lane *lane)
{
	lane->hold.on = false;
	live_leave(lane, lane->hold.from);
	records_cut(lane, lane->engine->now);
	lane_seek(lane, lane->hold.from);
}

void lane_new_epoch(struct lane *lane)
{
	lane->hold.on = false;
	lane->clock_epoch++;
	live_leave(lane, POSITION_MIN);
	records_cut(lane, lane->engine->now);
	lane_seek(lane, position_end_of(lane->engine->now));
}
