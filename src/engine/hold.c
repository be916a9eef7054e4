/* All waits, for maintenance. What comes due meanwhile stays where it is: the live streams stand still and
 * are found late at the end, as if nobody had been there. What must be written down earlier (the fires of a
 * definition that goes, a jump of the clock) goes into records that are held: they are decided at the end,
 * too. */
#include "engine/internal.h"

bool engine_holds(const struct engine *engine)
{
	return engine->hold.since != TIME_US_MIN || engine->durable < engine->released_by;
}

const struct hold *engine_held(const struct engine *engine)
{
	return engine->hold.since != TIME_US_MIN ? &engine->hold : NULL;
}

static void hold_write(struct engine *engine)
{
	struct commit *commit = engine->pending;
	hold_clear(&commit->hold);
	commit->hold = hold_copy(&engine->hold);
	commit->hold_changed = true;
	engine->hold_by = engine->next_sequence + 1;
}

uint64_t engine_hold_sequence(const struct engine *engine)
{
	return engine->hold_by > engine->durable ? engine->hold_by : 0;
}

static void hold_note(struct engine *engine, bool in_history, const char *what)
{
	const char *reason = engine->hold.reason;
	engine_note(engine, in_history, "%s%s%s: nothing is handed out until `resume --all`", what,
		reason ? ": " : "", reason ? reason : "");
}

bool engine_hold(struct engine *engine, const char *reason)
{
	if (engine_held(engine))
		return false;
	engine->hold.since = engine->now;
	engine->hold.reason = reason && *reason ? g_strdup(reason) : NULL;
	hold_write(engine);
	for (uint16_t i = 0; i < engine->lane_count; i++) {
		lane_take_back(engine->lanes[i]);
		lane_begin_no_more(engine->lanes[i]);
	}
	hold_note(engine, true, "held");
	return true;
}

/* --- the end --- */

/* What of a record is due after `since` is dropped; where there is more in it, that becomes a record of its
 * own. */
static void record_drop_after(struct lane *lane, struct record *record, time_us since)
{
	struct backlog_record *data = &record->data;
	struct position begin = position_end_of(since);
	if (data->to.due_at <= since)
		return;
	if (!data->members && position_compare(data->from, begin) >= 0) {
		data->drop_before = TIME_US_MAX;
		data->drop_reason = REASON_HELD;
		return;
	}
	struct record *rest = record_new(lane, begin, data->to, lane->engine->now);
	rest->data.drop_before = TIME_US_MAX;
	rest->data.drop_reason = REASON_HELD;
	rest->data.fire_until = data->fire_until;
	for (uint32_t i = 0; i < data->member_count; i++) {
		struct backlog_member *member = &data->members[i];
		if (!member->schedule)
			continue;
		record_add_member(rest, member->action_id, member->schedule, MAX(member->since, since));
		if (member->since >= since)
			record_drop_member(record, member);
	}
	data->to = begin;
}

static void record_release(struct lane *lane, struct record *record, time_us since, time_us skip_until)
{
	record->data.held = false;
	record->data.decided_now = lane->engine->now;
	record->dirty = record->redefined = true;
	if (skip_until > TIME_US_MIN)
		record_drop_after(lane, record, since);
}

/* Returns whether there was anything. */
static bool lane_release(struct lane *lane, time_us since, time_us skip_until)
{
	bool any = false;
	/* What the clock jumped over is held as well. */
	if (lane->jump.on && skip_until > TIME_US_MIN)
		lane_jump_believe(lane);
	guint count = lane->records->len;
	for (guint i = 0; i < count; i++) {
		struct record *record = lane->records->pdata[i];
		any |= record->data.held;
		if (record->data.held)
			record_release(lane, record, since, skip_until);
	}
	if (skip_until > TIME_US_MIN)
		lane_drop_held(lane, since, skip_until);
	return any;
}

/* skip_until: TIME_US_MIN for nothing. */
static void hold_end(struct engine *engine, time_us skip_until)
{
	for (uint16_t i = 0; i < engine->lane_count; i++)
		lane_release(engine->lanes[i], engine->hold.since, skip_until);
	hold_clear(&engine->hold);
	hold_write(engine);
	engine->released_by = engine->next_sequence + 1;
}

bool engine_release(struct engine *engine, bool skip)
{
	char since[TIME_TEXT_MAX];
	if (!engine_held(engine))
		return false;
	engine_note(engine, true, "the hold since %s is over%s", time_format_utc(engine->hold.since, since),
		skip ? ", what was due meanwhile is dropped" : "");
	hold_end(engine, skip ? engine->now : TIME_US_MIN);
	return true;
}

/* --- over a restart, and a step of the clock --- */

void hold_clock_back(struct engine *engine)
{
	if (!engine_held(engine) || engine->hold.since <= engine->now)
		return;
	engine->hold.since = engine->now;
	hold_write(engine);
}

void hold_restore(struct engine *engine, struct hold *hold)
{
	char since[TIME_TEXT_MAX];
	engine->hold = *hold;
	*hold = HOLD_NONE;
	hold_clock_back(engine);
	if (engine->hold.skip_until > TIME_US_MIN) {
		hold_end(engine, MIN(engine->hold.skip_until, engine->now));
	} else if (engine_held(engine)) {
		g_autofree char *what =
			g_strconcat("held since ", time_format_utc(engine->hold.since, since), NULL);
		hold_note(engine, false, what);
	} else {
		/* The hold that these are from was ended where no scheduler ran. */
		bool any = false;
		for (uint16_t i = 0; i < engine->lane_count; i++)
			any |= lane_release(engine->lanes[i], TIME_US_MIN, TIME_US_MIN);
		if (any)
			hold_write(engine);
	}
}
