#include "config/draft.h"

#include <string.h>

#include "config/options.h"
#include "config/problem.h"
#include "config/yaml_read.h"

void draft_init(struct draft *draft, GPtrArray *problems)
{
	draft->values = g_new0(struct draft_value, options_count);
	draft->sections = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	draft->problems = problems;
}

static void clear_value(struct draft_value *value)
{
	g_free(value->text);
	g_free(value->place);
	if (value->map)
		g_hash_table_unref(value->map);
	*value = (struct draft_value){0};
}

void draft_clear(struct draft *draft)
{
	for (size_t i = 0; i < options_count; i++)
		clear_value(&draft->values[i]);
	g_free(draft->values);
	g_hash_table_unref(draft->sections);
}

static struct draft_value *value_of(struct draft *draft, const struct option *option)
{
	return &draft->values[option - options];
}

/* A key that is given makes all the sections around it be there. */
static void note_sections(struct draft *draft, const char *key, const char *place)
{
	g_autofree char *section = g_strdup(key);
	for (char *dot = strrchr(section, '.'); dot; dot = strrchr(section, '.')) {
		*dot = '\0';
		if (!g_hash_table_contains(draft->sections, section))
			g_hash_table_insert(draft->sections, g_strdup(section), g_strdup(place));
	}
}

static void forget_section(struct draft *draft, const char *key)
{
	for (size_t i = 0; i < options_count; i++)
		if (option_key_within(options[i].key, key))
			clear_value(&draft->values[i]);
	g_hash_table_remove(draft->sections, key);
}

static void refuse(struct draft *draft, const struct option *option, const char *place, const char *reason)
{
	value_of(draft, option)->broken = true;
	problem_add(draft->problems, place, option->key, "%s", reason);
}

/* One entry of a map. A variable cannot show the case of a name, so it finds the entry that is there already.
 */
static void merge_entry(struct draft *draft, const struct option *option, const char *name,
	const struct node *node, const char *place, bool any_case)
{
	struct draft_value *value = value_of(draft, option);
	if (!value->map)
		value->map = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	GHashTableIter entries;
	gpointer known;
	g_hash_table_iter_init(&entries, value->map);
	while (any_case && g_hash_table_iter_next(&entries, &known, NULL)) {
		if (!g_ascii_strcasecmp(known, name)) {
			name = known;
			break;
		}
	}
	g_autofree char *key = g_strdup(name);
	if (node->kind == NODE_NULL)
		g_hash_table_remove(value->map, key);
	else if (node->kind == NODE_SCALAR)
		g_hash_table_insert(value->map, g_steal_pointer(&key), g_strdup(node->text));
	else
		refuse(draft, option, place, "the value of a parameter must be text or a number");
	g_free(value->place);
	value->place = g_strdup(place);
}

static void merge_map(struct draft *draft, const struct option *option, const struct node *node,
	const struct origin *origin, const char *place)
{
	if (node->kind == NODE_NULL) {
		clear_value(value_of(draft, option));
		return;
	}
	if (node->kind != NODE_MAP) {
		refuse(draft, option, place, "must be parameters with their values");
		return;
	}
	for (guint i = 0; i < node->keys->len; i++) {
		const struct node *name = g_ptr_array_index(node->keys, i);
		g_autofree char *at = yaml_place(origin->place, name);
		merge_entry(draft, option, name->text, g_ptr_array_index(node->items, i), at, false);
	}
}

static void merge_option(struct draft *draft, const struct option *option, const struct node *node,
	const struct origin *origin)
{
	g_autofree char *place = yaml_place(origin->place, node);
	note_sections(draft, option->key, place);
	if (option->type == OPTION_MAP) {
		merge_map(draft, option, node, origin, place);
		return;
	}
	if (node->kind == NODE_MAP || node->kind == NODE_LIST) {
		refuse(draft, option, place, "must be a single value");
		return;
	}
	struct draft_value *value = value_of(draft, option);
	clear_value(value);
	value->place = g_steal_pointer(&place);
	value->text = node->kind == NODE_SCALAR ? g_strdup(node->text) : NULL;
}

static void refuse_unknown(
	struct draft *draft, const char *key, const struct node *place_node, const struct origin *origin)
{
	if (problems_full(draft->problems))
		return;
	g_autofree char *place = yaml_place(origin->place, place_node);
	if (option_find(key)) {
		problem_add(draft->problems, place, key, "a key of a section stands below it, indented");
		return;
	}
	const char *nearest = option_nearest(key);
	g_autofree char *shown = origin->variable ? option_variable(nearest) : g_strdup(nearest);
	problem_add(draft->problems, place, key, "unknown %s; did you mean %s?",
		origin->variable ? "variable" : "key", shown);
}

/* The keys of a mapping that stands for a section. */
static void merge_keys(
	struct draft *draft, const char *section, const struct node *node, const struct origin *origin)
{
	for (guint i = 0; i < node->keys->len; i++) {
		const struct node *name = g_ptr_array_index(node->keys, i);
		const struct node *item = g_ptr_array_index(node->items, i);
		g_autofree char *key =
			*section ? g_strconcat(section, ".", name->text, NULL) : g_strdup(name->text);
		/* A name with a dot in it is not the path that it looks like; refuse_unknown tells the two
		 * apart. */
		if (!strchr(name->text, '.') && (option_find(key) || option_section_find(key)))
			draft_merge(draft, key, item, origin);
		else
			refuse_unknown(draft, key, name, origin);
	}
}

static void merge_section(
	struct draft *draft, const char *key, const struct node *node, const struct origin *origin)
{
	g_autofree char *place = yaml_place(origin->place, node);
	if (node->kind == NODE_NULL) {
		forget_section(draft, key);
	} else if (node->kind == NODE_MAP) {
		g_hash_table_insert(draft->sections, g_strdup(key), g_strdup(place));
		note_sections(draft, key, place);
		merge_keys(draft, key, node, origin);
	} else {
		problem_add(draft->problems, place, *key ? key : NULL,
			"must be a section of keys with their values");
	}
}

void draft_merge(struct draft *draft, const char *key, const struct node *node, const struct origin *origin)
{
	const struct option *option = option_find(key);
	const char *entry;
	if (option) {
		merge_option(draft, option, node, origin);
	} else if (!*key || option_section_find(key)) {
		merge_section(draft, key, node, origin);
	} else if ((option = option_find_map(key, &entry)) && *entry) {
		note_sections(draft, key, origin->place);
		merge_entry(draft, option, entry, node, origin->place, true);
	} else {
		refuse_unknown(draft, key, node, origin);
	}
}
