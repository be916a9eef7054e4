#include "cli/row_set.h"

#include "cli/action_view.h"
#include "cli/last_status.h"
#include "model/row_columns.h"

/* --- ids --- */

static gint compare_ids(gconstpointer a, gconstpointer b)
{
	const int64_t *x = a, *y = b;
	return (*x > *y) - (*x < *y);
}

int row_set_parse(struct cli *cli, char **arguments, GArray **ids)
{
	g_autoptr(GArray) sorted = g_array_new(FALSE, FALSE, sizeof(int64_t));
	for (char **argument = arguments; *argument; argument++) {
		int64_t id;
		if (!cli_parse_int(*argument, &id))
			return cli_usage(cli, "'%s' is not an id", *argument);
		g_array_append_val(sorted, id);
	}
	if (!sorted->len)
		return cli_usage(cli, "%s takes one id or more", cli->verb->name);
	g_array_sort(sorted, compare_ids);
	*ids = g_array_new(FALSE, FALSE, sizeof(int64_t));
	for (guint i = 0; i < sorted->len; i++)
		if (!i || g_array_index(sorted, int64_t, i) != g_array_index(sorted, int64_t, i - 1))
			g_array_append_val(*ids, g_array_index(sorted, int64_t, i));
	return EXIT_DONE;
}

/* --- rows --- */

static void keep_text(struct row_set *set, struct text *text)
{
	if (text->data)
		text->data = g_string_chunk_insert_len(set->texts, text->data, (gssize)text->length);
}

static bool keep_row(void *context, const struct action_row *row)
{
	struct row_set *set = context;
	struct action_row copy = *row;
	for (size_t i = 0; i < ROW_COLUMN_COUNT; i++) {
		const struct column *column = &row_columns[i];
		if (column->offset == NOT_IN_ROW)
			continue;
		keep_text(set, column->kind == COLUMN_TEXT ? column_text(column, &copy)
							   : &column_int(column, &copy)->bad);
	}
	g_array_append_val(set->rows, copy);
	return true;
}

static bool is_there(const struct row_set *set, int64_t id)
{
	const struct action_row key = {.id = id};
	return g_array_binary_search((GArray *)set->rows, &key, compare_ids, NULL);
}

static int rows_read(struct cli *cli, struct store *store, const GArray *ids, struct row_set *set)
{
	GError *error = NULL;
	if (!store_read_ids(store, (const int64_t *)ids->data, ids->len, keep_row, set, &error))
		return cli_fail(cli, error, "actions_db");
	for (guint i = 0; i < ids->len && set->rows->len < ids->len; i++) {
		int64_t id = g_array_index(ids, int64_t, i);
		if (!is_there(set, id))
			cli_error(cli, "there is no action %" G_GINT64_FORMAT, id);
	}
	return set->rows->len == ids->len ? EXIT_DONE : EXIT_FAILED;
}

int row_set_change(
	struct cli *cli, const GArray *ids, enum cli_store_mode mode, row_set_fn change, void *context)
{
	GError *error = NULL;
	if (!cli_prepare(cli))
		return EXIT_FAILED;
	struct store *store = cli_open_store(cli, mode, &error);
	if (!store)
		return cli_fail(cli, error, "actions_db");
	struct row_set set = {g_array_new(FALSE, FALSE, sizeof(struct action_row)), g_string_chunk_new(4096)};
	int status = rows_read(cli, store, ids, &set);
	if (status == EXIT_DONE)
		status = change(cli, store, &set, context);
	g_array_unref(set.rows);
	g_string_chunk_free(set.texts);
	store_close(store);
	return status;
}

void row_set_show(struct cli *cli, const struct row_set *set)
{
	struct output *output = output_new(&cli->style, action_columns, action_columns_count);
	g_autoptr(GError) error = NULL;
	struct journal *journal = cli_open_journal(cli, &error);
	for (guint i = 0; i < set->rows->len; i++) {
		struct action_view view;
		action_view_init(&view, cli, &g_array_index(set->rows, struct action_row, i));
		view.last_status = error ? NULL : last_status_of(journal, view.row->id, &error);
		output_row(output, &view);
		action_view_clear(&view);
	}
	journal_close(journal);
	output_end(output);
	if (error)
		cli_warn(cli, "the last results are not known: internal_db: %s", error->message);
}
