#include "rig.h"

#include <string.h>

static const struct engine_lane_options lanes[] = {
	[RIG_QUICK] = {.name = "quick"},
	[RIG_LASTING] = {.name = "lasting", .lasting = true},
	[RIG_ONCE] = {.name = "once", .lasting = true, .begin_max = 2},
	[RIG_RATED] = {.name = "rated", .per_hour = 20 * 3600},
	[RIG_NARROW] = {.name = "narrow", .open_max = 3},
	[RIG_SINGLE] = {.name = "single", .open_max = 1},
};

time_us at(const char *time)
{
	time_us t = 0;
	bool has_offset;
	assert_true(time_parse(time, &t, &has_offset));
	return t;
}

/* Schedules are shared, as the cache of the program shares them. */
static GHashTable *schedules;

static struct schedule *schedule_of(const char *document)
{
	if (!schedules)
		schedules =
			g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)schedule_unref);
	struct schedule *schedule = g_hash_table_lookup(schedules, document);
	if (schedule)
		return schedule;
	struct zone *utc = zone_new_utc();
	struct schedule_context context = {.timezone = utc};
	g_autoptr(GError) error = NULL;
	schedule = schedule_parse(document, strlen(document), &context, &error);
	zone_unref(utc);
	if (!schedule)
		fail_msg("%s: %s", document, error->message);
	g_hash_table_insert(schedules, (char *)(uintptr_t)document, schedule);
	return schedule;
}

static struct action *action_of(const struct rig_row *row)
{
	struct action *action = g_malloc0(sizeof(*action) + 2);
	action->id = row->id;
	action->schedule = schedule_ref(schedule_of(row->cron));
	action->refs = 1;
	action->actuality_s = row->actuality_s;
	action->catch_up_limit = row->catch_up_limit;
	action->max_instances = row->max_instances;
	action->max_attempts = row->max_attempts;
	action->lane = row->lane;
	action->merge_missed = row->merge_missed;
	return action;
}

/* --- life --- */

static GArray *list(size_t size)
{
	return g_array_new(FALSE, FALSE, (guint)size);
}

struct rig *rig_new(void)
{
	struct rig *rig = g_new0(struct rig, 1);
	rig->options = (struct engine_options){
		.lanes = lanes, .lane_count = G_N_ELEMENTS(lanes), .catch_up_from = TIME_US_MIN};
	rig->now = RIG_START;
	rig->boot = US_PER_HOUR;
	struct progress *progress = progress_new();
	rig->hold = HOLD_NONE;
	rig->lanes = g_array_ref(progress->lanes);
	rig->backlog = g_array_ref(progress->backlog);
	rig->open = g_array_ref(progress->open);
	progress_free(progress);
	rig->definitions = list(sizeof(struct rig_definition));
	rig->outcomes = list(sizeof(struct outcome));
	rig->ranges = list(sizeof(struct outcome_range));
	rig->notes = g_ptr_array_new_with_free_func(g_free);
	rig_start(rig);
	return rig;
}

void rig_free(struct rig *rig)
{
	rig_kill(rig);
	g_array_unref(rig->lanes);
	g_array_unref(rig->backlog);
	g_array_unref(rig->open);
	g_array_unref(rig->definitions);
	g_array_unref(rig->outcomes);
	for (guint i = 0; i < rig->ranges->len; i++)
		g_free(g_array_index(rig->ranges, struct outcome_range, i).ids);
	g_array_unref(rig->ranges);
	g_ptr_array_unref(rig->notes);
	g_free(rig);
	g_clear_pointer(&schedules, g_hash_table_unref);
}

void rig_kill(struct rig *rig)
{
	engine_free(g_steal_pointer(&rig->engine));
}

static void copy_record(struct backlog_record *to, const struct backlog_record *from)
{
	*to = *from;
	to->lane = g_strdup(from->lane);
	to->members = from->members ? g_new0(struct backlog_member, MAX(1, from->member_count)) : NULL;
	for (uint32_t i = 0; i < from->member_count; i++) {
		to->members[i] = from->members[i];
		schedule_ref(to->members[i].schedule);
		to->members[i].packed = NULL;
	}
}

static struct progress *read_back(const struct rig *rig)
{
	struct progress *progress = progress_new();
	for (guint i = 0; i < rig->lanes->len; i++) {
		struct lane_progress lane = g_array_index(rig->lanes, struct lane_progress, i);
		lane.name = g_strdup(lane.name);
		g_array_append_val(progress->lanes, lane);
	}
	for (guint i = 0; i < rig->backlog->len; i++) {
		struct backlog_record record;
		copy_record(&record, &g_array_index(rig->backlog, struct backlog_record, i));
		g_array_append_val(progress->backlog, record);
	}
	for (guint i = 0; i < rig->open->len; i++) {
		struct open_fire open = g_array_index(rig->open, struct open_fire, i);
		open.lane = g_strdup(open.lane);
		g_array_append_val(progress->open, open);
	}
	progress->hold = rig->hold;
	return progress;
}

void rig_start(struct rig *rig)
{
	rig->engine = engine_new(&rig->options);
	for (guint i = 0; i < rig->definitions->len; i++) {
		const struct rig_definition *d = &g_array_index(rig->definitions, struct rig_definition, i);
		engine_restore_action(rig->engine, action_of(&d->row), d->since);
	}
	engine_restore(rig->engine, read_back(rig), rig->now, rig->boot);
}

void rig_crash(struct rig *rig, dur_us down)
{
	rig_kill(rig);
	rig->now += down;
	rig->boot += down;
	rig_start(rig);
}

/* --- the table and the clock --- */

void rig_change(struct rig_row row, struct action_change *out)
{
	*out = (struct action_change){.kind = CHANGE_UPSERT, .id = row.id};
	out->action = action_of(&row);
	out->packed = g_memdup2(&row, sizeof(row));
	out->packed_length = sizeof(row);
}

void rig_put(struct rig *rig, struct rig_row row)
{
	struct action_change change;
	rig_change(row, &change);
	engine_apply(rig->engine, &change, 1);
}

void rig_remove(struct rig *rig, int64_t id, enum fire_reason reason)
{
	struct action_change change = {.kind = CHANGE_REMOVE, .id = id, .reason = reason};
	engine_apply(rig->engine, &change, 1);
}

void rig_wait(struct rig *rig, dur_us time)
{
	rig->now += time;
	rig->boot += time;
	engine_clock(rig->engine, rig->now, rig->boot);
}

void rig_set_clock(struct rig *rig, dur_us step)
{
	rig->now += step;
	engine_clock(rig->engine, rig->now, rig->boot);
}

/* --- fires --- */

size_t rig_take_part(struct rig *rig, uint16_t lane, size_t max, size_t accepted)
{
	rig->count = engine_take(rig->engine, lane, rig->fires, MIN(max, RIG_TAKE));
	assert_true(rig->count <= max);
	if (rig->count)
		engine_accepted(rig->engine, lane, MIN(accepted, rig->count));
	return rig->count;
}

size_t rig_take(struct rig *rig, uint16_t lane, size_t max)
{
	return rig_take_part(rig, lane, max, SIZE_MAX);
}

void rig_answer(
	struct rig *rig, uint16_t lane, const struct fire *fires, size_t count, enum fire_answer answer)
{
	struct fire_result *results = g_new0(struct fire_result, MAX(1, count));
	for (size_t i = 0; i < count; i++)
		results[i] = (struct fire_result){.ticket = fires[i].ticket,
			.answer = answer,
			.started_at = rig->now,
			.finished_at = rig->now};
	engine_resolved(rig->engine, lane, results, count);
	g_free(results);
}

/* What is missed is only found by a take, and fired once that is durable. */
static bool take_or_settle(struct rig *rig, uint16_t lane)
{
	if (rig_take(rig, lane, RIG_TAKE))
		return true;
	rig_settle(rig);
	return rig_take(rig, lane, RIG_TAKE) > 0;
}

size_t rig_run(struct rig *rig, uint16_t lane)
{
	size_t total = 0;
	rig_settle(rig);
	while (take_or_settle(rig, lane)) {
		total += rig->count;
		rig_answer(rig, lane, rig->fires, rig->count, FIRE_DELIVERED);
		rig_settle(rig);
	}
	rig_settle(rig);
	return total;
}

/* --- the journal --- */

static void put_lane(struct rig *rig, struct lane_progress row)
{
	row.name = g_strdup(row.name);
	for (guint i = 0; i < rig->lanes->len; i++) {
		struct lane_progress *lane = &g_array_index(rig->lanes, struct lane_progress, i);
		if (strcmp(lane->name, row.name) != 0)
			continue;
		assert_true(row.clock_epoch > lane->clock_epoch ||
			    position_compare(row.watermark, lane->watermark) >= 0);
		g_free(lane->name);
		*lane = row;
		return;
	}
	g_array_append_val(rig->lanes, row);
}

static void put_record(struct rig *rig, const struct backlog_record *row)
{
	struct backlog_record copy;
	copy_record(&copy, row);
	for (guint i = 0; i < rig->backlog->len; i++) {
		struct backlog_record *record = &g_array_index(rig->backlog, struct backlog_record, i);
		if (record->id != row->id)
			continue;
		if (!row->members) {
			copy.members = g_steal_pointer(&record->members);
			copy.member_count = record->member_count;
			record->member_count = 0;
		}
		backlog_record_clear(record);
		*record = copy;
		return;
	}
	g_array_append_val(rig->backlog, copy);
}

static void remove_record(struct rig *rig, uint64_t id)
{
	for (guint i = 0; i < rig->backlog->len; i++) {
		if (g_array_index(rig->backlog, struct backlog_record, i).id == id) {
			g_array_remove_index(rig->backlog, i);
			return;
		}
	}
	fail_msg("a record that was never written is done");
}

static bool remove_open(struct rig *rig, const struct open_fire *key)
{
	for (guint i = 0; i < rig->open->len; i++) {
		const struct open_fire *open = &g_array_index(rig->open, struct open_fire, i);
		if (strcmp(open->lane, key->lane) == 0 && open->action_id == key->action_id &&
			open->nominal == key->nominal && strcmp(open->manual, key->manual) == 0) {
			g_array_remove_index(rig->open, i);
			return true;
		}
	}
	return false;
}

static void put_open(struct rig *rig, struct open_fire row)
{
	remove_open(rig, &row);
	row.lane = g_strdup(row.lane);
	g_array_append_val(rig->open, row);
}

static void put_definition(struct rig *rig, const struct definition *row)
{
	guint i = rig->definitions->len;
	while (i > 0 &&
		g_array_index(rig->definitions, struct rig_definition, i - 1).row.id >= row->action_id)
		i--;
	struct rig_definition *known =
		i < rig->definitions->len ? &g_array_index(rig->definitions, struct rig_definition, i) : NULL;
	bool same = known && known->row.id == row->action_id;
	if (same && !row->packed && row->since != TIME_US_MIN) {
		known->since = row->since;
		return;
	}
	if (same)
		g_array_remove_index(rig->definitions, i);
	if (!row->packed)
		return;
	struct rig_definition fresh = {.since = row->since};
	memcpy(&fresh.row, row->packed, sizeof(fresh.row));
	g_array_insert_val(rig->definitions, i, fresh);
}

static void put_history(struct rig *rig, const struct commit *commit)
{
	for (guint i = 0; i < commit->outcomes->len; i++) {
		struct outcome outcome = g_array_index(commit->outcomes, struct outcome, i);
		outcome.manual = outcome.detail = NULL;
		g_array_append_val(rig->outcomes, outcome);
	}
	for (guint i = 0; i < commit->ranges->len; i++) {
		struct outcome_range range = g_array_index(commit->ranges, struct outcome_range, i);
		range.ids = g_memdup2(range.ids, range.id_count * sizeof(range.ids[0]));
		g_array_append_val(rig->ranges, range);
	}
	for (guint i = 0; i < commit->notes->len; i++)
		g_ptr_array_add(
			rig->notes, g_strdup(g_array_index(commit->notes, struct history_note, i).text));
}

static void apply(struct rig *rig, const struct commit *commit)
{
	if (commit->hold_changed) {
		rig->hold = commit->hold;
		rig->hold.reason = NULL;
	}
	for (guint i = 0; i < commit->lanes->len; i++)
		put_lane(rig, g_array_index(commit->lanes, struct lane_progress, i));
	for (guint i = 0; i < commit->backlog->len; i++)
		put_record(rig, &g_array_index(commit->backlog, struct backlog_record, i));
	for (guint i = 0; i < commit->backlog_done->len; i++)
		remove_record(rig, g_array_index(commit->backlog_done, uint64_t, i));
	for (guint i = 0; i < commit->open_done->len; i++)
		assert_true(remove_open(rig, &g_array_index(commit->open_done, struct open_fire, i)));
	for (guint i = 0; i < commit->open->len; i++)
		put_open(rig, g_array_index(commit->open, struct open_fire, i));
	for (guint i = 0; i < commit->definitions->len; i++) {
		if (i > 0)
			assert_true(g_array_index(commit->definitions, struct definition, i - 1).action_id <
				    g_array_index(commit->definitions, struct definition, i).action_id);
		put_definition(rig, &g_array_index(commit->definitions, struct definition, i));
	}
	put_history(rig, commit);
}

bool rig_commit(struct rig *rig)
{
	struct commit *commit = engine_take_commit(rig->engine);
	if (!commit)
		return false;
	apply(rig, commit);
	engine_committed(rig->engine, commit->sequence);
	commit_free(commit);
	rig->commits++;
	char *note;
	while ((note = engine_take_note(rig->engine)))
		g_free(note);
	return true;
}

void rig_settle(struct rig *rig)
{
	bool more;
	do {
		more = rig_commit(rig);
		more |= engine_work(rig->engine);
	} while (more);
}

/* --- looks --- */

static bool range_has(const struct outcome_range *range, int64_t id)
{
	for (uint32_t i = 0; i < range->id_count; i++) {
		if (range->ids[i] == id)
			return true;
	}
	return false;
}

static uint64_t count_in(const struct rig *rig, int64_t id, int status, int reason)
{
	uint64_t count = 0;
	for (guint i = 0; i < rig->outcomes->len; i++) {
		const struct outcome *o = &g_array_index(rig->outcomes, struct outcome, i);
		count += (id == 0 || o->action_id == id) && (status < 0 || o->status == status) &&
			 (reason < 0 || o->reason == reason);
	}
	for (guint i = 0; i < rig->ranges->len; i++) {
		const struct outcome_range *r = &g_array_index(rig->ranges, struct outcome_range, i);
		if ((status >= 0 && r->status != status) || (reason >= 0 && r->reason != reason))
			continue;
		count += id == 0 ? r->count * r->id_count : range_has(r, id) ? r->count : 0;
	}
	return count;
}

uint64_t rig_count(const struct rig *rig, int64_t id, enum fire_status status)
{
	return count_in(rig, id, (int)status, -1);
}

uint64_t rig_count_reason(const struct rig *rig, int64_t id, enum fire_reason reason)
{
	return count_in(rig, id, -1, (int)reason);
}

struct engine_lane_status rig_status(const struct rig *rig, uint16_t lane)
{
	struct engine_lane_status status;
	engine_lane_status(rig->engine, lane, &status);
	return status;
}
