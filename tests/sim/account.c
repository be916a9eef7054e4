#include "sim.h"

/* --- what a commit says --- */

static void account(struct world *world, struct fate *fate, enum fire_status status, time_us merged_into)
{
	world_trace(world, "%s is durable as %s", fate_text(fate), fire_status_name(status));
	if (fate->accounted > 0 &&
		(fate->manual || !oracle_may_repeat(world, sim_index(fate->id), fate->nominal)))
		world_fail(world, "%s is accounted for as %s and again as %s", fate_text(fate),
			fire_status_name((enum fire_status)fate->status), fire_status_name(status));
	fate->accounted++;
	fate->fresh = false;
	fate->status = (uint8_t)status;
	fate->merged_into = merged_into;
}

static void check_outcome(struct world *world, struct fate *fate, const struct outcome *outcome)
{
	bool right = false, interrupted = lane_interrupted(world, fate);
	switch ((enum fire_status)outcome->status) {
	case STATUS_DELIVERED: right = fate->delivered > 0 && outcome->attempts > 0 && !interrupted; break;
	case STATUS_FAILED:
		right = interrupted ? outcome->reason == REASON_INTERRUPTED
				    : fate->rejected > 0 && outcome->reason == REASON_REFUSED;
		break;
	case STATUS_SKIPPED:
		right = outcome->reason == REASON_REMOVED || outcome->reason == REASON_MAX_INSTANCES ||
			outcome->reason == REASON_CATCH_UP_OPTION || outcome->reason == REASON_PROGRESS_SET;
		right = right && !interrupted;
		break;
	default: break;
	}
	if ((fate->manual || outcome->again) && !asked_ended(world, fate, outcome))
		right = false;
	if (outcome->attempts > fate->answers)
		right = false;
	if (!right)
		world_fail(world, "%s is recorded as %s (%s) after %u attempts%s, which it was not",
			fate_text(fate), fire_status_name((enum fire_status)outcome->status),
			fire_reason_text((enum fire_reason)outcome->reason), outcome->attempts,
			outcome->again ? " of a retry" : "");
	if (outcome->finished_at == TIME_US_MIN)
		world_fail(world, "%s has no time at which it ended", fate_text(fate));
}

static void account_outcome(struct world *world, const struct outcome *outcome)
{
	struct fate *fate =
		oracle_fate(world, outcome->action_id, outcome->nominal, oracle_manual(outcome->manual));
	check_outcome(world, fate, outcome);
	/* That of a retry takes the place of what is there. */
	if (outcome->again && fate->accounted > 0)
		fate->accounted--;
	account(world, fate, (enum fire_status)outcome->status, TIME_US_MIN);
	fate->attempts = outcome->attempts;
}

static guint find_nominal(const GArray *positions, time_us nominal)
{
	guint i = 0;
	while (i < positions->len && g_array_index(positions, struct position, i).nominal != nominal)
		i++;
	return i;
}

static bool expand_by(
	const struct segment *segment, int64_t id, const struct outcome_range *range, GArray *positions)
{
	const struct schedule *schedule = pool_schedule(segment->schedule);
	dur_us jitter = schedule_jitter(schedule);
	struct position from = {range->first - 1, INT64_MAX, TIME_US_MAX};
	fires_between(schedule, id, from, position_end_of(range->last + jitter), positions);
	guint a = find_nominal(positions, range->first), b = find_nominal(positions, range->last);
	guint low = MIN(a, b), high = MAX(a, b);
	if (high >= positions->len || high - low + 1 != range->count)
		return false;
	g_array_remove_range(positions, high + 1, positions->len - high - 1);
	g_array_remove_range(positions, 0, low);
	return true;
}

bool oracle_expand(const struct world *world, int index, const struct outcome_range *range, GArray *positions)
{
	const GArray *segments = world->oracle.segments[index];
	for (guint i = segments->len; i > 0; i--) {
		const struct segment *segment = &g_array_index(segments, struct segment, i - 1);
		g_array_set_size(positions, 0);
		/* Nothing is told of what has not been due yet. */
		if (expand_by(segment, sim_id(index), range, positions) &&
			g_array_index(positions, struct position, positions->len - 1).due_at <=
				world->oracle.high &&
			g_array_index(positions, struct position, 0).due_at > segment->from_low &&
			g_array_index(positions, struct position, 0).due_at <=
				MAX(segment->to, segment->to_high))
			return true;
	}
	return false;
}

static void account_range(struct world *world, const struct outcome_range *range)
{
	g_autoptr(GArray) positions = g_array_new(FALSE, FALSE, sizeof(struct position));
	for (uint32_t i = 0; i < range->id_count; i++) {
		if (i > 0 && range->ids[i] <= range->ids[i - 1])
			world_fail(world, "the ids of a range do not ascend");
		if (!oracle_expand(world, sim_index(range->ids[i]), range, positions)) {
			world_fail(world,
				"%s: a range of %" G_GUINT64_FORMAT " fires (%s) is no run of its schedule",
				oracle_fire_text(range->ids[i], range->first, 0), range->count,
				fire_reason_text((enum fire_reason)range->reason));
			continue;
		}
		for (guint k = 0; k < positions->len; k++) {
			const struct position *p = &g_array_index(positions, struct position, k);
			account(world, oracle_fate(world, range->ids[i], p->nominal, 0),
				(enum fire_status)range->status, range->merged_into);
			if (range->reason == REASON_HELD &&
				!held_drops(world, sim_index(range->ids[i]), p->nominal))
				world_fail(world, "%s is dropped by a hold that it was not due in",
					oracle_fire_text(range->ids[i], p->nominal, 0));
		}
	}
}

/* --- definitions become durable --- */

static void segment_close(struct segment *segment, const struct applied *applied)
{
	segment->closed = true;
	segment->to = segment->sure_to = applied->sight_start;
	segment->to_high = MAX(segment->to, applied->high);
}

static void segment_open(GArray *segments, const struct applied *applied, time_us from)
{
	struct segment segment = {
		.schedule = applied->def.schedule,
		.lane = applied->def.lane,
		.from = from,
		.from_low = from,
		.from_high = MAX(from, applied->high),
		.reached = TIME_US_MIN,
		.to = TIME_US_MAX,
		.to_high = TIME_US_MAX,
		.sure_to = TIME_US_MAX,
	};
	g_array_append_val(segments, segment);
}

static void see_applied(struct world *world, const struct applied *applied)
{
	GArray *segments = world->oracle.segments[applied->index];
	struct segment *last =
		segments->len ? &g_array_index(segments, struct segment, segments->len - 1) : NULL;
	bool known = last && !last->closed;
	if (applied->removal) {
		if (known)
			segment_close(last, applied);
		return;
	}
	if (known && last->schedule == applied->def.schedule && last->lane == applied->def.lane)
		return;
	if (known)
		segment_close(last, applied);
	segment_open(segments, applied, known ? applied->sight_start : applied->sight);
}

/* The clock was taken back after the engine was told, and before that was durable. */
static void see_backs(struct world *world, const struct applied *applied)
{
	const GArray *backs = world->oracle.backs;
	GArray *segments = world->oracle.segments[applied->index];
	/* The one that it opened and the one that it closed. */
	for (guint k = segments->len; k > 0 && k + 2 > segments->len; k--) {
		for (guint i = applied->backs; i < backs->len; i++)
			segment_taken_back(&g_array_index(segments, struct segment, k - 1),
				&g_array_index(backs, struct clock_back, i));
	}
}

static void see_definition(struct world *world, int index, uint64_t sequence)
{
	for (guint i = 0; i < world->journal.applied_mark; i++) {
		struct applied *applied = &g_array_index(world->oracle.applied, struct applied, i);
		if (applied->index != index || applied->life != world->life || applied->seen)
			continue;
		applied->seen = true;
		applied->seen_in = sequence;
		see_applied(world, applied);
		see_backs(world, applied);
	}
}

void oracle_commit(struct world *world, const struct commit *commit)
{
	for (guint i = 0; i < commit->definitions->len; i++)
		see_definition(world,
			sim_index(g_array_index(commit->definitions, struct definition, i).action_id),
			commit->sequence);
	decision_check(world, commit);
	for (guint i = 0; i < commit->outcomes->len; i++) {
		const struct outcome *outcome = &g_array_index(commit->outcomes, struct outcome, i);
		if (world->fault == FAULT_OUTCOME_DROPPED && rng_chance(&world->rng, 1))
			continue;
		account_outcome(world, outcome);
	}
	for (guint i = 0; i < commit->ranges->len; i++)
		account_range(world, &g_array_index(commit->ranges, struct outcome_range, i));
}

/* --- the end --- */

static void expect_segment(
	struct world *world, int index, const struct segment *segment, time_us end, time_us latest)
{
	const GArray *backs = world->oracle.backs;
	g_autoptr(GArray) positions = g_array_new(FALSE, FALSE, sizeof(struct position));
	time_us last = MAX(segment->to, segment->to_high);
	time_us until = MIN(MAX(last, segment->reached), latest);
	time_us sure_from = MAX(segment->from, segment->from_high);
	time_us sure_to = MIN(MIN(segment->to, segment->sure_to), end);
	fires_between(pool_schedule(segment->schedule), sim_id(index), position_end_of(segment->from_low),
		position_end_of(until), positions);
	for (guint i = 0; i < positions->len; i++) {
		const struct position *p = &g_array_index(positions, struct position, i);
		struct fate *fate = oracle_fate(world, p->action_id, p->nominal, 0);
		if (in_window(p->due_at, sure_from, sure_to)) {
			fate->least = 1;
			held_check(world, fate, p->due_at);
		}
		fate->most = (uint16_t)(fate->most + (p->due_at <= last));
		for (guint k = 0; k < backs->len; k++) {
			const struct clock_back *back = &g_array_index(backs, struct clock_back, k);
			fate->most = (uint16_t)(fate->most + in_window(p->due_at, back->from, back->to));
		}
	}
}

static void check_fate(struct world *world, const struct fate *fate)
{
	if (fate->interrupted)
		world_fail(world, "%s was interrupted, and that was never told", fate_text(fate));
	if (fate->manual)
		return; /* asked.c */
	if (fate->accounted < fate->least)
		world_fail(world, "%s is accounted for %u times, not %u", fate_text(fate), fate->accounted,
			fate->least);
	if (fate->accounted > fate->most)
		world_fail(world, "%s is accounted for %u times, which is more than %u", fate_text(fate),
			fate->accounted, fate->most);
	if (!fate->accounted || fate->status != STATUS_MERGED ||
		oracle_may_repeat(world, sim_index(fate->id), fate->merged_into))
		return;
	const struct fate *into = oracle_fate(world, fate->id, fate->merged_into, 0);
	if (!into->accounted)
		world_fail(world, "%s is merged into a fire of which nothing is known", fate_text(fate));
}

void oracle_finish(struct world *world)
{
	struct oracle *oracle = &world->oracle;
	time_us latest = oracle->high;
	for (guint i = 0; i < oracle->backs->len; i++)
		latest = MAX(latest, g_array_index(oracle->backs, struct clock_back, i).to);
	for (int i = 0; i < SIM_IDS; i++) {
		for (guint k = 0; k < oracle->segments[i]->len; k++)
			expect_segment(world, i, &g_array_index(oracle->segments[i], struct segment, k),
				world->turned_at, latest);
	}
	asked_finish(world);
	for (size_t i = 0; i < oracle->fate_room; i++) {
		if (oracle->fates[i].known)
			check_fate(world, &oracle->fates[i]);
	}
}
