#include "base/progress_bar.h"
#include "cli/simulate.h"

#include <stdlib.h>

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

static int id_compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

bool simulate_is_asked(const struct simulation *s, int64_t id)
{
	return !s->ids || bsearch(&id, s->ids, s->id_count, sizeof *s->ids, id_compare);
}

void simulate_bad_row(const struct cli *cli, int64_t id, const char *reason, uint64_t *said)
{
	if ((*said)++ < BAD_SHOWN)
		cli_error(cli, "action %" G_GINT64_FORMAT " does not fire: %s", id, reason);
}

void simulate_bad_line(
	const struct cli *cli, const char *name, unsigned line, const char *reason, uint64_t *said)
{
	if ((*said)++ < BAD_SHOWN)
		cli_error(cli, "%s:%u: the action does not fire: %s", name, line, reason);
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

static int file_read(struct reading *reading)
{
	const struct simulation *s = reading->simulation;
	struct import_file file;
	bool read = simulate_file_read(s->cli, s->table, &file);
	for (guint i = 0; read && i < file.rows->rows->len; i++) {
		const struct action_row *row = &row_list_at(file.rows, i)->row;
		if (simulate_is_asked(s, row->id) && !row_take(reading, row))
			break;
	}
	import_file_clear(&file);
	return read ? EXIT_DONE : EXIT_FAILED;
}

static int table_read(struct reading *reading)
{
	const struct simulation *s = reading->simulation;
	GError *error = NULL;
	struct store *store = cli_open_store(s->cli, CLI_STORE_READ, &error);
	bool ok = store && (s->ids ? store_read_ids(store, s->ids, s->id_count, row_take, reading, &error)
				   : store_read(store, row_take, reading, &error));
	store_close(store);
	return ok ? EXIT_DONE : cli_fail(s->cli, error, "actions_db");
}

int simulate_each_action(const struct simulation *simulation, simulate_action_fn each, void *context)
{
	struct reading reading = {.simulation = simulation,
		.each = each,
		.context = context,
		.lanes = cli_row_lanes(simulation->cli),
		.packed = g_byte_array_new()};
	cli_defaults(simulation->cli, &reading.defaults);
	reading.bar = progress_bar_new("reading actions", 0, simulation->cli->quiet);
	int status = simulation->table ? file_read(&reading) : table_read(&reading);
	progress_bar_free(reading.bar);
	g_byte_array_unref(reading.packed);
	if (status != EXIT_DONE)
		return status;
	while (reading.seen < simulation->id_count)
		missing_say(&reading, simulation->ids[reading.seen++]);
	simulate_bad_rows_end(simulation->cli, reading.bad);
	return reading.missing ? EXIT_FAILED : EXIT_DONE;
}
