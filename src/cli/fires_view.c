#include "cli/fires_view.h"
#include "cli/time_arg.h"

#include "base/json.h"

#include <stdlib.h>

struct fires_output {
	struct cli *cli;
	struct fires_range range;
	struct output *output; /* NULL: a table for each schedule */
	bool first;
};

/* A schedule and its fires. */
struct fires_view {
	const struct schedule *schedule;
	const int64_t *id;
	GArray *fires; /* struct position */
	bool exhausted;
};

struct fire_view {
	const struct fires_view *of;
	const struct cli *cli;
	time_us due_at;
};

static char *weekday_text(const void *row)
{
	static const char *const names[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
	const struct fire_view *fire = row;
	int32_t offset_s = zone_offset_at(schedule_zone(fire->of->schedule), fire->due_at);
	return g_strdup(
		names[weekday_of_days(floor_div(fire->due_at + offset_s * US_PER_SECOND, US_PER_DAY))]);
}

static char *fire_text(const void *row)
{
	const struct fire_view *fire = row;
	char text[TIME_TEXT_MAX];
	return g_strdup(zone_format(schedule_zone(fire->of->schedule), fire->due_at, text));
}

static char *from_now_text(const void *row)
{
	const struct fire_view *fire = row;
	char text[SPAN_TEXT_MAX];
	return g_strdup(span_format_from(fire->due_at, fire->cli->now, text));
}

static const struct output_column fire_columns[] = {
	{NULL, "DAY", NULL, weekday_text, OUTPUT_WHOLE},
	{NULL, "FIRE", NULL, fire_text, OUTPUT_WHOLE},
	{NULL, "FROM NOW", NULL, from_now_text, OUTPUT_WHOLE},
};

static json_t *id_json(const void *row)
{
	const struct fires_view *view = row;
	return view->id ? json_integer(*view->id) : json_null();
}

static json_t *schedule_json(const void *row)
{
	const struct fires_view *view = row;
	return schedule_print(view->schedule);
}

static json_t *timezone_json(const void *row)
{
	const struct fires_view *view = row;
	return json_string(zone_name(schedule_zone(view->schedule)));
}

static json_t *times_json(const struct fires_view *view, bool nominal)
{
	json_t *times = json_array();
	for (guint i = 0; i < view->fires->len; i++) {
		const struct position *at = &g_array_index(view->fires, struct position, i);
		char text[TIME_TEXT_MAX];
		time_us t = nominal ? at->nominal : at->due_at;
		json_array_append_new(
			times, json_string(zone_format(schedule_zone(view->schedule), t, text)));
	}
	return times;
}

static json_t *fires_json(const void *row)
{
	return times_json(row, false);
}

/* Beside `fires` only where jitter makes them differ. */
static json_t *scheduled_at_json(const void *row)
{
	const struct fires_view *view = row;
	return view->id && schedule_jitter(view->schedule) ? times_json(view, true) : NULL;
}

static json_t *exhausted_json(const void *row)
{
	const struct fires_view *view = row;
	return json_boolean(view->exhausted);
}

static char *jitter_text(const void *row)
{
	const struct fires_view *view = row;
	char text[SPAN_TEXT_MAX];
	dur_us jitter = schedule_jitter(view->schedule);
	return jitter ? g_strdup_printf(
				"up to %s later%s", span_format(jitter, text), view->id ? "" : ", not shown")
		      : g_strdup("none");
}

static const struct output_column fires_columns[] = {
	{"id", "ACTION", id_json, NULL, OUTPUT_LEFT},
	{"schedule", "NORMALISED", schedule_json, NULL, OUTPUT_LEFT},
	{"timezone", "TIMEZONE", timezone_json, NULL, OUTPUT_LEFT},
	{NULL, "JITTER", NULL, jitter_text, OUTPUT_LEFT},
	{"fires", NULL, fires_json, NULL, OUTPUT_LEFT},
	{"scheduled_at", NULL, scheduled_at_json, NULL, OUTPUT_LEFT},
	{"exhausted", NULL, exhausted_json, NULL, OUTPUT_LEFT},
};

static bool next_position(
	const struct schedule *schedule, const int64_t *id, struct position after, struct position *out)
{
	if (id)
		return fire_next(schedule, *id, after, out);
	time_us t;
	if (!schedule_next(schedule, after.due_at, &t))
		return false;
	*out = (struct position){t, 0, t};
	return true;
}

static void find_fires(const struct fires_range *range, struct fires_view *view)
{
	struct position at = position_end_of(range->after);
	while (view->fires->len < range->count) {
		if (!next_position(view->schedule, view->id, at, &at)) {
			view->exhausted = true;
			return;
		}
		if (at.due_at > range->until)
			return;
		g_array_append_val(view->fires, at);
	}
}

static void write_fires(const struct cli *cli, const struct fires_view *view)
{
	struct output *table = output_new(&cli->style, fire_columns, G_N_ELEMENTS(fire_columns));
	for (guint i = 0; i < view->fires->len; i++) {
		struct fire_view fire = {view, cli, g_array_index(view->fires, struct position, i).due_at};
		output_row(table, &fire);
	}
	output_end(table);
}

void fires_table(const struct cli *cli, const struct fires_range *range, const struct schedule *schedule,
	const int64_t *id)
{
	g_autoptr(GArray) fires = g_array_new(FALSE, FALSE, sizeof(struct position));
	struct fires_view view = {schedule, id, fires, false};
	find_fires(range, &view);
	write_fires(cli, &view);
}

static void write_table(struct fires_output *output, const struct fires_view *view)
{
	const struct output_style *style = &output->cli->style;
	if (!output->first)
		fputc('\n', style->file);
	size_t skip = view->id ? 0 : 1;
	output_object(style, fires_columns + skip, G_N_ELEMENTS(fires_columns) - skip, view);
	if (view->fires->len) {
		fputc('\n', style->file);
		write_fires(output->cli, view);
	}
	if (view->exhausted)
		fputs(view->fires->len ? "No fires after that.\n" : "\nNo fires.\n", style->file);
	else if (!view->fires->len)
		fputs("\nNo fires in this time.\n", style->file);
}

struct fires_output *fires_output_new(struct cli *cli, const struct fires_range *range)
{
	struct fires_output *output = g_new0(struct fires_output, 1);
	output->cli = cli;
	output->range = *range;
	output->first = true;
	if (cli->style.format != OUTPUT_TABLE)
		output->output = output_new(&cli->style, fires_columns, G_N_ELEMENTS(fires_columns));
	return output;
}

void fires_output_add(struct fires_output *output, const struct schedule *schedule, const int64_t *id)
{
	g_autoptr(GArray) fires = g_array_new(FALSE, FALSE, sizeof(struct position));
	struct fires_view view = {schedule, id, fires, false};
	find_fires(&output->range, &view);
	if (output->output)
		output_row(output->output, &view);
	else
		write_table(output, &view);
	output->first = false;
}

void fires_output_end(struct fires_output *output)
{
	if (output->output)
		output_end(output->output);
	g_free(output);
}
