#include "config/node.h"

static void node_free(gpointer data)
{
	struct node *node = data;
	g_free(node->text);
	if (node->keys)
		g_ptr_array_unref(node->keys);
	if (node->items)
		g_ptr_array_unref(node->items);
	g_free(node);
}

void tree_init(struct tree *tree)
{
	*tree = (struct tree){.nodes = g_ptr_array_new_with_free_func(node_free)};
}

void tree_clear(struct tree *tree)
{
	g_ptr_array_unref(tree->nodes);
	*tree = (struct tree){0};
}

struct node *tree_add(struct tree *tree, enum node_kind kind)
{
	struct node *node = g_new0(struct node, 1);
	node->kind = kind;
	if (kind == NODE_MAP)
		node->keys = g_ptr_array_new();
	if (kind == NODE_MAP || kind == NODE_LIST)
		node->items = g_ptr_array_new();
	g_ptr_array_add(tree->nodes, node);
	return node;
}

static struct node *add_text(struct tree *tree, char *text)
{
	struct node *node = tree_add(tree, NODE_SCALAR);
	node->text = text;
	return node;
}

static struct node *add_object(struct tree *tree, const json_t *value)
{
	struct node *map = tree_add(tree, NODE_MAP);
	const char *key;
	json_t *item;
	json_object_foreach((json_t *)value, key, item)
	{
		g_ptr_array_add(map->keys, add_text(tree, g_strdup(key)));
		g_ptr_array_add(map->items, tree_add_json(tree, item));
	}
	return map;
}

static struct node *add_array(struct tree *tree, const json_t *value)
{
	struct node *list = tree_add(tree, NODE_LIST);
	for (size_t i = 0; i < json_array_size(value); i++)
		g_ptr_array_add(list->items, tree_add_json(tree, json_array_get(value, i)));
	return list;
}

struct node *tree_add_json(struct tree *tree, const json_t *value)
{
	char number[G_ASCII_DTOSTR_BUF_SIZE];
	switch (json_typeof(value)) {
	case JSON_OBJECT: return add_object(tree, value);
	case JSON_ARRAY: return add_array(tree, value);
	case JSON_STRING: return add_text(tree, g_strdup(json_string_value(value)));
	case JSON_INTEGER:
		return add_text(tree, g_strdup_printf("%" JSON_INTEGER_FORMAT, json_integer_value(value)));
	case JSON_REAL:
		g_ascii_formatd(number, sizeof number, "%.15g", json_real_value(value));
		return add_text(tree, g_strdup(number));
	case JSON_TRUE: return add_text(tree, g_strdup("true"));
	case JSON_FALSE: return add_text(tree, g_strdup("false"));
	case JSON_NULL: break;
	}
	return tree_add(tree, NODE_NULL);
}

const struct node *node_get(const struct node *map, const char *key)
{
	for (guint i = 0; i < map->keys->len; i++) {
		const struct node *name = g_ptr_array_index(map->keys, i);
		if (!strcmp(name->text, key))
			return g_ptr_array_index(map->items, i);
	}
	return NULL;
}
