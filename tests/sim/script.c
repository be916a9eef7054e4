#include "sim.h"

enum event {
	EVENT_EDIT,
	EVENT_CRASH,
	EVENT_STOP,
	EVENT_STALL,
	EVENT_SLOW_JOURNAL,
	EVENT_UNAVAILABLE,
	EVENT_SLOW_RECEIVER,
	EVENT_TRIGGER,
	EVENT_RETRY,
	EVENT_HOLD,
	EVENT_RELEASE,
	EVENT_CLOCK_SMALL,
	EVENT_CLOCK_HOUR,
	EVENT_CLOCK_HELD,
	EVENT_CLOCK_EPOCH,
	EVENT_COUNT
};

static dur_us gap(struct world *world)
{
	if (world->script.long_times)
		return rng_span(&world->rng, US_PER_SECOND, 12 * US_PER_HOUR);
	return rng_span(&world->rng, 10 * US_PER_MS, 90 * US_PER_SECOND);
}

void script_init(struct world *world)
{
	struct rng *rng = &world->rng;
	struct script *script = &world->script;
	static const unsigned likely[EVENT_COUNT] = {
		[EVENT_EDIT] = 30,
		[EVENT_CRASH] = 25,
		[EVENT_STOP] = 10,
		[EVENT_STALL] = 8,
		[EVENT_SLOW_JOURNAL] = 10,
		[EVENT_UNAVAILABLE] = 10,
		[EVENT_SLOW_RECEIVER] = 10,
		[EVENT_TRIGGER] = 25,
		[EVENT_RETRY] = 25,
		[EVENT_HOLD] = 10,
		[EVENT_RELEASE] = 15,
		[EVENT_CLOCK_SMALL] = 8,
		[EVENT_CLOCK_HOUR] = 4,
		[EVENT_CLOCK_HELD] = 4,
		[EVENT_CLOCK_EPOCH] = 4,
	};
	script->long_times = rng_chance(rng, 40);
	for (int i = 0; i < EVENT_COUNT; i++)
		script->weights[i] = rng_chance(rng, i < EVENT_CLOCK_SMALL ? 50 : 15) ? likely[i] : 0;
	if (rng_chance(rng, 50))
		script->weights[EVENT_CRASH] = likely[EVENT_CRASH];
	script->end_at = world->boot + (script->long_times ? rng_between(rng, 12, 60) * US_PER_HOUR
							   : rng_between(rng, 60, 400) * US_PER_SECOND);
	script->next_at = world->boot + gap(world);
}

/* --- down --- */

void script_go_down(struct world *world)
{
	struct rng *rng = &world->rng;
	dur_us down = world->script.long_times ? rng_span(rng, 100 * US_PER_MS, 30 * US_PER_HOUR)
					       : rng_span(rng, 100 * US_PER_MS, 3 * US_PER_MINUTE);
	world->boot += down;
	unsigned edits = world->script.weights[EVENT_EDIT] ? (unsigned)rng_below(rng, 4) : 0;
	for (unsigned i = 0; i < edits; i++)
		table_edit(world);
	if (world->script.weights[EVENT_CLOCK_SMALL] && rng_chance(rng, 20))
		world->offset += rng_between(rng, -30 * US_PER_SECOND, 30 * US_PER_SECOND);
	if (world->script.weights[EVENT_CLOCK_EPOCH] && rng_chance(rng, 10))
		world->offset -= rng_span(rng, US_PER_HOUR / 2, 4 * US_PER_HOUR);
	world_trace(world, "down for %.3f s", (double)down / 1e6);
	if (world->script.weights[EVENT_HOLD])
		held_down(world);
	if (world->script.weights[EVENT_RELEASE] && rng_chance(rng, 15))
		journal_set_progress(world, world_now(world) - rng_span(rng, US_PER_MS, 2 * US_PER_HOUR));
	world_start(world);
}

/* --- clock --- */

static void step_clock(struct world *world, dur_us step)
{
	world->offset += step;
	world->steps++;
	world->wake = world->boot; /* a timer tells */
	world->took = true;        /* edits are seen now, not at the start */
	world_trace(world, "the clock steps by %.3f s", (double)step / 1e6);
}

static void step_small(struct world *world)
{
	dur_us step = rng_span(&world->rng, 3 * US_PER_SECOND, 40 * US_PER_SECOND);
	step_clock(world, rng_chance(&world->rng, 50) ? step : -step);
}

static void step_hour(struct world *world)
{
	dur_us most = world->script.long_times ? 58 * US_PER_MINUTE : 5 * US_PER_MINUTE;
	dur_us step = rng_span(&world->rng, US_PER_MINUTE, most);
	step_clock(world, rng_chance(&world->rng, 50) ? step : -step);
}

/* Forward by more than an hour: held, and mostly taken back within the minute. */
static void step_held(struct world *world)
{
	struct rng *rng = &world->rng;
	dur_us step = rng_span(rng, 61 * US_PER_MINUTE, 5 * US_PER_HOUR);
	step_clock(world, step);
	world->jump_boot = world->boot;
	world_turn(world);
	for (unsigned turns = (unsigned)rng_below(rng, 40); turns > 0 && world->engine; turns--) {
		world->boot += rng_span(rng, US_PER_MS, 2 * US_PER_SECOND);
		world_turn(world);
	}
	if (rng_chance(rng, 60))
		step_clock(world, -step + (rng_chance(rng, 80) ? 0 : step / 3));
}

/* --- what happens --- */

static void stop_in_order(struct world *world)
{
	if (!world_stop(world))
		world_crash(world);
	script_go_down(world);
}

static void slow_journal(struct world *world)
{
	world->journal.slow_until = world->boot + rng_span(&world->rng, 100 * US_PER_MS, US_PER_MINUTE);
	if (world->journal.under_way)
		world->journal.done_at = world->journal.slow_until;
}

static void ask_for(struct world *world, unsigned *count)
{
	*count += (unsigned)rng_span(&world->rng, 1, 20);
	world->wake = world->boot;
}

static void hold(struct world *world, enum hold_wish wish)
{
	world->held.wish = wish;
	world->wake = world->boot;
}

static void happen(struct world *world, enum event event)
{
	struct rng *rng = &world->rng;
	struct receiver *receiver = &world->receivers[rng_below(rng, SIM_LANES)];
	switch (event) {
	case EVENT_EDIT:
		table_edit(world);
		world->poll_at = MIN(world->poll_at, world->boot + rng_span(rng, 50, 15 * US_PER_SECOND));
		break;
	case EVENT_CRASH: world->crash_place = (unsigned)rng_between(rng, 1, 4); break;
	case EVENT_STOP: stop_in_order(world); break;
	case EVENT_STALL: world->boot += rng_span(rng, 10 * US_PER_MS, 10 * US_PER_SECOND); break;
	case EVENT_SLOW_JOURNAL: slow_journal(world); break;
	case EVENT_UNAVAILABLE:
		receiver->unavailable_until = world->boot + rng_span(rng, US_PER_SECOND, US_PER_MINUTE);
		break;
	case EVENT_SLOW_RECEIVER:
		receiver->slow_until = world->boot + rng_span(rng, US_PER_SECOND, US_PER_MINUTE);
		break;
	case EVENT_TRIGGER: ask_for(world, &world->triggers); break;
	case EVENT_RETRY: ask_for(world, &world->retries); break;
	case EVENT_HOLD: hold(world, HOLD_BEGIN); break;
	case EVENT_RELEASE: hold(world, rng_chance(rng, 50) ? HOLD_END : HOLD_SKIP); break;
	case EVENT_CLOCK_SMALL: step_small(world); break;
	case EVENT_CLOCK_HOUR: step_hour(world); break;
	case EVENT_CLOCK_HELD: step_held(world); break;
	case EVENT_CLOCK_EPOCH: step_clock(world, -rng_span(rng, 61 * US_PER_MINUTE, 5 * US_PER_HOUR)); break;
	default: break;
	}
}

void script_step(struct world *world)
{
	struct script *script = &world->script;
	unsigned total = 0;
	for (int i = 0; i < EVENT_COUNT; i++)
		total += script->weights[i];
	uint64_t draw = rng_below(&world->rng, total);
	int event = 0;
	while (event < EVENT_COUNT && draw >= script->weights[event])
		draw -= script->weights[event++];
	if (event < EVENT_COUNT)
		happen(world, (enum event)event);
	if (world->crash_place == 4) {
		world->crash_place = 0;
		world_crash(world);
	}
	if (!world->engine)
		script_go_down(world);
	script->next_at = world->boot + gap(world);
}
