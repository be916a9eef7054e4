#include "config/row_list.h"

#include <string.h>

uint32_t row_list_all_columns(void)
{
	uint32_t all = 0;
	for (unsigned i = 0; i < ROW_COLUMN_COUNT; i++)
		if (row_columns[i].offset != NOT_IN_ROW)
			all |= UINT32_C(1) << i;
	return all;
}

struct row_list *row_list_new(void)
{
	struct row_list *set = g_new0(struct row_list, 1);
	set->rows = g_array_new(FALSE, TRUE, sizeof(struct list_row));
	set->texts = g_string_chunk_new(1 << 16);
	return set;
}

void row_list_free(struct row_list *set)
{
	if (!set)
		return;
	g_array_unref(set->rows);
	g_string_chunk_free(set->texts);
	g_free(set);
}

void row_list_add(struct row_list *set, const struct list_row *row)
{
	g_array_append_vals(set->rows, row, 1);
	set->bytes += sizeof *row;
}

bool row_list_is_full(const struct row_list *set)
{
	return set->bytes > ROW_LIST_BYTES_MAX;
}

struct text row_list_text(struct row_list *set, const char *data, size_t length)
{
	if (!data)
		return (struct text){0};
	set->bytes += length + 1;
	return (struct text){g_string_chunk_insert_len(set->texts, data, (gssize)length), length};
}

void row_list_copy(struct row_list *set, const struct action_row *row)
{
	struct list_row copy = {.row = *row, .has_id = true, .given = row_list_all_columns()};
	for (unsigned i = 0; i < ROW_COLUMN_COUNT; i++) {
		const struct column *column = &row_columns[i];
		if (column->offset == NOT_IN_ROW)
			continue;
		struct text *text = column->kind == COLUMN_TEXT ? column_text(column, &copy.row)
								: &column_int(column, &copy.row)->bad;
		*text = row_list_text(set, text->data, text->length);
	}
	row_list_add(set, &copy);
}

void row_list_column(
	struct row_list *set, struct list_row *row, unsigned column, const char *data, size_t length)
{
	const struct column *c = &row_columns[column];
	struct text text = row_list_text(set, data, length);
	row->given |= UINT32_C(1) << column;
	if (c->kind == COLUMN_TEXT)
		*column_text(c, &row->row) = text;
	else if (data)
		column_parse(c->kind, text, column_int(c, &row->row));
	else
		*column_int(c, &row->row) = (struct maybe_int){0};
}

unsigned row_list_column_named(const char *name)
{
	unsigned i = 0;
	while (i < ROW_COLUMN_COUNT &&
		(row_columns[i].offset == NOT_IN_ROW || strcmp(row_columns[i].name, name)))
		i++;
	return i;
}
