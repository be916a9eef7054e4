#include "sim.h"

#include <string.h>

/* So much of a rate may come at once. */
#define BURST_NS (100 * US_PER_MS * 1000)
#define HOUR_NS  (US_PER_HOUR * 1000)

const char *const sim_lane_names[SIM_LANES] = {
	[LANE_QUICK] = "quick",
	[LANE_OTHER] = "other",
	[LANE_LASTING] = "lasting",
	[LANE_ONCE] = "once",
	[LANE_LATE] = "late",
};

int lane_by_name(const char *name)
{
	for (int i = 0; i < SIM_LANES; i++) {
		if (strcmp(sim_lane_names[i], name) == 0)
			return i;
	}
	return -1;
}

/* --- their options --- */

static void draw_rate(struct world *world, int lane)
{
	struct rng *rng = &world->rng;
	bool has = !world->calm && (lane == LANE_OTHER || lane == LANE_ONCE || lane == LANE_LATE) &&
		   rng_chance(rng, 25);
	if (!has)
		world->lanes[lane].per_hour = 0;
	else if (world->script.long_times)
		world->lanes[lane].per_hour = rng_span(rng, 20, 3600);
	else
		world->lanes[lane].per_hour = rng_span(rng, 1800, INT64_C(360000));
}

void lanes_draw(struct world *world)
{
	struct rng *rng = &world->rng;
	world->lanes_join_late = rng_chance(rng, 60);
	for (int i = 0; i < SIM_LANES; i++) {
		struct engine_lane_options *lane = &world->lanes[i];
		lane->name = sim_lane_names[i];
		lane->lasting = i == LANE_LASTING || (i == LANE_ONCE && rng_chance(rng, 75)) ||
				(i == LANE_LATE && rng_chance(rng, 30));
		if (i >= LANE_OTHER && rng_chance(rng, 25))
			lane->open_max = (uint32_t)rng_between(rng, 1, 12);
		draw_rate(world, i);
	}
	world->lanes[LANE_ONCE].begin_max = (uint32_t)rng_between(rng, 1, 4);
}

/* What the configuration says may be another thing at each start. */
static void lanes_draw_again(struct world *world)
{
	struct rng *rng = &world->rng;
	for (int i = 0; i < SIM_LANES; i++) {
		if (rng_chance(rng, 20) || (world->calm && world->lanes[i].per_hour))
			draw_rate(world, i);
	}
	if (rng_chance(rng, 20))
		world->lanes[LANE_ONCE].begin_max = (uint32_t)rng_between(rng, 1, 4);
}

uint32_t lane_open_max(const struct world *world, int lane)
{
	return world->lanes[lane].open_max ? world->lanes[lane].open_max : world->open_max;
}

/* --- when they join the engine --- */

bool lane_joined(const struct world *world, int lane)
{
	return world->lane_index[lane] != UINT16_MAX;
}

void lane_join(struct world *world, int lane)
{
	if (lane_joined(world, lane))
		return;
	struct engine_lane_options options = world->lanes[lane];
	if (world->fault == FAULT_ONCE_IGNORED)
		options.begin_max = 0;
	if (world->fault == FAULT_RATE_IGNORED)
		options.per_hour = 0;
	if (world->fault == FAULT_BOUND_IGNORED)
		options.open_max = 0;
	if (world->fault == FAULT_LASTING_IGNORED)
		options.lasting = false;
	world->lane_index[lane] = engine_add_lane(world->engine, &options);
	if (world->lane_index[lane] != world->lane_count++)
		world_fail(world, "lane %d: another index than the next one", lane);
	world_trace(world, "lane %d (%s) joins: %u at a time, begin %u, %" G_GINT64_FORMAT " an hour", lane,
		options.name, lane_open_max(world, lane), options.begin_max, options.per_hour);
}

/* As the daemon does: those that are known, in the order in which they are named; the rest when it is. */
static bool is_needed(const struct world *world, int lane)
{
	bool needed = !world->lanes_join_late || world->journal.lane_known[lane];
	for (int i = 0; i < SIM_IDS; i++)
		needed |= world->journal.defs[i].present && world->journal.defs[i].def.lane == lane;
	return needed;
}

void lanes_start(struct world *world)
{
	if (world->life > 1)
		lanes_draw_again(world);
	world->lane_count = 0;
	for (int i = 0; i < SIM_LANES; i++) {
		world->lane_index[i] = UINT16_MAX;
		world->excused[i] = false;
		world->watches[i] =
			(struct lane_watch){.level_at = world->boot, .blocked_until = TIME_US_MIN};
	}
	int first = (int)rng_below(&world->rng, SIM_LANES);
	for (int i = 0; i < SIM_LANES; i++) {
		int lane = (first + i) % SIM_LANES;
		if (is_needed(world, lane))
			lane_join(world, lane);
	}
}

/* What the receiver asked for is known in the next life if that was durable, and if the clock can be trusted.
 */
static void forget_asked(struct world *world)
{
	const struct oracle *oracle = &world->oracle;
	for (size_t i = 0; i < oracle->fate_room; i++) {
		struct fate *fate = &oracle->fates[i];
		bool durable = false;
		for (int lane = 0; fate->known && fate->asked_life && lane < SIM_LANES; lane++) {
			const struct open_fire *open =
				journal_open(world, lane, fate->id, fate->nominal, fate->manual);
			durable |= open && open->next_attempt_at >= fate->not_before &&
				   MAX(open->due_at, world->journal.lanes[lane].watermark.due_at) <=
					   world_now(world);
		}
		if (!durable)
			fate->asked_life = 0;
	}
}

void lanes_restored(struct world *world)
{
	forget_asked(world);
	const GArray *all = world->journal.open;
	for (guint i = 0; i < all->len; i++) {
		const struct open_fire *open = &g_array_index(all, struct open_fire, i);
		int lane = journal_open_lane(open);
		world->watches[lane].restored++;
		/* It waits in the lane that its action had. */
		const struct def *def = &world->journal.defs[sim_index(open->action_id)].def;
		world->moved |= def->lane != lane;
		if (!open->started)
			continue;
		if (lane != LANE_ONCE)
			world_fail(world, "lane %d: a fire is written down as begun", lane);
		oracle_fate(world, open->action_id, open->nominal, oracle_manual(open->manual))->interrupted =
			true;
	}
}

/* --- at most once --- */

static void once_handed(struct world *world, struct fate *fate, bool may_repeat)
{
	const struct open_fire *open = journal_open(world, LANE_ONCE, fate->id, fate->nominal, fate->manual);
	/* Two fires that share an id share the place where that is written down. */
	if ((!open || !open->started) && !may_repeat)
		world_fail(world, "%s is handed out, but is not durable as begun", fate_text(fate));
	if (fate->begun && !may_repeat)
		world_fail(world, "%s is to be handed out at most once, and is again", fate_text(fate));
	if (fate->interrupted && !may_repeat)
		world_fail(world, "%s had begun when a life ended, and is handed out again", fate_text(fate));
	fate->begun = true;
}

bool lane_interrupted(struct world *world, struct fate *fate)
{
	if (!fate->interrupted)
		return false;
	world_trace(world, "%s was interrupted", fate_text(fate));
	fate->interrupted = false;
	fate->answers++;
	return true;
}

/* A stop in order leaves nothing begun; one that was given up only what was handed out. */
void lanes_stopped(struct world *world, bool in_order)
{
	const GArray *all = world->journal.open;
	for (guint i = 0; i < all->len; i++) {
		const struct open_fire *open = &g_array_index(all, struct open_fire, i);
		if (!open->started)
			continue;
		const struct fate *fate =
			oracle_fate(world, open->action_id, open->nominal, oracle_manual(open->manual));
		if (in_order || fate->handed_life != world->life)
			world_fail(world, "%s counts as interrupted, though it %s", fate_text(fate),
				in_order ? "came to its end" : "was not handed out");
	}
}

/* --- the rate: a bucket that leaks, which is the same as looking at every window --- */

static int64_t rate_interval(const struct world *world, int lane)
{
	return world->lanes[lane].per_hour ? HOUR_NS / world->lanes[lane].per_hour : 0;
}

static int64_t rate_level(const struct world *world, int lane)
{
	const struct lane_watch *watch = &world->watches[lane];
	return MAX(0, watch->level_ns - (world->boot - watch->level_at) * 1000);
}

static bool rate_is_spent(const struct world *world, int lane)
{
	int64_t interval = rate_interval(world, lane);
	return interval && rate_level(world, lane) + interval > MAX(interval, BURST_NS);
}

/* --- what is seen of them --- */

/* How many of an action its receiver has, up to a fire; of those that were missed only. */
static unsigned count_runs(const struct world *world, int lane, const struct fire *fire, bool missed)
{
	const GArray *items = world->receivers[lane].items;
	unsigned count = 0;
	for (guint i = 0; i < items->len; i++) {
		const struct delivery *item = &g_array_index(items, struct delivery, i);
		count += item->action_id == fire->action->id && (!missed || item->missed);
		if (item->ticket == fire->ticket)
			break;
	}
	return count;
}

bool lane_is_missed(const struct world *world, int lane, const struct fire *fire)
{
	struct position position = {fire->due_at, fire->action->id, fire->nominal};
	uint32_t manual = oracle_manual(fire->manual);
	/* Of two fires that share an id it cannot be told. */
	if (!manual && oracle_may_repeat(world, sim_index(position.action_id), position.nominal))
		return false;
	for (int i = 0; i < SIM_LANES; i++) {
		const struct open_fire *open =
			journal_open(world, i, position.action_id, position.nominal, manual);
		if (open)
			return open->backlog;
	}
	/* A record may still reach to where the clock had been, beyond fires that come on time now; where it
	 * is what an edit left, fires of it may be on time, too. */
	return !manual && world_now(world) - fire->due_at > ENGINE_GRACE &&
	       journal_record_covers(world, lane, position);
}

/* Missed ones go one by one; others are no more than max_instances, as it was when they came. The receiver
 * has the fire by now. */
static void check_runs(struct world *world, int lane, const struct fate *fate, const struct fire *fire)
{
	struct position position = {fire->due_at, fate->id, fate->nominal};
	bool missed = lane_is_missed(world, lane, fire);
	bool first = !fate->handed_life && !journal_is_open(world, fate->id, fate->nominal, fate->manual);
	/* One that is late was missed: where the action has another callback since, no record of it says so.
	 */
	bool late = world_now(world) - fire->due_at > ENGINE_GRACE;
	bool live = first && !late && !journal_record_covers(world, lane, position);
	if (missed && count_runs(world, lane, fire, true) > 1)
		world_fail(world, "%s was missed, and is handed out beside another one", fate_text(fate));
	if (live && count_runs(world, lane, fire, false) > fire->action->max_instances)
		world_fail(world, "%s is handed out, and %u are running", fate_text(fate),
			fire->action->max_instances);
}

/* In the life in which the receiver asked, whatever the clock does; in later ones, if it does nothing. */
static bool is_too_early(const struct world *world, const struct fate *fate)
{
	if (fate->asked_life == world->life)
		return world->boot < fate->not_before_boot;
	return fate->asked_life && fate->asked_steps == world->steps && fate->asked_offset == world->offset &&
	       world_now(world) < fate->not_before;
}

void lane_handed(struct world *world, int lane, struct fate *fate, const struct fire *fire)
{
	struct lane_watch *watch = &world->watches[lane];
	bool may_repeat = !fate->manual && oracle_may_repeat(world, sim_index(fate->id), fate->nominal);
	if (rate_is_spent(world, lane))
		world_fail(world, "lane %d: %s is handed out faster than the rate allows", lane,
			fate_text(fate));
	watch->level_ns = rate_level(world, lane) + rate_interval(world, lane);
	watch->level_at = world->boot;
	if (lane == LANE_ONCE)
		once_handed(world, fate, may_repeat);
	if (world->lanes[lane].lasting && !may_repeat)
		check_runs(world, lane, fate, fire);
	if (world->boot < watch->blocked_until)
		world_fail(world, "lane %d: %s is handed out, though the receiver asked to be left alone",
			lane, fate_text(fate));
	if (is_too_early(world, fate) && !may_repeat)
		world_fail(world, "%s is handed out before the receiver wants it again", fate_text(fate));
}

void lane_accepted(struct world *world, int lane)
{
	const struct receiver *receiver = &world->receivers[lane];
	if (lane == LANE_ONCE && receiver->items->len > world->lanes[lane].begin_max)
		world_fail(world, "lane %d: %u fires have begun, more than may", lane, receiver->items->len);
}

/* What a receiver asks for is heeded up to a day. */
static time_us asks_until(const struct world *world, const struct fire_result *result)
{
	return MIN(result->retry_at, world_now(world) + US_PER_DAY);
}

static void note_asked(struct world *world, const struct delivery *delivery, time_us until)
{
	struct fate *fate = oracle_fate(world, delivery->action_id, delivery->nominal, delivery->manual);
	fate->asked_life = world->life;
	fate->asked_steps = world->steps;
	fate->asked_offset = world->offset;
	fate->not_before = until;
	fate->not_before_boot = world->turned_boot + (until - world_now(world));
}

/* Whether others were answered since the fire was first handed out in vain. */
static bool is_alone(const struct world *world, int lane, const struct delivery *delivery)
{
	const struct receiver *receiver = &world->receivers[lane];
	if (!world->lanes[lane].lasting)
		return false;
	const time_us *first = g_hash_table_lookup(receiver->away, &delivery->ticket);
	if (!first) {
		first = g_memdup2(&delivery->handed_at, sizeof delivery->handed_at);
		g_hash_table_insert(receiver->away, g_memdup2(&delivery->ticket, sizeof delivery->ticket),
			(void *)(uintptr_t)first);
	}
	return receiver->answered_at >= *first;
}

void lane_answers(struct world *world, int lane, const struct delivery *answers, size_t count,
	struct fire_result *results)
{
	struct receiver *receiver = &world->receivers[lane];
	struct lane_watch *watch = &world->watches[lane];
	struct engine_lane_status before, after;
	bool waits = false;
	engine_lane_status(world->engine, world->lane_index[lane], &before);
	for (size_t i = 0; i < count; i++) {
		time_us until = asks_until(world, &results[i]);
		if (results[i].answer != FIRE_UNAVAILABLE)
			receiver->answered_at = world->turned_boot;
		if (results[i].retry_at && results[i].answer != FIRE_DELIVERED)
			note_asked(world, &answers[i], until);
		if (results[i].answer != FIRE_UNAVAILABLE || is_alone(world, lane, &answers[i]))
			continue;
		waits = true;
		watch->blocked_until =
			MAX(watch->blocked_until, world->turned_boot + (until - world_now(world)));
	}
	for (size_t i = 0; i < count && world->fault == FAULT_RETRY_AT_IGNORED; i++)
		results[i].retry_at = 0;
	engine_resolved(world->engine, world->lane_index[lane], results, count);
	engine_lane_status(world->engine, world->lane_index[lane], &after);
	if (after.waiting != (before.waiting || waits))
		world_fail(world, "lane %d: the receiver is %s, and the lane %s", lane,
			waits ? "unavailable" : "there but for single fires",
			after.waiting ? "waits" : "goes on");
}

bool lane_excused(const struct world *world, int lane, const struct engine_lane_status *status)
{
	return status->waiting || world->receivers[lane].told_full ||
	       status->retained >= lane_open_max(world, lane) || rate_is_spent(world, lane) ||
	       (lane == LANE_ONCE && status->open >= world->lanes[lane].begin_max);
}

void lane_check(struct world *world, int lane, const struct engine_lane_status *status)
{
	uint32_t most = MAX(lane_open_max(world, lane), world->watches[lane].restored) + asked_count(world);
	if (status->retained > most && !world->moved)
		world_fail(world, "lane %d: %u fires are on their way, more than the bound", lane,
			status->retained);
}
