#include "engine/internal.h"

/* How many actions are told of in one piece of work; a decision costs as much as so many of them. */
#define SETTLE_PIECE       4096
#define SETTLE_DECISION    512
/* Ids of dropped fires that may wait for a commit before deciding goes on. */
#define SETTLE_PENDING_MAX 65536

/* --- slices --- */

static guint slice_hash(const void *data)
{
	const struct slice_key *k = data;
	uint64_t h = ((uint64_t)(uintptr_t)k->schedule >> 4) ^ (uint64_t)k->after * 31 ^
		     (uint64_t)k->jittered_id * 0x9e3779b1u ^ (uint64_t)(uint32_t)k->actuality_s << 20 ^
		     (uint64_t)(uint32_t)k->catch_up_limit << 8 ^ k->merge_missed;
	return (guint)(h ^ (h >> 32));
}

static gboolean slice_equal(const void *a, const void *b)
{
	const struct slice_key *x = a, *y = b;
	return x->schedule == y->schedule && x->after == y->after && x->jittered_id == y->jittered_id &&
	       x->actuality_s == y->actuality_s && x->catch_up_limit == y->catch_up_limit &&
	       x->merge_missed == y->merge_missed;
}

static void slice_free(void *data)
{
	struct slice *slice = data;
	for (uint32_t i = 0; i < slice->members.count; i++)
		action_unref(slice->members.items[i]);
	action_list_clear(&slice->members);
	schedule_unref((struct schedule *)slice->key.schedule);
	g_array_unref(slice->ids);
	g_free(slice);
}

static struct slice_key slice_key(const struct action *action, const struct schedule *schedule, time_us after)
{
	return (struct slice_key){
		.schedule = schedule,
		.after = after,
		.jittered_id = schedule_jitter(schedule) ? action->id : 0,
		.actuality_s = action->actuality_s,
		.catch_up_limit = action->catch_up_limit,
		.merge_missed = action->merge_missed,
	};
}

static struct slice *record_slice(struct record *record, const struct slice_key *key, int64_t id)
{
	struct slice *slice = g_hash_table_lookup(record->slices, key);
	if (slice)
		return slice;
	slice = g_new0(struct slice, 1);
	slice->key = *key;
	schedule_ref((struct schedule *)key->schedule);
	slice->ids = g_array_new(FALSE, FALSE, sizeof(int64_t));
	slice->cursor = (struct cursor){
		.schedule = key->schedule, .members = &slice->members, .heap_index = UINT32_MAX};
	decision_make(&slice->decision, &record->data, key, id);
	g_hash_table_add(record->slices, slice);
	return slice;
}

/* --- records --- */

static void records_add(struct lane *lane, struct record *record)
{
	g_ptr_array_add(lane->records, record);
	lane->engine->next_record = MAX(lane->engine->next_record, record->data.id + 1);
}

struct record *record_new(struct lane *lane, struct position from, struct position to, time_us decided_now)
{
	struct record *record = g_new0(struct record, 1);
	record->data = (struct backlog_record){
		.id = lane->engine->next_record,
		.lane = g_strdup(lane->name),
		.from = from,
		.to = to,
		.decided_now = decided_now,
		.drop_before = TIME_US_MIN,
		.drop_reason = REASON_CATCH_UP_OPTION,
		.skip_before = TIME_US_MIN,
		.fire_until = TIME_US_MAX,
		.settled_id = INT64_MIN,
		.cursor = from,
	};
	record->skip_before = TIME_US_MIN;
	record->scanned_id = INT64_MIN;
	record->dirty = true;
	records_add(lane, record);
	return record;
}

struct record *record_restore(struct lane *lane, struct backlog_record *data)
{
	struct record *record = g_new0(struct record, 1);
	record->data = *data;
	*data = (struct backlog_record){0};
	record->scanned_id = INT64_MIN;
	record->stored = true;
	record->members_left = record->data.member_count;
	record->skip_before = MAX(record->data.skip_before, engine_drop_before(lane->engine));
	records_add(lane, record);
	return record;
}

static void record_rest(struct record *record)
{
	source_clear(&record->source);
	g_clear_pointer(&record->slices, g_hash_table_unref);
}

void record_free(struct record *record)
{
	if (!record)
		return;
	record_rest(record);
	backlog_record_clear(&record->data);
	g_free(record);
}

static struct backlog_member *find_member(const struct record *record, int64_t id)
{
	uint32_t low = 0, high = record->data.member_count;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (record->data.members[middle].action_id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low < record->data.member_count ? &record->data.members[low] : NULL;
}

void record_add_member(struct record *record, int64_t id, const struct schedule *schedule, time_us since)
{
	struct backlog_record *data = &record->data;
	/* Room doubles: 0, 1, 2, 4, ... */
	if ((data->member_count & (data->member_count - 1)) == 0)
		data->members = g_renew(struct backlog_member, data->members, MAX(1, data->member_count * 2));
	uint32_t at = data->member_count++;
	for (; at > 0 && data->members[at - 1].action_id > id; at--)
		data->members[at] = data->members[at - 1];
	data->members[at] = (struct backlog_member){
		.action_id = id, .since = since, .schedule = schedule_ref((struct schedule *)schedule)};
	record->members_left++;
	record->members_dirty = true;
}

void record_drop_member(struct record *record, struct backlog_member *member)
{
	schedule_unref(member->schedule);
	member->schedule = NULL;
	record->members_left--;
	record->members_dirty = true;
}

void record_cut(struct record *record, time_us t)
{
	if (MIN(record->data.to.due_at, record->data.fire_until) <= t)
		return;
	/* What was decided already must be decided the same again. */
	if (record->phase == RECORD_WAITING && record->data.settled_id == INT64_MIN)
		record->data.to = position_end_of(t);
	else
		record->data.fire_until = t;
	record->dirty = true;
}

/* --- settling: slices are made, and what is dropped is told --- */

static void settle_begin(struct record *record)
{
	record->slices = g_hash_table_new_full(slice_hash, slice_equal, slice_free, NULL);
	record->scanned_id = INT64_MIN;
	record->stream.dispatched = record->data.cursor;
	record->phase = RECORD_SETTLING;
}

/* To its first fire that is still to be fired. */
static void slice_place(struct record *record, struct slice *slice)
{
	struct position floor = position_end_of(slice->decision.floor);
	if (position_compare(floor, record->data.cursor) < 0)
		floor = record->data.cursor;
	source_seek(&record->source, &slice->cursor, floor);
}

/* Returns what it cost. */
static uint32_t settle_action(struct record *record, struct action *action, const struct schedule *schedule,
	time_us after, GPtrArray *touched)
{
	struct slice_key key = slice_key(action, schedule, after);
	guint slices = g_hash_table_size(record->slices);
	struct slice *slice = record_slice(record, &key, action->id);
	if (slice->decision.range_count > 0 && action->id > record->data.settled_id) {
		if (slice->ids->len == 0)
			g_ptr_array_add(touched, slice);
		g_array_append_val(slice->ids, action->id);
	}
	if (slice->decision.fires) {
		action_ref(action);
		action_list_edit(&slice->members, NULL, 0, &action, 1);
		/* With jitter that is all of the slice; there may be many, so not all at once at the end. */
		if (schedule_jitter(schedule))
			slice_place(record, slice);
	}
	return g_hash_table_size(record->slices) > slices ? SETTLE_DECISION : 1;
}

static void tell_dropped(struct engine *engine, struct slice *slice)
{
	for (unsigned i = 0; i < slice->decision.range_count; i++) {
		const struct dropped *d = &slice->decision.ranges[i];
		struct outcome_range range = {
			.status = (uint8_t)d->status,
			.reason = (uint8_t)d->reason,
			.at = engine->now,
			.first = d->first,
			.last = d->last,
			.count = d->count,
			.merged_into = d->merged_into,
			.ids = g_memdup2(slice->ids->data, slice->ids->len * sizeof(int64_t)),
			.id_count = slice->ids->len,
		};
		g_array_append_val(engine->pending->ranges, range);
		engine->pending_ids += slice->ids->len;
	}
	g_array_set_size(slice->ids, 0);
}

/* Scans a piece of the lane's actions; false at the end. */
static bool scan_lane(struct lane *lane, struct record *record, GPtrArray *touched)
{
	const struct action_list *all = &lane->engine->actions;
	uint32_t i = action_list_above(all, record->scanned_id);
	for (uint32_t cost = 0; i < all->count && cost < SETTLE_PIECE; i++, cost++) {
		struct action *action = all->items[i];
		record->scanned_id = action->id;
		if (action->lane != lane->index)
			continue;
		time_us after = position_bound(record->data.from, action->schedule, action->id);
		after = MAX(after, action->since);
		if (after < record->data.to.due_at)
			cost += settle_action(record, action, action->schedule, after, touched);
	}
	return i < all->count;
}

static bool scan_members(struct lane *lane, struct record *record, GPtrArray *touched)
{
	const struct backlog_record *data = &record->data;
	struct backlog_member *member =
		record->scanned_id == INT64_MIN ? data->members : find_member(record, record->scanned_id + 1);
	struct backlog_member *end = data->members + data->member_count;
	for (uint32_t cost = 0; member && member < end && cost < SETTLE_PIECE; member++, cost++) {
		record->scanned_id = member->action_id;
		struct action *action = action_list_find(&lane->engine->actions, member->action_id);
		if (member->schedule && action && action->lane == lane->index)
			cost += settle_action(record, action, member->schedule, member->since, touched);
	}
	return member && member < end;
}

static void start_firing(struct record *record)
{
	GHashTableIter iter;
	void *data;
	g_hash_table_iter_init(&iter, record->slices);
	while (g_hash_table_iter_next(&iter, &data, NULL)) {
		struct slice *slice = data;
		if (!schedule_jitter(slice->key.schedule))
			slice_place(record, slice);
	}
	record->scanned_id = INT64_MAX;
	record->phase = RECORD_FIRING;
}

bool lane_can_settle(const struct lane *lane)
{
	if (lane->records->len == 0 || lane->jump.on || lane->engine->stopped)
		return false;
	/* The record is the decision: it is durable before anything comes of it. */
	const struct record *record = lane->records->pdata[0];
	return record->phase != RECORD_FIRING && !record->data.held && record->stored && !record->redefined &&
	       record->written <= lane->engine->durable && lane->engine->pending_ids <= SETTLE_PENDING_MAX;
}

bool record_settle(struct lane *lane, struct record *record)
{
	if (record->phase == RECORD_WAITING)
		settle_begin(record);
	g_autoptr(GPtrArray) touched = g_ptr_array_new();
	bool more =
		record->data.members ? scan_members(lane, record, touched) : scan_lane(lane, record, touched);
	for (guint i = 0; i < touched->len; i++)
		tell_dropped(lane->engine, touched->pdata[i]);
	int64_t settled = more ? record->scanned_id : INT64_MAX;
	if (settled > record->data.settled_id) {
		record->data.settled_id = settled;
		record->dirty = true;
	}
	if (!more)
		start_firing(record);
	return more;
}

bool lane_settle(struct lane *lane)
{
	if (!lane_can_settle(lane))
		return false;
	record_settle(lane, lane->records->pdata[0]);
	return true;
}

/* --- firing --- */

struct record *lane_firing(const struct lane *lane)
{
	if (lane->records->len == 0 || lane->jump.on)
		return NULL;
	struct record *record = lane->records->pdata[0];
	return record->phase == RECORD_FIRING ? record : NULL;
}

/* The cursor with the next fire within the stretch; NULL where there is none. */
static struct cursor *record_top(const struct record *record)
{
	struct cursor *top = source_top(&record->source);
	return top && top->head.due_at <= MIN(record->data.to.due_at, record->data.fire_until) ? top : NULL;
}

bool record_has_more(const struct record *record)
{
	return record_top(record) != NULL;
}

enum fire_reason record_skip_reason(const struct record *record, time_us due)
{
	return due < record->data.skip_before ? REASON_PROGRESS_SET : REASON_CATCH_UP_OPTION;
}

struct flight *record_dispatch(struct lane *lane, struct record *record)
{
	struct cursor *top;
	/* An action that was edited or removed since was handed over elsewhere. */
	while ((top = record_top(record)) && cursor_action(top)->stale)
		source_advance(&record->source);
	if (!top)
		return NULL;
	struct flight *flight = flight_new(lane, &record->stream, cursor_action(top), top->head, true);
	record->stream.dispatched = top->head;
	source_advance(&record->source);
	if (flight->position.due_at < record->skip_before)
		flight_done(
			lane, flight, STATUS_SKIPPED, record_skip_reason(record, flight->position.due_at));
	else
		record->fired++;
	return flight;
}

bool record_is_done(const struct record *record)
{
	if (record->data.members && record->members_left == 0)
		return !record->stream.first;
	return record->phase == RECORD_FIRING && !record_has_more(record) && !record->stream.first;
}

/* The bound, the schedule and the membership, as the record began; false where the action is not in it. */
static bool record_holds(const struct record *record, const struct action *action, time_us *after,
	const struct schedule **schedule, struct backlog_member **member)
{
	const struct backlog_record *data = &record->data;
	*member = NULL;
	*schedule = action->schedule;
	*after = MAX(position_bound(data->from, action->schedule, action->id), action->since);
	if (data->members) {
		*member = find_member(record, action->id);
		if (!*member || (*member)->action_id != action->id || !(*member)->schedule)
			return false;
		*schedule = (*member)->schedule;
		*after = (*member)->since;
	}
	return *after < data->to.due_at;
}

bool record_owes(const struct record *record, const struct action *action, time_us *after,
	const struct schedule **schedule, struct backlog_member **member)
{
	const struct backlog_record *data = &record->data;
	if (!record_holds(record, action, after, schedule, member))
		return false;
	if (action->id <= MAX(record->scanned_id, data->settled_id)) {
		/* Decided: what was dropped is told already, and what was dispatched is on its way. */
		struct decision decision;
		struct slice_key key = slice_key(action, *schedule, *after);
		decision_make(&decision, data, &key, action->id);
		struct position dispatched =
			record->phase == RECORD_WAITING ? data->cursor : record->stream.dispatched;
		*after = MAX(decision.floor, position_bound(dispatched, *schedule, action->id));
	}
	return *after < MIN(data->to.due_at, data->fire_until);
}

static void slice_drop_stale(struct record *record, struct slice *slice)
{
	struct action_list *members = &slice->members;
	struct position head = slice->cursor.head;
	bool placed = slice->cursor.heap_index != UINT32_MAX;
	uint32_t kept = 0;
	for (uint32_t i = 0; i < members->count; i++) {
		if (members->items[i]->stale)
			action_unref(members->items[i]);
		else
			members->items[kept++] = members->items[i];
	}
	members->count = kept;
	slice->stale = 0;
	slice->cursor.clear_from = TIME_US_MAX;
	if (placed)
		source_seek(&record->source, &slice->cursor, position_before(head));
}

void record_let_go(struct record *record, const struct action *action)
{
	time_us after;
	const struct schedule *schedule;
	struct backlog_member *member;
	if (!record->slices || !record_holds(record, action, &after, &schedule, &member))
		return;
	struct slice_key key = slice_key(action, schedule, after);
	struct slice *slice = g_hash_table_lookup(record->slices, &key);
	if (slice && slice->decision.fires && action_list_find(&slice->members, action->id) == action &&
		++slice->stale * 2 >= slice->members.count)
		slice_drop_stale(record, slice);
}
