#include "cli/action_view.h"

#include "cli/time_arg.h"

#include "base/json.h"

#include <stdlib.h>
#include <string.h>

void action_view_init(struct action_view *view, struct cli *cli, const struct action_row *row)
{
	struct action_defaults defaults;
	cli_defaults(cli, &defaults);
	action_view_init_with(view, cli, row, &defaults);
}

void action_view_init_with(struct action_view *view, struct cli *cli, const struct action_row *row,
	const struct action_defaults *defaults)
{
	g_autoptr(GError) error = NULL;
	struct lane_names lanes = cli_lanes(cli);
	enum unix_dialect dialect;
	*view = (struct action_view){.cli = cli, .row = row, .packed = g_byte_array_new()};
	action_pack(row, defaults, view->packed);
	action_unpack(view->packed->data, view->packed->len, &view->effective, &dialect);
	view->state = action_build(view->packed->data, view->packed->len, defaults, &lanes,
		cli_schedules(cli), &view->action, &error);
	if (error)
		view->error = g_strdup(error->message);
	if (view->action)
		view->has_next =
			fire_next(view->action->schedule, row->id, position_end_of(cli->now), &view->next);
}

void action_view_clear(struct action_view *view)
{
	action_unref(view->action);
	g_byte_array_unref(view->packed);
	g_free(view->error);
	*view = (struct action_view){0};
}

const char *action_view_state(const struct action_view *view)
{
	switch (view->state) {
	case ACTION_ACTIVE: return view->has_next ? "active" : "finished";
	case ACTION_DISABLED: return "paused";
	case ACTION_BAD: break;
	}
	return "bad";
}

static json_t *json_of_text(struct text text)
{
	return json_text(text.data, text.length);
}

static char *copy_of_text(struct text text)
{
	return text.data ? g_strndup(text.data, text.length) : NULL;
}

static json_t *id_json(const void *row)
{
	const struct action_view *view = row;
	return json_integer(view->row->id);
}

static json_t *name_json(const void *row)
{
	const struct action_view *view = row;
	return json_of_text(view->row->name);
}

/* Past JSON, as a table may have a million rows. */
static char *name_text(const void *row)
{
	const struct action_view *view = row;
	return copy_of_text(view->row->name);
}

static char *command_text(const void *row)
{
	const struct action_view *view = row;
	return copy_of_text(view->row->command);
}

static json_t *command_json(const void *row)
{
	const struct action_view *view = row;
	return json_of_text(view->row->command);
}

/* The document as it stands in the row; text that is no JSON as a string. */
static json_t *schedule_json(const void *row)
{
	const struct action_view *view = row;
	struct text cron = view->row->cron;
	json_t *document = cron.data ? json_read(cron.data, cron.length, NULL) : NULL;
	return document ? document : json_of_text(cron);
}

static char *schedule_text(const void *row)
{
	g_autoptr(json_t) document = schedule_json(row);
	char *text = schedule_short_text(document);
	if (text || json_is_null(document))
		return text;
	if (json_is_string(document))
		return g_strdup(json_string_value(document));
	char *raw = json_write(document);
	text = g_strdup(raw);
	free(raw);
	return text;
}

static json_t *timezone_json(const void *row)
{
	const struct action_view *view = row;
	if (view->action)
		return json_string(zone_name(schedule_zone(view->action->schedule)));
	return json_of_text(view->effective.timezone);
}

static json_t *enabled_json(const void *row)
{
	const struct action_view *view = row;
	return json_boolean(!view->row->enabled.set || view->row->enabled.value);
}

static json_t *state_json(const void *row)
{
	return json_string(action_view_state(row));
}

static json_t *next_fire_json(const void *row)
{
	const struct action_view *view = row;
	char text[TIME_TEXT_MAX];
	if (!view->has_next)
		return json_null();
	return json_string(zone_format(schedule_zone(view->action->schedule), view->next.due_at, text));
}

/* Beside the others of a table, and beside a clock on the wall: in one zone for all. */
static char *next_fire_text(const void *row)
{
	const struct action_view *view = row;
	char text[TIME_TEXT_MAX];
	return view->has_next ? g_strdup(zone_format(cli_shown_zone(view->cli), view->next.due_at, text))
			      : NULL;
}

static char *from_now_text(const void *row)
{
	const struct action_view *view = row;
	char text[SPAN_TEXT_MAX];
	return view->has_next ? g_strdup(span_format_about(view->next.due_at, view->cli->now, text)) : NULL;
}

static json_t *last_status_json(const void *row)
{
	const struct action_view *view = row;
	return view->last_status ? json_string(view->last_status) : json_null();
}

static json_t *error_json(const void *row)
{
	const struct action_view *view = row;
	return view->error ? json_text(view->error, strlen(view->error)) : json_null();
}

const struct output_column action_columns[] = {
	{"id", "ID", id_json, NULL, OUTPUT_RIGHT},
	{"name", "NAME", name_json, name_text, OUTPUT_LEFT},
	{"command", "COMMAND", command_json, command_text, OUTPUT_LEFT, 4},
	{"schedule", "SCHEDULE", schedule_json, schedule_text, OUTPUT_LEFT},
	{"timezone", "TIMEZONE", timezone_json, NULL, OUTPUT_LEFT, 5},
	{"enabled", NULL, enabled_json, NULL, OUTPUT_LEFT},
	{"state", "STATE", state_json, NULL, OUTPUT_STATE},
	{"next_fire", "NEXT FIRE", next_fire_json, next_fire_text, OUTPUT_WHOLE},
	{NULL, "FROM NOW", NULL, from_now_text, OUTPUT_WHOLE, 1},
	{"last_status", "LAST", last_status_json, NULL, OUTPUT_STATE, 2},
	{"error", "ERROR", error_json, NULL, OUTPUT_LEFT, 3},
};
const size_t action_columns_count = G_N_ELEMENTS(action_columns);

static void append_param(GString *out, const char *key, const json_t *value)
{
	if (json_is_null(value))
		return;
	g_string_append_printf(out, "%s%s=", out->len ? " " : "", key);
	if (json_is_string(value)) {
		const char *text = json_string_value(value);
		const char *quote = !*text || strpbrk(text, " \t") ? "\"" : "";
		g_string_append_printf(out, "%s%s%s", quote, text, quote);
		return;
	}
	char *raw = json_write(value);
	g_string_append(out, raw);
	free(raw);
}

char *schedule_short_text(const json_t *document)
{
	const char *format = json_string_value(json_object_get(document, "format"));
	json_t *params = json_object_get(document, "params");
	const char *value = json_string_value(json_object_get(params, "value"));
	const char *key;
	json_t *each;
	if (!format || !json_is_object(params))
		return NULL;
	if (!strcmp(format, "unix") && value)
		return g_strdup(value);
	GString *out = g_string_new(strcmp(format, "apscheduler") != 0 ? format : "");
	json_object_foreach(params, key, each)
	{
		append_param(out, key, each);
	}
	return g_string_free(out, FALSE);
}
