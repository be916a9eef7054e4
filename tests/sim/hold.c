#include "sim.h"

void held_init(struct world *world)
{
	world->held.windows = g_array_new(FALSE, FALSE, sizeof(struct held_window));
	world->held.ends = g_array_new(FALSE, FALSE, sizeof(time_us));
}

void held_clear(struct world *world)
{
	g_array_unref(world->held.windows);
	g_array_unref(world->held.ends);
}

/* --- beginning and ending --- */

static void begin(struct world *world)
{
	struct held *held = &world->held;
	held->on = true;
	held->since = world_now(world);
	held->high = world->oracle.high;
}

static void window_add(struct world *world, time_us to, uint64_t sequence)
{
	const struct held *held = &world->held;
	struct held_window window = {
		.from = held->since,
		.to = MAX(world->oracle.high, to),
		.sure_from = MAX(held->since, held->high),
		.sure_to = to,
		.sequence = sequence,
	};
	g_array_append_val(held->windows, window);
}

static void ended(struct world *world)
{
	time_us now = world_now(world);
	g_array_append_val(world->held.ends, now);
}

bool held_ended(const struct world *world, time_us at)
{
	const GArray *ends = world->held.ends;
	guint i = 0;
	while (i < ends->len && g_array_index(ends, time_us, i) != at)
		i++;
	return i < ends->len;
}

static void end(struct world *world, bool skip)
{
	struct held *held = &world->held;
	held->on = false;
	ended(world);
	held->released_by = engine_next_sequence(world->engine);
	if (skip)
		window_add(world, world_now(world), held->released_by);
}

void held_do(struct world *world)
{
	struct held *held = &world->held;
	enum hold_wish wish = held->wish;
	bool skip = wish == HOLD_SKIP;
	held->wish = HOLD_NOTHING;
	if (wish == HOLD_NOTHING)
		return;
	world_trace(world, "%s", wish == HOLD_BEGIN ? "hold" : skip ? "release, skip" : "release");
	bool done =
		wish == HOLD_BEGIN ? engine_hold(world->engine, NULL) : engine_release(world->engine, skip);
	if (done == (held->on == (wish == HOLD_BEGIN)))
		world_fail(world, "a hold %s, which it was not",
			done == (wish == HOLD_BEGIN) ? "began" : "ended, or was none");
	if (done && wish == HOLD_BEGIN)
		begin(world);
	else if (done)
		end(world, skip);
}

/* --- over crashes --- */

void held_down(struct world *world)
{
	struct hold *hold = &world->journal.hold;
	struct held *held = &world->held;
	if (!rng_chance(&world->rng, 30) || hold->skip_until > TIME_US_MIN)
		return;
	if (hold->since == TIME_US_MIN) {
		/* Where no scheduler has been, nobody can. */
		if (!world->journal.lane_known[LANE_QUICK])
			return;
		begin(world);
		hold->since = held->since;
	} else if (rng_chance(&world->rng, 50)) {
		hold->since = TIME_US_MIN;
	} else {
		hold->skip_until = world_now(world);
	}
	world_trace(world,
		"while nobody runs: held since %" G_GINT64_FORMAT ", dropped up to %" G_GINT64_FORMAT,
		hold->since, hold->skip_until);
}

void held_start(struct world *world)
{
	const struct hold *hold = &world->journal.hold;
	struct held *held = &world->held;
	for (guint i = held->windows->len; i > 0; i--) {
		if (g_array_index(held->windows, struct held_window, i - 1).sequence)
			g_array_remove_index(held->windows, i - 1);
	}
	held->on = hold->since > TIME_US_MIN && hold->skip_until == TIME_US_MIN;
	held->since = MIN(hold->since, world_now(world));
	held->released_by = 0;
	if (!held->on)
		ended(world);
	if (hold->skip_until == TIME_US_MIN)
		return;
	/* The first commit of this life ends it. */
	held->released_by = 1;
	window_add(world, MIN(hold->skip_until, world_now(world)), 1);
}

void held_clock(struct world *world)
{
	world->held.since = MIN(world->held.since, world_now(world));
}

void held_commit(struct world *world, const struct commit *commit)
{
	struct held *held = &world->held;
	if (commit->hold_changed) {
		world->journal.hold = commit->hold;
		world->journal.hold.reason = NULL;
	}
	for (guint i = 0; i < held->windows->len; i++) {
		struct held_window *window = &g_array_index(held->windows, struct held_window, i);
		if (window->sequence <= commit->sequence)
			window->sequence = 0;
	}
}

void held_committed(struct world *world, uint64_t sequence)
{
	if (sequence >= world->held.released_by)
		world->held.released_by = 0;
}

/* --- what must come of it --- */

static bool is_dropped(const struct held *held, time_us due)
{
	for (guint i = 0; i < held->windows->len; i++) {
		const struct held_window *window = &g_array_index(held->windows, struct held_window, i);
		if (!window->sequence && in_window(due, window->from, window->to))
			return true;
	}
	return false;
}

/* Schedules that differ in jitter only give the same id at different times. */
bool held_drops(const struct world *world, int index, time_us nominal)
{
	const GArray *segments = world->oracle.segments[index];
	for (guint i = 0; i < segments->len; i++) {
		const struct segment *segment = &g_array_index(segments, struct segment, i);
		const struct schedule *schedule = pool_schedule(segment->schedule);
		if (is_dropped(&world->held, fire_due_at(schedule, sim_id(index), nominal)))
			return true;
	}
	return false;
}

void held_check(struct world *world, const struct fate *fate, time_us due)
{
	if (!fate->accounted || fate->status == STATUS_SKIPPED ||
		oracle_may_repeat(world, sim_index(fate->id), fate->nominal))
		return;
	for (guint i = 0; i < world->held.windows->len; i++) {
		const struct held_window *window = &g_array_index(world->held.windows, struct held_window, i);
		if (!window->sequence && in_window(due, window->sure_from, window->sure_to))
			world_fail(world,
				"%s was due at %" G_GINT64_FORMAT
				" during a hold that was dropped, and is recorded as %s",
				fate_text(fate), due, fire_status_name((enum fire_status)fate->status));
	}
}
