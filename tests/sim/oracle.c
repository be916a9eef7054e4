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
	oracle->asked = g_array_new(FALSE, FALSE, sizeof(struct asked));
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
	g_array_unref(oracle->asked);
	for (int i = 0; i < SIM_IDS; i++)
		g_array_unref(oracle->segments[i]);
	for (int i = 0; i < SIM_LANES; i++)
		g_array_unref(oracle->excuses[i]);
}

static struct fate *fate_slot(const struct oracle *oracle, int64_t id, time_us nominal, uint32_t manual)
{
	uint64_t h = ((uint64_t)nominal * UINT64_C(0x9e3779b97f4a7c15)) ^
		     ((uint64_t)(id + manual * INT64_C(1000)) * UINT64_C(0xbf58476d1ce4e5b9));
	for (size_t i = (size_t)(h >> 20);; i++) {
		struct fate *fate = &oracle->fates[i & (oracle->fate_room - 1)];
		if (!fate->known || (fate->id == id && fate->nominal == nominal && fate->manual == manual))
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
			*fate_slot(oracle, old[i].id, old[i].nominal, old[i].manual) = old[i];
	}
	g_free(old);
}

struct fate *oracle_fate(struct world *world, int64_t id, time_us nominal, uint32_t manual)
{
	struct oracle *oracle = &world->oracle;
	struct fate *fate = fate_slot(oracle, id, nominal, manual);
	if (fate->known)
		return fate;
	if (++oracle->fate_count * 2 > oracle->fate_room) {
		fates_grow(oracle);
		fate = fate_slot(oracle, id, nominal, manual);
	}
	*fate = (struct fate){.id = id, .nominal = nominal, .manual = manual, .known = true};
	return fate;
}

const char *oracle_fire_text(int64_t id, time_us nominal, uint32_t manual)
{
	static char text[FIRE_ID_MAX];
	char number[16];
	g_snprintf(number, sizeof(number), "%08x", manual);
	return fire_id_format(id, nominal, manual ? number : NULL, text);
}

/* --- the clock, and what it excuses --- */

void oracle_start(struct world *world)
{
	struct oracle *oracle = &world->oracle;
	oracle->start_high = oracle->high;
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

void segment_taken_back(struct segment *segment, const struct clock_back *back)
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
		    world->turned_boot <= world->jump_boot + ENGINE_STEP_WAIT + US_PER_SECOND;
	world->oracle.high = MAX(world->oracle.high, now);
	/* The clock may have been taken back in a life that ended before that was durable. */
	for (int i = 0; now == world->life_started && i < SIM_LANES; i++) {
		if (world->journal.lane_known[i])
			world->oracle.front =
				MAX(world->oracle.front, world->journal.lanes[i].watermark.due_at);
	}
	if (now >= world->oracle.front)
		world->oracle.front = now;
	else if (back && (held || world->oracle.front - now > ENGINE_STEP_HELD))
		clock_taken_back(world, now);
}

static bool segment_has(const struct segment *segment, int index, time_us nominal, time_us *due)
{
	const struct schedule *schedule = pool_schedule(segment->schedule);
	time_us next;
	*due = fire_due_at(schedule, sim_id(index), nominal);
	return schedule_next(schedule, nominal - 1, &next) && next == nominal;
}

/* How many schedules have this fire by edits of this life that are not durable. */
static int edited_owners(const struct world *world, int index, time_us nominal)
{
	const GArray *all = world->oracle.applied;
	int32_t last = -1;
	int owners = 0;
	for (guint i = 0; i < all->len; i++) {
		const struct applied *applied = &g_array_index(all, struct applied, i);
		time_us next;
		if (applied->index != index || applied->life != world->life || applied->seen ||
			applied->removal || applied->def.schedule == last)
			continue;
		last = applied->def.schedule;
		owners += schedule_next(pool_schedule(last), nominal - 1, &next) && next == nominal;
	}
	return owners;
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
	return owners + edited_owners(world, index, nominal) > 1;
}

/* --- fires handed out and answered --- */

static void check_first(struct world *world, int lane, const struct fire *fire)
{
	struct position position = {fire->due_at, fire->action->id, fire->nominal};
	bool covered = journal_record_covers(world, lane, position);
	bool open = journal_is_open(world, fire->action->id, fire->nominal, 0);
	if (world_now(world) - fire->due_at > ENGINE_GRACE && !covered && !open && !world->moved)
		world_fail(world, "%s is handed out %.3f s late, and no record says that it was missed",
			oracle_fire_text(fire->action->id, fire->nominal, 0),
			(double)(world_now(world) - fire->due_at) / 1e6);
	if (open || world->moved)
		return;
	if (fire->due_at > world->oracle.high)
		world_fail(world, "%s is handed out before it is due",
			oracle_fire_text(fire->action->id, fire->nominal, 0));
	struct position *last = &world->oracle.order[sim_index(fire->action->id)][lane][covered];
	if (position_compare(position, *last) <= 0)
		world_fail(world, "%s is handed out after a later one",
			oracle_fire_text(fire->action->id, fire->nominal, 0));
	*last = position;
}

static void check_handed(struct world *world, int lane, const struct fate *fate, const struct fire *fire)
{
	bool first = fate->handed_life != world->life;
	bool may_repeat = !fate->manual && oracle_may_repeat(world, sim_index(fate->id), fate->nominal);
	if (fate->asked && !may_repeat)
		asked_handed(world, fate, fire);
	if (fate->over && !may_repeat)
		world_fail(world, "%s was said to be over, and is handed out again", fate_text(fate));
	if (fate->manual && !fate->asked)
		world_fail(world, "%s is handed out, and is not asked for, or not any more", fate_text(fate));
	if (fate->accounted > 0 && !may_repeat && !fate->asked)
		world_fail(world, "%s is handed out, but the history has it as %s", fate_text(fate),
			fire_status_name((enum fire_status)fate->status));
	if (!first && !fate->again && !may_repeat)
		world_fail(world, "%s is handed out twice without a reason", fate_text(fate));
	if (first && !may_repeat && !fate->asked)
		check_first(world, lane, fire);
}

void oracle_handed(struct world *world, int lane, const struct fire *fire)
{
	struct fate *fate = oracle_fate(world, fire->action->id, fire->nominal, oracle_manual(fire->manual));
	world_trace(world, "lane %d: %s handed out, attempt %u", lane, fate_text(fate), fire->attempt);
	if (fire->action->lane != world->lane_index[lane])
		world_fail(world, "%s is handed to the wrong callback", fate_text(fate));
	check_handed(world, lane, fate, fire);
	if (fire->due_at < world->set_to && !fate->asked && !fate->manual &&
		!oracle_may_repeat(world, sim_index(fate->id), fate->nominal))
		world_fail(world, "%s is handed out, though the progress was set beyond it", fate_text(fate));
	if (held_on(&world->held))
		world_fail(world, "%s is handed out while all is held", fate_text(fate));
	lane_handed(world, lane, fate, fire);
	fate->handed_life = world->life;
	fate->due_at = fire->due_at;
	fate->lane = (uint8_t)lane;
	fate->again = false;
}

void oracle_answered(struct world *world, const struct delivery *delivery)
{
	struct fate *fate = oracle_fate(world, delivery->action_id, delivery->nominal, delivery->manual);
	world_trace(world, "%s answered %d", fate_text(fate), (int)delivery->answer);
	if (delivery->answer != FIRE_UNAVAILABLE)
		fate->answers++;
	if (delivery->answer == FIRE_DELIVERED) {
		fate->delivered++;
		fate->fresh = true;
		return;
	}
	fate->again = true;
	fate->begun = false;
	if (delivery->answer == FIRE_REJECTED)
		fate->rejected++;
}

/* The window of repeats: what was handed out and is not durable. What was asked for comes on top. */
void oracle_crash(struct world *world)
{
	uint32_t repeats[SIM_LANES] = {0};
	const struct oracle *oracle = &world->oracle;
	for (size_t i = 0; i < oracle->fate_room; i++) {
		const struct fate *fate = &oracle->fates[i];
		if (fate->known && fate->fresh && !fate->accounted && !fate->asked)
			repeats[fate->lane]++;
	}
	for (int i = 0; i < SIM_LANES && !world->moved; i++) {
		if (repeats[i] > MAX(lane_open_max(world, i), world->watches[i].restored))
			world_fail(world, "lane %d: %u fires may be repeated after a crash", i, repeats[i]);
	}
	asked_crash(world);
}

void oracle_settled(struct world *world)
{
	const struct oracle *oracle = &world->oracle;
	struct fate *fate = &oracle->fates[rng_below(&world->rng, oracle->fate_room)];
	if (!fate->known || !fate->handed_life || fate->asked || !lane_joined(world, fate->lane) ||
		(!fate->manual && oracle_may_repeat(world, sim_index(fate->id), fate->nominal)))
		return;
	char manual[FIRE_MANUAL_MAX] = "";
	struct position position = {fate->due_at, fate->id, fate->nominal};
	if (fate->manual)
		asked_uuid(fate->manual, manual);
	fate->over |= engine_is_settled(world->engine, world->lane_index[fate->lane], position, manual);
}
