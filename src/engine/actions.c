#include "engine/internal.h"

/* A batch of changes being applied. */
struct batch {
	struct engine *engine;
	time_us now;           /* when edits are seen: all of a start at once */
	GArray *out;           /* int64_t: ids to take out of the table */
	GPtrArray *in;         /* struct action: to put into it */
	GPtrArray *dirty;      /* struct cohort whose members change */
	GPtrArray *dirty_lane; /* the lane of each */
	GPtrArray *replaced;   /* struct action: references to drop at the end */
	bool *written_down;    /* of each lane: nothing in it depends on a definition that goes */
};

/* A group record takes in no more members than this, so that writing it down stays cheap. */
#define GROUP_MEMBERS_MAX 16384

static struct lane *lane_of(struct engine *engine, const struct action *action)
{
	return engine->lanes[action->lane];
}

void engine_restore_action(struct engine *engine, struct action *action, time_us since)
{
	action->since = since;
	action->incarnation = ++engine->next_incarnation;
	action_list_edit(&engine->actions, NULL, 0, &action, 1);
	struct cohort *cohort = lane_cohort(lane_of(engine, action), action->schedule, action->id, true);
	action_list_edit(&cohort->members, NULL, 0, &action, 1);
}

/* --- cohorts of a batch --- */

static struct cohort *batch_cohort(struct batch *batch, const struct action *action)
{
	struct lane *lane = lane_of(batch->engine, action);
	struct cohort *cohort = lane_cohort(lane, action->schedule, action->id, true);
	if (!cohort->in) {
		cohort->in = g_ptr_array_new();
		g_ptr_array_add(batch->dirty, cohort);
		g_ptr_array_add(batch->dirty_lane, lane);
	}
	return cohort;
}

static void batch_join(struct batch *batch, struct action *action)
{
	g_ptr_array_add(batch_cohort(batch, action)->in, action);
}

static void batch_leave(struct batch *batch, const struct action *action)
{
	struct cohort *cohort = batch_cohort(batch, action);
	if (!cohort->out)
		cohort->out = g_array_new(FALSE, FALSE, sizeof(int64_t));
	g_array_append_val(cohort->out, action->id);
}

/* Where the cursor of a cohort that was empty may begin: nobody in it has anything owed before. */
static struct position cohort_begin(const struct lane *lane, const struct cohort *cohort, bool was_empty)
{
	struct position begin = lane->live.dispatched;
	if (!was_empty)
		return begin;
	time_us since = TIME_US_MAX;
	for (uint32_t i = 0; i < cohort->members.count; i++)
		since = MIN(since, cohort->members.items[i]->since);
	struct position bound = position_end_of(since);
	return position_compare(bound, begin) > 0 ? bound : begin;
}

static void batch_finish_cohorts(struct batch *batch)
{
	for (guint i = 0; i < batch->dirty->len; i++) {
		struct cohort *cohort = batch->dirty->pdata[i];
		struct lane *lane = batch->dirty_lane->pdata[i];
		bool was_empty = cohort->members.count == 0;
		action_list_edit(&cohort->members,
			cohort->out ? (const int64_t *)(void *)cohort->out->data : NULL,
			cohort->out ? cohort->out->len : 0, (struct action **)cohort->in->pdata,
			cohort->in->len);
		g_clear_pointer(&cohort->in, g_ptr_array_unref);
		g_clear_pointer(&cohort->out, g_array_unref);
		if (cohort->members.count == 0)
			lane_cohort_drop(lane, cohort);
		else
			source_seek(&lane->source, &cohort->cursor, cohort_begin(lane, cohort, was_empty));
	}
}

/* --- what an edit leaves owed --- */

/* The record that takes over what edited actions are owed of a stretch, in the lane they are in now. */
static struct record *group_record(struct lane *lane, const struct backlog_record *stretch, uint64_t after_id)
{
	for (guint i = lane->records->len; i > 0; i--) {
		struct record *record = lane->records->pdata[i - 1];
		const struct backlog_record *data = &record->data;
		if (data->id > after_id && record->derived && record->derived_from == stretch->id &&
			record->phase == RECORD_WAITING && data->member_count < GROUP_MEMBERS_MAX &&
			data->decided_now == stretch->decided_now &&
			data->fire_until == stretch->fire_until && data->held == stretch->held &&
			data->drop_before == stretch->drop_before &&
			position_compare(data->from, stretch->from) <= 0 &&
			position_compare(data->to, stretch->to) == 0)
			return record;
	}
	struct record *record = record_new(lane, stretch->from, stretch->to, stretch->decided_now);
	record->data.drop_before = stretch->drop_before;
	record->data.drop_reason = stretch->drop_reason;
	record->data.held = stretch->held;
	record->data.fire_until = stretch->fire_until;
	record->derived = true;
	record->derived_from = stretch->id;
	return record;
}

/* Who takes over what an action is owed: a record in the lane `to`, or, where it is NULL, nobody: it is
 * skipped. */
struct heir {
	struct lane *to;
	enum fire_reason reason;
	uint64_t last_id; /* the record that took the action in last: stretches keep their order */
	uint64_t turn;    /* unlike that of every other heir */
};

static void hand_over(struct engine *engine, struct heir *heir, const struct action *action,
	const struct schedule *schedule, time_us after, const struct backlog_record *stretch)
{
	time_us until = MIN(stretch->to.due_at, stretch->fire_until);
	struct position next;
	if (!fire_next(schedule, action->id, position_end_of(after), &next) || next.due_at > until)
		return;
	if (!heir->to) {
		engine_owe_skipped(engine, action->id, schedule, after, until, heir->reason);
		return;
	}
	struct record *record = group_record(heir->to, stretch, heir->last_id);
	heir->last_id = record->data.id;
	record->heir_turn = heir->turn;
	record_add_member(record, action->id, schedule, after);
}

/* Every record of the lane lets go of the action. */
static void detach_from_records(
	struct engine *engine, struct lane *lane, struct heir *heir, const struct action *action)
{
	heir->turn = ++engine->next_heir;
	for (guint i = 0; i < lane->records->len; i++) {
		struct record *record = lane->records->pdata[i];
		time_us after;
		const struct schedule *schedule;
		struct backlog_member *member;
		/* What it has just handed over is the heir's. */
		if (record->heir_turn == heir->turn ||
			!record_owes(record, action, &after, &schedule, &member))
			continue;
		struct backlog_record stretch = record->data;
		if (record->skip_before > stretch.drop_before) {
			stretch.drop_before = record->skip_before;
			stretch.drop_reason = (uint8_t)record_skip_reason(record, record->skip_before - 1);
		}
		hand_over(engine, heir, action, schedule, after, &stretch);
		record_let_go(record, action);
		if (member)
			record_drop_member(record, member);
	}
}

/* The live stream lets go of it: what is due by now and was not dispatched. */
static void detach_from_live(
	struct batch *batch, struct lane *lane, struct heir *heir, const struct action *action)
{
	struct backlog_record stretch = {
		.from = lane->live.dispatched,
		.to = position_end_of(batch->now),
		.decided_now = batch->now,
		.fire_until = TIME_US_MAX,
		.drop_before = batch->engine->starting ? engine_drop_before(batch->engine) : TIME_US_MIN,
		.drop_reason = REASON_CATCH_UP_OPTION,
		.held = engine_held(batch->engine) != NULL,
	};
	time_us after = MAX(action->since, lane_since(lane, action));
	hand_over(batch->engine, heir, action, action->schedule, after, &stretch);
}

/* --- changes --- */

/* Takes over the packed definition; where there is none the definition goes. */
static void queue_definition(struct engine *engine, int64_t id, time_us since, struct action_change *change)
{
	struct definition definition = {.action_id = id, .since = since};
	if (change->kind == CHANGE_UPSERT) {
		definition.packed = g_steal_pointer(&change->packed);
		definition.block = g_steal_pointer(&change->block);
		definition.length = change->packed_length;
	}
	g_array_append_val(engine->pending->definitions, definition);
}

void action_begin_no_later(struct engine *engine, struct action *action, time_us t)
{
	if (action->since <= t)
		return;
	action->since = t;
	struct definition definition = {.action_id = action->id, .since = t};
	g_array_append_val(engine->pending->definitions, definition);
}

static void retire_action(struct batch *batch, struct action *action)
{
	action->stale = true;
	g_ptr_array_add(batch->replaced, action);
}

/* The definitions of a batch are durable with the next commit: no fire on its way may need the old ones. */
static void batch_write_down(struct batch *batch, struct lane *lane)
{
	if (batch->written_down[lane->index])
		return;
	batch->written_down[lane->index] = true;
	/* Fires after a stretch that is held cannot be written down before it. */
	if (lane->jump.on)
		lane_jump_believe(lane);
	lane_write_down(lane);
}

/* Where a definition begins that is seen now. A lane may be ahead of a clock that was set back a little: it
 * waits, and so does the definition. */
static time_us begin_at(struct batch *batch, time_us now, const struct action *action)
{
	return MAX(now, lane_of(batch->engine, action)->live.dispatched.due_at);
}

static void apply_added(struct batch *batch, struct action *action)
{
	time_us since = import_since(batch->engine, action);
	action->since = begin_at(batch, since, action);
	action->incarnation = ++batch->engine->next_incarnation;
	g_ptr_array_add(batch->in, action);
	batch_join(batch, action);
}

static void list_replace(struct action_list *list, struct action *action)
{
	list->items[action_list_above(list, action->id) - 1] = action;
}

static void apply_replaced(struct batch *batch, struct action *old, struct action *fresh)
{
	struct engine *engine = batch->engine;
	struct lane *lane = lane_of(engine, old);
	struct heir heir = {.to = lane_of(engine, fresh)};
	bool moves = old->schedule != fresh->schedule || old->lane != fresh->lane;
	retire_action(batch, old);
	fresh->incarnation = old->incarnation;
	fresh->since = old->since;
	if (moves || lane->records->len > 0 || lane->jump.on) {
		batch_write_down(batch, lane);
		detach_from_records(engine, lane, &heir, old);
		fresh->since = MAX(old->since, lane_since(lane, old));
	}
	if (moves) {
		detach_from_live(batch, lane, &heir, old);
		fresh->since = MAX(begin_at(batch, batch->now, fresh), begin_at(batch, batch->now, old));
		batch_leave(batch, old);
		batch_join(batch, fresh);
	} else {
		list_replace(&lane_cohort(lane, old->schedule, old->id, false)->members, fresh);
	}
	list_replace(&engine->actions, fresh);
}

static void apply_removed(struct batch *batch, struct action *action, enum fire_reason reason)
{
	struct lane *lane = lane_of(batch->engine, action);
	struct heir heir = {.reason = reason};
	retire_action(batch, action);
	batch_write_down(batch, lane);
	detach_from_records(batch->engine, lane, &heir, action);
	detach_from_live(batch, lane, &heir, action);
	batch_leave(batch, action);
	g_array_append_val(batch->out, action->id);
}

static void apply_one(struct batch *batch, struct action_change *change)
{
	struct action *old = action_list_find(&batch->engine->actions, change->id);
	if (change->kind == CHANGE_REMOVE) {
		if (old)
			apply_removed(batch, old, change->reason);
		queue_definition(batch->engine, change->id, TIME_US_MIN, change);
		return;
	}
	struct action *fresh = g_steal_pointer(&change->action);
	if (old)
		apply_replaced(batch, old, fresh);
	else
		apply_added(batch, fresh);
	queue_definition(batch->engine, fresh->id, fresh->since, change);
}

/* A lane that owes nothing up to now is at now, so that new actions need not be walked up to it. */
static void lanes_catch_up(struct engine *engine, time_us now)
{
	if (engine->import)
		return; /* what is imported ends where the live streams begin */
	for (uint16_t i = 0; i < engine->lane_count; i++) {
		struct lane *lane = engine->lanes[i];
		struct cursor *top = source_top(&lane->source);
		struct position end = position_end_of(now);
		if (!lane->jump.on && (!top || top->head.due_at > now) && !lane->ready.length &&
			position_compare(lane->live.dispatched, end) < 0)
			lane->live.dispatched = end;
	}
}

void engine_apply(struct engine *engine, struct action_change *changes, size_t count)
{
	struct batch batch = {
		.engine = engine,
		.now = engine->starting ? engine->started_at : engine->now,
		.out = g_array_new(FALSE, FALSE, sizeof(int64_t)),
		.in = g_ptr_array_new(),
		.dirty = g_ptr_array_new(),
		.dirty_lane = g_ptr_array_new(),
		.replaced = g_ptr_array_new_with_free_func((GDestroyNotify)action_unref),
		.written_down = g_new0(bool, engine->lane_count),
	};
	lanes_catch_up(engine, batch.now);
	for (size_t i = 0; i < count; i++) {
		apply_one(&batch, &changes[i]);
		action_change_clear(&changes[i]);
	}
	action_list_edit(&engine->actions, (const int64_t *)(void *)batch.out->data, batch.out->len,
		(struct action **)batch.in->pdata, batch.in->len);
	batch_finish_cohorts(&batch);
	g_array_unref(batch.out);
	g_ptr_array_unref(batch.in);
	g_ptr_array_unref(batch.dirty);
	g_ptr_array_unref(batch.dirty_lane);
	g_ptr_array_unref(batch.replaced);
	g_free(batch.written_down);
}
