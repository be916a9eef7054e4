#include "cli/output.h"

#include "base/json.h"
#include "base/log.h"
#include "base/progress_bar.h"
#include "cli/cells.h"
#include "cli/table.h"

#include <stdlib.h>
#include <string.h>

struct output {
	struct output_style style;
	const struct output_column *columns;
	size_t count;
	struct table *table; /* NULL in JSON */
	bool first;          /* no row was written yet */
};

FILE *output_file(const struct output_style *style)
{
	if (style->terminal)
		progress_bar_hide();
	return style->file;
}

json_t *output_json(const struct output_column *columns, size_t count, const void *row)
{
	json_t *object = json_object();
	for (size_t i = 0; i < count; i++) {
		json_t *value = columns[i].key ? columns[i].json(row) : NULL;
		if (value)
			json_object_set_new(object, columns[i].key, value);
	}
	return object;
}

static char *text_of_json(json_t *value)
{
	if (!value || json_is_null(value))
		return NULL;
	if (json_is_string(value))
		return g_strndup(json_string_value(value), json_string_length(value));
	if (json_is_boolean(value))
		return g_strdup(json_is_true(value) ? "yes" : "no");
	char *raw = json_write(value);
	char *text = g_strdup(raw);
	free(raw);
	return text;
}

/* Never NULL, on one line, valid UTF-8. */
static char *cell_text(const struct output_column *column, const void *row)
{
	g_autofree char *raw = NULL;
	if (column->text) {
		raw = column->text(row);
	} else {
		g_autoptr(json_t) value = column->json(row);
		raw = text_of_json(value);
	}
	return raw ? log_escape(raw) : g_strdup("");
}

struct output *output_new(const struct output_style *style, const struct output_column *columns, size_t count)
{
	struct output *output = g_new0(struct output, 1);
	output->style = *style;
	output->columns = columns;
	output->count = count;
	output->first = true;
	if (style->format == OUTPUT_TABLE)
		output->table = table_new(&output->style, columns, count);
	return output;
}

static void write_json_row(struct output *output, const void *row)
{
	g_autoptr(json_t) object = output_json(output->columns, output->count, row);
	char *text = json_write(object);
	if (output->style.format == OUTPUT_JSON)
		fputs(output->first ? "[\n" : ",\n", output_file(&output->style));
	fputs(text, output_file(&output->style));
	if (output->style.format == OUTPUT_JSONL)
		fputc('\n', output->style.file);
	free(text);
}

static void write_table_row(struct output *output, const void *row)
{
	char **cells = g_new0(char *, output->count);
	for (size_t i = 0; i < output->count; i++)
		if (output->columns[i].title)
			cells[i] = cell_text(&output->columns[i], row);
	table_add(output->table, cells);
}

void output_row(struct output *output, const void *row)
{
	if (output->style.format == OUTPUT_TABLE)
		write_table_row(output, row);
	else
		write_json_row(output, row);
	output->first = false;
}

bool output_is_table(const struct output *output)
{
	return output->style.format == OUTPUT_TABLE;
}

void output_flush(struct output *output)
{
	if (output->table)
		table_flush(output->table);
	fflush(output->style.file);
}

void output_resize(struct output *output, unsigned width)
{
	if (width == output->style.width)
		return;
	output->style.width = width;
	if (output->table)
		table_fit_again(output->table);
}

void output_abandon(struct output *output)
{
	table_free(output->table);
	g_free(output);
}

void output_end(struct output *output)
{
	if (output->table)
		table_flush(output->table);
	if (output->style.format == OUTPUT_JSON)
		fputs(output->first ? "[]\n" : "\n]\n", output_file(&output->style));
	output_abandon(output);
}

static void write_lines(
	const struct output_style *style, const struct output_column *columns, size_t count, const void *row)
{
	size_t widest = 0;
	for (size_t i = 0; i < count; i++)
		if (columns[i].title)
			widest = MAX(widest, cells_width(columns[i].title));
	for (size_t i = 0; i < count; i++) {
		if (!columns[i].title)
			continue;
		g_autofree char *text = cell_text(&columns[i], row);
		const char *color =
			style->color && columns[i].look == OUTPUT_STATE ? table_state_color(text) : NULL;
		g_autoptr(GString) line = g_string_new(columns[i].title);
		if (*text)
			cells_append_blanks(line, widest - cells_width(columns[i].title));
		g_string_append_printf(line, "%s%s%s%s%s%s\n", *text ? "  " : "", color ? "\033[" : "",
			color ? color : "", color ? "m" : "", text, color ? "\033[0m" : "");
		fwrite(line->str, 1, line->len, output_file(style));
	}
}

void output_document(const struct output_style *style, const json_t *document)
{
	char *text = style->format == OUTPUT_JSON ? json_dumps(document, JSON_INDENT(2) | JSON_DIGITS)
						  : json_write(document);
	fprintf(output_file(style), "%s\n", text);
	free(text);
}

void output_object(
	const struct output_style *style, const struct output_column *columns, size_t count, const void *row)
{
	if (style->format == OUTPUT_TABLE) {
		write_lines(style, columns, count, row);
		return;
	}
	g_autoptr(json_t) object = output_json(columns, count, row);
	output_document(style, object);
}
