#include "cli/status_view.h"

#include "cli/status_part.h"
#include "cli/time_arg.h"

#include "base/log.h"

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

/* --- the head --- */

static char *state_text(const void *row)
{
	return g_strdup(!part_is_true(row, "running") ? "not running"
			: part_is_true(row, "held")   ? "held"
						      : "running");
}

static char *held_text(const void *row)
{
	const char *reason = part_text(row, "held_reason");
	g_autofree char *since = part_is_true(row, "held") ? part_time_text(row, "held_since") : NULL;
	return since ? g_strconcat(since, reason ? ": " : "", reason, NULL) : NULL;
}

static char *healthy_text(const void *row)
{
	if (!part_is_true(row, "running"))
		return NULL;
	return g_strdup(part_is_true(row, "healthy") ? "healthy" : "unhealthy");
}

static char *process_text(const void *row)
{
	char span[SPAN_TEXT_MAX];
	const json_t *uptime = part_get(row, "uptime");
	if (!part_is_true(row, "running"))
		return NULL;
	const char *version = part_text(row, "version");
	return g_strdup_printf("%" JSON_INTEGER_FORMAT ", version %s, up %s",
		json_integer_value(part_get(row, "pid")), version ? version : "unknown",
		span_format((dur_us)(json_number_value(uptime) * (double)US_PER_SECOND), span));
}

static char *use_text(const void *row)
{
	if (!json_is_number(part_get(row, "memory")))
		return NULL;
	g_autofree char *memory = bytes_text(json_number_value(part_get(row, "memory")));
	return g_strdup_printf("%s, CPU %.1f s", memory, json_number_value(part_get(row, "cpu")));
}

static char *owner_text(const void *row)
{
	return part_is_true(row, "running") ? NULL : g_strdup(part_text(row, "owner"));
}

static char *database_text(const void *row, const char *key)
{
	struct part database = {((const struct part *)row)->cli, part_get(row, key)};
	const char *place = part_text(&database, "place"), *health = part_text(&database, "health");
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
	return counts_text(part_get(row, "actions"));
}

static char *ended_text(const void *row)
{
	g_autofree char *counts = counts_text(part_get(row, "ended"));
	return counts ? g_strconcat(counts, " since the start", NULL) : NULL;
}

static char *rate_text(const void *row)
{
	const json_t *rate = part_get(row, "rate");
	const json_t *minute = json_object_get(rate, "last_minute");
	if (!json_is_number(minute))
		return NULL;
	return g_strdup_printf("%.1f/s in the last minute, %.1f/s since the start", json_number_value(minute),
		json_number_value(json_object_get(rate, "since_start")));
}

static char *late_text(const void *row)
{
	const char *when = "in the last minute";
	const json_t *lateness = part_get(row, "lateness"), *late = json_object_get(lateness, "last_minute");
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

/* The text of the key, if it has one: `callback http since WHEN: TEXT`. */
static void sentence_show(const struct cli *cli, const char *what, const json_t *object, const char *key,
	const char *preposition, const char *time_key)
{
	struct part part = {cli, object};
	const char *text = part_text(&part, key);
	if (!text)
		return;
	g_autofree char *time = part_time_text(&part, time_key);
	g_autofree char *said = log_escape(text);
	fprintf(cli->style.file, "\n%s%s%s%s%s: %s\n", cli->style.color ? "\033[31m" : "", what,
		cli->style.color ? "\033[0m" : "", time ? preposition : "", time ? time : "", said);
}

static void problem_show(const struct cli *cli, const char *what, const json_t *object)
{
	sentence_show(cli, what, object, "error", " since ", "since");
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
		sentence_show(cli, what, callback, "last_refusal", " refused last at ", "last_refusal_at");
	}
}

void status_view_show(const struct cli *cli, const json_t *status)
{
	if (cli->style.format != OUTPUT_TABLE) {
		output_document(&cli->style, status);
		return;
	}
	head_show(cli, status);
	problems_show(cli, status);
	status_tables_show(cli, status);
}
