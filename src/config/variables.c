#include "config/variables.h"

#include <string.h>

#include "config/options.h"
#include "config/problem.h"

struct variable {
	char *key;
	char *value;
	char *place;
	unsigned depth; /* how many names make up the key */
	bool upper;     /* spelled in upper case throughout */
	guint order;
};

struct variables {
	GPtrArray *all;
};

static void variable_free(gpointer data)
{
	struct variable *variable = data;
	g_free(variable->key);
	g_free(variable->value);
	g_free(variable->place);
	g_free(variable);
}

struct variables *variables_new(void)
{
	struct variables *variables = g_new(struct variables, 1);
	variables->all = g_ptr_array_new_with_free_func(variable_free);
	return variables;
}

void variables_free(struct variables *variables)
{
	g_ptr_array_unref(variables->all);
	g_free(variables);
}

void variables_add(struct variables *variables, const char *name, const char *value, const char *place)
{
	g_autofree char *lower = g_ascii_strdown(name, -1);
	g_auto(GStrv) parts = g_strsplit(lower, "__", -1);
	unsigned depth = g_strv_length(parts);
	/* A top-level option is one name; anything below is ours only if it begins with a section. */
	bool ours = depth && !strchr(name, '.') &&
		    (option_section_find(parts[0]) || (depth == 1 && option_find(lower)));
	if (!ours)
		return;
	g_autofree char *upper = g_ascii_strup(name, -1);
	struct variable *variable = g_new(struct variable, 1);
	*variable = (struct variable){
		.key = g_strjoinv(".", parts),
		.value = g_strdup(value),
		.place = g_strdup(place),
		.depth = depth,
		.upper = !strcmp(upper, name),
		.order = variables->all->len,
	};
	g_ptr_array_add(variables->all, variable);
}

/* What comes later wins: deeper keys over sections, upper case over other spellings. */
static gint compare(gconstpointer a, gconstpointer b)
{
	const struct variable *x = *(const struct variable *const *)a;
	const struct variable *y = *(const struct variable *const *)b;
	if (x->depth != y->depth)
		return x->depth < y->depth ? -1 : 1;
	if (x->upper != y->upper)
		return x->upper ? 1 : -1;
	return x->order < y->order ? -1 : 1;
}

/* The JSON of a section. jansson quotes the text it stumbles over, which may be a secret, so that part is cut
 * off. */
static json_t *read_json(const struct variable *variable, const char *text, GPtrArray *problems)
{
	json_error_t why;
	json_t *value = json_loads(text, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &why);
	if (json_is_object(value) || json_is_null(value))
		return value;
	if (value || *text != '{') {
		problem_add(problems, variable->place, variable->key,
			"must be a JSON object, as {\"key\": \"value\"}");
	} else {
		char *near = strstr(why.text, " near ");
		if (near)
			*near = '\0';
		problem_add(problems, variable->place, variable->key,
			"not valid JSON: %s (line %d, column %d)", why.text, why.line, why.column);
	}
	json_decref(value);
	return NULL;
}

static void merge_json(const struct variable *variable, const struct origin *origin, struct draft *draft)
{
	g_autofree char *text = g_strstrip(g_strdup(variable->value));
	const struct option_section *section = option_section_find(variable->key);
	/* Nothing is said by an empty variable, and a plain word under the name of an added section is not
	 * for us. */
	if (!*text || (section && !section->python && *text != '{'))
		return;
	json_t *value = read_json(variable, text, draft->problems);
	if (!value)
		return;
	struct tree tree;
	tree_init(&tree);
	draft_merge(draft, variable->key, tree_add_json(&tree, value), origin);
	tree_clear(&tree);
	json_decref(value);
}

static void merge_one(const struct variable *variable, struct draft *draft)
{
	struct origin origin = {variable->place, true};
	const struct option *option = option_find(variable->key);
	if (!g_utf8_validate(variable->value, -1, NULL)) {
		problem_add(draft->problems, variable->place, variable->key, "not valid UTF-8");
	} else if (option_section_find(variable->key) || (option && option->type == OPTION_MAP)) {
		merge_json(variable, &origin, draft);
	} else {
		struct node node = {.kind = NODE_SCALAR, .text = variable->value};
		draft_merge(draft, variable->key, &node, &origin);
	}
}

void variables_merge(struct variables *variables, struct draft *draft)
{
	g_ptr_array_sort(variables->all, compare);
	for (guint i = 0; i < variables->all->len; i++)
		merge_one(g_ptr_array_index(variables->all, i), draft);
}
