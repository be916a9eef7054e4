#include "engine/internal.h"

#include <stdarg.h>

#define RETRY_MIN US_PER_SECOND
#define RETRY_MAX (5 * US_PER_MINUTE)

struct engine *engine_new(const struct engine_options *options)
{
	struct engine *engine = g_new0(struct engine, 1);
	engine->options = *options;
	if (!engine->options.open_max)
		engine->options.open_max = ENGINE_OPEN_MAX;
	if (!engine->options.asked_max)
		engine->options.asked_max = ENGINE_ASKED_MAX;
	if (!engine->options.retry_min)
		engine->options.retry_min = RETRY_MIN;
	if (!engine->options.retry_max)
		engine->options.retry_max = RETRY_MAX;
	engine->flights = g_ptr_array_new_with_free_func(g_free);
	engine->retiring = g_ptr_array_new();
	engine->pending = commit_new();
	engine->next_record = 1;
	engine->hold = HOLD_NONE;
	g_queue_init(&engine->notes);
	for (uint16_t i = 0; i < options->lane_count; i++)
		engine_add_lane(engine, &options->lanes[i]);
	engine->options.lanes = NULL;
	return engine;
}

uint16_t engine_add_lane(struct engine *engine, const struct engine_lane_options *options)
{
	struct lane *lane = lane_new(engine, options);
	engine->lanes = g_renew(struct lane *, engine->lanes, engine->lane_count + 1u);
	engine->lanes[engine->lane_count] = lane;
	/* What the table says first holds from the start, see engine_apply. */
	if (engine->restored)
		lane_seek(lane, position_end_of(engine->starting ? engine->started_at : engine->now));
	return engine->lane_count++;
}

void engine_free(struct engine *engine)
{
	if (!engine)
		return;
	for (uint16_t i = 0; i < engine->lane_count; i++)
		lane_free(engine->lanes[i]);
	for (guint i = 0; i < engine->flights->len; i++) {
		struct flight *flight = engine->flights->pdata[i];
		action_unref(flight->action);
		g_free(flight->manual);
		g_free(flight->detail);
	}
	g_ptr_array_unref(engine->flights);
	g_ptr_array_unref(engine->retiring);
	for (uint32_t i = 0; i < engine->actions.count; i++)
		action_unref(engine->actions.items[i]);
	action_list_clear(&engine->actions);
	commit_free(engine->pending);
	g_queue_clear_full(&engine->notes, g_free);
	import_free(engine->import);
	hold_clear(&engine->hold);
	g_free(engine->lanes);
	g_free(engine);
}

/* --- small things that the parts share --- */

void engine_note(struct engine *engine, bool in_history, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	char *text = g_strdup_vprintf(format, args);
	va_end(args);
	if (in_history) {
		struct history_note note = {.at = engine->now, .text = g_strdup(text)};
		g_array_append_val(engine->pending->notes, note);
	}
	g_queue_push_tail(&engine->notes, text);
}

void engine_tell(struct engine *engine, const char *text)
{
	engine_note(engine, true, "%s", text);
}

char *engine_take_note(struct engine *engine)
{
	return g_queue_pop_head(&engine->notes);
}

time_us position_bound(struct position p, const struct schedule *schedule, int64_t id)
{
	if (p.due_at == TIME_US_MIN || p.action_id > id)
		return p.due_at;
	if (p.action_id < id)
		return p.due_at - 1;
	struct position next;
	bool more = fire_next(schedule, id, p, &next) && next.due_at == p.due_at;
	return more ? p.due_at - 1 : p.due_at;
}

time_us engine_drop_before(const struct engine *engine)
{
	return MIN(engine->options.catch_up_from, engine->started_at);
}

void engine_owe_skipped(struct engine *engine, int64_t id, const struct schedule *schedule, time_us after,
	time_us until, enum fire_reason reason)
{
	struct position first, last;
	if (!fire_next(schedule, id, position_end_of(after), &first) ||
		!fire_last(schedule, id, until, &last) || last.due_at <= after)
		return;
	struct outcome_range range = {
		.status = STATUS_SKIPPED,
		.reason = (uint8_t)reason,
		.at = engine->now,
		.first = MIN(first.nominal, last.nominal),
		.last = MAX(first.nominal, last.nominal),
		.count = fire_count(schedule, id, after, until),
		.merged_into = TIME_US_MIN,
		.ids = g_memdup2(&id, sizeof(id)),
		.id_count = 1,
	};
	g_array_append_val(engine->pending->ranges, range);
	engine->pending_ids++;
}

/* --- the start --- */

static struct lane *lane_named(struct engine *engine, const char *name)
{
	for (uint16_t i = 0; i < engine->lane_count; i++) {
		if (g_strcmp0(engine->lanes[i]->name, name) == 0)
			return engine->lanes[i];
	}
	return NULL;
}

static void restore_lane(struct engine *engine, const struct lane_progress *progress)
{
	struct lane *lane = lane_named(engine, progress->name);
	if (!lane) {
		engine_note(engine, false,
			"the progress of callback %s is kept, but this build has no such callback",
			progress->name);
		return;
	}
	lane->watermark = lane->live.dispatched = progress->watermark;
	lane->watermark_known = true;
	lane->clock_epoch = progress->clock_epoch;
}

/* An attempt set while the clock was ahead is made within the longest back-off; others when they were to be.
 */
static time_us restore_attempt(const struct lane *lane, const struct open_fire *open)
{
	const struct engine *engine = lane->engine;
	bool ahead = MAX(lane->watermark.due_at, open->due_at) > engine->now;
	dur_us longest = ahead ? engine->options.retry_max : RETRY_AT_MAX;
	return MIN(open->next_attempt_at, engine->now + longest);
}

static void restore_open(struct engine *engine, const struct open_fire *open)
{
	struct lane *lane = lane_named(engine, open->lane);
	if (!lane)
		return;
	struct action *action = action_list_find(&engine->actions, open->action_id);
	struct position position = {open->due_at, open->action_id, open->nominal};
	struct flight *flight = flight_new(lane, NULL, action, position, open->backlog);
	flight->attempts = open->attempts;
	flight->attempts_before = open->attempts_before;
	flight->next_attempt_at = restore_attempt(lane, open);
	flight->manual = open->manual[0] ? g_strdup(open->manual) : NULL;
	flight->handed = flight->recorded = true;
	flight->asked = flight->manual != NULL;
	lane->asked += flight->asked;
	flight->recorded_lane = lane->index;
	flight_open(lane, flight);
	open_settled(lane, flight);
	if (open->started) {
		flight->attempts++;
		flight_done(lane, flight, STATUS_FAILED, REASON_INTERRUPTED);
		return;
	}
	if (lane->lasting)
		run_enter(lane, flight);
	if (flight->state != FLIGHT_DEFERRED)
		flight_go_on(lane, flight);
}

/* In the order in which they were due, so that each action's goes on. */
static gint compare_open(gconstpointer a, gconstpointer b)
{
	const struct open_fire *x = a, *y = b;
	return position_compare((struct position){x->due_at, x->action_id, x->nominal},
		(struct position){y->due_at, y->action_id, y->nominal});
}

static void restore_opens(struct engine *engine, GArray *opens)
{
	g_array_sort(opens, compare_open);
	for (guint i = 0; i < opens->len; i++)
		restore_open(engine, &g_array_index(opens, struct open_fire, i));
}

static void restore_clock(struct engine *engine, struct lane *lane)
{
	if (lane->live.dispatched.due_at > engine->now + ENGINE_STEP_HELD) {
		char text[TIME_TEXT_MAX];
		engine_note(engine, true,
			"callback %s: progress was recorded up to %s, which is ahead of the clock: going on "
			"from now",
			lane->name, time_format_utc(lane->live.dispatched.due_at, text));
		lane_new_epoch(lane);
	}
}

/* The clock was set: what waits goes on waiting as long as it would have. */
static void shift_attempts(struct engine *engine, dur_us step)
{
	for (uint16_t i = 0; i < engine->lane_count; i++) {
		for (GList *link = engine->lanes[i]->waiting.head; link; link = link->next) {
			struct flight *flight = link->data;
			flight->next_attempt_at += step;
			open_touch(engine->lanes[i], flight);
		}
	}
}

/* A definition seen while the clock was far ahead holds from now. */
static void clamp_since(struct engine *engine)
{
	for (uint32_t i = 0; i < engine->actions.count; i++) {
		struct action *action = engine->actions.items[i];
		if (action->since > engine->now + ENGINE_STEP_HELD)
			action_begin_no_later(engine, action, engine->now);
	}
}

static void restore_position(struct engine *engine, struct lane *lane)
{
	if (!lane->watermark_known)
		lane->live.dispatched = position_end_of(engine->now);
	restore_clock(engine, lane);
	lane_seek(lane, lane->live.dispatched);
}

void engine_restore(struct engine *engine, struct progress *progress, time_us now, time_us boottime)
{
	engine->now = engine->started_at = now;
	engine->boottime = boottime;
	engine->clock_known = engine->starting = true;
	for (guint i = 0; progress && i < progress->lanes->len; i++)
		restore_lane(engine, &g_array_index(progress->lanes, struct lane_progress, i));
	for (guint i = 0; progress && i < progress->backlog->len; i++) {
		struct backlog_record *data = &g_array_index(progress->backlog, struct backlog_record, i);
		struct lane *lane = lane_named(engine, data->lane);
		if (lane)
			record_restore(lane, data);
		else
			engine->next_record = MAX(engine->next_record, data->id + 1);
	}
	for (uint16_t i = 0; i < engine->lane_count; i++)
		restore_position(engine, engine->lanes[i]);
	clamp_since(engine);
	if (progress) {
		restore_opens(engine, progress->open);
		hold_restore(engine, &progress->hold);
	}
	progress_free(progress);
	engine->restored = true;
}

/* --- the clock --- */

static void clock_forward(struct engine *engine, dur_us step)
{
	if (step <= ENGINE_STEP_HELD) {
		engine_note(engine, true, "the clock stepped forward by %.3f s", (double)step / 1e6);
		return;
	}
	engine_note(engine, true,
		"the clock stepped forward by %.0f s: what it jumped over is held for %d s before that is "
		"believed",
		(double)step / 1e6, (int)(ENGINE_STEP_WAIT / US_PER_SECOND));
	for (uint16_t i = 0; i < engine->lane_count; i++)
		lane_jump_begin(engine->lanes[i]);
}

static void clock_backward(struct engine *engine, dur_us step)
{
	engine_note(engine, true, "the clock stepped back by %.3f s", (double)step / 1e6);
	for (uint16_t i = 0; i < engine->lane_count; i++) {
		struct lane *lane = engine->lanes[i];
		if (lane->jump.on && engine->now < lane->jump.to.due_at) {
			engine_note(engine, true, "callback %s: the step forward is taken back", lane->name);
			lane_jump_cancel(lane);
		}
		if (engine->now < lane->live.dispatched.due_at - ENGINE_STEP_HELD) {
			engine_note(engine, true,
				"callback %s: the clock is more than an hour behind what was fired: going on "
				"from now",
				lane->name);
			lane_new_epoch(lane);
		}
	}
	clamp_since(engine);
	hold_clock_back(engine);
}

static void jumps_believe(struct engine *engine)
{
	for (uint16_t i = 0; i < engine->lane_count; i++) {
		struct lane *lane = engine->lanes[i];
		if (lane->jump.on && engine->boottime >= lane->jump.until_boottime)
			lane_jump_believe(lane);
	}
}

void engine_clock(struct engine *engine, time_us now, time_us boottime)
{
	dur_us step = engine->clock_known ? (now - engine->now) - (boottime - engine->boottime) : 0;
	engine->now = now;
	engine->boottime = boottime;
	engine->clock_known = true;
	if (ABS(step) >= ENGINE_STEP_NOTED) {
		engine->starting = false; /* it is long over, or it cannot be told */
		shift_attempts(engine, step);
	}
	if (step >= ENGINE_STEP_NOTED)
		clock_forward(engine, step);
	else if (step <= -ENGINE_STEP_NOTED)
		clock_backward(engine, -step);
	jumps_believe(engine);
}

/* --- work and rest --- */

bool engine_work(struct engine *engine)
{
	bool more = false;
	for (uint16_t i = 0; i < engine->lane_count; i++)
		more |= lane_settle(engine->lanes[i]);
	return more;
}

void lane_begin_no_more(struct lane *lane)
{
	for (struct flight *flight = lane->open_first; flight; flight = flight->next) {
		if (!flight->started || flight->state == FLIGHT_SUBMITTED || flight->state == FLIGHT_DONE)
			continue;
		flight_not_begun(lane, flight);
		open_touch(lane, flight);
	}
}

void engine_stop(struct engine *engine)
{
	engine->stopped = true;
	/* Nobody will wait until a step of the clock is believed; what was fired meanwhile is to be recorded.
	 */
	for (uint16_t i = 0; i < engine->lane_count; i++) {
		lane_take_back(engine->lanes[i]);
		lane_begin_no_more(engine->lanes[i]);
		if (engine->lanes[i]->jump.on)
			lane_jump_believe(engine->lanes[i]);
	}
}

time_us engine_next_wake(const struct engine *engine)
{
	time_us wake = TIME_US_MAX;
	for (uint16_t i = 0; i < engine->lane_count && wake > TIME_US_MIN; i++)
		wake = MIN(wake, lane_next_wake(engine->lanes[i]));
	return wake;
}

/* Nothing of it is unanswered, or waits to be in a commit. */
static bool lane_is_idle(const struct lane *lane)
{
	const struct record *record = lane->records->len ? lane->records->pdata[0] : NULL;
	return lane->in_flight == 0 && lane->open_changed == 0 && !lane->live.first &&
	       !(record && record->stream.first);
}

bool engine_is_idle(const struct engine *engine)
{
	for (uint16_t i = 0; i < engine->lane_count; i++) {
		if (!lane_is_idle(engine->lanes[i]))
			return false;
	}
	return engine->commit_sequence == 0 && commit_is_empty(engine->pending);
}
