#include "sim.h"

#include <stdlib.h>
#include <string.h>

static int compare_positions(const void *a, const void *b)
{
	return position_compare(*(const struct position *)a, *(const struct position *)b);
}

void fires_between(const struct schedule *schedule, int64_t id, struct position after, struct position until,
	GArray *positions)
{
	dur_us jitter = schedule_jitter(schedule);
	time_us nominal = after.due_at < TIME_US_MIN + jitter + 1 ? TIME_US_MIN : after.due_at - jitter - 1;
	while (schedule_next(schedule, nominal, &nominal) && nominal <= until.due_at) {
		struct position p = {fire_due_at(schedule, id, nominal), id, nominal};
		if (position_compare(p, after) > 0 && position_compare(p, until) <= 0)
			g_array_append_val(positions, p);
	}
	if (jitter)
		g_array_sort(positions, compare_positions);
}

/* --- what is dropped of a stretch, fire by fire --- */

struct verdict {
	struct position position;
	time_us merged_into;
	uint8_t status, reason; /* reason REASON_NONE: it is fired */
	bool used;
};

static struct verdict *at(GArray *verdicts, guint i)
{
	return &g_array_index(verdicts, struct verdict, i);
}

static void drop(struct verdict *verdict, enum fire_status status, enum fire_reason reason)
{
	verdict->status = (uint8_t)status;
	verdict->reason = (uint8_t)reason;
}

/* INTERFACE.md 5, word for word. Verdicts are in order. */
static void judge(GArray *verdicts, const struct backlog_record *record, const struct def *def)
{
	guint first = 0, count = verdicts->len;
	while (first < count && at(verdicts, first)->position.due_at < record->drop_before)
		drop(at(verdicts, first++), STATUS_SKIPPED, (enum fire_reason)record->drop_reason);
	for (; def->merge_missed && first + 1 < count; first++) {
		drop(at(verdicts, first), STATUS_MERGED, REASON_MERGED);
		at(verdicts, first)->merged_into = at(verdicts, count - 1)->position.nominal;
	}
	/* A fire within a second of its time is never missed, so never too old. */
	dur_us age = MAX(def->actuality_s * US_PER_SECOND, ENGINE_GRACE);
	for (; def->actuality_s >= 0 && first < count &&
		at(verdicts, first)->position.due_at < record->decided_now - age;
		first++)
		drop(at(verdicts, first), STATUS_MISSED, REASON_TOO_OLD);
	for (; def->catch_up_limit >= 0 && count - first > (guint)def->catch_up_limit; first++)
		drop(at(verdicts, first), STATUS_SKIPPED, REASON_CATCH_UP_LIMIT);
}

static void judge_stretch(GArray *verdicts, const struct backlog_record *record, int64_t id,
	const struct schedule *schedule, time_us since, const struct def *def)
{
	g_autoptr(GArray) positions = g_array_new(FALSE, FALSE, sizeof(struct position));
	struct position after = position_end_of(since);
	if (!record->members && position_compare(record->from, after) > 0)
		after = record->from;
	fires_between(schedule, id, after, record->to, positions);
	g_array_set_size(verdicts, 0);
	for (guint i = 0; i < positions->len; i++) {
		struct verdict verdict = {.position = g_array_index(positions, struct position, i)};
		verdict.merged_into = TIME_US_MIN;
		g_array_append_val(verdicts, verdict);
	}
	judge(verdicts, record, def);
}

/* --- what a commit told --- */

static void gather_told(struct world *world, const struct commit *commit, GArray *told)
{
	g_autoptr(GArray) positions = g_array_new(FALSE, FALSE, sizeof(struct position));
	for (guint i = 0; i < commit->ranges->len; i++) {
		const struct outcome_range *range = &g_array_index(commit->ranges, struct outcome_range, i);
		if (range->reason == REASON_REMOVED || range->reason == REASON_DISABLED ||
			range->reason == REASON_BAD_ROW)
			continue;
		for (uint32_t k = 0; k < range->id_count; k++) {
			/* A range that is no run is found elsewhere. */
			if (!oracle_expand(world, sim_index(range->ids[k]), range, positions))
				continue;
			for (guint n = 0; n < positions->len; n++) {
				struct verdict verdict = {
					.position = g_array_index(positions, struct position, n),
					.merged_into = range->merged_into,
					.status = range->status,
					.reason = range->reason,
				};
				g_array_append_val(told, verdict);
			}
		}
	}
}

static struct verdict *find_told(GArray *told, const struct verdict *wanted)
{
	for (guint i = 0; i < told->len; i++) {
		struct verdict *verdict = at(told, i);
		if (!verdict->used && verdict->position.action_id == wanted->position.action_id &&
			verdict->position.nominal == wanted->position.nominal &&
			verdict->status == wanted->status && verdict->reason == wanted->reason &&
			verdict->merged_into == wanted->merged_into)
			return verdict;
	}
	return NULL;
}

/* Whether all that is dropped was told; then it is marked. *nothing: there is nothing to drop. */
static bool match(GArray *told, GArray *verdicts, bool *nothing)
{
	*nothing = true;
	for (guint i = 0; i < verdicts->len; i++) {
		if (at(verdicts, i)->reason == REASON_NONE)
			continue;
		*nothing = false;
		if (!find_told(told, at(verdicts, i)))
			return false;
	}
	for (guint i = 0; i < verdicts->len; i++) {
		struct verdict *one =
			at(verdicts, i)->reason != REASON_NONE ? find_told(told, at(verdicts, i)) : NULL;
		if (one)
			one->used = true;
	}
	return true;
}

/* --- an action in a record that is settled by a commit --- */

struct look {
	struct world *world;
	const struct backlog_record *record;
	GArray *told, *verdicts;
	int index, lane;
	bool matched, nothing; /* with some definition: all is told; there is nothing to tell */
};

static const struct backlog_member *member_of(const struct backlog_record *record, int64_t id)
{
	for (uint32_t i = 0; i < record->member_count; i++) {
		if (record->members[i].action_id == id)
			return &record->members[i];
	}
	return NULL;
}

static void try_definition(struct look *look, const struct def *def, time_us since)
{
	const struct backlog_record *record = look->record;
	int64_t id = sim_id(look->index);
	const struct schedule *schedule = pool_schedule(def->schedule);
	if (look->matched)
		return;
	const struct backlog_member *member = member_of(record, id);
	if (member) {
		schedule = member->schedule;
		since = member->since;
	}
	if (def->lane != look->lane)
		g_array_set_size(look->verdicts, 0);
	else
		judge_stretch(look->verdicts, record, id, schedule, since, def);
	bool nothing;
	bool matched = match(look->told, look->verdicts, &nothing);
	look->matched |= matched && !nothing;
	look->nothing |= nothing;
}

static void try_edits(struct look *look, uint64_t sequence, time_us since)
{
	const GArray *all = look->world->oracle.applied;
	for (guint i = 0; i < all->len; i++) {
		const struct applied *applied = &g_array_index(all, struct applied, i);
		bool now = !applied->seen || applied->seen_in == sequence;
		if (applied->index == look->index && applied->life == look->world->life && now &&
			!applied->removal)
			try_definition(look, &applied->def, since);
	}
}

/* A definition is as it was durable; where it is being edited, the edits may have been before or after the
 * decision. */
static void look_at(struct look *look, const struct commit *commit)
{
	struct world *world = look->world;
	const struct sim_journal *journal = &world->journal;
	bool known = journal->defs[look->index].present;
	const struct def *def = &journal->defs[look->index].def;
	if (known)
		try_definition(look, def, journal->defs[look->index].since);
	look->nothing |= !known;
	for (guint i = 0; i < commit->definitions->len; i++) {
		const struct definition *d = &g_array_index(commit->definitions, struct definition, i);
		if (d->action_id != sim_id(look->index))
			continue;
		/* Edited by then: what it was owed may have been handed over before it was decided. */
		look->nothing = true;
		if (known)
			try_definition(look, def, d->since);
		try_edits(look, commit->sequence, d->since);
	}
}

static void check_settled(
	struct world *world, const struct stored_record *stored, const struct commit *commit, GArray *told)
{
	int lane = lane_by_name(stored->data.lane);
	/* What is held is not decided: all of it was handed over to other records. */
	if (stored->data.held)
		return;
	for (int i = 0; i < SIM_IDS; i++) {
		if (stored->data.members && !member_of(&stored->data, sim_id(i)))
			continue;
		struct look look = {
			.world = world, .record = &stored->data, .told = told, .index = i, .lane = lane};
		look.verdicts = g_array_new(FALSE, FALSE, sizeof(struct verdict));
		look_at(&look, commit);
		g_array_unref(look.verdicts);
		if (!look.matched && !look.nothing && !stored->clock_touched)
			world_fail(world,
				"record %" G_GUINT64_FORMAT ": what is dropped of action %" G_GINT64_FORMAT
				" is not what the contract says",
				stored->data.id, sim_id(i));
	}
}

static bool settles(const struct commit *commit, const struct stored_record *stored)
{
	if (stored->settled)
		return false;
	for (guint i = 0; i < commit->backlog_done->len; i++) {
		if (g_array_index(commit->backlog_done, uint64_t, i) == stored->data.id)
			return true;
	}
	for (guint i = 0; i < commit->backlog->len; i++) {
		const struct backlog_record *row = &g_array_index(commit->backlog, struct backlog_record, i);
		if (row->id == stored->data.id)
			return row->settled_id == INT64_MAX;
	}
	return false;
}

void decision_check(struct world *world, const struct commit *commit)
{
	bool touched = false, any = commit->ranges->len > 0;
	const GPtrArray *records = world->journal.records;
	for (guint i = 0; i < records->len && !any; i++)
		any = settles(commit, records->pdata[i]);
	if (!any)
		return;
	g_autoptr(GArray) told = g_array_new(FALSE, FALSE, sizeof(struct verdict));
	gather_told(world, commit, told);
	for (guint i = 0; i < records->len; i++) {
		const struct stored_record *stored = records->pdata[i];
		touched |= stored->clock_touched;
		if (settles(commit, stored))
			check_settled(world, stored, commit, told);
	}
	for (guint i = 0; i < told->len && !touched; i++) {
		if (!at(told, i)->used)
			world_fail(world,
				"action %" G_GINT64_FORMAT ": a fire is told as %s (%s), which it is not",
				at(told, i)->position.action_id,
				fire_status_name((enum fire_status)at(told, i)->status),
				fire_reason_text((enum fire_reason)at(told, i)->reason));
	}
}

/* --- a record that appears: live fires were late only where something excuses it --- */

static bool is_excused(const struct world *world, int lane, time_us due)
{
	const GArray *excuses = world->oracle.excuses[lane];
	for (guint i = excuses->len; i > 0; i--) {
		const struct excuse *excuse = &g_array_index(excuses, struct excuse, i - 1);
		if (excuse->to >= due - 20 * US_PER_MS && excuse->from <= due + ENGINE_GRACE + 20 * US_PER_MS)
			return true;
	}
	return false;
}

static bool is_edited(const struct world *world, int index)
{
	for (guint i = 0; i < world->oracle.applied->len; i++) {
		const struct applied *applied = &g_array_index(world->oracle.applied, struct applied, i);
		if (applied->index == index && applied->life == world->life &&
			(!applied->seen || applied->seen_in == world->journal.applying))
			return true;
	}
	return false;
}

void decision_new_record(struct world *world, const struct stored_record *stored)
{
	const struct backlog_record *record = &stored->data;
	if (record->members)
		return;
	g_autoptr(GArray) positions = g_array_new(FALSE, FALSE, sizeof(struct position));
	for (int i = 0; i < SIM_IDS; i++) {
		const struct def *def = &world->journal.defs[i].def;
		if (!world->journal.defs[i].present || is_edited(world, i) ||
			strcmp(sim_lane_names[def->lane], record->lane) != 0)
			continue;
		struct position after = record->from;
		struct position begin =
			position_end_of(MAX(world->life_started, world->journal.defs[i].since));
		if (position_compare(begin, after) > 0)
			after = begin;
		g_array_set_size(positions, 0);
		fires_between(pool_schedule(def->schedule), sim_id(i), after, record->to, positions);
		for (guint k = 0; k < positions->len; k++) {
			const struct position *p = &g_array_index(positions, struct position, k);
			if (!is_excused(world, def->lane, p->due_at))
				world_fail(world,
					"lane %u: a fire of %" G_GINT64_FORMAT
					" was missed, though the callback had room",
					def->lane, p->action_id);
		}
	}
}
