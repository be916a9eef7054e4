/* What would become of all that is owed: the decisions of a start, made at once and told instead of written
 * down. */
#include "engine/internal.h"

struct telling {
	engine_foreseen_fn each;
	void *context;
};

/* --- what is dropped --- */

static void tell_range(const struct telling *telling, const char *lane, const struct outcome_range *range)
{
	for (uint32_t i = 0; i < range->id_count; i++) {
		struct foreseen foreseen = {
			.action_id = range->ids[i],
			.lane = lane,
			.status = (enum fire_status)range->status,
			.reason = (enum fire_reason)range->reason,
			.count = range->count,
			.first = range->first,
			.last = range->last,
			.merged_into = range->merged_into,
		};
		telling->each(telling->context, &foreseen);
	}
}

static void tell_ranges(const struct telling *telling, struct engine *engine, const char *lane)
{
	GArray *ranges = engine->pending->ranges;
	for (guint i = 0; i < ranges->len; i++)
		tell_range(telling, lane, &g_array_index(ranges, struct outcome_range, i));
	g_array_set_size(ranges, 0);
	engine->pending_ids = 0;
}

/* --- what is handed out --- */

/* Fires of an action due in (after, until]; where there is a reason they are skipped. */
static void tell_fires(const struct telling *telling, const char *lane, const struct slice *slice, int64_t id,
	time_us after, time_us until, enum fire_reason reason)
{
	const struct schedule *schedule = slice->key.schedule;
	struct position first, last;
	struct foreseen foreseen = {.action_id = id,
		.lane = lane,
		.status = reason == REASON_NONE ? STATUS_DELIVERED : STATUS_SKIPPED,
		.reason = reason,
		.count = fire_count(schedule, id, after, until),
		.merged_into = TIME_US_MIN};
	if (foreseen.count == 0 || !fire_next(schedule, id, position_end_of(after), &first) ||
		!fire_last(schedule, id, until, &last))
		return;
	foreseen.first = MIN(first.nominal, last.nominal);
	foreseen.last = MAX(first.nominal, last.nominal);
	telling->each(telling->context, &foreseen);
}

/* Those of a record of before the start that are due before these times are skipped as they come. */
static void tell_slice(const struct telling *telling, const struct lane *lane, const struct record *record,
	const struct slice *slice)
{
	const time_us skip_before[] = {
		MIN(record->data.skip_before, record->skip_before), record->skip_before};
	time_us until = MIN(record->data.to.due_at, record->data.fire_until);
	for (uint32_t i = 0; i < slice->members.count; i++) {
		int64_t id = slice->members.items[i]->id;
		time_us bound = position_bound(record->data.cursor, slice->key.schedule, id);
		time_us after = MAX(slice->decision.floor, bound);
		for (size_t j = 0; j < G_N_ELEMENTS(skip_before); j++) {
			if (skip_before[j] <= after + 1)
				continue;
			time_us to = MIN(skip_before[j] - 1, until);
			tell_fires(telling, lane->name, slice, id, after, to, record_skip_reason(record, to));
			after = MAX(after, to);
		}
		tell_fires(telling, lane->name, slice, id, after, until, REASON_NONE);
	}
}

static void tell_record(const struct telling *telling, struct lane *lane, struct record *record)
{
	GHashTableIter iter;
	void *slice;
	bool more;
	do {
		more = record_settle(lane, record);
		tell_ranges(telling, lane->engine, lane->name);
	} while (more);
	g_hash_table_iter_init(&iter, record->slices);
	while (g_hash_table_iter_next(&iter, &slice, NULL))
		tell_slice(telling, lane, record, slice);
	/* Nothing of it is needed any more. */
	source_clear(&record->source);
	g_clear_pointer(&record->slices, g_hash_table_unref);
}

/* --- what is open --- */

/* As it will be when it is taken again: an action that went takes its fires along. */
static enum fire_status open_status(
	const struct lane *lane, const struct flight *flight, enum fire_reason *reason)
{
	const struct action *current = action_list_find(&lane->engine->actions, flight->action_id);
	*reason = (enum fire_reason)flight->reason;
	if (flight->state == FLIGHT_DONE)
		return (enum fire_status)flight->status;
	bool there = flight->action && current && current->incarnation == flight->action->incarnation;
	*reason = there ? REASON_NONE : REASON_REMOVED;
	return there ? STATUS_DELIVERED : STATUS_SKIPPED;
}

static void tell_open(const struct telling *telling, const struct lane *lane)
{
	for (const struct flight *flight = lane->open_first; flight; flight = flight->next) {
		struct foreseen foreseen = {
			.action_id = flight->action_id,
			.lane = lane->name,
			.open = true,
			.count = 1,
			.first = flight->manual ? TIME_US_MIN : flight->position.nominal,
			.last = flight->manual ? TIME_US_MIN : flight->position.nominal,
			.merged_into = TIME_US_MIN,
		};
		foreseen.status = open_status(lane, flight, &foreseen.reason);
		telling->each(telling->context, &foreseen);
	}
}

void engine_foresee(struct engine *engine, engine_foreseen_fn each, void *context)
{
	struct telling telling = {each, context};
	/* As it would be were the hold over now. */
	if (engine_held(engine))
		engine_release(engine, false);
	/* What edits left without an heir; it is not of one lane. */
	tell_ranges(&telling, engine, NULL);
	for (uint16_t i = 0; i < engine->lane_count; i++) {
		struct lane *lane = engine->lanes[i];
		tell_open(&telling, lane);
		lane_find_missed(lane);
		for (guint j = 0; j < lane->records->len; j++)
			tell_record(&telling, lane, lane->records->pdata[j]);
	}
}
