#include "config/yaml_read.h"

#include <string.h>
#include <yaml.h>

#include "config/problem.h"

#define DEPTH_MAX   64
/* Keys of a map are looked through one by one up to so many. */
#define FEW_KEYS    16
#define YAML_BINARY "tag:yaml.org,2002:binary"

struct reader {
	yaml_parser_t parser;
	const char *name;
	struct tree *tree;
	GPtrArray *problems;
	GHashTable *anchors; /* name -> node; NULL while the node is still being read */
	unsigned depth;
	yaml_item_fn each; /* of yaml_read_items, else NULL */
	void *each_context;
};

static struct node *read_node(struct reader *r, const yaml_event_t *event);

char *yaml_place(const char *name, const struct node *node)
{
	return node->line ? g_strdup_printf("%s:%d:%d", name, node->line, node->column) : g_strdup(name);
}

static void complain(struct reader *r, const yaml_mark_t *mark, const char *reason)
{
	g_autofree char *place = g_strdup_printf("%s:%zu:%zu", r->name, mark->line + 1, mark->column + 1);
	problem_add(r->problems, place, NULL, "%s", reason);
}

/* A byte that cannot be read has an offset only. */
static void complain_of_bytes(struct reader *r, const char *text, size_t length)
{
	size_t line = 1;
	for (size_t i = 0; i < MIN(r->parser.problem_offset, length); i++)
		line += text[i] == '\n';
	g_autofree char *place = g_strdup_printf("%s:%zu", r->name, line);
	problem_add(r->problems, place, NULL, "not YAML: %s", r->parser.problem);
}

static bool next_event(struct reader *r, yaml_event_t *event)
{
	if (yaml_parser_parse(&r->parser, event))
		return true;
	if (r->parser.error != YAML_READER_ERROR) {
		const char *context = r->parser.context;
		g_autofree char *reason = g_strdup_printf(
			"not YAML: %s%s%s", r->parser.problem, context ? " " : "", context ? context : "");
		complain(r, &r->parser.problem_mark, reason);
	}
	return false;
}

static struct node *add_at(struct reader *r, enum node_kind kind, const yaml_event_t *event)
{
	struct node *node = tree_add(r->tree, kind);
	node->line = (int)event->start_mark.line + 1;
	node->column = (int)event->start_mark.column + 1;
	return node;
}

static bool text_is_null(const char *text)
{
	return !*text || !strcmp(text, "~") || !g_ascii_strcasecmp(text, "null");
}

static struct node *read_scalar(struct reader *r, const yaml_event_t *event)
{
	const char *text = (const char *)event->data.scalar.value;
	if (strlen(text) != event->data.scalar.length) {
		complain(r, &event->start_mark, "text must not hold a NUL character");
		return NULL;
	}
	struct node *node = add_at(r, NODE_SCALAR, event);
	const yaml_char_t *tag = event->data.scalar.tag;
	node->plain = event->data.scalar.plain_implicit;
	node->binary = tag && !strcmp((const char *)tag, YAML_BINARY);
	node->text = g_strdup(text);
	if (node->plain && text_is_null(text))
		node->kind = NODE_NULL;
	return node;
}

/* NULL with *end where the list ends, else for an error. */
static struct node *read_item(struct reader *r, bool *end)
{
	yaml_event_t event;
	*end = false;
	if (!next_event(r, &event))
		return NULL;
	*end = event.type == YAML_SEQUENCE_END_EVENT;
	struct node *item = *end ? NULL : read_node(r, &event);
	yaml_event_delete(&event);
	return item;
}

static struct node *read_list(struct reader *r, const yaml_event_t *start)
{
	struct node *list = add_at(r, NODE_LIST, start);
	struct node *item;
	bool end;
	while ((item = read_item(r, &end)))
		g_ptr_array_add(list->items, item);
	return end ? list : NULL;
}

/* The list of yaml_read_items, whose items go as they come unless an alias may still name them. */
static struct node *read_items(struct reader *r, const yaml_event_t *start)
{
	struct node *item;
	bool end;
	while ((item = read_item(r, &end))) {
		r->each(r->each_context, item);
		if (!g_hash_table_size(r->anchors))
			g_ptr_array_set_size(r->tree->nodes, 0);
	}
	return end ? add_at(r, NODE_LIST, start) : NULL;
}

static struct node *read_root(struct reader *r, const yaml_event_t *event)
{
	if (!r->each)
		return read_node(r, event);
	if (event->type == YAML_SEQUENCE_START_EVENT)
		return read_items(r, event);
	struct node *root = read_node(r, event);
	if (!root || root->kind == NODE_NULL)
		return root;
	complain(r, &event->start_mark, "must be a list");
	return NULL;
}

/* The key of the map with this text, NULL where it has none. `seen` has the keys once they are more than a
 * few: most maps are small, and a hash table for each would cost more than all the rest. */
static const struct node *find_key(const struct node *map, GHashTable **seen, const char *text)
{
	if (*seen)
		return g_hash_table_lookup(*seen, text);
	for (guint i = 0; i < map->keys->len; i++) {
		const struct node *key = g_ptr_array_index(map->keys, i);
		if (!strcmp(key->text, text))
			return key;
	}
	return NULL;
}

static void keep_key(struct node *map, GHashTable **seen, struct node *key)
{
	g_ptr_array_add(map->keys, key);
	if (*seen) {
		g_hash_table_insert(*seen, key->text, key);
		return;
	}
	if (map->keys->len <= FEW_KEYS)
		return;
	*seen = g_hash_table_new(g_str_hash, g_str_equal);
	for (guint i = 0; i < map->keys->len; i++) {
		struct node *each = g_ptr_array_index(map->keys, i);
		g_hash_table_insert(*seen, each->text, each);
	}
}

/* Puts a pair into the map unless the key is there already, which is said. */
static bool add_pair(
	struct reader *r, struct node *map, GHashTable **seen, struct node *key, struct node *item)
{
	if (!key->text) {
		g_autofree char *place = yaml_place(r->name, key);
		problem_add(r->problems, place, NULL, "a key must be text");
		return false;
	}
	const struct node *first = find_key(map, seen, key->text);
	if (first) {
		g_autofree char *place = yaml_place(r->name, key);
		g_autofree char *quoted = problem_quote(key->text);
		problem_add(r->problems, place, NULL, "the key %s stands here again; first in line %d",
			quoted, first->line);
		return true;
	}
	keep_key(map, seen, key);
	g_ptr_array_add(map->items, item);
	return true;
}

static struct node *read_map(struct reader *r, const yaml_event_t *start)
{
	struct node *map = add_at(r, NODE_MAP, start);
	g_autoptr(GHashTable) seen = NULL;
	struct node *key = NULL;
	for (;;) {
		yaml_event_t event;
		if (!next_event(r, &event))
			return NULL;
		bool end = event.type == YAML_MAPPING_END_EVENT;
		struct node *node = end ? NULL : read_node(r, &event);
		yaml_event_delete(&event);
		if (end)
			return map;
		if (!node || (key && !add_pair(r, map, &seen, key, node)))
			return NULL;
		key = key ? NULL : node;
	}
}

static struct node *read_alias(struct reader *r, const yaml_event_t *event)
{
	gpointer node = NULL;
	const char *name = (const char *)event->data.alias.anchor;
	bool known = g_hash_table_lookup_extended(r->anchors, name, NULL, &node);
	if (!node)
		complain(r, &event->start_mark,
			known ? "this alias refers to what it stands in"
			      : "this alias has no anchor before it");
	return node;
}

/* The tags of the YAML core schema say nothing that the option does not know; any other asks for magic. */
static bool check_tag(struct reader *r, const yaml_event_t *event, const yaml_char_t *tag)
{
	if (!tag || !strcmp((const char *)tag, "!") ||
		g_str_has_prefix((const char *)tag, "tag:yaml.org,2002:"))
		return true;
	complain(r, &event->start_mark, "a tag is not supported here");
	return false;
}

static struct node *read_collection(struct reader *r, const yaml_event_t *event)
{
	if (r->depth == DEPTH_MAX) {
		complain(r, &event->start_mark, "nested too deeply");
		return NULL;
	}
	r->depth++;
	struct node *node =
		event->type == YAML_MAPPING_START_EVENT ? read_map(r, event) : read_list(r, event);
	r->depth--;
	return node;
}

static struct node *read_node(struct reader *r, const yaml_event_t *event)
{
	const yaml_char_t *anchor;
	const yaml_char_t *tag;
	switch (event->type) {
	case YAML_ALIAS_EVENT: return read_alias(r, event);
	case YAML_SCALAR_EVENT:
		anchor = event->data.scalar.anchor;
		tag = event->data.scalar.tag;
		break;
	case YAML_MAPPING_START_EVENT:
		anchor = event->data.mapping_start.anchor;
		tag = event->data.mapping_start.tag;
		break;
	default:
		anchor = event->data.sequence_start.anchor;
		tag = event->data.sequence_start.tag;
		break;
	}
	if (!check_tag(r, event, tag))
		return NULL;
	if (anchor)
		g_hash_table_insert(r->anchors, g_strdup((const char *)anchor), NULL);
	struct node *node =
		event->type == YAML_SCALAR_EVENT ? read_scalar(r, event) : read_collection(r, event);
	if (anchor && node)
		g_hash_table_insert(r->anchors, g_strdup((const char *)anchor), node);
	return node;
}

/* Stream start, at most one document with one node, stream end. */
static bool read_stream(struct reader *r)
{
	bool ended = false;
	while (!ended) {
		yaml_event_t event;
		if (!next_event(r, &event))
			return false;
		bool fine = true;
		switch (event.type) {
		case YAML_STREAM_START_EVENT:
		case YAML_DOCUMENT_END_EVENT: break;
		case YAML_STREAM_END_EVENT: ended = true; break;
		case YAML_DOCUMENT_START_EVENT:
			fine = !r->tree->root;
			if (!fine)
				complain(r, &event.start_mark, "a second document is not supported here");
			break;
		default:
			r->tree->root = read_root(r, &event);
			fine = r->tree->root;
			break;
		}
		yaml_event_delete(&event);
		if (!fine)
			return false;
	}
	if (!r->tree->root)
		r->tree->root = tree_add(r->tree, NODE_NULL);
	return true;
}

static bool read_text(struct reader *r, const char *text, size_t length)
{
	if (!yaml_parser_initialize(&r->parser))
		g_error("out of memory");
	yaml_parser_set_input_string(&r->parser, (const unsigned char *)text, length);
	r->anchors = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	bool done = read_stream(r);
	if (r->parser.error == YAML_READER_ERROR)
		complain_of_bytes(r, text, length);
	g_hash_table_unref(r->anchors);
	yaml_parser_delete(&r->parser);
	return done;
}

bool yaml_read(const char *text, size_t length, const char *name, struct tree *tree, GPtrArray *problems)
{
	struct reader r = {.name = name, .tree = tree, .problems = problems};
	return read_text(&r, text, length);
}

bool yaml_read_items(const char *text, size_t length, const char *name, yaml_item_fn each, void *context,
	GPtrArray *problems)
{
	struct tree tree;
	tree_init(&tree);
	struct reader r = {
		.name = name, .tree = &tree, .problems = problems, .each = each, .each_context = context};
	bool done = read_text(&r, text, length);
	tree_clear(&tree);
	return done;
}
