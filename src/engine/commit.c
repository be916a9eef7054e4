#include "engine/internal.h"

#include <string.h>

struct open_fire open_fire_of(const struct lane *lane, const struct flight *flight)
{
	struct open_fire open = {
		.lane = g_strdup(lane->name),
		.action_id = flight->action_id,
		.nominal = flight->position.nominal,
		.due_at = flight->position.due_at,
		.backlog = flight->backlog,
		.started = flight->started,
		.attempts = flight->attempts,
		.attempts_before = flight->attempts_before,
		.next_attempt_at = flight->state == FLIGHT_WAITING ? flight->next_attempt_at : TIME_US_MIN,
	};
	if (flight->manual)
		g_strlcpy(open.manual, flight->manual, sizeof(open.manual));
	return open;
}

static void commit_outcome(struct engine *engine, struct flight *flight)
{
	struct outcome outcome = {
		.action_id = flight->action_id,
		.nominal = flight->position.nominal,
		.started_at = flight->started_at,
		.finished_at = flight->finished_at,
		.manual = g_strdup(flight->manual),
		.detail = g_steal_pointer(&flight->detail),
		.attempts = flight->attempts,
		.again = flight->attempts_before > 0,
		.status = flight->status,
		.reason = flight->reason,
	};
	g_array_append_val(engine->pending->outcomes, outcome);
	g_ptr_array_add(engine->retiring, flight);
}

/* A fire that takes long is written down, so that what comes after it can be retired. */
static bool should_open(const struct engine *engine, const struct flight *flight)
{
	if (engine->stopped && flight->state != FLIGHT_SUBMITTED)
		return true;
	return flight->handed &&
	       (flight->state == FLIGHT_WAITING || engine->boottime - flight->handed_at > ENGINE_OPEN_AFTER);
}

/* Retires what is done, in order and up to a position; returns that up to which all is resolved or open. */
static struct position stream_retire(struct lane *lane, struct stream *stream, struct position to)
{
	struct flight *flight;
	while ((flight = stream->first) && position_compare(flight->position, to) <= 0) {
		if (flight->state == FLIGHT_DONE) {
			stream_remove(stream, flight);
			commit_outcome(lane->engine, flight);
		} else if (should_open(lane->engine, flight)) {
			flight_open(lane, flight);
		} else {
			return position_before(flight->position);
		}
	}
	return to;
}

/* It was open in another lane; it may have come back since. */
static void commit_moved(struct lane *lane, struct flight *flight)
{
	struct engine *engine = lane->engine;
	if (!flight->recorded || flight->recorded_lane == lane->index)
		return;
	struct open_fire gone = open_fire_of(engine->lanes[flight->recorded_lane], flight);
	g_array_append_val(engine->pending->open_done, gone);
	flight->recorded = false;
}

static void commit_open(struct lane *lane)
{
	struct commit *commit = lane->engine->pending;
	for (struct flight *flight = lane->open_first, *next; flight && lane->open_changed; flight = next) {
		next = flight->next;
		if (!flight->changed)
			continue;
		flight->changed = false;
		lane->open_changed--;
		commit_moved(lane, flight);
		struct open_fire open = open_fire_of(lane, flight);
		if (flight->state != FLIGHT_DONE) {
			g_array_append_val(commit->open, open);
			flight->recorded = true;
			flight->recorded_lane = lane->index;
			continue;
		}
		if (flight->recorded)
			g_array_append_val(commit->open_done, open);
		else
			g_free(open.lane);
		open_remove(lane, flight);
		commit_outcome(lane->engine, flight);
	}
}

static void commit_watermark(struct lane *lane)
{
	/* Nothing to say of a lane that never had anything to do. */
	bool known = lane->watermark_known || lane->reached.due_at != TIME_US_MIN;
	if (!known || (lane->watermark_known && !lane->epoch_new &&
			      position_compare(lane->reached, lane->watermark) == 0))
		return;
	lane->watermark = lane->reached;
	lane->watermark_known = true;
	lane->epoch_new = false;
	struct lane_progress progress = {
		.name = g_strdup(lane->name), .clock_epoch = lane->clock_epoch, .watermark = lane->watermark};
	g_array_append_val(lane->engine->pending->lanes, progress);
}

static struct backlog_record record_copy(const struct record *record, bool with_members)
{
	struct backlog_record copy = record->data;
	copy.lane = g_strdup(record->data.lane);
	copy.members = NULL;
	copy.member_count = 0;
	if (!with_members)
		return copy;
	copy.members = g_new0(struct backlog_member, record->data.member_count);
	for (uint32_t i = 0; i < record->data.member_count; i++) {
		const struct backlog_member *member = &record->data.members[i];
		if (!member->schedule)
			continue;
		struct backlog_member *to = &copy.members[copy.member_count++];
		*to = (struct backlog_member){
			.action_id = member->action_id,
			.since = member->since,
			.schedule = schedule_ref(member->schedule),
		};
	}
	backlog_members_pack(copy.members, copy.member_count);
	return copy;
}

/* For the estimate of when a backlog is made up for. */
static void record_walked(struct lane *lane, const struct record *record, time_us to)
{
	if (record->data.cursor.due_at != TIME_US_MIN && to > record->data.cursor.due_at)
		lane->backlog_walked += to - record->data.cursor.due_at;
}

static void commit_record(struct lane *lane, struct record *record)
{
	struct commit *commit = lane->engine->pending;
	if (record->phase == RECORD_FIRING) {
		struct position cursor = stream_retire(lane, &record->stream, record->stream.dispatched);
		if (position_compare(cursor, record->data.cursor) > 0) {
			record_walked(lane, record, cursor.due_at);
			record->data.cursor = cursor;
			record->dirty = true;
		}
	}
	if (record_is_done(record)) {
		record_walked(lane, record, MIN(record->data.to.due_at, record->data.fire_until));
		if (record->stored)
			g_array_append_val(commit->backlog_done, record->data.id);
		return;
	}
	if (!record->dirty && !record->members_dirty)
		return;
	bool with_members = record->data.members && (record->members_dirty || !record->stored);
	if (!record->stored || record->redefined)
		record->written = lane->engine->next_sequence + 1;
	struct backlog_record copy = record_copy(record, with_members);
	g_array_append_val(commit->backlog, copy);
	record->dirty = record->members_dirty = record->redefined = false;
	record->stored = true;
}

static void commit_records(struct lane *lane)
{
	for (guint i = 0; i < lane->records->len;) {
		struct record *record = lane->records->pdata[i];
		commit_record(lane, record);
		if (!record_is_done(record)) {
			i++;
			continue;
		}
		if (record->fired)
			engine_note(lane->engine, false,
				"callback %s: made up for %" G_GUINT64_FORMAT " missed fires", lane->name,
				record->fired);
		record_free(record);
		g_ptr_array_remove_index(lane->records, i);
	}
}

static void commit_lane(struct lane *lane)
{
	struct position to = lane->jump.on ? lane->jump.from : lane->live.dispatched;
	lane->reached = stream_retire(lane, &lane->live, to);
	commit_records(lane);
	commit_open(lane);
}

static int compare_definitions(const void *a, const void *b)
{
	const struct definition *x = a, *y = b;
	return (x->action_id > y->action_id) - (x->action_id < y->action_id);
}

/* Several batches of changes may have come since the last commit: of each action the last one counts. */
static void order_definitions(GArray *definitions)
{
	struct definition *d = (struct definition *)(void *)definitions->data;
	guint i = 1;
	while (i < definitions->len && d[i - 1].action_id < d[i].action_id)
		i++;
	if (i >= definitions->len)
		return;
	g_array_sort(definitions, compare_definitions); /* stable */
	guint kept = 0;
	for (i = 0; i < definitions->len; i++) {
		struct definition *next = i + 1 < definitions->len ? &d[i + 1] : NULL;
		if (!next || d[i].action_id != next->action_id) {
			d[kept++] = d[i];
			continue;
		}
		if (!next->packed && next->since != TIME_US_MIN) {
			next->packed = g_steal_pointer(&d[i].packed);
			next->block = g_steal_pointer(&d[i].block);
			next->length = d[i].length;
		}
		definition_clear(&d[i]);
	}
	/* What is cut off was moved or freed. */
	memset(d + kept, 0, (definitions->len - kept) * sizeof(d[0]));
	g_array_set_size(definitions, kept);
}

static bool any_epoch_new(const struct engine *engine)
{
	uint16_t i = 0;
	while (i < engine->lane_count && !engine->lanes[i]->epoch_new)
		i++;
	return i < engine->lane_count;
}

struct commit *engine_take_commit(struct engine *engine)
{
	if (engine->commit_sequence)
		return NULL;
	for (uint16_t i = 0; i < engine->lane_count; i++)
		commit_lane(engine->lanes[i]);
	/* Watermarks go along: over a stretch without fires they need not be written. */
	if (commit_is_empty(engine->pending) && (engine->options.manual_only || !any_epoch_new(engine)))
		return NULL;
	for (uint16_t i = 0; i < engine->lane_count && !engine->options.manual_only; i++)
		commit_watermark(engine->lanes[i]);
	struct commit *commit = engine->pending;
	order_definitions(commit->definitions);
	engine->pending = commit_new();
	engine->pending_ids = 0;
	commit->sequence = engine->commit_sequence = ++engine->next_sequence;
	return commit;
}

void engine_committed(struct engine *engine, uint64_t sequence)
{
	if (sequence != engine->commit_sequence)
		return;
	engine->commit_sequence = 0;
	engine->durable = sequence;
	for (guint i = 0; i < engine->retiring->len; i++) {
		struct flight *flight = engine->retiring->pdata[i];
		flight_free(engine->lanes[flight->lane], flight);
	}
	g_ptr_array_set_size(engine->retiring, 0);
	for (uint16_t i = 0; i < engine->lane_count; i++)
		lane_recorded(engine->lanes[i]);
}
