#include "config/row_node.h"

#include <string.h>

#include "config/problem.h"
#include "config/python_json.h"
#include "config/yaml_read.h"

struct reader {
	const char *name;
	struct row_list *set;
	struct list_row *row;
	GPtrArray *problems;
	bool fine;
};

static void complain(struct reader *r, const struct node *node, const char *key, const char *reason)
{
	g_autofree char *place = yaml_place(r->name, node);
	problem_add(r->problems, place, key, "%s", reason);
	r->fine = false;
}

/* White space may stand in base64, and nothing else beside it. */
static guchar *decode(const char *text, gsize *length)
{
	static const char alphabet[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/= \t\r\n";
	if (text[strspn(text, alphabet)])
		return NULL;
	return g_base64_decode(text, length);
}

static void read_binary(struct reader *r, const struct node *node, unsigned column)
{
	gsize length;
	g_autofree guchar *bytes = decode(node->text, &length);
	if (bytes)
		row_list_column(r->set, r->row, column, (const char *)bytes, length);
	else
		complain(r, node, row_columns[column].name, "is not base64");
}

static void read_cron(struct reader *r, const struct node *node, unsigned column)
{
	g_autofree char *text = python_json_write(node);
	if (text)
		row_list_column(r->set, r->row, column, text, strlen(text));
	else
		complain(r, node, "cron", "is too large");
}

static void read_column(struct reader *r, const struct node *node, unsigned column)
{
	bool is_cron = !strcmp(row_columns[column].name, "cron");
	switch (node->kind) {
	case NODE_NULL: row_list_column(r->set, r->row, column, NULL, 0); break;
	case NODE_SCALAR:
		if (node->binary)
			read_binary(r, node, column);
		else
			row_list_column(r->set, r->row, column, node->text, strlen(node->text));
		break;
	case NODE_MAP:
	case NODE_LIST:
		if (is_cron && node->kind == NODE_MAP)
			read_cron(r, node, column);
		else
			complain(r, node, row_columns[column].name,
				is_cron ? "must have a format and params" : "must be a single value");
		break;
	}
}

static void read_id(struct reader *r, const struct node *node)
{
	gint64 id;
	if (node->kind == NODE_NULL)
		return;
	if (node->kind != NODE_SCALAR || node->binary ||
		!g_ascii_string_to_signed(node->text, 10, G_MININT64, G_MAXINT64, &id, NULL)) {
		complain(r, node, "id", "must be a whole number");
		return;
	}
	r->row->row.id = id;
	r->row->has_id = true;
}

static void complain_of_key(struct reader *r, const struct node *key)
{
	g_autoptr(GString) reason = g_string_new("unknown key; a row has id");
	for (unsigned i = 0; i < ROW_COLUMN_COUNT; i++)
		if (row_columns[i].offset != NOT_IN_ROW)
			g_string_append_printf(reason, ", %s", row_columns[i].name);
	complain(r, key, key->text, reason->str);
}

bool row_node_read(const struct node *node, const char *name, struct row_list *set, struct list_row *row,
	GPtrArray *problems)
{
	struct reader r = {name, set, row, problems, true};
	if (node->kind != NODE_MAP) {
		complain(&r, node, NULL, "an action must have keys with their values");
		return false;
	}
	for (guint i = 0; i < node->keys->len; i++) {
		const struct node *key = g_ptr_array_index(node->keys, i);
		const struct node *value = g_ptr_array_index(node->items, i);
		unsigned column = row_list_column_named(key->text);
		if (!strcmp(key->text, "id"))
			read_id(&r, value);
		else if (column < ROW_COLUMN_COUNT)
			read_column(&r, value, column);
		else
			complain_of_key(&r, key);
	}
	return r.fine;
}

struct rows_reader {
	const char *name;
	struct row_list *set;
	GPtrArray *problems;
};

static void take_item(void *context, const struct node *item)
{
	const struct rows_reader *r = context;
	struct list_row row = {.line = (unsigned)item->line};
	if (row_list_is_full(r->set))
		problem_add(
			r->problems, r->name, NULL, "there are too many rows, or their texts are too long");
	else if (row_node_read(item, r->name, r->set, &row, r->problems))
		row_list_add(r->set, &row);
}

bool row_nodes_read(
	const char *text, size_t length, const char *name, struct row_list *set, GPtrArray *problems)
{
	struct rows_reader r = {name, set, problems};
	return yaml_read_items(text, length, name, take_item, &r, problems);
}
