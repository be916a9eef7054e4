#include "sim.h"

#include "model/progress_set.h"

#include <string.h>

const char *const fault_names[FAULT_COUNT] = {
	[FAULT_NONE] = "none",
	[FAULT_COMMIT_SKIPPED] = "commit-skipped",
	[FAULT_WATERMARK_EARLY] = "watermark-early",
	[FAULT_DECIDED_AGAIN] = "decided-again",
	[FAULT_OPEN_FORGOTTEN] = "open-forgotten",
	[FAULT_ID_ORDER_IGNORED] = "id-order-ignored",
	[FAULT_OUTCOME_DROPPED] = "outcome-dropped",
	[FAULT_DURABLE_EARLY] = "durable-early",
	[FAULT_STARTED_FORGOTTEN] = "started-forgotten",
	[FAULT_MANUAL_FORGOTTEN] = "manual-forgotten",
	[FAULT_RETRY_FORGOTTEN] = "retry-forgotten",
	[FAULT_LANE_FORGOTTEN] = "lane-forgotten",
	[FAULT_ONCE_IGNORED] = "once-ignored",
	[FAULT_RATE_IGNORED] = "rate-ignored",
	[FAULT_BOUND_IGNORED] = "bound-ignored",
	[FAULT_LASTING_IGNORED] = "lasting-ignored",
	[FAULT_RETRY_AT_IGNORED] = "retry-at-ignored",
	[FAULT_HOLD_FORGOTTEN] = "hold-forgotten",
	[FAULT_HELD_FORGOTTEN] = "held-forgotten",
	[FAULT_SKIP_FORGOTTEN] = "skip-forgotten",
	[FAULT_SET_FORGOTTEN] = "set-forgotten",
};

static void stored_record_free(void *data)
{
	struct stored_record *record = data;
	backlog_record_clear(&record->data);
	g_free(record);
}

void journal_init(struct world *world)
{
	struct sim_journal *journal = &world->journal;
	journal->records = g_ptr_array_new_with_free_func(stored_record_free);
	journal->open = g_array_new(FALSE, FALSE, sizeof(struct open_fire));
	journal->slow_until = TIME_US_MIN;
	journal->hold = HOLD_NONE;
}

void journal_clear(struct world *world)
{
	struct sim_journal *journal = &world->journal;
	g_ptr_array_unref(journal->records);
	g_array_unref(journal->open);
	commit_free(journal->under_way);
}

/* --- a commit, made durable --- */

static void apply_lane(struct world *world, const struct lane_progress *row)
{
	int lane = lane_by_name(row->name);
	struct lane_progress *stored = &world->journal.lanes[lane];
	if (world->journal.lane_known[lane] && row->clock_epoch == stored->clock_epoch &&
		position_compare(row->watermark, stored->watermark) < 0)
		world_fail(world, "lane %d: the watermark went back within an epoch", lane);
	if (world->journal.lane_known[lane] && row->clock_epoch < stored->clock_epoch)
		world_fail(world, "lane %d: the clock epoch went back", lane);
	*stored = *row;
	stored->name = NULL;
	world->journal.lane_known[lane] = true;
}

static struct stored_record *find_record(const struct sim_journal *journal, uint64_t id, guint *at)
{
	for (guint i = 0; i < journal->records->len; i++) {
		struct stored_record *record = journal->records->pdata[i];
		if (at)
			*at = i;
		if (record->data.id == id)
			return record;
	}
	return NULL;
}

static struct backlog_member *copy_members(const struct backlog_record *from)
{
	struct backlog_member *members = g_new0(struct backlog_member, MAX(1, from->member_count));
	for (uint32_t i = 0; i < from->member_count; i++) {
		members[i] = from->members[i];
		schedule_ref(members[i].schedule);
		members[i].packed = NULL;
	}
	return members;
}

static void insert_record(struct sim_journal *journal, struct stored_record *record)
{
	guint at = journal->records->len;
	while (at > 0 && ((struct stored_record *)journal->records->pdata[at - 1])->data.id > record->data.id)
		at--;
	g_ptr_array_insert(journal->records, (gint)at, record);
}

static void apply_record(struct world *world, const struct backlog_record *row)
{
	struct sim_journal *journal = &world->journal;
	struct stored_record *stored = find_record(journal, row->id, NULL);
	bool first = !stored;
	if (first) {
		stored = g_new0(struct stored_record, 1);
		stored->decided_now = row->decided_now;
		stored->life = world->life;
		/* What it came from reaches to where the clock had been. */
		stored->clock_touched = row->to.due_at > world_now(world);
		stored->data.id = row->id;
		insert_record(journal, stored);
	}
	/* A hold is over. */
	if (stored->data.held && !row->held)
		stored->decided_now = held_ended(world, row->decided_now) ? row->decided_now : TIME_US_MIN;
	if (row->decided_now != stored->decided_now)
		world_fail(world,
			"record %" G_GUINT64_FORMAT ": decided against another time than it is to be",
			row->id);
	if (row->members && row->member_count == 0)
		world_fail(world, "record %" G_GUINT64_FORMAT ": written with no member left", row->id);
	struct backlog_record old = stored->data;
	stored->data = *row;
	stored->data.lane = g_strdup(row->lane);
	if (row->members) {
		stored->data.members = copy_members(row);
	} else {
		stored->data.members = old.members;
		stored->data.member_count = old.member_count;
		old.members = NULL;
		old.member_count = 0;
	}
	backlog_record_clear(&old);
	stored->settled = row->settled_id == INT64_MAX;
	if (row->held && row->settled_id > INT64_MIN)
		world_fail(world, "record %" G_GUINT64_FORMAT " is decided while all is held", row->id);
	if (first && !world->setting)
		decision_new_record(world, stored);
}

static void apply_record_done(struct world *world, uint64_t id)
{
	guint at;
	if (find_record(&world->journal, id, &at))
		g_ptr_array_remove_index(world->journal.records, at);
	else
		world_fail(world, "record %" G_GUINT64_FORMAT " is done, but was never written", id);
}

int journal_open_lane(const struct open_fire *open)
{
	return GPOINTER_TO_INT(open->lane) - 1;
}

static bool same_open(const struct open_fire *a, const struct open_fire *b, int lane)
{
	return a->lane == GINT_TO_POINTER(lane + 1) && a->action_id == b->action_id &&
	       a->nominal == b->nominal && strcmp(a->manual, b->manual) == 0;
}

static struct open_fire *find_open(
	const struct world *world, const struct open_fire *key, int lane, guint *at)
{
	GArray *open = world->journal.open;
	for (guint i = 0; i < open->len; i++) {
		if (at)
			*at = i;
		if (same_open(&g_array_index(open, struct open_fire, i), key, lane))
			return &g_array_index(open, struct open_fire, i);
	}
	return NULL;
}

static void apply_open(struct world *world, const struct open_fire *row)
{
	int lane = lane_by_name(row->lane);
	struct open_fire copy = *row;
	copy.lane = GINT_TO_POINTER(lane + 1);
	struct open_fire *stored = find_open(world, row, lane, NULL);
	if (stored)
		*stored = copy;
	else
		g_array_append_val(world->journal.open, copy);
}

static void apply_open_done(struct world *world, const struct open_fire *row)
{
	guint at;
	if (find_open(world, row, lane_by_name(row->lane), &at))
		g_array_remove_index_fast(world->journal.open, at);
	else if (row->manual[0] || !oracle_may_repeat(world, sim_index(row->action_id), row->nominal))
		world_fail(world, "an open fire of %" G_GINT64_FORMAT " is done, but was never written",
			row->action_id);
}

/* The journals do not promise which comes first. */
static void check_open_keys(struct world *world, const struct commit *commit)
{
	for (guint i = 0; i < commit->open->len; i++) {
		const struct open_fire *open = &g_array_index(commit->open, struct open_fire, i);
		for (guint k = 0; k < commit->open_done->len; k++) {
			const struct open_fire *done = &g_array_index(commit->open_done, struct open_fire, k);
			if (strcmp(open->lane, done->lane) == 0 && open->action_id == done->action_id &&
				open->nominal == done->nominal && strcmp(open->manual, done->manual) == 0 &&
				!oracle_may_repeat(world, sim_index(open->action_id), open->nominal))
				world_fail(world, "%s is open and done in one commit",
					oracle_fire_text(
						open->action_id, open->nominal, oracle_manual(open->manual)));
		}
	}
}

static void apply_definitions(struct world *world, const GArray *definitions)
{
	for (guint i = 0; i < definitions->len; i++) {
		const struct definition *d = &g_array_index(definitions, struct definition, i);
		int index = sim_index(d->action_id);
		if (i > 0 && g_array_index(definitions, struct definition, i - 1).action_id >= d->action_id)
			world_fail(world, "definitions of a commit do not ascend by id");
		if (d->packed || d->since == TIME_US_MIN)
			world->journal.defs[index].present = d->packed != NULL;
		world->journal.defs[index].since = d->since;
		if (d->packed)
			memcpy(&world->journal.defs[index].def, d->packed, sizeof(struct def));
	}
}

static void apply_commit(struct world *world, const struct commit *commit)
{
	world->journal.applying = commit->sequence;
	asked_commit(world, commit);
	if (!world->setting)
		held_commit(world, commit);
	oracle_commit(world, commit);
	for (guint i = 0; i < commit->lanes->len; i++)
		apply_lane(world, &g_array_index(commit->lanes, struct lane_progress, i));
	for (guint i = 0; i < commit->backlog->len; i++)
		apply_record(world, &g_array_index(commit->backlog, struct backlog_record, i));
	for (guint i = 0; i < commit->backlog_done->len; i++)
		apply_record_done(world, g_array_index(commit->backlog_done, uint64_t, i));
	check_open_keys(world, commit);
	for (guint i = 0; i < commit->open->len; i++)
		apply_open(world, &g_array_index(commit->open, struct open_fire, i));
	for (guint i = 0; i < commit->open_done->len; i++)
		apply_open_done(world, &g_array_index(commit->open_done, struct open_fire, i));
	apply_definitions(world, commit->definitions);
}

/* --- commits under way --- */

void journal_submit(struct world *world, struct commit *commit)
{
	struct sim_journal *journal = &world->journal;
	struct rng *rng = &world->rng;
	if (journal->under_way || commit_is_empty(commit) || commit->sequence <= journal->last_sequence)
		world_fail(world, "a commit that is empty, out of sequence or beside another one");
	commit_free(journal->under_way);
	journal->last_sequence = commit->sequence;
	journal->under_way = commit;
	journal->applied_mark = world->oracle.applied->len;
	journal->done_at = world->boot + (world->calm ? 0 : rng_span(rng, 50, 20 * US_PER_MS));
	if (!world->calm)
		journal->done_at = MAX(journal->done_at, journal->slow_until);
}

void journal_complete(struct world *world)
{
	struct commit *commit = g_steal_pointer(&world->journal.under_way);
	if (world->fault != FAULT_COMMIT_SKIPPED || !rng_chance(&world->rng, 5))
		apply_commit(world, commit);
	world->journal.done_at = SIM_INSTANT;
	commit_free(commit);
}

/* --- what is read back --- */

/* As if it had been written like that: only what becomes of the fires can tell. */
static void plant_decided_again(struct world *world, struct stored_record *stored)
{
	stored->data.decided_now = stored->decided_now = world_now(world);
	stored->data.settled_id = INT64_MIN;
	stored->settled = false;
}

static void load_record(struct world *world, struct progress *progress, struct stored_record *stored)
{
	if (world->fault == FAULT_DECIDED_AGAIN)
		plant_decided_again(world, stored);
	struct backlog_record data = stored->data;
	if (world->fault == FAULT_HELD_FORGOTTEN)
		data.held = false;
	if (world->fault == FAULT_SET_FORGOTTEN)
		data.skip_before = TIME_US_MIN;
	data.lane = g_strdup(stored->data.lane);
	if (data.members)
		data.members = copy_members(&stored->data);
	g_array_append_val(progress->backlog, data);
}

static void plant_watermark(struct world *world, struct position *watermark)
{
	if (world->fault == FAULT_ID_ORDER_IGNORED)
		*watermark = position_end_of(watermark->due_at);
	else if (world->fault == FAULT_WATERMARK_EARLY && rng_chance(&world->rng, 30))
		*watermark = position_end_of(MAX(watermark->due_at, world_now(world)));
}

static int compare_open(const void *a, const void *b)
{
	const struct open_fire *x = a, *y = b;
	if (x->lane != y->lane)
		return journal_open_lane(x) < journal_open_lane(y) ? -1 : 1;
	if (x->action_id != y->action_id)
		return x->action_id < y->action_id ? -1 : 1;
	if (x->nominal != y->nominal)
		return x->nominal < y->nominal ? -1 : 1;
	return strcmp(x->manual, y->manual);
}

/* In the order in which the journals give them. */
static void load_open(struct world *world, struct progress *progress)
{
	GArray *all = world->journal.open;
	if (world->fault == FAULT_OPEN_FORGOTTEN)
		g_array_set_size(all, 0);
	g_array_sort(all, compare_open);
	for (guint i = 0; i < all->len; i++) {
		struct open_fire open = g_array_index(all, struct open_fire, i);
		if (world->fault == FAULT_MANUAL_FORGOTTEN && open.manual[0])
			continue;
		if (world->fault == FAULT_STARTED_FORGOTTEN)
			open.started = false;
		if (world->fault == FAULT_RETRY_FORGOTTEN)
			open.attempts_before = 0;
		open.lane = g_strdup(sim_lane_names[journal_open_lane(&open)]);
		g_array_append_val(progress->open, open);
	}
}

struct progress *journal_load(struct world *world)
{
	struct sim_journal *journal = &world->journal;
	struct progress *progress = progress_new();
	for (int i = 0; i < SIM_LANES; i++) {
		if (!journal->lane_known[i])
			continue;
		progress->known = true;
		if (world->fault == FAULT_LANE_FORGOTTEN && i == LANE_LATE)
			continue;
		plant_watermark(world, &journal->lanes[i].watermark);
		struct lane_progress lane = journal->lanes[i];
		lane.name = g_strdup(sim_lane_names[i]);
		g_array_append_val(progress->lanes, lane);
	}
	for (guint i = 0; i < journal->records->len; i++)
		load_record(world, progress, journal->records->pdata[i]);
	load_open(world, progress);
	if (world->fault != FAULT_HOLD_FORGOTTEN)
		progress->hold = journal->hold;
	if (world->fault == FAULT_SKIP_FORGOTTEN)
		progress->hold.skip_until = TIME_US_MIN;
	journal->last_sequence = 0;
	journal->done_at = SIM_INSTANT;
	return progress;
}

/* --- set while nobody runs --- */

static time_us no_since(void *context, int64_t action_id)
{
	(void)context;
	(void)action_id;
	return TIME_US_MAX; /* nothing goes back */
}

static void open_dropped(struct world *world, const struct open_fire *open)
{
	if (open->started)
		oracle_fate(world, open->action_id, open->nominal, oracle_manual(open->manual))->interrupted =
			true;
	asked_dropped(world, open);
}

void journal_set_progress(struct world *world, time_us at)
{
	struct progress_goal goal = {.at = at, .now = world_now(world)};
	struct progress *progress = journal_load(world);
	struct commit *commit = commit_new();
	GArray *moves = NULL;
	commit->sequence = 1;
	if (progress_set(progress, &goal, no_since, NULL, commit, &moves, NULL)) {
		world_trace(world, "progress is set to %" G_GINT64_FORMAT, at);
		world->set_to = MAX(world->set_to, at);
		world->setting = true;
		for (guint i = 0; i < commit->open_done->len; i++)
			open_dropped(world, &g_array_index(commit->open_done, struct open_fire, i));
		apply_commit(world, commit);
		world->setting = false;
		g_array_unref(moves);
	}
	commit_free(commit);
	progress_free(progress);
}

/* --- looks inside --- */

static bool is_member(const struct backlog_record *record, int64_t id)
{
	for (uint32_t i = 0; i < record->member_count; i++) {
		if (record->members[i].action_id == id)
			return true;
	}
	return !record->members;
}

bool journal_record_covers(const struct world *world, int lane, struct position position)
{
	for (guint i = 0; i < world->journal.records->len; i++) {
		const struct stored_record *record = world->journal.records->pdata[i];
		if (lane_by_name(record->data.lane) == lane && is_member(&record->data, position.action_id) &&
			position.due_at >= record->data.from.due_at &&
			position_compare(position, record->data.to) <= 0)
			return true;
	}
	return false;
}

const struct open_fire *journal_open(
	const struct world *world, int lane, int64_t id, time_us nominal, uint32_t manual)
{
	const GArray *all = world->journal.open;
	for (guint i = 0; i < all->len; i++) {
		const struct open_fire *open = &g_array_index(all, struct open_fire, i);
		if (journal_open_lane(open) == lane && open->action_id == id && open->nominal == nominal &&
			oracle_manual(open->manual) == manual)
			return open;
	}
	return NULL;
}

bool journal_is_open(const struct world *world, int64_t id, time_us nominal, uint32_t manual)
{
	for (int i = 0; i < SIM_LANES; i++) {
		if (journal_open(world, i, id, nominal, manual))
			return true;
	}
	return false;
}
