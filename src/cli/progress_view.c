#include "cli/progress_view.h"

#include "base/json.h"
#include "cli/time_arg.h"

#include <string.h>

/* A row: what is not of its kind is NULL. */
struct view {
	const struct cli *cli;
	const struct progress *progress;
	const struct lane_progress *lane;
	const struct backlog_record *record;
	const struct open_fire *open;
};

static json_t *time_json(time_us t)
{
	char text[TIME_TEXT_MAX];
	return t == TIME_US_MIN ? json_null() : json_string(time_format_utc(t, text));
}

static char *time_text(const struct view *view, time_us t)
{
	char text[TIME_TEXT_MAX];
	return t == TIME_US_MIN ? NULL : g_strdup(zone_format(cli_shown_zone(view->cli), t, text));
}

static json_t *name_json(const char *name)
{
	return json_text(name, strlen(name));
}

/* --- a backlog record --- */

static time_us record_end(const struct backlog_record *record)
{
	return MIN(record->to.due_at, record->fire_until);
}

static dur_us record_left(const struct backlog_record *record)
{
	return record->cursor.due_at == TIME_US_MIN ? 0 : MAX(0, record_end(record) - record->cursor.due_at);
}

static json_t *record_json(const struct backlog_record *record)
{
	json_t *out = json_object();
	json_object_set_new(out, "id", json_integer((json_int_t)record->id));
	json_object_set_new(out, "from", time_json(record->from.due_at));
	json_object_set_new(out, "to", time_json(record_end(record)));
	json_object_set_new(out, "cursor", time_json(record->cursor.due_at));
	json_object_set_new(out, "left", json_real((double)record_left(record) / (double)US_PER_SECOND));
	json_object_set_new(out, "decided_at", time_json(record->decided_now));
	json_object_set_new(
		out, "actions", record->members ? json_integer(record->member_count) : json_null());
	json_object_set_new(out, "held", json_boolean(record->held));
	return out;
}

static char *record_lane_text(const void *row)
{
	return g_strdup(((const struct view *)row)->record->lane);
}

static char *record_from_text(const void *row)
{
	const struct view *view = row;
	return time_text(view, view->record->from.due_at);
}

static char *record_to_text(const void *row)
{
	const struct view *view = row;
	return time_text(view, record_end(view->record));
}

static char *record_cursor_text(const void *row)
{
	const struct view *view = row;
	return time_text(view, view->record->cursor.due_at);
}

static char *record_left_text(const void *row)
{
	char span[SPAN_TEXT_MAX];
	return g_strdup(span_format(record_left(((const struct view *)row)->record), span));
}

static char *record_actions_text(const void *row)
{
	const struct backlog_record *record = ((const struct view *)row)->record;
	return record->members ? g_strdup_printf("%u", record->member_count) : g_strdup("all");
}

static char *record_state_text(const void *row)
{
	const struct backlog_record *record = ((const struct view *)row)->record;
	return g_strdup(record->held                              ? "held"
			: record->drop_before > record->to.due_at ? "dropped"
								  : "made up for");
}

static const struct output_column record_columns[] = {
	{NULL, "CALLBACK", NULL, record_lane_text, OUTPUT_LEFT},
	{NULL, "MISSED FROM", NULL, record_from_text, OUTPUT_WHOLE},
	{NULL, "TO", NULL, record_to_text, OUTPUT_WHOLE},
	{NULL, "DONE UP TO", NULL, record_cursor_text, OUTPUT_WHOLE, 1},
	{NULL, "LEFT", NULL, record_left_text, OUTPUT_RIGHT},
	{NULL, "ACTIONS", NULL, record_actions_text, OUTPUT_RIGHT},
	{NULL, "IS", NULL, record_state_text, OUTPUT_LEFT},
};

/* --- an open fire --- */

static char *open_id(const struct open_fire *open)
{
	char id[FIRE_ID_MAX];
	return g_strdup(fire_id_format(open->action_id, open->nominal, open->manual, id));
}

static json_t *open_json(const struct open_fire *open)
{
	g_autofree char *id = open_id(open);
	json_t *out = json_object();
	json_object_set_new(out, "fire_id", json_string(id));
	json_object_set_new(out, "due_at", time_json(open->due_at));
	json_object_set_new(out, "attempts", json_integer(open->attempts));
	json_object_set_new(out, "next_attempt_at", time_json(open->next_attempt_at));
	json_object_set_new(out, "backlog", json_boolean(open->backlog));
	json_object_set_new(out, "started", json_boolean(open->started));
	return out;
}

static char *open_lane_text(const void *row)
{
	return g_strdup(((const struct view *)row)->open->lane);
}

static char *open_id_text(const void *row)
{
	return open_id(((const struct view *)row)->open);
}

static char *open_due_text(const void *row)
{
	const struct view *view = row;
	return time_text(view, view->open->due_at);
}

static char *open_attempts_text(const void *row)
{
	return g_strdup_printf("%u", ((const struct view *)row)->open->attempts);
}

static char *open_next_text(const void *row)
{
	const struct view *view = row;
	return time_text(view, view->open->next_attempt_at);
}

static const struct output_column open_columns[] = {
	{NULL, "CALLBACK", NULL, open_lane_text, OUTPUT_LEFT},
	{NULL, "OPEN FIRE", NULL, open_id_text, OUTPUT_WHOLE},
	{NULL, "DUE", NULL, open_due_text, OUTPUT_WHOLE, 1},
	{NULL, "ATTEMPTS", NULL, open_attempts_text, OUTPUT_RIGHT},
	{NULL, "NEXT ATTEMPT", NULL, open_next_text, OUTPUT_WHOLE},
};

/* --- a lane --- */

static json_t *lane_json(const void *row)
{
	return name_json(((const struct view *)row)->lane->name);
}

static json_t *watermark_json(const void *row)
{
	return time_json(((const struct view *)row)->lane->watermark.due_at);
}

static char *watermark_text(const void *row)
{
	const struct view *view = row;
	return time_text(view, view->lane->watermark.due_at);
}

static char *ago_text(const void *row)
{
	const struct view *view = row;
	char span[SPAN_TEXT_MAX];
	time_us at = view->lane->watermark.due_at;
	return at == TIME_US_MIN ? NULL : g_strdup(span_format_from(at, view->cli->now, span));
}

static json_t *action_json(const void *row)
{
	const struct position *watermark = &((const struct view *)row)->lane->watermark;
	/* After every action of its instant, or before: it is of none. */
	bool none = watermark->action_id == INT64_MAX || watermark->action_id == INT64_MIN;
	return none ? json_null() : json_integer(watermark->action_id);
}

static json_t *epoch_json(const void *row)
{
	return json_integer(((const struct view *)row)->lane->clock_epoch);
}

static bool is_of(const char *name, const struct view *view)
{
	return strcmp(name, view->lane->name) == 0;
}

static json_t *backlog_json(const void *row)
{
	const struct view *view = row;
	const GArray *all = view->progress->backlog;
	json_t *out = json_array();
	for (guint i = 0; i < all->len; i++) {
		const struct backlog_record *record = &g_array_index(all, struct backlog_record, i);
		if (is_of(record->lane, view))
			json_array_append_new(out, record_json(record));
	}
	return out;
}

static char *backlog_text(const void *row)
{
	g_autoptr(json_t) records = backlog_json(row);
	return g_strdup_printf("%zu", json_array_size(records));
}

static json_t *opens_json(const void *row)
{
	const struct view *view = row;
	const GArray *all = view->progress->open;
	json_t *out = json_array();
	for (guint i = 0; i < all->len; i++) {
		const struct open_fire *open = &g_array_index(all, struct open_fire, i);
		if (is_of(open->lane, view))
			json_array_append_new(out, open_json(open));
	}
	return out;
}

static char *opens_text(const void *row)
{
	g_autoptr(json_t) opens = opens_json(row);
	return g_strdup_printf("%zu", json_array_size(opens));
}

static const struct output_column lane_columns[] = {
	{"callback", "CALLBACK", lane_json, NULL, OUTPUT_LEFT},
	{"watermark", "WATERMARK", watermark_json, watermark_text, OUTPUT_WHOLE},
	{NULL, "AGO", NULL, ago_text, OUTPUT_WHOLE, 1},
	{"watermark_action_id", NULL, action_json, NULL, OUTPUT_RIGHT},
	{"clock_epoch", "CLOCK EPOCH", epoch_json, NULL, OUTPUT_RIGHT, 2},
	{"backlog", "BACKLOG RECORDS", backlog_json, backlog_text, OUTPUT_RIGHT},
	{"open", "OPEN FIRES", opens_json, opens_text, OUTPUT_RIGHT},
};

/* --- the listings --- */

static void show_lanes(const struct view *all, const char *lane)
{
	struct output *output = output_new(&all->cli->style, lane_columns, G_N_ELEMENTS(lane_columns));
	for (guint i = 0; i < all->progress->lanes->len; i++) {
		struct view view = *all;
		view.lane = &g_array_index(all->progress->lanes, struct lane_progress, i);
		if (!lane || strcmp(lane, view.lane->name) == 0)
			output_row(output, &view);
	}
	output_end(output);
}

static void show_records(const struct view *all, const char *lane)
{
	struct output *output = NULL;
	for (guint i = 0; i < all->progress->backlog->len; i++) {
		struct view view = *all;
		view.record = &g_array_index(all->progress->backlog, struct backlog_record, i);
		if (lane && strcmp(lane, view.record->lane) != 0)
			continue;
		if (!output) {
			fputc('\n', all->cli->style.file);
			output = output_new(&all->cli->style, record_columns, G_N_ELEMENTS(record_columns));
		}
		output_row(output, &view);
	}
	if (output)
		output_end(output);
}

static void show_opens(const struct view *all, const char *lane)
{
	struct output *output = NULL;
	for (guint i = 0; i < all->progress->open->len; i++) {
		struct view view = *all;
		view.open = &g_array_index(all->progress->open, struct open_fire, i);
		if (lane && strcmp(lane, view.open->lane) != 0)
			continue;
		if (!output) {
			fputc('\n', all->cli->style.file);
			output = output_new(&all->cli->style, open_columns, G_N_ELEMENTS(open_columns));
		}
		output_row(output, &view);
	}
	if (output)
		output_end(output);
}

void progress_view(const struct cli *cli, const struct progress *progress, const char *lane)
{
	struct view view = {.cli = cli, .progress = progress};
	show_lanes(&view, lane);
	if (cli->style.format != OUTPUT_TABLE)
		return;
	show_records(&view, lane);
	show_opens(&view, lane);
}
