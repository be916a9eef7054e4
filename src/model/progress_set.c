#include "model/progress_set.h"

#include "base/error.h"

#include <string.h>

struct setting {
	const struct progress *progress;
	const struct progress_goal *goal;
	progress_since_fn since;
	void *context;
	struct commit *commit;
	struct position to; /* all before the goal's time */
	uint64_t next_record;
};

static struct position goal_position(const struct progress_goal *goal)
{
	return position_end_of(goal->at - 1);
}

static bool is_of(const char *lane, const struct lane_progress *of)
{
	return strcmp(lane, of->name) == 0;
}

static bool is_meant(const struct setting *setting, const struct lane_progress *lane)
{
	return !setting->goal->lane || is_of(setting->goal->lane, lane);
}

/* --- may it be --- */

static bool refuse_lane(const struct setting *setting, GError **error)
{
	g_autoptr(GString) known = g_string_new(NULL);
	for (guint i = 0; i < setting->progress->lanes->len; i++)
		g_string_append_printf(known, "%s%s", i ? ", " : "",
			g_array_index(setting->progress->lanes, struct lane_progress, i).name);
	g_set_error(error, AS_ERROR, AS_ERROR_INVALID,
		"internal_db has no progress of callback %s; it has: %s", setting->goal->lane,
		known->len ? known->str : "none");
	return false;
}

static bool check(const struct setting *setting, GError **error)
{
	bool any = false;
	char from[TIME_TEXT_MAX];
	for (guint i = 0; i < setting->progress->lanes->len; i++) {
		const struct lane_progress *lane =
			&g_array_index(setting->progress->lanes, struct lane_progress, i);
		if (!is_meant(setting, lane))
			continue;
		any = true;
		if (setting->goal->repeat || position_compare(setting->to, lane->watermark) >= 0)
			continue;
		g_set_error(error, AS_ERROR, AS_ERROR_INVALID,
			"callback %s has come as far as %s: going back repeats fires that are over, under "
			"the ids "
			"that they had; --repeat says that this is meant",
			lane->name, time_format_utc(lane->watermark.due_at, from));
		return false;
	}
	return any || !setting->goal->lane || refuse_lane(setting, error);
}

/* --- records --- */

/* Without what hangs on it but the lane's name. */
static struct backlog_record copy_of(const struct backlog_record *record)
{
	struct backlog_record copy = *record;
	copy.lane = g_strdup(record->lane);
	copy.members = NULL; /* they are kept */
	copy.member_count = 0;
	return copy;
}

/* What of a record comes again by itself, as the lane goes back. The schedules of members are older ones:
 * these come from the record alone. */
static void record_go_back(const struct setting *setting, struct backlog_record *copy)
{
	if (copy->settled_id == INT64_MIN && position_compare(copy->to, setting->to) > 0)
		copy->to = setting->to;
	else if (copy->settled_id > INT64_MIN)
		copy->fire_until = MIN(copy->fire_until, setting->goal->at - 1);
}

static void set_record(
	const struct setting *setting, const struct backlog_record *record, struct progress_move *move)
{
	bool again = move->back && !record->members;
	move->records++;
	/* All of it that is left comes again. */
	if (again && position_compare(record->cursor, setting->to) >= 0) {
		g_array_append_val(setting->commit->backlog_done, record->id);
		return;
	}
	struct backlog_record copy = copy_of(record);
	copy.skip_before = MAX(copy.skip_before, setting->goal->at);
	if (again)
		record_go_back(setting, &copy);
	g_array_append_val(setting->commit->backlog, copy);
}

static void add_record(struct setting *setting, const struct lane_progress *lane)
{
	struct backlog_record record = {
		.id = setting->next_record++,
		.lane = g_strdup(lane->name),
		.from = lane->watermark,
		.to = setting->to,
		.decided_now = setting->goal->now,
		.drop_before = TIME_US_MAX,
		.drop_reason = REASON_PROGRESS_SET,
		.skip_before = TIME_US_MIN,
		.fire_until = TIME_US_MAX,
		.settled_id = INT64_MIN,
		.cursor = lane->watermark,
	};
	g_array_append_val(setting->commit->backlog, record);
}

/* --- open fires --- */

static void open_done(const struct setting *setting, const struct open_fire *open)
{
	struct open_fire key = *open;
	key.lane = g_strdup(open->lane);
	g_array_append_val(setting->commit->open_done, key);
}

static void open_end(const struct setting *setting, const struct open_fire *open)
{
	struct outcome outcome = {
		.action_id = open->action_id,
		.nominal = open->nominal,
		.started_at = TIME_US_MIN,
		.finished_at = setting->goal->now,
		.manual = *open->manual ? g_strdup(open->manual) : NULL,
		.attempts = (uint16_t)(open->attempts + open->started),
		.again = open->attempts_before > 0,
		.status = open->started ? STATUS_FAILED : STATUS_SKIPPED,
		.reason = open->started ? REASON_INTERRUPTED : REASON_PROGRESS_SET,
	};
	/* What was to be run again, and was not, stays in the history as the failure that it was. */
	if (open->attempts_before > 0 && !open->started)
		g_free(outcome.manual);
	else
		g_array_append_val(setting->commit->outcomes, outcome);
	open_done(setting, open);
}

static void set_open(const struct setting *setting, const struct open_fire *open, struct progress_move *move)
{
	if (open->due_at < setting->goal->at) {
		open_end(setting, open);
		move->ended++;
	} else if (move->back && !*open->manual &&
		   setting->since(setting->context, open->action_id) < open->due_at) {
		open_done(setting, open);
		move->again++;
	}
}

/* --- lanes --- */

static void set_watermark(
	const struct setting *setting, const struct lane_progress *lane, const struct progress_move *move)
{
	struct lane_progress moved = {
		.name = g_strdup(lane->name),
		.clock_epoch = lane->clock_epoch + move->back,
		.watermark = setting->to,
	};
	g_array_append_val(setting->commit->lanes, moved);
}

static void set_note(const struct setting *setting, const struct progress_move *move)
{
	char at[TIME_TEXT_MAX];
	struct history_note note = {.at = setting->goal->now,
		.text = g_strdup_printf("progress set: callback %s goes on from %s, %s", move->lane,
			time_format_utc(setting->goal->at, at),
			move->back ? "fires due since are repeated" : "what was due before is dropped")};
	g_array_append_val(setting->commit->notes, note);
}

static struct progress_move set_lane(struct setting *setting, const struct lane_progress *lane)
{
	const struct progress *progress = setting->progress;
	int order = position_compare(setting->to, lane->watermark);
	struct progress_move move = {
		.lane = lane->name, .from = lane->watermark, .to = setting->to, .back = order < 0};
	for (guint i = 0; i < progress->backlog->len; i++) {
		const struct backlog_record *record =
			&g_array_index(progress->backlog, struct backlog_record, i);
		if (is_of(record->lane, lane))
			set_record(setting, record, &move);
	}
	for (guint i = 0; i < progress->open->len; i++) {
		const struct open_fire *open = &g_array_index(progress->open, struct open_fire, i);
		if (is_of(open->lane, lane))
			set_open(setting, open, &move);
	}
	if (order > 0)
		add_record(setting, lane);
	if (order != 0)
		set_watermark(setting, lane, &move);
	set_note(setting, &move);
	return move;
}

bool progress_set(const struct progress *progress, const struct progress_goal *goal, progress_since_fn since,
	void *context, struct commit *commit, GArray **out, GError **error)
{
	struct setting setting = {progress, goal, since, context, commit, goal_position(goal), 1};
	if (!check(&setting, error))
		return false;
	for (guint i = 0; i < progress->backlog->len; i++)
		setting.next_record = MAX(setting.next_record,
			g_array_index(progress->backlog, struct backlog_record, i).id + 1);
	*out = g_array_new(FALSE, FALSE, sizeof(struct progress_move));
	for (guint i = 0; i < progress->lanes->len; i++) {
		const struct lane_progress *lane = &g_array_index(progress->lanes, struct lane_progress, i);
		if (!is_meant(&setting, lane))
			continue;
		struct progress_move move = set_lane(&setting, lane);
		g_array_append_val(*out, move);
	}
	return true;
}
