/* The fires one after the other: a cursor for each distinct schedule, so that memory goes with the actions,
 * not with the fires. */
#include "base/json.h"
#include "cli/simulate.h"
#include "model/fire_source.h"

/* Actions that are always due together: of one schedule, or a single one with jitter. */
struct row_of_cursors {
	struct action_list members; /* references */
	struct cursor cursor;
};

struct order {
	GHashTable *shared; /* struct schedule * → struct row_of_cursors *, without jitter */
	GPtrArray *rows;    /* all of them */
	struct source source;
};

struct fire_row {
	const struct simulation *simulation;
	const struct action *action;
	struct position at;
};

/* --- columns --- */

static json_t *time_json(const struct fire_row *row, time_us t)
{
	char text[TIME_TEXT_MAX];
	return json_string(zone_format(row->simulation->zone, t, text));
}

static json_t *due_at_json(const void *row)
{
	return time_json(row, ((const struct fire_row *)row)->at.due_at);
}

static json_t *scheduled_at_json(const void *row)
{
	return time_json(row, ((const struct fire_row *)row)->at.nominal);
}

static json_t *action_id_json(const void *row)
{
	return json_integer(((const struct fire_row *)row)->action->id);
}

static json_t *action_name_json(const void *row)
{
	const struct action *action = ((const struct fire_row *)row)->action;
	return json_text(action_name(action), action->name_length);
}

static json_t *command_json(const void *row)
{
	const struct action *action = ((const struct fire_row *)row)->action;
	return json_text(action_command(action), action->command_length);
}

static json_t *fire_id_json(const void *row)
{
	const struct fire_row *fire = row;
	char id[FIRE_ID_MAX];
	return json_string(fire_id_format(fire->action->id, fire->at.nominal, NULL, id));
}

static const struct output_column columns[] = {
	{"due_at", "DUE", due_at_json, NULL, OUTPUT_WHOLE},
	{"action_id", "ID", action_id_json, NULL, OUTPUT_RIGHT},
	{"action_name", "NAME", action_name_json, NULL, OUTPUT_LEFT},
	{"command", "COMMAND", command_json, NULL, OUTPUT_LEFT, 1},
	{"scheduled_at", NULL, scheduled_at_json, NULL, OUTPUT_LEFT},
	{"fire_id", "FIRE", fire_id_json, NULL, OUTPUT_WHOLE},
};

/* --- the order --- */

static struct row_of_cursors *row_of(struct order *order, struct schedule *schedule)
{
	bool alone = schedule_jitter(schedule) > 0;
	struct row_of_cursors *row = alone ? NULL : g_hash_table_lookup(order->shared, schedule);
	if (row)
		return row;
	row = g_new0(struct row_of_cursors, 1);
	row->cursor =
		(struct cursor){.schedule = schedule, .members = &row->members, .heap_index = UINT32_MAX};
	g_ptr_array_add(order->rows, row);
	if (!alone)
		g_hash_table_insert(order->shared, schedule, row);
	return row;
}

static bool order_add(void *context, struct action *action)
{
	struct order *order = context;
	action_list_edit(&row_of(order, action->schedule)->members, NULL, 0, &action, 1);
	return true;
}

static void order_init(struct order *order)
{
	*order = (struct order){
		.shared = g_hash_table_new(NULL, NULL), .rows = g_ptr_array_new_with_free_func(g_free)};
}

static void order_clear(struct order *order)
{
	for (guint i = 0; i < order->rows->len; i++) {
		struct row_of_cursors *row = order->rows->pdata[i];
		for (uint32_t j = 0; j < row->members.count; j++)
			action_unref(row->members.items[j]);
		action_list_clear(&row->members);
	}
	source_clear(&order->source);
	g_hash_table_unref(order->shared);
	g_ptr_array_unref(order->rows);
}

/* Returns how many were listed. */
static uint64_t list(const struct simulation *simulation, struct order *order, struct output *output)
{
	const struct cursor *top;
	uint64_t listed = 0;
	for (guint i = 0; i < order->rows->len; i++)
		source_seek(&order->source, &((struct row_of_cursors *)order->rows->pdata[i])->cursor,
			position_end_of(simulation->from - 1));
	while (listed < simulation->limit && (top = source_top(&order->source)) &&
		top->head.due_at < simulation->to && !ferror(simulation->cli->style.file)) {
		struct fire_row row = {simulation, cursor_action(top), top->head};
		output_row(output, &row);
		source_advance(&order->source);
		listed++;
	}
	return listed;
}

int simulate_fires(const struct simulation *simulation)
{
	struct order order;
	order_init(&order);
	int status = simulate_each_action(simulation, order_add, &order);
	if (status == EXIT_DONE) {
		struct output *output = output_new(&simulation->cli->style, columns, G_N_ELEMENTS(columns));
		uint64_t listed = list(simulation, &order, output);
		output_end(output);
		if (listed == 0)
			cli_say(simulation->cli, "nothing fires in this time");
	}
	order_clear(&order);
	return status;
}
