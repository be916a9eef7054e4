#include "cli/status_view.h"

#include "cli/time_arg.h"

#include "base/json.h"
#include "base/log.h"

#include <string.h>

/* What each column is given: an object, and what its times are told against. */
struct part {
	const struct cli *cli;
	const json_t *object;
};

/* --- values --- */

static const json_t *get(const void *row, const char *key)
{
	return json_object_get(((const struct part *)row)->object, key);
}

static const char *get_text(const void *row, const char *key)
{
	return json_string_value(get(row, key));
}

static bool get_time(const void *row, const char *key, time_us *out)
{
	bool has_offset;
	const char *text = get_text(row, key);
	return text && time_parse(text, out, &has_offset);
}

/* `2026-11-23T10:00:00+01:00, 3min 2s ago`; NULL where there is no time. Free with g_free. */
static char *time_text(const void *row, const char *key)
{
	const struct part *part = row;
	char wall[TIME_TEXT_MAX], span[SPAN_TEXT_MAX];
	time_us t;
	if (!get_time(row, key, &t))
		return NULL;
	return g_strdup_printf("%s, %s",
		zone_format(cli_shown_zone(part->cli), floor_div(t, US_PER_SECOND) * US_PER_SECOND, wall),
		span_format_from(t, part->cli->now, span));
}

static char *from_now_text(const void *row, const char *key)
{
	char span[SPAN_TEXT_MAX];
	time_us t;
	return get_time(row, key, &t)
		       ? g_strdup(span_format_from(t, ((const struct part *)row)->cli->now, span))
		       : NULL;
}

static char *wall_text(const void *row, const char *key)
{
	char wall[TIME_TEXT_MAX];
	time_us t;
	if (!get_time(row, key, &t))
		return NULL;
	return g_strdup(zone_format(cli_shown_zone(((const struct part *)row)->cli),
		floor_div(t, US_PER_SECOND) * US_PER_SECOND, wall));
}

/* With a unit that leaves two or three digits before the point. */
static char *lateness_text(const json_t *seconds)
{
	double s = json_number_value(seconds);
	if (s < 1e-3)
		return g_strdup_printf("%.0f µs", s * 1e6);
	if (s < 1)
		return g_strdup_printf("%.1f ms", s * 1e3);
	return g_strdup_printf("%.1f s", s);
}

static char *bytes_text(double bytes)
{
	return bytes < 1024.0 * 1024 * 1024 ? g_strdup_printf("%.1f MiB", bytes / (1024.0 * 1024))
					    : g_strdup_printf("%.2f GiB", bytes / (1024.0 * 1024 * 1024));
}

static bool is_true(const void *row, const char *key)
{
	return json_is_true(get(row, key));
}

/* --- the head --- */

static char *state_text(const void *row)
{
	return g_strdup(!is_true(row, "running") ? "not running" : is_true(row, "held") ? "held" : "running");
}

static char *held_text(const void *row)
{
	const char *reason = get_text(row, "held_reason");
	g_autofree char *since = is_true(row, "held") ? time_text(row, "held_since") : NULL;
	return since ? g_strconcat(since, reason ? ": " : "", reason, NULL) : NULL;
}

static char *healthy_text(const void *row)
{
	if (!is_true(row, "running"))
		return NULL;
	return g_strdup(is_true(row, "healthy") ? "healthy" : "unhealthy");
}

static char *process_text(const void *row)
{
	char span[SPAN_TEXT_MAX];
	const json_t *uptime = get(row, "uptime");
	if (!is_true(row, "running"))
		return NULL;
	const char *version = get_text(row, "version");
	return g_strdup_printf("%" JSON_INTEGER_FORMAT ", version %s, up %s",
		json_integer_value(get(row, "pid")), version ? version : "unknown",
		span_format((dur_us)(json_number_value(uptime) * (double)US_PER_SECOND), span));
}

static char *use_text(const void *row)
{
	if (!json_is_number(get(row, "memory")))
		return NULL;
	g_autofree char *memory = bytes_text(json_number_value(get(row, "memory")));
	return g_strdup_printf("%s, CPU %.1f s", memory, json_number_value(get(row, "cpu")));
}

static char *owner_text(const void *row)
{
	return is_true(row, "running") ? NULL : g_strdup(get_text(row, "owner"));
}

static char *database_text(const void *row, const char *key)
{
	struct part database = {((const struct part *)row)->cli, get(row, key)};
	const char *place = get_text(&database, "place"), *health = get_text(&database, "health");
	if (!place)
		return g_strdup("none");
	return g_strdup_printf("%s, %s", g_strcmp0(health, "unused") == 0 ? "not there yet" : health, place);
}

static char *actions_db_text(const void *row)
{
	return database_text(row, "actions_db");
}

static char *internal_db_text(const void *row)
{
	return database_text(row, "internal_db");
}

/* `2 active, 1 paused`: what is known of an object of counts; NULL where nothing is. */
static char *counts_text(const json_t *counts)
{
	g_autoptr(GString) text = g_string_new(NULL);
	const char *key;
	json_t *value;
	json_object_foreach((json_t *)(uintptr_t)counts, key, value)
	{
		if (json_is_integer(value))
			g_string_append_printf(text, "%s%" JSON_INTEGER_FORMAT " %s", text->len ? ", " : "",
				json_integer_value(value), key);
	}
	return text->len ? g_strdup(text->str) : NULL;
}

static char *actions_text(const void *row)
{
	return counts_text(get(row, "actions"));
}

static char *ended_text(const void *row)
{
	return counts_text(get(row, "ended"));
}

static char *rate_text(const void *row)
{
	const json_t *rate = get(row, "rate");
	const json_t *minute = json_object_get(rate, "last_minute");
	if (!json_is_number(minute))
		return NULL;
	return g_strdup_printf("%.1f/s in the last minute, %.1f/s since the start", json_number_value(minute),
		json_number_value(json_object_get(rate, "since_start")));
}

static char *late_text(const void *row)
{
	const char *when = "in the last minute";
	const json_t *lateness = get(row, "lateness"), *late = json_object_get(lateness, "last_minute");
	if (!json_is_number(json_object_get(late, "p50"))) {
		late = json_object_get(lateness, "since_start");
		when = "since the start";
	}
	if (!json_is_number(json_object_get(late, "p50")))
		return NULL;
	g_autofree char *p50 = lateness_text(json_object_get(late, "p50"));
	g_autofree char *p99 = lateness_text(json_object_get(late, "p99"));
	g_autofree char *max = lateness_text(json_object_get(late, "max"));
	return g_strdup_printf("p50 %s, p99 %s, max %s %s", p50, p99, max, when);
}

static const struct output_column head[] = {
	{NULL, "STATE", NULL, state_text, OUTPUT_STATE},
	{NULL, "HELD SINCE", NULL, held_text, OUTPUT_LEFT},
	{NULL, "HEALTH", NULL, healthy_text, OUTPUT_STATE},
	{NULL, "PROCESS", NULL, process_text, OUTPUT_LEFT},
	{NULL, "MEMORY", NULL, use_text, OUTPUT_LEFT},
	{NULL, "LAST OWNER", NULL, owner_text, OUTPUT_LEFT},
	{NULL, "ACTIONS_DB", NULL, actions_db_text, OUTPUT_LEFT},
	{NULL, "INTERNAL_DB", NULL, internal_db_text, OUTPUT_LEFT},
	{NULL, "ACTIONS", NULL, actions_text, OUTPUT_LEFT},
	{NULL, "RATE", NULL, rate_text, OUTPUT_LEFT},
	{NULL, "HANDED OUT", NULL, late_text, OUTPUT_LEFT},
	{NULL, "FIRES ENDED", NULL, ended_text, OUTPUT_LEFT},
};

/* Lines that have something to say. */
static void head_show(const struct cli *cli, const json_t *status)
{
	struct part part = {cli, status};
	struct output_column shown[G_N_ELEMENTS(head)];
	size_t count = 0;
	for (size_t i = 0; i < G_N_ELEMENTS(head); i++) {
		g_autofree char *text = head[i].text(&part);
		if (text)
			shown[count++] = head[i];
	}
	output_object(&cli->style, shown, count, &part);
}

/* --- what is wrong: whole sentences, which no column holds --- */

static void problem_show(const struct cli *cli, const char *what, const json_t *object)
{
	struct part part = {cli, object};
	const char *error = get_text(&part, "error");
	if (!error)
		return;
	g_autofree char *since = time_text(&part, "since");
	g_autofree char *said = log_escape(error);
	fprintf(cli->style.file, "\n%s%s%s%s%s: %s\n", cli->style.color ? "\033[31m" : "", what,
		cli->style.color ? "\033[0m" : "", since ? " since " : "", since ? since : "", said);
}

static void problems_show(const struct cli *cli, const json_t *status)
{
	size_t i;
	const json_t *callback;
	problem_show(cli, "actions_db", json_object_get(status, "actions_db"));
	problem_show(cli, "internal_db", json_object_get(status, "internal_db"));
	json_array_foreach(json_object_get(status, "callbacks"), i, callback)
	{
		g_autofree char *what =
			g_strdup_printf("callback %s", json_string_value(json_object_get(callback, "name")));
		problem_show(cli, what, callback);
	}
}

/* --- callbacks --- */

static char *name_text(const void *row)
{
	return g_strdup(get_text(row, "name"));
}

static char *health_text(const void *row)
{
	return g_strdup(get_text(row, "health"));
}

static char *watermark_text(const void *row)
{
	return from_now_text(row, "watermark");
}

static char *number_text(const void *row, const char *key)
{
	const json_t *value = get(row, key);
	return json_is_integer(value) ? g_strdup_printf("%" JSON_INTEGER_FORMAT, json_integer_value(value))
				      : NULL;
}

static char *handed_out_text(const void *row)
{
	return number_text(row, "handed_out");
}

static char *open_text(const void *row)
{
	return number_text(row, "open");
}

static char *callback_rate_text(const void *row)
{
	const json_t *rate = get(row, "rate");
	return json_is_number(rate) ? g_strdup_printf("%.1f/s", json_number_value(rate)) : NULL;
}

static char *backlog_text(const void *row)
{
	char span[SPAN_TEXT_MAX];
	struct part backlog = {((const struct part *)row)->cli, get(row, "backlog")};
	if (json_integer_value(get(&backlog, "stretches")) == 0)
		return NULL;
	dur_us left = (dur_us)(json_number_value(get(&backlog, "left")) * (double)US_PER_SECOND);
	g_autofree char *done = from_now_text(&backlog, "done_at");
	return g_strdup_printf(
		"%s left%s%s", span_format(left, span), done ? ", done " : "", done ? done : "");
}

static const struct output_column callback_columns[] = {
	{NULL, "CALLBACK", NULL, name_text, OUTPUT_LEFT},
	{NULL, "HEALTH", NULL, health_text, OUTPUT_STATE},
	{NULL, "DONE UP TO", NULL, watermark_text, OUTPUT_WHOLE},
	{NULL, "OUT", NULL, handed_out_text, OUTPUT_RIGHT, 1},
	{NULL, "OPEN", NULL, open_text, OUTPUT_RIGHT},
	{NULL, "RATE", NULL, callback_rate_text, OUTPUT_RIGHT, 2},
	{NULL, "BACKLOG", NULL, backlog_text, OUTPUT_WHOLE},
};

/* What there is to tell where no scheduler runs. */
static const struct output_column callback_columns_at_rest[] = {
	{NULL, "CALLBACK", NULL, name_text, OUTPUT_LEFT},
	{NULL, "DONE UP TO", NULL, watermark_text, OUTPUT_WHOLE},
	{NULL, "OPEN", NULL, open_text, OUTPUT_RIGHT},
	{NULL, "BACKLOG", NULL, backlog_text, OUTPUT_WHOLE},
};

/* --- fires --- */

static char *due_in_text(const void *row)
{
	return from_now_text(row, "due_at");
}

static char *due_at_text(const void *row)
{
	return wall_text(row, "due_at");
}

static char *action_text(const void *row)
{
	return number_text(row, "action_id");
}

static char *action_name_text(const void *row)
{
	return g_strdup(get_text(row, "action_name"));
}

static char *fire_text(const void *row)
{
	return g_strdup(get_text(row, "fire_id"));
}

static char *callback_of_text(const void *row)
{
	return g_strdup(get_text(row, "callback"));
}

/* Waiting is told with the time of the next attempt. */
static char *open_state_text(const void *row)
{
	const char *state = get_text(row, "state");
	g_autofree char *next = from_now_text(row, "next_attempt_at");
	if (next)
		return g_strdup_printf("next attempt %s", next);
	return g_strdup(g_strcmp0(state, "handed_out") == 0 ? "handed out" : state);
}

static char *attempts_text(const void *row)
{
	return number_text(row, "attempts");
}

static const struct output_column next_columns[] = {
	{NULL, "NEXT FIRE", NULL, due_in_text, OUTPUT_WHOLE},
	{NULL, "AT", NULL, due_at_text, OUTPUT_WHOLE, 1},
	{NULL, "ACTION", NULL, action_text, OUTPUT_RIGHT},
	{NULL, "NAME", NULL, action_name_text, OUTPUT_LEFT},
	{NULL, "CALLBACK", NULL, callback_of_text, OUTPUT_LEFT, 2},
};
static const struct output_column open_columns[] = {
	{NULL, "OPEN FIRE", NULL, fire_text, OUTPUT_WHOLE},
	{NULL, "DUE", NULL, due_in_text, OUTPUT_WHOLE},
	{NULL, "STATE", NULL, open_state_text, OUTPUT_WHOLE},
	{NULL, "TRIED", NULL, attempts_text, OUTPUT_RIGHT, 1},
	{NULL, "NAME", NULL, action_name_text, OUTPUT_LEFT},
};

/* A table of its own where the list has members; says how many more there are. */
static void list_show(const struct cli *cli, const json_t *list, const struct output_column *columns,
	size_t count, json_int_t all)
{
	size_t i;
	const json_t *each;
	if (json_array_size(list) == 0)
		return;
	fputc('\n', cli->style.file);
	struct output *output = output_new(&cli->style, columns, count);
	json_array_foreach(list, i, each)
	{
		struct part part = {cli, each};
		output_row(output, &part);
	}
	output_end(output);
	if (all > (json_int_t)json_array_size(list))
		fprintf(cli->style.file, "… and %" JSON_INTEGER_FORMAT " more\n",
			all - (json_int_t)json_array_size(list));
}

static json_int_t count_of(const json_t *status, const char *key)
{
	return json_integer_value(json_object_get(status, key));
}

void status_view_show(const struct cli *cli, const json_t *status)
{
	if (cli->style.format != OUTPUT_TABLE) {
		output_document(&cli->style, status);
		return;
	}
	head_show(cli, status);
	problems_show(cli, status);
	bool running = json_is_true(json_object_get(status, "running"));
	list_show(cli, json_object_get(status, "callbacks"),
		running ? callback_columns : callback_columns_at_rest,
		running ? G_N_ELEMENTS(callback_columns) : G_N_ELEMENTS(callback_columns_at_rest),
		count_of(status, "callback_count"));
	list_show(cli, json_object_get(status, "next_fires"), next_columns, G_N_ELEMENTS(next_columns), 0);
	list_show(cli, json_object_get(status, "open_fires"), open_columns, G_N_ELEMENTS(open_columns),
		count_of(status, "open_count"));
}
