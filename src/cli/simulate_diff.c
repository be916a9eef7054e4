/* What an edit of the table, as `import yaml` would make it, changes of the fires. */
#include "base/json.h"
#include "base/progress_bar.h"
#include "cli/simulate.h"
#include "cli/table_diff.h"
#include "model/fire_diff.h"

/* Two schedules without jitter differ for every action alike. */
struct pair {
	struct schedule *before, *after; /* references; NULL: without fires */
};

struct comparing {
	const struct simulation *simulation;
	const char *name; /* of the file */
	struct action_defaults defaults;
	struct lane_names lanes;
	GHashTable *known; /* struct pair → struct fire_diff */
	int64_t next_id;   /* of the next row to be added */
	uint64_t bad, gone, added;
};

struct diff_row {
	const struct simulation *simulation;
	const struct row_change *change;
	struct fire_diff fires;
};

/* --- columns --- */

static const struct list_row *row_of(const void *row)
{
	const struct row_change *change = ((const struct diff_row *)row)->change;
	return change->before ? change->before : change->after;
}

static json_t *change_json(const void *row)
{
	static const char *const names[] = {
		[ROW_ADDED] = "added", [ROW_CHANGED] = "changed", [ROW_REMOVED] = "removed"};
	return json_string(names[((const struct diff_row *)row)->change->kind]);
}

static json_t *id_json(const void *row)
{
	return row_of(row)->has_id ? json_integer(row_of(row)->row.id) : json_null();
}

static json_t *name_json(const void *row)
{
	struct action_row result = row_change_result(((const struct diff_row *)row)->change);
	return json_text(result.name.data, result.name.length);
}

static json_t *columns_json(const void *row)
{
	const struct row_change *change = ((const struct diff_row *)row)->change;
	json_t *columns = json_array();
	for (unsigned i = 0; i < ROW_COLUMN_COUNT; i++)
		if (change->columns >> i & 1)
			json_array_append_new(columns, json_string(row_columns[i].name));
	return columns;
}

static char *columns_text(const void *row)
{
	const struct row_change *change = ((const struct diff_row *)row)->change;
	GString *text = g_string_new(NULL);
	for (unsigned i = 0; change->kind == ROW_CHANGED && i < ROW_COLUMN_COUNT; i++)
		if (change->columns >> i & 1)
			g_string_append_printf(text, "%s%s", text->len ? ", " : "", row_columns[i].name);
	return g_string_free(text, FALSE);
}

static json_t *count_json(uint64_t count)
{
	return json_integer((json_int_t)count);
}

static json_t *gone_json(const void *row)
{
	return count_json(((const struct diff_row *)row)->fires.gone);
}

static json_t *new_json(const void *row)
{
	return count_json(((const struct diff_row *)row)->fires.added);
}

static json_t *kept_json(const void *row)
{
	return count_json(((const struct diff_row *)row)->fires.kept);
}

static json_t *time_json(const void *row, time_us t)
{
	char text[TIME_TEXT_MAX];
	if (t == TIME_US_MAX)
		return json_null();
	return json_string(zone_format(((const struct diff_row *)row)->simulation->zone, t, text));
}

static json_t *first_gone_json(const void *row)
{
	return time_json(row, ((const struct diff_row *)row)->fires.first_gone);
}

static json_t *first_new_json(const void *row)
{
	return time_json(row, ((const struct diff_row *)row)->fires.first_added);
}

static const struct output_column columns[] = {
	{"change", "CHANGE", change_json, NULL, OUTPUT_LEFT},
	{"action_id", "ID", id_json, NULL, OUTPUT_RIGHT},
	{"action_name", "NAME", name_json, NULL, OUTPUT_LEFT},
	{"gone", "GONE", gone_json, NULL, OUTPUT_RIGHT},
	{"new", "NEW", new_json, NULL, OUTPUT_RIGHT},
	{"kept", "KEPT", kept_json, NULL, OUTPUT_RIGHT},
	{"first_gone", "FIRST GONE", first_gone_json, NULL, OUTPUT_WHOLE, 2},
	{"first_new", "FIRST NEW", first_new_json, NULL, OUTPUT_WHOLE, 1},
	{"columns", "COLUMNS", columns_json, columns_text, OUTPUT_LEFT},
};

/* --- comparing --- */

static guint pair_hash(gconstpointer key)
{
	const struct pair *pair = key;
	return g_direct_hash(pair->before) * 31 + g_direct_hash(pair->after);
}

static gboolean pair_equal(gconstpointer a, gconstpointer b)
{
	const struct pair *x = a, *y = b;
	return x->before == y->before && x->after == y->after;
}

static void pair_free(gpointer data)
{
	struct pair *pair = data;
	schedule_unref(pair->before);
	schedule_unref(pair->after);
	g_free(pair);
}

/* The schedule by which a row fires, the caller's reference; NULL where it does not, which is said of a row
 * of the file: `line` is not 0. */
static struct schedule *schedule_of(struct comparing *c, const struct action_row *row, unsigned line)
{
	g_autoptr(GByteArray) packed = g_byte_array_new();
	g_autoptr(GError) error = NULL;
	struct action *action = NULL;
	action_pack(row, &c->defaults, packed);
	enum action_state state = action_build(packed->data, packed->len, &c->defaults, &c->lanes,
		cli_schedules(c->simulation->cli), &action, &error);
	if (state == ACTION_BAD && line)
		simulate_bad_line(c->simulation->cli, c->name, line, error->message, &c->bad);
	struct schedule *schedule = action ? schedule_ref(action->schedule) : NULL;
	action_unref(action);
	return schedule;
}

static bool has_jitter(const struct schedule *schedule)
{
	return schedule && schedule_jitter(schedule) > 0;
}

static void fires_compare(struct comparing *c, const struct pair *pair, int64_t id, struct fire_diff *out)
{
	const struct simulation *s = c->simulation;
	bool alike = !has_jitter(pair->before) && !has_jitter(pair->after);
	const struct fire_diff *known = alike ? g_hash_table_lookup(c->known, pair) : NULL;
	if (known) {
		*out = *known;
		return;
	}
	fire_diff_make(pair->before, pair->after, id, s->from, s->to, out);
	if (!alike)
		return;
	struct pair copy = {pair->before ? schedule_ref(pair->before) : NULL,
		pair->after ? schedule_ref(pair->after) : NULL};
	g_hash_table_insert(c->known, g_memdup2(&copy, sizeof copy), g_memdup2(out, sizeof *out));
}

static void change_compare(struct comparing *c, const struct row_change *change, struct fire_diff *out)
{
	struct action_row before = change->before ? change->before->row : (struct action_row){0};
	struct action_row after = row_change_result(change);
	/* What it draws as jitter until it has an id of the database. */
	if (change->kind == ROW_ADDED && !change->after->has_id)
		after.id = c->next_id++;
	struct pair pair = {
		.before = change->before ? schedule_of(c, &before, 0) : NULL,
		.after = change->after ? schedule_of(c, &after, change->after->line) : NULL,
	};
	fires_compare(c, &pair, after.id, out);
	c->gone += out->gone;
	c->added += out->added;
	schedule_unref(pair.before);
	schedule_unref(pair.after);
}

static bool is_asked(const struct simulation *s, const struct row_change *change)
{
	const struct list_row *row = change->before ? change->before : change->after;
	return !s->ids || (row->has_id && simulate_is_asked(s, row->row.id));
}

static void list(struct comparing *c, const struct table_diff *diff)
{
	const struct simulation *s = c->simulation;
	struct output *output = output_new(&s->cli->style, columns, G_N_ELEMENTS(columns));
	struct progress_bar *bar = progress_bar_new("comparing fires", diff->changes->len, s->cli->quiet);
	uint64_t listed = 0;
	for (guint i = 0; i < diff->changes->len && !ferror(s->cli->style.file); i++) {
		struct diff_row row = {s, &g_array_index(diff->changes, struct row_change, i), {0}};
		if (!is_asked(s, row.change))
			continue;
		change_compare(c, row.change, &row.fires);
		if (listed++ < s->limit)
			output_row(output, &row);
		progress_bar_set(bar, i + 1);
	}
	progress_bar_free(bar);
	output_end(output);
}

static int compare(
	const struct simulation *s, const struct row_list *table, unsigned present, struct import_file *file)
{
	struct comparing c = {
		.simulation = s, .name = file->name, .lanes = cli_row_lanes(s->cli), .next_id = 1};
	cli_defaults(s->cli, &c.defaults);
	c.known = g_hash_table_new_full(pair_hash, pair_equal, pair_free, g_free);
	if (table->rows->len)
		c.next_id = row_list_at(table, table->rows->len - 1)->row.id + 1;
	struct table_diff *diff =
		table_diff_new(table, present, file->rows, file->name, s->prune, file->problems);
	import_file_say(s->cli, file);
	list(&c, diff);
	simulate_bad_rows_end(s->cli, c.bad);
	cli_say(s->cli,
		"fires gone: %" G_GUINT64_FORMAT ", new: %" G_GUINT64_FORMAT
		"; rows added: %zu, changed: %zu, removed: %zu, as they were: %zu",
		c.gone, c.added, diff->counts[ROW_ADDED], diff->counts[ROW_CHANGED],
		diff->counts[ROW_REMOVED], diff->unchanged);
	table_diff_free(diff);
	g_hash_table_unref(c.known);
	return c.bad || file->problems->len ? EXIT_FAILED : EXIT_DONE;
}

static bool proposed_read(const struct simulation *s, struct import_file *file)
{
	struct import_args args = {.file = s->diff};
	if (!import_file_read(s->cli, &args, file))
		return false;
	if (import_yaml_read(file))
		return true;
	import_file_say(s->cli, file);
	return false;
}

/* The proposed rows with those of another file, or of the table. */
static int compare_with(const struct simulation *s, struct import_file *proposed)
{
	int status = EXIT_FAILED;
	struct import_args args = {.dry_run = true};
	struct import_table table;
	struct import_file other;
	if (s->table) {
		if (simulate_file_read(s->cli, s->table, &other))
			status = compare(s, other.rows, COLUMNS_OPTIONAL, proposed);
		import_file_clear(&other);
		return status;
	}
	if (import_table_read(s->cli, &args, &table))
		status = compare(s, table.rows, table.present, proposed);
	import_table_clear(&table);
	return status;
}

int simulate_diff(const struct simulation *simulation)
{
	struct import_file proposed;
	int status = EXIT_FAILED;
	if (proposed_read(simulation, &proposed))
		status = compare_with(simulation, &proposed);
	import_file_clear(&proposed);
	return status;
}
