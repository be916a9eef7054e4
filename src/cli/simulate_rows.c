#include "base/progress_bar.h"
#include "cli/simulate.h"

/* So many bad rows are told of; `check` has all of them. */
#define BAD_SHOWN 20

struct reading {
	const struct simulation *simulation;
	simulate_action_fn each;
	void *context;
	struct action_defaults defaults;
	struct lane_names lanes;
	GByteArray *packed;
	struct progress_bar *bar;
	size_t seen; /* of the ids asked for */
	uint64_t rows, bad;
	bool missing;
};

void simulate_bad_row(const struct cli *cli, int64_t id, const char *reason, uint64_t *said)
{
	if ((*said)++ < BAD_SHOWN)
		cli_error(cli, "action %" G_GINT64_FORMAT " does not fire: %s", id, reason);
}

void simulate_bad_rows_end(const struct cli *cli, uint64_t said)
{
	if (said > BAD_SHOWN)
		cli_error(cli, "%" G_GUINT64_FORMAT " more rows do not fire; `check` lists all of them",
			said - BAD_SHOWN);
}

static void missing_say(struct reading *reading, int64_t id)
{
	cli_error(reading->simulation->cli, "there is no action %" G_GINT64_FORMAT, id);
	reading->missing = true;
}

/* Rows come ascending, as the ids stand. */
static void seen_until(struct reading *reading, int64_t id)
{
	const struct simulation *s = reading->simulation;
	while (reading->seen < s->id_count && s->ids[reading->seen] < id)
		missing_say(reading, s->ids[reading->seen++]);
	if (reading->seen < s->id_count && s->ids[reading->seen] == id)
		reading->seen++;
}

static bool row_take(void *context, const struct action_row *row)
{
	struct reading *reading = context;
	g_autoptr(GError) error = NULL;
	struct action *action = NULL;
	progress_bar_set(reading->bar, ++reading->rows);
	seen_until(reading, row->id);
	g_byte_array_set_size(reading->packed, 0);
	action_pack(row, &reading->defaults, reading->packed);
	enum action_state state =
		action_build(reading->packed->data, reading->packed->len, &reading->defaults, &reading->lanes,
			cli_schedules(reading->simulation->cli), &action, &error);
	if (state == ACTION_BAD)
		simulate_bad_row(reading->simulation->cli, row->id, error->message, &reading->bad);
	return !action || reading->each(reading->context, action);
}

static bool table_read(struct reading *reading, GError **error)
{
	const struct simulation *s = reading->simulation;
	struct store *store = cli_open_store(s->cli, CLI_STORE_READ, error);
	if (!store)
		return false;
	bool ok = s->ids ? store_read_ids(store, s->ids, s->id_count, row_take, reading, error)
			 : store_read(store, row_take, reading, error);
	store_close(store);
	return ok;
}

int simulate_each_action(const struct simulation *simulation, simulate_action_fn each, void *context)
{
	GError *error = NULL;
	struct reading reading = {.simulation = simulation,
		.each = each,
		.context = context,
		.lanes = cli_lanes(simulation->cli),
		.packed = g_byte_array_new()};
	cli_defaults(simulation->cli, &reading.defaults);
	reading.bar = progress_bar_new("reading actions", 0, simulation->cli->quiet);
	bool ok = table_read(&reading, &error);
	progress_bar_free(reading.bar);
	g_byte_array_unref(reading.packed);
	if (!ok)
		return cli_fail(simulation->cli, error, "actions_db");
	while (reading.seen < simulation->id_count)
		missing_say(&reading, simulation->ids[reading.seen++]);
	simulate_bad_rows_end(simulation->cli, reading.bad);
	return reading.missing ? EXIT_FAILED : EXIT_DONE;
}
