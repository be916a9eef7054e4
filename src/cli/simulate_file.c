/* A file that stands for the table. */
#include "cli/simulate.h"
#include "config/problem.h"

static gint by_id(gconstpointer a, gconstpointer b)
{
	const struct list_row *x = a, *y = b;
	if (x->row.id != y->row.id)
		return x->row.id < y->row.id ? -1 : 1;
	return (x->line > y->line) - (x->line < y->line);
}

/* As a table that is empty would number them, but for ids that stand further down. */
static void number_rows(struct import_file *file)
{
	g_autoptr(GHashTable) taken = g_hash_table_new(g_int64_hash, g_int64_equal);
	GArray *rows = file->rows->rows;
	int64_t last = 0;
	for (guint i = 0; i < rows->len; i++)
		if (row_list_at(file->rows, i)->has_id)
			g_hash_table_add(taken, (gpointer)&row_list_at(file->rows, i)->row.id);
	for (guint i = 0; i < rows->len; i++) {
		struct list_row *row = &g_array_index(rows, struct list_row, i);
		if (!row->has_id) {
			do
				last++;
			while (g_hash_table_contains(taken, &last));
			row->row.id = last;
		}
		row->has_id = true;
		last = MAX(last, MIN(row->row.id, INT64_MAX / 2));
	}
}

/* Of rows with one id the first stays. */
static void drop_doubles(struct import_file *file)
{
	GArray *rows = file->rows->rows;
	guint kept = 0;
	for (guint i = 0; i < rows->len; i++) {
		struct list_row *row = &g_array_index(rows, struct list_row, i);
		const struct list_row *before = kept ? row_list_at(file->rows, kept - 1) : NULL;
		if (before && before->row.id == row->row.id) {
			g_autofree char *place = g_strdup_printf("%s:%u", file->name, row->line);
			problem_add(file->problems, place, "id",
				"%" G_GINT64_FORMAT " stands in line %u already", row->row.id, before->line);
			continue;
		}
		if (kept != i)
			g_array_index(rows, struct list_row, kept) = *row;
		kept++;
	}
	g_array_set_size(rows, kept);
}

bool simulate_file_read(struct cli *cli, const char *name, struct import_file *file)
{
	struct import_args args = {.file = name};
	if (!import_file_read(cli, &args, file))
		return false;
	bool read = import_yaml_read(file);
	if (read) {
		number_rows(file);
		g_array_sort(file->rows->rows, by_id);
		drop_doubles(file);
	}
	import_file_say(cli, file);
	return read;
}
