#include "sim.h"

#include <stdlib.h>

/* --- fates: a table of what was seen of each fire --- */

void oracle_init(struct world *world)
{
	struct oracle *oracle = &world->oracle;
	oracle->fate_room = 4096;
	oracle->fates = g_new0(struct fate, oracle->fate_room);
	oracle->applied = g_array_new(FALSE, FALSE, sizeof(struct applied));
	oracle->backs = g_array_new(FALSE, FALSE, sizeof(struct clock_back));
	oracle->high = oracle->front = TIME_US_MIN;
	for (int i = 0; i < SIM_IDS; i++)
		oracle->segments[i] = g_array_new(FALSE, FALSE, sizeof(struct segment));
	for (int i = 0; i < SIM_LANES; i++)
		oracle->excuses[i] = g_array_new(FALSE, FALSE, sizeof(struct excuse));
}

void oracle_clear(struct world *world)
{
	struct oracle *oracle = &world->oracle;
	g_free(oracle->fates);
	g_array_unref(oracle->applied);
	g_array_unref(oracle->backs);
	for (int i = 0; i < SIM_IDS; i++)
		g_array_unref(oracle->segments[i]);
	for (int i = 0; i < SIM_LANES; i++)
		g_array_unref(oracle->excuses[i]);
}

static struct fate *fate_slot(const struct oracle *oracle, int64_t id, time_us nominal)
{
	uint64_t h = ((uint64_t)nominal * UINT64_C(0x9e3779b97f4a7c15)) ^
		     ((uint64_t)id * UINT64_C(0xbf58476d1ce4e5b9));
	for (size_t i = (size_t)(h >> 20);; i++) {
		struct fate *fate = &oracle->fates[i & (oracle->fate_room - 1)];
		if (!fate->known || (fate->id == id && fate->nominal == nominal))
			return fate;
	}
}

static void fates_grow(struct oracle *oracle)
{
	struct fate *old = oracle->fates;
	size_t room = oracle->fate_room;
	oracle->fate_room *= 2;
	oracle->fates = g_new0(struct fate, oracle->fate_room);
	for (size_t i = 0; i < room; i++) {
		if (old[i].known)
			*fate_slot(oracle, old[i].id, old[i].nominal) = old[i];
	}
	g_free(old);
}

/* Valid until the next call. */
struct fate *oracle_fate(struct world *world, int64_t id, time_us nominal)
{
	struct oracle *oracle = &world->oracle;
	struct fate *fate = fate_slot(oracle, id, nominal);
	if (fate->known)
		return fate;
	if (++oracle->fate_count * 2 > oracle->fate_room) {
		fates_grow(oracle);
		fate = fate_slot(oracle, id, nominal);
	}
	*fate = (struct fate){.id = id, .nominal = nominal, .known = true};
	return fate;
}

static const char *fire_text(int64_t id, time_us nominal)
{
	static char text[FIRE_ID_MAX];
	return fire_id_format(id, nominal, NULL, text);
}

/* --- the clock, and what it excuses --- */

void oracle_start(struct world *world)
{
	struct oracle *oracle = &world->oracle;
	for (int i = 0; i < SIM_IDS * SIM_LANES * 2; i++)
		(&oracle->order[0][0][0])[i] = POSITION_MIN;
	for (int i = 0; i < SIM_LANES; i++)
		g_array_set_size(oracle->excuses[i], 0);
	for (size_t i = 0; i < oracle->fate_room; i++)
		oracle->fates[i].fresh = false;
}

void oracle_excuse(struct world *world, int lane, time_us from, time_us to)
{
	GArray *excuses = world->oracle.excuses[lane];
	struct excuse *last = excuses->len ? &g_array_index(excuses, struct excuse, excuses->len - 1) : NULL;
	if (last && from <= last->to && from >= last->from) {
		last->to = MAX(last->to, to);
		return;
	}
	struct excuse excuse = {from, to};
	g_array_append_val(excuses, excuse);
}

static void segment_taken_back(struct segment *segment, const struct clock_back *back)
{
	segment->reached = MAX(segment->reached, back->to);
	if (segment->closed)
		segment->sure_to = MIN(segment->sure_to, back->from);
	else
		segment->from_low = MIN(segment->from_low, back->from);
}

/* More than an hour back, or while a step forward is held: ids of that stretch come again. */
static void clock_taken_back(struct world *world, time_us now)
{
	struct oracle *oracle = &world->oracle;
	struct clock_back back = {now, oracle->front};
	g_array_append_val(oracle->backs, back);
	/* A lane that was not so far ahead waits for the clock. */
	oracle->front = MIN(oracle->front, now + ENGINE_STEP_HELD);
	for (int i = 0; i < SIM_IDS; i++) {
		for (guint k = 0; k < oracle->segments[i]->len; k++) {
			struct segment *segment = &g_array_index(oracle->segments[i], struct segment, k);
			segment_taken_back(segment, &back);
		}
	}
	for (guint i = 0; i < world->journal.records->len; i++)
		((struct stored_record *)world->journal.records->pdata[i])->clock_touched = true;
	for (int i = 0; i < SIM_IDS * SIM_LANES * 2; i++)
		(&oracle->order[0][0][0])[i] = POSITION_MIN;
	world_trace(world, "the clock was taken back for good");
}

void oracle_clock(struct world *world)
{
	time_us now = world_now(world);
	/* At the start of a life there is no step, only a clock that is behind. */
	dur_us step = (now - world->turned_at) - (world->boot - world->turned_boot);
	bool back = step < 0 || now == world->life_started;
	bool held = world->jump_boot != TIME_US_MIN &&
		    world->turned_boot <= world->jump_boot + ENGINE_HOLD + US_PER_SECOND;
	world->oracle.high = MAX(world->oracle.high, now);
	if (now >= world->oracle.front)
		world->oracle.front = now;
	else if (back && (held || world->oracle.front - now > ENGINE_STEP_HELD))
		clock_taken_back(world, now);
}

static bool in_window(time_us t, time_us from, time_us to)
{
	return t > from && t <= to;
}

static bool segment_has(const struct segment *segment, int index, time_us nominal, time_us *due)
{
	const struct schedule *schedule = pool_schedule(segment->schedule);
	time_us next;
	*due = fire_due_at(schedule, sim_id(index), nominal);
	return schedule_next(schedule, nominal - 1, &next) && next == nominal;
}

/* An edit of this life that is not durable, after which a jittered schedule has this fire. */
static bool edited_to(const struct world *world, int index, time_us nominal)
{
	const GArray *all = world->oracle.applied;
	for (guint i = 0; i < all->len; i++) {
		const struct applied *applied = &g_array_index(all, struct applied, i);
		const struct schedule *schedule = pool_schedule(applied->def.schedule);
		time_us next;
		if (applied->index == index && applied->life == world->life && !applied->seen &&
			!applied->removal && schedule_jitter(schedule) &&
			schedule_next(schedule, nominal - 1, &next) && next == nominal)
			return true;
	}
	return false;
}

bool oracle_may_repeat(const struct world *world, int index, time_us nominal)
{
	const struct oracle *oracle = &world->oracle;
	int owners = 0;
	for (guint i = 0; i < oracle->segments[index]->len; i++) {
		const struct segment *segment = &g_array_index(oracle->segments[index], struct segment, i);
		time_us due;
		if (!segment_has(segment, index, nominal, &due))
			continue;
		if (in_window(due, segment->from_low, segment->from_high) ||
			in_window(due, segment->to, segment->to_high))
			return true;
		/* Schedules that differ in jitter only give the same id at different times. */
		owners += in_window(due, segment->from, segment->to);
		for (guint k = 0; k < oracle->backs->len; k++) {
			const struct clock_back *back = &g_array_index(oracle->backs, struct clock_back, k);
			if (in_window(due, back->from, back->to))
				return true;
		}
	}
	return owners > (edited_to(world, index, nominal) ? 0 : 1);
}

/* --- fires handed out and answered --- */

static void check_first(struct world *world, int lane, const struct fire *fire)
{
	struct position position = {fire->due_at, fire->action->id, fire->nominal};
	bool covered = journal_record_covers(world, lane, position);
	bool open = false;
	for (int i = 0; i < SIM_LANES; i++)
		open |= journal_is_open(world, i, fire->action->id, fire->nominal);
	if (world_now(world) - fire->due_at > ENGINE_GRACE && !covered && !open && !world->moved)
		world_fail(world, "%s is handed out %.3f s late, and no record says that it was missed",
			fire_text(fire->action->id, fire->nominal),
			(double)(world_now(world) - fire->due_at) / 1e6);
	if (open || world->moved)
		return;
	if (fire->due_at > world->oracle.high)
		world_fail(world, "%s is handed out before it is due",
			fire_text(fire->action->id, fire->nominal));
	struct position *last = &world->oracle.order[sim_index(fire->action->id)][lane][covered];
	if (position_compare(position, *last) <= 0)
		world_fail(world, "%s is handed out after a later one",
			fire_text(fire->action->id, fire->nominal));
	*last = position;
}

void oracle_handed(struct world *world, int lane, const struct fire *fire)
{
	int64_t id = fire->action->id;
	struct fate *fate = oracle_fate(world, id, fire->nominal);
	bool first = fate->handed_life != world->life;
	bool may_repeat = oracle_may_repeat(world, sim_index(id), fire->nominal);
	world_trace(world, "lane %d: %s handed out, attempt %u", lane, fire_text(id, fire->nominal),
		fire->attempt);
	if (fire->action->lane != lane)
		world_fail(world, "%s is handed to the wrong callback", fire_text(id, fire->nominal));
	if (fate->accounted > 0 && !may_repeat)
		world_fail(world, "%s is handed out, but the history has it as %s",
			fire_text(id, fire->nominal), fire_status_name((enum fire_status)fate->status));
	if (!first && !fate->again && !may_repeat)
		world_fail(world, "%s is handed out twice without a reason", fire_text(id, fire->nominal));
	if (first && !may_repeat)
		check_first(world, lane, fire);
	fate->handed_life = world->life;
	fate->lane = (uint8_t)lane;
	fate->again = false;
}

void oracle_answered(struct world *world, const struct delivery *delivery)
{
	struct fate *fate = oracle_fate(world, delivery->action_id, delivery->nominal);
	world_trace(world, "%s answered %d", fire_text(delivery->action_id, delivery->nominal),
		(int)delivery->answer);
	if (delivery->answer == FIRE_DELIVERED) {
		fate->delivered++;
		fate->fresh = true;
		return;
	}
	fate->again = true;
	if (delivery->answer == FIRE_REJECTED)
		fate->rejected++;
}

/* The window of repeats: what was handed out and is not durable. */
void oracle_crash(struct world *world)
{
	uint32_t repeats[SIM_LANES] = {0};
	const struct oracle *oracle = &world->oracle;
	for (size_t i = 0; i < oracle->fate_room; i++) {
		const struct fate *fate = &oracle->fates[i];
		if (fate->known && fate->fresh && !fate->accounted)
			repeats[fate->lane]++;
	}
	for (int i = 0; i < SIM_LANES && !world->moved; i++) {
		if (repeats[i] > world->open_max)
			world_fail(world, "lane %d: %u fires may be repeated after a crash", i, repeats[i]);
	}
}

/* --- what a commit says --- */

static void account(
	struct world *world, int64_t id, time_us nominal, enum fire_status status, time_us merged_into)
{
	struct fate *fate = oracle_fate(world, id, nominal);
	world_trace(world, "%s is durable as %s", fire_text(id, nominal), fire_status_name(status));
	if (fate->accounted > 0 && !oracle_may_repeat(world, sim_index(id), nominal))
		world_fail(world, "%s is accounted for as %s and again as %s", fire_text(id, nominal),
			fire_status_name((enum fire_status)fate->status), fire_status_name(status));
	fate->accounted++;
	fate->fresh = false;
	fate->status = (uint8_t)status;
	fate->merged_into = merged_into;
}

static void check_outcome(struct world *world, const struct outcome *outcome)
{
	const struct fate *fate = oracle_fate(world, outcome->action_id, outcome->nominal);
	const char *text = fire_text(outcome->action_id, outcome->nominal);
	bool right = false;
	switch ((enum fire_status)outcome->status) {
	case STATUS_DELIVERED: right = fate->delivered > 0 && outcome->attempts > 0; break;
	case STATUS_FAILED: right = fate->rejected > 0 && outcome->reason == REASON_REFUSED; break;
	case STATUS_SKIPPED:
		right = outcome->reason == REASON_REMOVED || outcome->reason == REASON_MAX_INSTANCES ||
			outcome->reason == REASON_CATCH_UP_OPTION;
		break;
	default: break;
	}
	if (!right)
		world_fail(world, "%s is recorded as %s (%s), which it was not", text,
			fire_status_name((enum fire_status)outcome->status),
			fire_reason_text((enum fire_reason)outcome->reason));
	if (outcome->finished_at == TIME_US_MIN)
		world_fail(world, "%s has no time at which it ended", text);
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
		if (expand_by(segment, sim_id(index), range, positions) &&
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
				fire_text(range->ids[i], range->first), range->count,
				fire_reason_text((enum fire_reason)range->reason));
			continue;
		}
		for (guint k = 0; k < positions->len; k++)
			account(world, range->ids[i], g_array_index(positions, struct position, k).nominal,
				(enum fire_status)range->status, range->merged_into);
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
		if (world->fault == FAULT_OUTCOME_DROPPED && rng_chance(&world->rng, 1)) {
			world->planted = true;
			continue;
		}
		check_outcome(world, outcome);
		account(world, outcome->action_id, outcome->nominal, (enum fire_status)outcome->status,
			TIME_US_MIN);
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
		struct fate *fate = oracle_fate(world, p->action_id, p->nominal);
		fate->least |= in_window(p->due_at, sure_from, sure_to);
		fate->most = (uint16_t)(fate->most + (p->due_at <= last));
		for (guint k = 0; k < backs->len; k++) {
			const struct clock_back *back = &g_array_index(backs, struct clock_back, k);
			fate->most = (uint16_t)(fate->most + in_window(p->due_at, back->from, back->to));
		}
	}
}

static void check_fate(struct world *world, const struct fate *fate)
{
	const char *text = fire_text(fate->id, fate->nominal);
	if (fate->accounted < fate->least)
		world_fail(world, "%s is accounted for %u times, not %u", text, fate->accounted, fate->least);
	if (fate->accounted > fate->most)
		world_fail(world, "%s is accounted for %u times, which is more than %u", text,
			fate->accounted, fate->most);
	if (!fate->accounted || fate->status != STATUS_MERGED ||
		oracle_may_repeat(world, sim_index(fate->id), fate->merged_into))
		return;
	const struct fate *into = fate_slot(&world->oracle, fate->id, fate->merged_into);
	if (!into->known || !into->accounted)
		world_fail(world, "%s is merged into a fire of which nothing is known", text);
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
	for (size_t i = 0; i < oracle->fate_room; i++) {
		if (oracle->fates[i].known)
			check_fate(world, &oracle->fates[i]);
	}
}
