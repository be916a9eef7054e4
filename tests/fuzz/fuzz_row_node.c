/* Fuzz target: rows in YAML. Reading them is bounded, and any bytes that `export yaml` writes as the text of
 * a column come back the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "config/row_node.h"
#include "cli/verb_export.h"
#include "config/yaml_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct reading {
	struct row_list *rows;
	GPtrArray *problems;
};

static void take_item(void *context, const struct node *item)
{
	struct reading *reading = context;
	struct list_row row = {.line = (unsigned)item->line};
	if (row_node_read(item, "file", reading->rows, &row, reading->problems))
		row_list_add(reading->rows, &row);
}

static struct reading read_text(const char *text, size_t length)
{
	struct reading reading = {row_list_new(), config_problems_new()};
	if (!yaml_read_items(text, length, "file", take_item, &reading, reading.problems) &&
		!reading.problems->len)
		abort();
	return reading;
}

static void clear(struct reading *reading)
{
	row_list_free(reading->rows);
	g_ptr_array_unref(reading->problems);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *bytes = (const char *)data;
	struct reading reading = read_text(bytes, size);
	clear(&reading);
	g_autoptr(GString) document = g_string_new("- name: ");
	export_yaml_text(document, bytes ? bytes : "", size);
	g_string_append(document, "\n  timeout: ");
	export_yaml_text(document, bytes ? bytes : "", size);
	reading = read_text(document->str, document->len);
	const struct action_row *row =
		reading.rows->rows->len == 1 ? &row_list_at(reading.rows, 0)->row : NULL;
	if (!row || row->name.length != size || (size && memcmp(row->name.data, data, size) != 0))
		abort();
	if (!row->timeout.set && (row->timeout.bad.length != size || !row->timeout.bad.data))
		abort();
	clear(&reading);
	return 0;
}
