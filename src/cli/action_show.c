#include "cli/action_show.h"

#include "cli/action_view.h"
#include "cli/last_status.h"
#include "cli/run_view.h"
#include "cli/time_arg.h"

#include "base/json.h"

#include <stdlib.h>
#include <string.h>

#define NEXT_COUNT 5
#define LAST_COUNT 5

/* The view comes first, so that the columns of an action fit. */
struct show_view {
	struct action_view action;
	struct journal *journal;
	const char *name;
	GError **error; /* of the history */
};

static json_t *json_of_effective(struct maybe_int value, int64_t fallback)
{
	return json_integer(value.set ? value.value : fallback);
}

static const struct action_defaults *defaults_of(
	const struct show_view *view, struct action_defaults *defaults)
{
	cli_defaults(view->action.cli, defaults);
	return defaults;
}

/* A column whose NULL means a default: (key, heading, field of the default). */
#define POLICY_COLUMN(column, field)                                                                     \
	static json_t *column##_json(const void *row)                                                    \
	{                                                                                                \
		const struct show_view *view = row;                                                      \
		struct action_defaults defaults;                                                         \
		return json_of_effective(view->action.row->column, defaults_of(view, &defaults)->field); \
	}
POLICY_COLUMN(actuality_time, actuality_s)
POLICY_COLUMN(max_instances, max_instances)
POLICY_COLUMN(max_attempts, max_attempts)

/* A limit that there may be none of. */
static json_t *json_of_limit(struct maybe_int value, int64_t fallback, bool none)
{
	return none && !value.set ? json_null() : json_of_effective(value, fallback);
}

static json_t *catch_up_limit_json(const void *row)
{
	const struct show_view *view = row;
	struct action_defaults defaults;
	int64_t limit = defaults_of(view, &defaults)->catch_up_limit;
	return json_of_limit(view->action.row->catch_up_limit, limit, limit < 0);
}

static json_t *timeout_json(const void *row)
{
	const struct show_view *view = row;
	struct action_defaults defaults;
	int64_t timeout = defaults_of(view, &defaults)->timeout_s;
	return json_of_limit(view->action.row->timeout, timeout, timeout == 0);
}

static json_t *merge_missed_json(const void *row)
{
	const struct show_view *view = row;
	struct action_defaults defaults;
	struct maybe_int value = view->action.row->merge_missed;
	return json_boolean(value.set ? value.value != 0 : defaults_of(view, &defaults)->merge_missed);
}

static json_t *callback_json(const void *row)
{
	const struct show_view *view = row;
	return json_text(view->action.effective.callback.data, view->action.effective.callback.length);
}

static json_t *dst_json(const void *row)
{
	const struct show_view *view = row;
	return json_text(view->action.effective.dst.data, view->action.effective.dst.length);
}

static json_t *topic_json(const void *row)
{
	const struct show_view *view = row;
	return json_text(view->action.row->topic.data, view->action.row->topic.length);
}

static json_t *normalised_json(const void *row)
{
	const struct show_view *view = row;
	return view->action.action ? schedule_print(view->action.action->schedule) : json_null();
}

typedef void (*fire_fn)(void *context, const struct show_view *view, time_us due_at);

static void each_next(const struct show_view *view, fire_fn each, void *context)
{
	struct position at = view->action.next;
	bool has_next = view->action.has_next;
	for (int i = 0; i < NEXT_COUNT && has_next; i++) {
		each(context, view, at.due_at);
		has_next = fire_next(view->action.action->schedule, view->action.row->id, at, &at);
	}
}

static void append_fire(void *context, const struct show_view *view, time_us due_at)
{
	char text[TIME_TEXT_MAX];
	const struct zone *zone = schedule_zone(view->action.action->schedule);
	json_array_append_new(context, json_string(zone_format(zone, due_at, text)));
}

static json_t *next_fires_json(const void *row)
{
	json_t *fires = json_array();
	each_next(row, append_fire, fires);
	return fires;
}

static void each_run(const struct show_view *view, history_fn each, void *context)
{
	struct history_query query = {
		.action_id = &view->action.row->id, .since = TIME_US_MIN, .limit = LAST_COUNT};
	if (view->journal && !*view->error)
		journal_history(view->journal, &query, each, context, view->error);
}

struct run_sink {
	const struct show_view *view;
	json_t *array;
	struct output *output;
};

static bool append_run(void *context, const struct history_entry *entry)
{
	struct run_sink *sink = context;
	struct run_view run = {sink->view->action.cli, entry, sink->view->name};
	if (sink->array)
		json_array_append_new(sink->array, output_json(run_columns, run_columns_count, &run));
	else
		output_row(sink->output, &run);
	return true;
}

static json_t *last_results_json(const void *row)
{
	struct run_sink sink = {row, json_array(), NULL};
	each_run(row, append_run, &sink);
	return sink.array;
}

/* Behind those of a listing. */
static const struct output_column more_columns[] = {
	{"normalised", "NORMALISED", normalised_json, NULL, OUTPUT_LEFT},
	{"callback", "CALLBACK", callback_json, NULL, OUTPUT_LEFT},
	{"merge_missed", "MERGE MISSED", merge_missed_json, NULL, OUTPUT_LEFT},
	{"actuality_time", "ACTUALITY TIME", actuality_time_json, NULL, OUTPUT_LEFT},
	{"catch_up_limit", "CATCH-UP LIMIT", catch_up_limit_json, NULL, OUTPUT_LEFT},
	{"max_instances", "MAX INSTANCES", max_instances_json, NULL, OUTPUT_LEFT},
	{"max_attempts", "MAX ATTEMPTS", max_attempts_json, NULL, OUTPUT_LEFT},
	{"timeout", "TIMEOUT", timeout_json, NULL, OUTPUT_LEFT},
	{"dst", "DST", dst_json, NULL, OUTPUT_LEFT},
	{"topic", "TOPIC", topic_json, NULL, OUTPUT_LEFT},
	{"next_fires", NULL, next_fires_json, NULL, OUTPUT_LEFT},
	{"last_results", NULL, last_results_json, NULL, OUTPUT_LEFT},
};

static void write_fire(void *context, const struct show_view *view, time_us due_at)
{
	char text[TIME_TEXT_MAX], span[SPAN_TEXT_MAX];
	const struct zone *zone = cli_shown_zone(view->action.cli);
	fprintf(context, "%s  %s\n", zone_format(zone, due_at, text),
		span_format_from(due_at, view->action.cli->now, span));
}

static void write_tables(const struct show_view *view)
{
	const struct output_style *style = &view->action.cli->style;
	if (view->action.has_next) {
		fputs("\nNext fires:\n", style->file);
		each_next(view, write_fire, style->file);
	}
	if (!view->action.last_status)
		return;
	fputs("\nLast results:\n", style->file);
	struct run_sink sink = {view, NULL, output_new(style, run_columns, run_columns_count)};
	each_run(view, append_run, &sink);
	output_end(sink.output);
}

void action_show(struct cli *cli, const struct action_row *row)
{
	GError *why = NULL;
	struct show_view view = {.error = &why};
	struct output_column columns[32];
	g_autofree char *name =
		row->name.data ? g_utf8_make_valid(row->name.data, (gssize)row->name.length) : NULL;
	size_t count = 0;
	for (size_t i = 0; i < action_columns_count; i++)
		columns[count++] = action_columns[i];
	for (size_t i = 0; i < G_N_ELEMENTS(more_columns); i++)
		columns[count++] = more_columns[i];

	action_view_init(&view.action, cli, row);
	view.name = name;
	view.journal = cli_open_journal(cli, &why);
	if (!why)
		view.action.last_status = last_status_of(view.journal, row->id, &why);
	output_object(&cli->style, columns, count, &view);
	if (cli->style.format == OUTPUT_TABLE)
		write_tables(&view);
	journal_close(view.journal);
	action_view_clear(&view.action);
	if (why)
		cli_warn(cli, "the last results are not known: internal_db: %s", why->message);
	g_clear_error(&why);
}
