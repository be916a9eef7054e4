#include "cli/table.h"

#include "cli/cells.h"

#include <string.h>

/* A column is not cut below this to fit a terminal, ... */
#define NARROWEST   8
/* ... nor below this as long as a column that can be spared is shown. */
#define COMFORTABLE 10
#define GAP         "  "

struct table {
	const struct output_style *style;
	const struct output_column *columns;
	size_t count;
	struct table_fit *natural, *fits;
	GPtrArray *sample; /* of char **, a cell for each column; NULL once the widths are known */
	GString *line;
};

const char *table_state_color(const char *state)
{
	static const struct {
		const char *states, *color;
	} colors[] = {
		{"active delivered running ready up ok yes added healthy ", "32"},
		{"paused skipped merged missed warning queued waiting held changed ", "33"},
		{"bad failed error down removed unhealthy failing ", "31"},
		{"not running ", "31"},
		{"finished note unused ", "2"},
	};
	g_autofree char *word = g_strconcat(state, " ", NULL);
	for (size_t i = 0; *state && i < G_N_ELEMENTS(colors); i++) {
		const char *at = strstr(colors[i].states, word);
		if (at && (at == colors[i].states || at[-1] == ' '))
			return colors[i].color;
	}
	return NULL;
}

/* --- what gives way --- */

static bool is_text(const struct output_column *column)
{
	return column->look == OUTPUT_LEFT;
}

/* Of the whole table with no text wider than `most`. */
static size_t total_width(
	const struct output_column *columns, const struct table_fit *fits, size_t count, size_t most)
{
	size_t total = 0, shown = 0;
	for (size_t i = 0; i < count; i++) {
		if (!fits[i].shown)
			continue;
		total += is_text(&columns[i]) ? MIN(fits[i].width, most) : fits[i].width;
		shown++;
	}
	return total + (shown ? (shown - 1) * strlen(GAP) : 0);
}

/* What is missed least: a column with nothing in it, then the sparest. Returns whether there was one. */
static bool hide_one(const struct output_column *columns, struct table_fit *fits, size_t count)
{
	size_t chosen = count;
	unsigned most = 0;
	for (size_t i = 0; i < count; i++) {
		unsigned spare = fits[i].empty ? G_MAXUINT : columns[i].spare;
		if (fits[i].shown && spare && spare >= most) {
			chosen = i;
			most = spare;
		}
	}
	if (chosen < count)
		fits[chosen].shown = false;
	return chosen < count;
}

/* The widest text that can still be cut; count where there is none. */
static size_t widest_text(const struct output_column *columns, const struct table_fit *fits, size_t count)
{
	size_t widest = count;
	for (size_t i = 0; i < count; i++)
		if (fits[i].shown && is_text(&columns[i]) && fits[i].width > NARROWEST &&
			(widest == count || fits[i].width > fits[widest].width))
			widest = i;
	return widest;
}

void table_fit(const struct output_column *columns, struct table_fit *fits, size_t count, size_t terminal)
{
	while (total_width(columns, fits, count, COMFORTABLE) > terminal)
		if (!hide_one(columns, fits, count))
			break;
	size_t total = total_width(columns, fits, count, G_MAXSIZE), widest;
	for (; total > terminal; total--) {
		if ((widest = widest_text(columns, fits, count)) == count)
			return;
		fits[widest].width--;
	}
}

static void choose_widths(struct table *table)
{
	for (size_t i = 0; i < table->count; i++) {
		struct table_fit *fit = &table->natural[i];
		const char *title = table->columns[i].title;
		*fit = (struct table_fit){
			title ? cells_width(title) : 0, title != NULL, table->sample->len > 0};
		for (guint j = 0; title && j < table->sample->len; j++) {
			char **cells = g_ptr_array_index(table->sample, j);
			fit->width = MAX(fit->width, cells_width(cells[i]));
			fit->empty &= !*cells[i];
		}
	}
}

static void fit_widths(struct table *table)
{
	memcpy(table->fits, table->natural, table->count * sizeof(*table->fits));
	if (table->style->width)
		table_fit(table->columns, table->fits, table->count, table->style->width);
}

/* --- writing --- */

static void append_cell(struct table *table, size_t column, const char *text, bool last)
{
	const struct output_column *what = &table->columns[column];
	size_t width = table->fits[column].width, own = cells_width(text);
	bool cut = table->style->width && is_text(what) && own > width;
	size_t padding = own < width ? width - own : 0;
	const char *color =
		table->style->color && what->look == OUTPUT_STATE ? table_state_color(text) : NULL;
	if (what->look == OUTPUT_RIGHT)
		cells_append_blanks(table->line, padding);
	if (color)
		g_string_append_printf(table->line, "\033[%sm", color);
	size_t used = cells_append(table->line, text, cut ? width : own);
	if (color)
		g_string_append(table->line, "\033[0m");
	/* Nothing but blanks at the end of a line would be noise. */
	if (!last && what->look != OUTPUT_RIGHT)
		cells_append_blanks(table->line, padding + (cut ? width - used : 0));
}

static size_t last_shown(const struct table *table)
{
	size_t last = 0;
	for (size_t i = 0; i < table->count; i++)
		if (table->fits[i].shown)
			last = i;
	return last;
}

static void write_cells(struct table *table, char *const *cells, bool heading)
{
	GString *line = g_string_truncate(table->line, 0);
	bool color = heading && table->style->color, began = false;
	size_t last = last_shown(table);
	if (color)
		g_string_append(line, "\033[1m");
	for (size_t i = 0; i < table->count; i++) {
		if (!table->fits[i].shown)
			continue;
		g_string_append(line, began ? GAP : "");
		append_cell(table, i, cells[i], i == last);
		began = true;
	}
	while (line->len && line->str[line->len - 1] == ' ')
		g_string_truncate(line, line->len - 1);
	g_string_append(line, color ? "\033[0m\n" : "\n");
	fwrite(line->str, 1, line->len, output_file(table->style));
}

static void write_heading(struct table *table)
{
	g_autofree char **titles = g_new0(char *, table->count);
	for (size_t i = 0; i < table->count; i++)
		titles[i] = (char *)table->columns[i].title;
	write_cells(table, titles, true);
}

static void free_cells(const struct table *table, char **cells)
{
	for (size_t i = 0; i < table->count; i++)
		g_free(cells[i]);
	g_free(cells);
}

static void free_sample(struct table *table)
{
	for (guint i = 0; table->sample && i < table->sample->len; i++)
		free_cells(table, g_ptr_array_index(table->sample, i));
	g_clear_pointer(&table->sample, g_ptr_array_unref);
}

void table_flush(struct table *table)
{
	if (!table->sample)
		return;
	choose_widths(table);
	fit_widths(table);
	write_heading(table);
	for (guint i = 0; i < table->sample->len; i++)
		write_cells(table, g_ptr_array_index(table->sample, i), false);
	free_sample(table);
}

void table_fit_again(struct table *table)
{
	if (table->sample)
		return;
	fit_widths(table);
	write_heading(table);
}

void table_add(struct table *table, char **cells)
{
	if (table->sample) {
		g_ptr_array_add(table->sample, cells);
		if (table->sample->len == OUTPUT_SAMPLE)
			table_flush(table);
		return;
	}
	write_cells(table, cells, false);
	free_cells(table, cells);
}

struct table *table_new(const struct output_style *style, const struct output_column *columns, size_t count)
{
	struct table *table = g_new0(struct table, 1);
	table->style = style;
	table->columns = columns;
	table->count = count;
	table->natural = g_new0(struct table_fit, count);
	table->fits = g_new0(struct table_fit, count);
	table->sample = g_ptr_array_new();
	table->line = g_string_new(NULL);
	return table;
}

void table_free(struct table *table)
{
	if (!table)
		return;
	free_sample(table);
	g_string_free(table->line, TRUE);
	g_free(table->natural);
	g_free(table->fits);
	g_free(table);
}
