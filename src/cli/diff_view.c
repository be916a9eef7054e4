#include "cli/diff_view.h"

#include "base/json.h"
#include "cli/action_view.h"

#include <stdlib.h>
#include <string.h>

static const char *const kind_names[] = {"added", "changed", "removed"};

/* A line of a table; in JSON `column` is ROW_COLUMN_COUNT and the row has them all. */
struct line {
	const struct row_change *change;
	struct action_row before, after;
	unsigned column;
};

json_t *diff_view_value(const struct column *column, const struct action_row *row)
{
	struct action_row copy = *row;
	if (column->kind == COLUMN_TEXT) {
		struct text text = *column_text(column, &copy);
		json_t *document = NULL;
		if (text.data && !strcmp(column->name, "cron"))
			document = json_read(text.data, text.length, NULL);
		return document ? document : json_text(text.data, text.length);
	}
	const struct maybe_int *value = column_int(column, &copy);
	if (!value->set)
		return json_text(value->bad.data, value->bad.length);
	if (column->kind == COLUMN_BOOLEAN && (value->value == 0 || value->value == 1))
		return json_boolean(value->value);
	return json_integer(value->value);
}

static json_t *change_json(const void *row)
{
	return json_string(kind_names[((const struct line *)row)->change->kind]);
}

static json_t *id_json(const void *row)
{
	const struct row_change *change = ((const struct line *)row)->change;
	bool known = change->before || change->after->has_id;
	return known ? json_integer(change->before ? change->before->row.id : change->after->row.id)
		     : json_null();
}

static json_t *name_json(const void *row)
{
	const struct line *line = row;
	struct text name = line->change->kind == ROW_REMOVED ? line->before.name : line->after.name;
	return json_text(name.data, name.length);
}

static json_t *line_json(const void *row)
{
	const struct list_row *after = ((const struct line *)row)->change->after;
	return after ? json_integer(after->line) : json_null();
}

static json_t *columns_json(const void *row)
{
	const struct line *line = row;
	json_t *list = json_array();
	for (unsigned i = 0; i < ROW_COLUMN_COUNT; i++)
		if (line->change->columns >> i & 1)
			json_array_append_new(
				list, json_pack("{s:s,s:o,s:o}", "column", row_columns[i].name, "from",
					      diff_view_value(&row_columns[i], &line->before), "to",
					      diff_view_value(&row_columns[i], &line->after)));
	return list;
}

static char *column_text_of(const void *row)
{
	return g_strdup(row_columns[((const struct line *)row)->column].name);
}

static char *value_text(const struct line *line, const struct action_row *row)
{
	g_autoptr(json_t) value = diff_view_value(&row_columns[line->column], row);
	if (json_is_null(value))
		return NULL;
	if (json_is_string(value))
		return g_strdup(json_string_value(value));
	char *text = json_is_object(value) ? schedule_short_text(value) : NULL;
	if (text)
		return text;
	char *raw = json_write(value);
	text = g_strdup(raw);
	free(raw);
	return text;
}

static char *from_text(const void *row)
{
	const struct line *line = row;
	return line->change->kind == ROW_ADDED ? NULL : value_text(line, &line->before);
}

static char *to_text(const void *row)
{
	const struct line *line = row;
	return line->change->kind == ROW_REMOVED ? NULL : value_text(line, &line->after);
}

static const struct output_column columns[] = {
	{"change", "CHANGE", change_json, NULL, OUTPUT_STATE},
	{"id", "ID", id_json, NULL, OUTPUT_RIGHT},
	{"name", "NAME", name_json, NULL, OUTPUT_LEFT},
	{"line", NULL, line_json, NULL, OUTPUT_RIGHT},
	{"columns", NULL, columns_json, NULL, OUTPUT_LEFT},
	{NULL, "COLUMN", NULL, column_text_of, OUTPUT_LEFT},
	{NULL, "FROM", NULL, from_text, OUTPUT_LEFT},
	{NULL, "TO", NULL, to_text, OUTPUT_LEFT},
};

static void list_change(struct output *output, const struct row_change *change)
{
	struct line line = {.change = change, .column = ROW_COLUMN_COUNT};
	if (change->before)
		line.before = change->before->row;
	if (change->kind != ROW_REMOVED)
		line.after = row_change_result(change);
	if (!output_is_table(output)) {
		output_row(output, &line);
		return;
	}
	/* The name of a row that comes or goes is there already. */
	uint32_t shown = change->columns;
	if (change->kind != ROW_CHANGED)
		shown &= ~(UINT32_C(1) << row_list_column_named("name"));
	for (line.column = 0; line.column < ROW_COLUMN_COUNT; line.column++)
		if (shown >> line.column & 1)
			output_row(output, &line);
}

void diff_view_list(const struct output_style *style, const struct table_diff *diff)
{
	struct output *output = output_new(style, columns, G_N_ELEMENTS(columns));
	for (guint i = 0; i < diff->changes->len && !ferror(style->file); i++)
		list_change(output, &g_array_index(diff->changes, struct row_change, i));
	output_end(output);
}
