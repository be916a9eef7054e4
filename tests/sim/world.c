#include "sim.h"

#include <stdarg.h>
#include <stdio.h>

/* How many turns may follow each other at once without any effect. */
#define IDLE_TURNS_MAX 20
/* The work of a turn takes some time. */
#define TURN_COST      50

/* --- telling --- */

void world_fail(struct world *world, const char *format, ...)
{
	char text[400], now[TIME_TEXT_MAX];
	if (world->failed)
		return;
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	world->failed = true;
	snprintf(world->message, sizeof(world->message), "%s, life %u: %s",
		time_format_utc(world_now(world), now), world->life, text);
	world_trace(world, "FAILED: %s", text);
}

void world_tell(struct world *world, const char *format, ...)
{
	char now[TIME_TEXT_MAX];
	va_list args;
	va_start(args, format);
	printf("%s ", time_format_utc(world_now(world), now));
	vprintf(format, args);
	putchar('\n');
	va_end(args);
}

void world_hash(struct world *world, uint64_t value)
{
	world->hash = (world->hash ^ value) * UINT64_C(0x100000001b3);
}

/* --- lives --- */

static time_us draw_catch_up(struct world *world)
{
	if (!rng_chance(&world->rng, 8))
		return TIME_US_MIN;
	return rng_chance(&world->rng, 50)
		       ? TIME_US_MAX
		       : world_now(world) - rng_span(&world->rng, US_PER_SECOND, US_PER_HOUR);
}

static void start_actions(struct world *world)
{
	for (int i = 0; i < SIM_IDS; i++) {
		world->known[i].present = world->journal.defs[i].present;
		world->known[i].def = world->journal.defs[i].def;
		if (world->known[i].present)
			engine_restore_action(world->engine, action_from_def(world, i, &world->known[i].def),
				world->journal.defs[i].since);
	}
}

void world_start(struct world *world)
{
	struct engine_options options = {
		.open_max = world->open_max,
		.retry_min = 100 * US_PER_MS,
		.retry_max = 5 * US_PER_SECOND,
		.catch_up_from = draw_catch_up(world),
	};
	world->life++;
	world->moved = world->took = world->stopping = false;
	world->triggers = world->retries = 0;
	world->held.wish = HOLD_NOTHING;
	world->jump_boot = TIME_US_MIN;
	world->life_started = world->turned_at = world_now(world);
	world->turned_boot = world->wake = world->boot;
	world_trace(world, "life %u begins", world->life);
	oracle_clock(world);
	oracle_start(world);
	world->engine = engine_new(&options);
	lanes_start(world);
	held_start(world);
	start_actions(world);
	engine_restore(world->engine, journal_load(world), world_now(world), world->boot);
	lanes_restored(world);
	world->poll_at = world->boot;
	if (world->life > 1 && rng_chance(&world->rng, 30))
		world->poll_at += rng_span(&world->rng, 100, 20 * US_PER_SECOND);
}

static void end_life(struct world *world)
{
	engine_free(world->engine);
	world->engine = NULL;
	commit_free(g_steal_pointer(&world->journal.under_way));
	world->journal.done_at = SIM_INSTANT;
}

void world_crash(struct world *world)
{
	world_trace(world, "crash");
	for (int i = 0; i < SIM_LANES; i++)
		receiver_crash(world, i);
	/* The commit may have been on the disk, only nobody was told. */
	if (world->journal.under_way && rng_chance(&world->rng, 50))
		journal_complete(world);
	oracle_crash(world);
	end_life(world);
}

/* Only an answer that does not come is a reason to give up. */
static void given_up(struct world *world)
{
	uint32_t unanswered = 0;
	for (int i = 0; i < SIM_LANES; i++)
		unanswered += world->receivers[i].items->len;
	if (unanswered == 0)
		world_fail(world, "a stop does not come to its end");
	lanes_stopped(world, false);
}

/* What is idle has nothing to write down. */
static void check_idle(struct world *world)
{
	struct commit *commit = engine_is_idle(world->engine) ? engine_take_commit(world->engine) : NULL;
	if (commit)
		world_fail(world, "is idle, and has something to write down");
	commit_free(commit);
}

bool world_stop(struct world *world)
{
	engine_stop(world->engine);
	world->stopping = true;
	world->crash_place = 0;
	world_trace(world, "stop");
	check_idle(world);
	time_us deadline = world->boot + 30 * US_PER_SECOND;
	for (;;) {
		world_turn(world);
		if (engine_is_idle(world->engine) && !world->journal.under_way)
			break;
		time_us next = world->journal.under_way ? world->journal.done_at : SIM_INSTANT;
		for (int i = 0; i < SIM_LANES; i++)
			next = MIN(next, receiver_wake(world, i));
		next = MIN(next, world->wake);
		if (next > deadline) {
			if (!world->journal.under_way)
				given_up(world);
			return false;
		}
		world->boot = MAX(world->boot, next);
	}
	for (size_t i = 0; i < world->oracle.fate_room; i++) {
		if (world->oracle.fates[i].known && world->oracle.fates[i].fresh)
			world_fail(world,
				"delivered and stopped in order, but a fire of %" G_GINT64_FORMAT
				" is not in the history",
				world->oracle.fates[i].id);
	}
	lanes_stopped(world, true);
	asked_stopped(world);
	end_life(world);
	for (int i = 0; i < SIM_LANES; i++)
		receiver_crash(world, i);
	return true;
}

/* --- a turn --- */

static void note_excuses(struct world *world)
{
	time_us now = world_now(world);
	dur_us step = (now - world->turned_at) - (world->boot - world->turned_boot);
	bool late = world->boot - 5 * US_PER_MS > world->wake || step != 0;
	for (int i = 0; i < SIM_LANES; i++) {
		if (late || world->excused[i])
			oracle_excuse(world, i, MIN(now, world->turned_at), MAX(now, world->turned_at));
	}
}

static size_t take_lane(struct world *world, int lane)
{
	struct fire fires[SIM_TAKE];
	size_t total = 0;
	for (int batches = 0; batches < 8; batches++) {
		size_t max = world->calm ? SIM_TAKE : (size_t)rng_between(&world->rng, 1, SIM_TAKE);
		size_t count = engine_take(world->engine, world->lane_index[lane], fires, max);
		if (count > max)
			world_fail(world, "more was taken than asked for");
		if (count == 0)
			break;
		size_t accepted = receiver_submit(world, lane, fires, count);
		world_trace(world, "lane %d: accepts %zu of %zu", lane, accepted, count);
		for (size_t i = 0; i < accepted; i++) {
			oracle_handed(world, lane, &fires[i]);
			world_hash(world, (uint64_t)fires[i].nominal ^ (uint64_t)fires[i].action->id);
		}
		lane_accepted(world, lane);
		engine_accepted(world->engine, world->lane_index[lane], accepted);
		total += MAX(1, accepted);
		if (accepted < count)
			break;
	}
	return total;
}

static size_t take_all(struct world *world)
{
	size_t total = 0;
	int first = (int)rng_below(&world->rng, SIM_LANES);
	for (int i = 0; i < SIM_LANES; i++) {
		int lane = (first + i) % SIM_LANES;
		if (lane_joined(world, lane))
			total += take_lane(world, lane);
	}
	world->took = true;
	return total;
}

static void committed(struct world *world, uint64_t sequence)
{
	engine_committed(world->engine, sequence);
	asked_committed(world, sequence);
	held_committed(world, sequence);
}

static size_t commit_some(struct world *world)
{
	/* With the fault the engine would give the next one meanwhile. */
	struct commit *commit = world->journal.under_way ? NULL : engine_take_commit(world->engine);
	if (!commit)
		return 0;
	world_hash(world, commit->sequence ^ (uint64_t)commit->outcomes->len << 32);
	world_trace(world,
		"commit %" G_GUINT64_FORMAT
		": %u outcomes, %u ranges, %u records, %u done, %u open, %u open done",
		commit->sequence, commit->outcomes->len, commit->ranges->len, commit->backlog->len,
		commit->backlog_done->len, commit->open->len, commit->open_done->len);
	journal_submit(world, commit);
	if (world->fault == FAULT_DURABLE_EARLY)
		committed(world, commit->sequence);
	return 1;
}

static size_t take_events(struct world *world)
{
	size_t events = 0;
	if (world->journal.under_way && world->journal.done_at <= world->boot) {
		uint64_t sequence = world->journal.under_way->sequence;
		journal_complete(world);
		committed(world, sequence);
		events++;
	}
	events += world->triggers + world->retries + (world->held.wish != HOLD_NOTHING);
	held_do(world);
	asked_do(world);
	for (int i = 0; i < SIM_LANES; i++) {
		if (!lane_joined(world, i))
			continue;
		events += receiver_wake(world, i) <= world->boot;
		receiver_answer(world, i);
	}
	if (world->poll_at <= world->boot) {
		table_poll(world);
		world->poll_at = SIM_INSTANT;
		events++;
	}
	return events;
}

static void take_notes(struct world *world)
{
	char *note;
	while ((note = engine_take_note(world->engine))) {
		world_trace(world, "note: %s", note);
		g_free(note);
	}
}

static void after_turn(struct world *world, bool more)
{
	time_us wake = engine_next_wake(world->engine), now = world_now(world);
	world->wake = more || wake <= now   ? world->boot
		      : wake == TIME_US_MAX ? SIM_INSTANT
					    : world->boot + (wake - now);
	bool held = world->jump_boot != TIME_US_MIN &&
		    world->boot <= world->jump_boot + ENGINE_STEP_WAIT + US_PER_SECOND;
	for (int i = 0; i < SIM_LANES; i++) {
		struct engine_lane_status status;
		if (!lane_joined(world, i))
			continue;
		engine_lane_status(world->engine, world->lane_index[i], &status);
		world->excused[i] = held || held_on(&world->held) || lane_excused(world, i, &status);
		lane_check(world, i, &status);
	}
}

void world_turn(struct world *world)
{
	note_excuses(world);
	oracle_clock(world);
	held_clock(world);
	world->turned_at = world_now(world);
	world->turned_boot = world->boot;
	world->turns++;
	engine_clock(world->engine, world_now(world), world->boot);
	size_t effects = take_events(world);
	effects += take_all(world);
	if (world->crash_place == 1)
		goto crash;
	effects += commit_some(world);
	if (world->crash_place == 2)
		goto crash;
	bool more = engine_work(world->engine);
	if (world->crash_place == 3)
		goto crash;
	take_notes(world);
	oracle_settled(world);
	after_turn(world, more);
	bool again = world->idle_turns_at_once && effects == 0 && !more;
	world->idle_turns = again ? world->idle_turns + 1 : 0;
	world->idle_turns_at_once = world->wake <= world->boot;
	if (world->idle_turns > IDLE_TURNS_MAX)
		world_fail(world, "asks to be called at once, though there is nothing to do");
	world->effects = effects + more;
	world->boot += TURN_COST;
	return;
crash:
	world->crash_place = 0;
	world_crash(world);
}

/* --- from end to end --- */

static time_us next_event(const struct world *world)
{
	time_us next = MIN(world->wake, world->poll_at);
	if (world->journal.under_way)
		next = MIN(next, world->journal.done_at);
	for (int i = 0; i < SIM_LANES; i++)
		next = MIN(next, receiver_wake(world, i));
	return next;
}

/* Nothing may be due before the engine said so. */
static void probe(struct world *world, time_us next)
{
	if (next - world->boot < 10 || next == SIM_INSTANT || world->crash_place ||
		!rng_chance(&world->rng, 10))
		return;
	world->boot = rng_between(&world->rng, world->boot, next - 2);
	world_turn(world);
	if (world->effects)
		world_fail(world, "something was due before the engine said so");
}

static void live(struct world *world)
{
	while (!world->failed && world->boot < world->script.end_at && world->turns < 200000) {
		time_us next = next_event(world);
		probe(world, MIN(next, world->script.next_at));
		next = MIN(next_event(world), world->script.next_at);
		world->boot = MAX(world->boot, next);
		if (world->script.next_at <= world->boot)
			script_step(world);
		else
			world_turn(world);
		if (!world->engine)
			script_go_down(world);
	}
}

static bool all_is_done(const struct world *world)
{
	bool done =
		!world->journal.under_way && world->wake > world->boot &&
		(world->jump_boot == TIME_US_MIN || world->boot > world->jump_boot + 2 * ENGINE_STEP_WAIT);
	for (int i = 0; i < SIM_LANES; i++) {
		struct engine_lane_status status;
		if (!lane_joined(world, i))
			continue;
		engine_lane_status(world->engine, world->lane_index[i], &status);
		done = done && status.retained == 0 && status.backlog_records == 0 && !status.waiting;
	}
	return done;
}

/* Everything works; what is owed must come to an end. */
static void calm_down(struct world *world)
{
	bool rated = false;
	world->calm = true;
	world->crash_place = 0;
	world->triggers = world->retries = 0;
	world->journal.slow_until = TIME_US_MIN;
	for (int i = 0; i < SIM_LANES; i++)
		rated |= world->lanes[i].per_hour > 0;
	if (rated) {
		/* It may be less than what comes due: the next life has none. */
		world_crash(world);
		world_start(world);
	}
	world->poll_at = world->boot;
	world->held.wish = rng_chance(&world->rng, 50) ? HOLD_END : HOLD_SKIP;
	if (world->journal.under_way)
		world->journal.done_at = world->boot;
	for (int i = 0; i < SIM_LANES; i++) {
		struct receiver *receiver = &world->receivers[i];
		receiver->unavailable_until = TIME_US_MIN;
		if (receiver->told_full)
			receiver->ready_at = world->boot;
	}
	/* A receiver may have asked to be left alone for a day. */
	time_us deadline = world->boot + 25 * US_PER_HOUR;
	do {
		world_turn(world);
		if (all_is_done(world))
			return;
		world->boot = MAX(world->boot, MIN(next_event(world), world->boot + US_PER_MINUTE));
	} while (!world->failed && world->boot < deadline);
	world_fail(world, "the backlog does not end");
}

static void finish(struct world *world)
{
	if (world->failed)
		return;
	oracle_finish(world);
	engine_stop(world->engine);
	if (!engine_is_idle(world->engine))
		world_fail(world, "not idle at the end");
	if (world->journal.records->len || world->journal.open->len)
		world_fail(world, "backlog or open fires are left in the journal");
}

bool world_run(uint64_t seed, enum fault fault, bool trace, uint64_t *hash, char message[512])
{
	struct world *world = g_new0(struct world, 1);
	world->seed = seed;
	world->rng.state = seed * UINT64_C(0x2545f4914f6cdd1d);
	world->fault = fault;
	world->trace = trace;
	world->boot = 1000 * US_PER_SECOND;
	world->set_to = TIME_US_MIN;
	world->offset = INT64_C(1704067200) * US_PER_SECOND - world->boot +
			rng_between(&world->rng, 0, 100 * US_PER_SECOND);
	world->open_max = rng_chance(&world->rng, 70) ? 16 : (uint32_t)rng_between(&world->rng, 4, 64);
	script_init(world);
	lanes_draw(world);
	oracle_init(world);
	journal_init(world);
	held_init(world);
	for (int i = 0; i < SIM_LANES; i++)
		receiver_init(world, i);
	table_fill(world);
	world_start(world);
	live(world);
	if (!world->failed)
		calm_down(world);
	finish(world);
	bool failed = world->failed;
	*hash = world->hash;
	g_strlcpy(message, world->message, 512);
	engine_free(world->engine);
	journal_clear(world);
	held_clear(world);
	oracle_clear(world);
	for (int i = 0; i < SIM_LANES; i++)
		receiver_clear(world, i);
	g_free(world);
	return !failed;
}
