#include "cli/status_part.h"
#include "cli/time_arg.h"

/* --- callbacks --- */

static char *name_text(const void *row)
{
	return g_strdup(part_text(row, "name"));
}

static char *health_text(const void *row)
{
	return g_strdup(part_text(row, "health"));
}

static char *watermark_text(const void *row)
{
	return part_from_now_text(row, "watermark");
}

static char *handed_out_text(const void *row)
{
	return part_number_text(row, "handed_out");
}

static char *open_text(const void *row)
{
	return part_number_text(row, "open");
}

static char *refused_text(const void *row)
{
	return part_number_text(row, "refused");
}

static char *callback_rate_text(const void *row)
{
	const json_t *rate = part_get(row, "rate");
	return json_is_number(rate) ? g_strdup_printf("%.1f/s", json_number_value(rate)) : NULL;
}

static char *backlog_text(const void *row)
{
	char span[SPAN_TEXT_MAX];
	struct part backlog = {((const struct part *)row)->cli, part_get(row, "backlog")};
	if (json_integer_value(part_get(&backlog, "stretches")) == 0)
		return NULL;
	dur_us left = (dur_us)(json_number_value(part_get(&backlog, "left")) * (double)US_PER_SECOND);
	g_autofree char *done = part_from_now_text(&backlog, "done_at");
	return g_strdup_printf(
		"%s left%s%s", span_format(left, span), done ? ", done " : "", done ? done : "");
}

static const struct output_column callback_columns[] = {
	{NULL, "CALLBACK", NULL, name_text, OUTPUT_LEFT},
	{NULL, "HEALTH", NULL, health_text, OUTPUT_STATE},
	{NULL, "WATERMARK", NULL, watermark_text, OUTPUT_WHOLE},
	{NULL, "OUT", NULL, handed_out_text, OUTPUT_RIGHT, 1},
	{NULL, "OPEN", NULL, open_text, OUTPUT_RIGHT},
	{NULL, "REFUSED", NULL, refused_text, OUTPUT_RIGHT, 3},
	{NULL, "RATE", NULL, callback_rate_text, OUTPUT_RIGHT, 2},
	{NULL, "BACKLOG", NULL, backlog_text, OUTPUT_WHOLE},
};

/* What there is to tell where no scheduler runs. */
static const struct output_column callback_columns_at_rest[] = {
	{NULL, "CALLBACK", NULL, name_text, OUTPUT_LEFT},
	{NULL, "WATERMARK", NULL, watermark_text, OUTPUT_WHOLE},
	{NULL, "OPEN", NULL, open_text, OUTPUT_RIGHT},
	{NULL, "BACKLOG", NULL, backlog_text, OUTPUT_WHOLE},
};

/* --- fires --- */

static char *due_in_text(const void *row)
{
	return part_from_now_text(row, "due_at");
}

static char *due_at_text(const void *row)
{
	return part_wall_text(row, "due_at");
}

static char *action_text(const void *row)
{
	return part_number_text(row, "action_id");
}

static char *action_name_text(const void *row)
{
	return g_strdup(part_text(row, "action_name"));
}

static char *fire_text(const void *row)
{
	return g_strdup(part_text(row, "fire_id"));
}

static char *callback_of_text(const void *row)
{
	return g_strdup(part_text(row, "callback"));
}

/* Waiting is told with the time of the next attempt. */
static char *open_state_text(const void *row)
{
	const char *state = part_text(row, "state");
	g_autofree char *next = part_from_now_text(row, "next_attempt_at");
	if (next)
		return g_strdup_printf("next attempt %s", next);
	return g_strdup(g_strcmp0(state, "handed_out") == 0 ? "handed out" : state);
}

static char *attempts_text(const void *row)
{
	return part_number_text(row, "attempts");
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

void status_tables_show(const struct cli *cli, const json_t *status)
{
	bool running = json_is_true(json_object_get(status, "running"));
	list_show(cli, json_object_get(status, "callbacks"),
		running ? callback_columns : callback_columns_at_rest,
		running ? G_N_ELEMENTS(callback_columns) : G_N_ELEMENTS(callback_columns_at_rest),
		count_of(status, "callback_count"));
	list_show(cli, json_object_get(status, "next_fires"), next_columns, G_N_ELEMENTS(next_columns), 0);
	list_show(cli, json_object_get(status, "open_fires"), open_columns, G_N_ELEMENTS(open_columns),
		count_of(status, "open_count"));
}
