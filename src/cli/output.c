#include "cli/output.h"

#include "base/json.h"
#include "base/log.h"
#include "base/progress_bar.h"

#include <stdlib.h>
#include <string.h>

/* A column is not cut below this to fit a terminal. */
#define NARROWEST 8
#define GAP       "  "

struct output {
	struct output_style style;
	const struct output_column *columns;
	size_t count;
	size_t *widths;    /* of each column; of shown ones only */
	GPtrArray *sample; /* of GStrv-like char ** with a cell for each column; NULL once written */
	bool first;        /* no row was written yet */
};

size_t output_width(const char *text)
{
	size_t width = 0;
	for (const char *p = text; *p; p = g_utf8_next_char(p)) {
		gunichar c = g_utf8_get_char(p);
		width += g_unichar_iszerowidth(c) ? 0 : g_unichar_iswide(c) ? 2 : 1;
	}
	return width;
}

/* The file, free for writing. */
static FILE *file_of(const struct output_style *style)
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

static const char *state_color(const char *state)
{
	static const struct {
		const char *states, *color;
	} colors[] = {
		{"active delivered ", "32"},
		{"paused skipped merged missed warning ", "33"},
		{"bad failed error ", "31"},
		{"finished note ", "2"},
	};
	g_autofree char *word = g_strconcat(state, " ", NULL);
	for (size_t i = 0; *state && i < G_N_ELEMENTS(colors); i++) {
		const char *at = strstr(colors[i].states, word);
		if (at && (at == colors[i].states || at[-1] == ' '))
			return colors[i].color;
	}
	return NULL;
}

/* Appends at most `width` cells of the text; the last is … where it was cut. Returns the cells used. */
static size_t append_cut(GString *line, const char *text, size_t width)
{
	size_t whole = output_width(text);
	if (whole <= width) {
		g_string_append(line, text);
		return whole;
	}
	size_t used = 0;
	for (const char *p = text; *p;) {
		const char *next = g_utf8_next_char(p);
		g_autofree char *one = g_strndup(p, (gsize)(next - p));
		size_t cells = output_width(one);
		if (used + cells > width - 1)
			break;
		g_string_append(line, one);
		used += cells;
		p = next;
	}
	g_string_append(line, "…");
	return used + 1;
}

static void append_padding(GString *line, size_t cells)
{
	for (size_t i = 0; i < cells; i++)
		g_string_append_c(line, ' ');
}

static void append_cell(
	const struct output *output, GString *line, size_t column, const char *text, bool last)
{
	size_t width = output->widths[column];
	size_t own = output_width(text);
	bool cut = output->style.width && own > width;
	size_t padding = own < width ? width - own : 0;
	const char *color = output->style.color && output->columns[column].look == OUTPUT_STATE
				    ? state_color(text)
				    : NULL;
	if (output->columns[column].look == OUTPUT_RIGHT)
		append_padding(line, padding);
	if (color)
		g_string_append_printf(line, "\033[%sm", color);
	size_t used = append_cut(line, text, cut ? width : own);
	if (color)
		g_string_append(line, "\033[0m");
	/* Nothing but blanks at the end of a line would be noise. */
	if (!last && output->columns[column].look != OUTPUT_RIGHT)
		append_padding(line, padding + (cut ? width - used : 0));
}

static size_t last_shown(const struct output *output)
{
	size_t last = 0;
	for (size_t i = 0; i < output->count; i++)
		if (output->columns[i].title)
			last = i;
	return last;
}

static void write_cells(const struct output *output, char *const *cells, bool heading)
{
	g_autoptr(GString) line = g_string_new(NULL);
	size_t last = last_shown(output);
	bool began = false;
	if (heading && output->style.color)
		g_string_append(line, "\033[1m");
	for (size_t i = 0; i < output->count; i++) {
		if (!output->columns[i].title)
			continue;
		g_string_append(line, began ? GAP : "");
		append_cell(output, line, i, cells[i], i == last);
		began = true;
	}
	while (line->len && line->str[line->len - 1] == ' ')
		g_string_truncate(line, line->len - 1);
	if (heading && output->style.color)
		g_string_append(line, "\033[0m");
	g_string_append_c(line, '\n');
	fwrite(line->str, 1, line->len, file_of(&output->style));
}

static char **row_cells(const struct output *output, const void *row)
{
	char **cells = g_new0(char *, output->count + 1);
	for (size_t i = 0; i < output->count; i++)
		cells[i] = output->columns[i].title ? cell_text(&output->columns[i], row) : g_strdup("");
	return cells;
}

/* Takes from the widest column until the table fits. */
static void fit_widths(struct output *output)
{
	size_t total = 0, shown = 0;
	for (size_t i = 0; i < output->count; i++) {
		total += output->widths[i];
		shown += output->columns[i].title != NULL;
	}
	total += shown ? (shown - 1) * strlen(GAP) : 0;
	while (output->style.width && total > output->style.width) {
		size_t widest = 0;
		for (size_t i = 1; i < output->count; i++)
			if (output->widths[i] > output->widths[widest])
				widest = i;
		if (output->widths[widest] <= NARROWEST)
			return;
		output->widths[widest]--;
		total--;
	}
}

static void choose_widths(struct output *output)
{
	for (size_t i = 0; i < output->count; i++) {
		if (!output->columns[i].title)
			continue;
		output->widths[i] = output_width(output->columns[i].title);
		for (guint j = 0; j < output->sample->len; j++) {
			char **cells = g_ptr_array_index(output->sample, j);
			output->widths[i] = MAX(output->widths[i], output_width(cells[i]));
		}
	}
	fit_widths(output);
}

static void write_heading(const struct output *output)
{
	g_autofree char **titles = g_new0(char *, output->count + 1);
	for (size_t i = 0; i < output->count; i++)
		titles[i] = (char *)output->columns[i].title;
	write_cells(output, titles, true);
}

static void write_sample(struct output *output)
{
	if (!output->sample)
		return;
	choose_widths(output);
	write_heading(output);
	for (guint i = 0; i < output->sample->len; i++)
		write_cells(output, g_ptr_array_index(output->sample, i), false);
	g_clear_pointer(&output->sample, g_ptr_array_unref);
}

static void free_cells(gpointer cells)
{
	g_strfreev(cells);
}

struct output *output_new(const struct output_style *style, const struct output_column *columns, size_t count)
{
	struct output *output = g_new0(struct output, 1);
	output->style = *style;
	output->columns = columns;
	output->count = count;
	output->widths = g_new0(size_t, count);
	output->first = true;
	if (style->format == OUTPUT_TABLE)
		output->sample = g_ptr_array_new_with_free_func(free_cells);
	return output;
}

static void write_json_row(struct output *output, const void *row)
{
	g_autoptr(json_t) object = output_json(output->columns, output->count, row);
	char *text = json_write(object);
	if (output->style.format == OUTPUT_JSON)
		fputs(output->first ? "[\n" : ",\n", file_of(&output->style));
	fputs(text, file_of(&output->style));
	if (output->style.format == OUTPUT_JSONL)
		fputc('\n', output->style.file);
	free(text);
}

static void write_table_row(struct output *output, const void *row)
{
	char **cells = row_cells(output, row);
	if (output->sample) {
		g_ptr_array_add(output->sample, cells);
		if (output->sample->len == OUTPUT_SAMPLE)
			write_sample(output);
		return;
	}
	write_cells(output, cells, false);
	g_strfreev(cells);
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
	write_sample(output);
	fflush(output->style.file);
}

void output_abandon(struct output *output)
{
	g_clear_pointer(&output->sample, g_ptr_array_unref);
	g_free(output->widths);
	g_free(output);
}

void output_end(struct output *output)
{
	write_sample(output);
	if (output->style.format == OUTPUT_JSON)
		fputs(output->first ? "[]\n" : "\n]\n", file_of(&output->style));
	output_abandon(output);
}

static void write_lines(
	const struct output_style *style, const struct output_column *columns, size_t count, const void *row)
{
	size_t widest = 0;
	for (size_t i = 0; i < count; i++)
		if (columns[i].title)
			widest = MAX(widest, output_width(columns[i].title));
	for (size_t i = 0; i < count; i++) {
		if (!columns[i].title)
			continue;
		g_autofree char *text = cell_text(&columns[i], row);
		const char *color =
			style->color && columns[i].look == OUTPUT_STATE ? state_color(text) : NULL;
		g_autoptr(GString) line = g_string_new(columns[i].title);
		if (*text)
			append_padding(line, widest - output_width(columns[i].title));
		g_string_append_printf(line, "%s%s%s%s%s%s\n", *text ? GAP : "", color ? "\033[" : "",
			color ? color : "", color ? "m" : "", text, color ? "\033[0m" : "");
		fwrite(line->str, 1, line->len, file_of(style));
	}
}

void output_object(
	const struct output_style *style, const struct output_column *columns, size_t count, const void *row)
{
	if (style->format == OUTPUT_TABLE) {
		write_lines(style, columns, count, row);
		return;
	}
	g_autoptr(json_t) object = output_json(columns, count, row);
	char *text = style->format == OUTPUT_JSON ? json_dumps(object, JSON_INDENT(2)) : json_write(object);
	fprintf(file_of(style), "%s\n", text);
	free(text);
}
