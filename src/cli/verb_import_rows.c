/* What import crontab and import yaml do alike: read the file, read the table, compare, check, write, list.
 */
#include "cli/verb_import.h"

#include "base/progress_bar.h"
#include "cli/diff_view.h"
#include "cli/row_build.h"
#include "config/problem.h"
#include "config/text_file.h"

#include <string.h>
#include <unistd.h>

/* The largest file, bytes. */
#define FILE_MAX ((size_t)1 << 30)

/* --- file and table --- */

bool import_file_read(const struct cli *cli, const struct import_args *args, struct import_file *file)
{
	GError *error = NULL;
	bool from_stdin = !strcmp(args->file, "-");
	*file = (struct import_file){.name = from_stdin ? "stdin" : args->file};
	file->rows = row_list_new();
	file->problems = config_problems_new();
	if (from_stdin ? text_fd_read(STDIN_FILENO, FILE_MAX, &file->text, &file->length, &error)
		       : text_file_read(args->file, FILE_MAX, &file->text, &file->length, &error))
		return true;
	cli_fail(cli, error, "%s", file->name);
	return false;
}

void import_file_clear(struct import_file *file)
{
	g_free(file->text);
	row_list_free(file->rows);
	g_ptr_array_unref(file->problems);
}

struct table_reading {
	struct row_list *rows;
	struct progress_bar *bar;
};

static bool take_row(void *context, const struct action_row *row)
{
	struct table_reading *reading = context;
	row_list_copy(reading->rows, row);
	progress_bar_set(reading->bar, reading->rows->rows->len);
	return true;
}

bool import_table_read(const struct cli *cli, const struct import_args *args, struct import_table *table)
{
	GError *error = NULL;
	*table = (struct import_table){.rows = row_list_new()};
	table->store = cli_open_store(cli, args->dry_run ? CLI_STORE_READ : CLI_STORE_WRITE, &error);
	struct table_reading reading = {table->rows, progress_bar_new("reading actions", 0, cli->quiet)};
	bool ok = table->store && store_read(table->store, take_row, &reading, &error);
	progress_bar_free(reading.bar);
	if (!ok) {
		cli_fail(cli, error, "actions_db");
		return false;
	}
	table->present = store_columns(table->store);
	return true;
}

void import_table_clear(struct import_table *table)
{
	store_close(table->store);
	row_list_free(table->rows);
}

/* --- whether the rows are good --- */

/* What is written must be able to fire; a row that stays as it is, is not asked. */
static void check_row(struct cli *cli, const struct import_file *file, const struct row_change *change)
{
	g_autoptr(GError) error = NULL;
	struct action_row row = row_change_result(change);
	struct action *action = row_build(cli, &row, &error);
	if (!action) {
		g_autofree char *place = g_strdup_printf("%s:%u", file->name, change->after->line);
		problem_add(file->problems, place, NULL, "%s", error->message);
	}
	action_unref(action);
}

static void check_rows(struct cli *cli, const struct import_file *file, const struct table_diff *diff)
{
	struct progress_bar *bar = progress_bar_new("checking actions", diff->changes->len, cli->quiet);
	for (guint i = 0; i < diff->changes->len && !problems_full(file->problems); i++) {
		const struct row_change *change = &g_array_index(diff->changes, struct row_change, i);
		if (change->kind != ROW_REMOVED)
			check_row(cli, file, change);
		progress_bar_set(bar, i + 1);
	}
	progress_bar_free(bar);
}

/* --- writing --- */

static unsigned bits_of(uint32_t columns)
{
	unsigned bits = 0;
	for (unsigned i = 0; i < ROW_COLUMN_COUNT; i++)
		bits |= columns >> i & 1 ? row_columns[i].bit : 0;
	return bits;
}

static struct store_change *changes_of(const struct table_diff *diff)
{
	static const enum store_change_kind kinds[] = {
		[ROW_ADDED] = STORE_INSERT, [ROW_CHANGED] = STORE_UPDATE, [ROW_REMOVED] = STORE_DELETE};
	struct store_change *changes = g_new0(struct store_change, diff->changes->len + 1);
	for (guint i = 0; i < diff->changes->len; i++) {
		const struct row_change *change = &g_array_index(diff->changes, struct row_change, i);
		changes[i] = (struct store_change){
			.kind = kinds[change->kind],
			.keep_id = change->after && change->after->has_id,
			.set = change->after
				       ? bits_of(change->before ? change->columns : change->after->given)
				       : 0,
			.row = row_change_result(change),
		};
	}
	return changes;
}

static void show_progress(void *context, size_t done)
{
	progress_bar_set(context, done);
}

/* The ids of what was added are known then. */
static bool write_rows(const struct cli *cli, const struct import_table *table, struct import_file *file,
	const struct table_diff *diff)
{
	GError *error = NULL;
	g_autofree struct store_change *changes = changes_of(diff);
	struct progress_bar *bar = progress_bar_new("writing actions", diff->changes->len, cli->quiet);
	bool ok = !diff->changes->len ||
		  store_write(table->store, changes, diff->changes->len, show_progress, bar, &error);
	progress_bar_free(bar);
	for (guint i = 0; ok && i < diff->changes->len; i++) {
		const struct row_change *change = &g_array_index(diff->changes, struct row_change, i);
		if (change->kind != ROW_ADDED)
			continue;
		struct list_row *row = &g_array_index(
			file->rows->rows, struct list_row, change->after - row_list_at(file->rows, 0));
		row->row.id = changes[i].row.id;
		row->has_id = true;
	}
	if (!ok)
		cli_fail(cli, error, "actions_db: nothing was imported");
	return ok;
}

/* --- all of it --- */

/* The line in "FILE:LINE" or "FILE:LINE:COLUMN"; 0 where there is none. */
static guint64 line_of(const struct config_problem *problem, const char *name)
{
	size_t length = strlen(name);
	bool has_line = !strncmp(problem->place, name, length) && problem->place[length] == ':';
	return has_line ? g_ascii_strtoull(problem->place + length + 1, NULL, 10) : 0;
}

static gint by_line(gconstpointer a, gconstpointer b, gpointer name)
{
	guint64 left = line_of(*(const struct config_problem *const *)a, name);
	guint64 right = line_of(*(const struct config_problem *const *)b, name);
	return left < right ? -1 : left > right;
}

void import_file_say(const struct cli *cli, struct import_file *file)
{
	/* The last of too many says that there are more. */
	GPtrArray *problems = file->problems;
	guint last = problems_full(problems) ? 1 : 0;
	g_qsort_with_data(problems->pdata, (gint)(problems->len - last), sizeof(gpointer), by_line,
		(gpointer)file->name);
	for (guint i = 0; i < file->problems->len; i++) {
		g_autofree char *text = config_problem_text(g_ptr_array_index(file->problems, i));
		cli_error(cli, "%s", text);
	}
}

static void report(const struct cli *cli, const struct import_args *args, const struct table_diff *diff)
{
	const size_t *counts = diff->counts;
	cli_say(cli, "%s: added %zu, changed %zu, removed %zu; as they were: %zu",
		args->dry_run ? "rows that would change" : "rows", counts[ROW_ADDED], counts[ROW_CHANGED],
		counts[ROW_REMOVED], diff->unchanged);
}

int import_rows(struct cli *cli, const struct import_args *args, struct import_file *file,
	const struct import_table *table)
{
	int status = EXIT_FAILED;
	struct table_diff *diff = table_diff_new(
		table->rows, table->present, file->rows, file->name, args->prune, file->problems);
	check_rows(cli, file, diff);
	if (file->problems->len) {
		import_file_say(cli, file);
		cli_error(cli, "nothing was imported");
	} else if (args->prune && !file->rows->rows->len && table->rows->rows->len) {
		cli_error(cli,
			"%s has no rows, and --prune would remove all %u of the table; `remove` does that "
			"where "
			"it is meant",
			file->name, table->rows->rows->len);
	} else if (args->dry_run || write_rows(cli, table, file, diff)) {
		diff_view_list(&cli->style, diff);
		report(cli, args, diff);
		status = EXIT_DONE;
	}
	table_diff_free(diff);
	return status;
}
