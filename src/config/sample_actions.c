#include "config/sample_actions.h"

#include <string.h>

#include "base/error.h"
#include "config/options.h"
#include "config/problem.h"
#include "config/python_json.h"
#include "config/text_file.h"
#include "config/value.h"
#include "config/yaml_read.h"

#define FILE_NAME "sample_actions.yaml"

/* The same as the file at the top of the project; a test compares them. */
const char sample_actions_text[] = "# Two actions to see the scheduler at work: with "
				   "test.write_sample_actions_to_db they go into an empty "
				   "table `action`.\n"
				   "- name: Action1\n"
				   "  command: command1\n"
				   "  cron:\n"
				   "      format: unix\n"
				   "      params:\n"
				   "          value: \"* * * * *\" # every minute\n"
				   "  merge_missed: null # null: as action.defaults says\n"
				   "  actuality_time: null\n"
				   "\n"
				   "- name: Action2\n"
				   "  command: command2\n"
				   "  cron:\n"
				   "      format: apscheduler\n"
				   "      params:\n"
				   "          second: \"*/20\" # at 0, 20 and 40 seconds of every minute\n"
				   "          end_date: \"2050-05-05\"\n"
				   "  merge_missed: null\n"
				   "  actuality_time: null\n";

struct reader {
	const char *name;
	GPtrArray *problems;
};

static void sample_free(gpointer data)
{
	struct sample_action *sample = data;
	g_free(sample->name);
	g_free(sample->command);
	g_free(sample->cron);
	g_free(sample);
}

static void complain(struct reader *r, const struct node *node, const char *key, const char *reason)
{
	g_autofree char *place = yaml_place(r->name, node);
	problem_add(r->problems, place, key, "%s", reason);
}

static char *read_text(struct reader *r, const struct node *row, const char *key)
{
	const struct node *node = node_get(row, key);
	if (node && node->kind == NODE_SCALAR)
		return g_strdup(node->text);
	complain(r, node ? node : row, key, node ? "must be text" : "is missing");
	return NULL;
}

static char *read_cron(struct reader *r, const struct node *row)
{
	const struct node *node = node_get(row, "cron");
	char *text = node && node->kind == NODE_MAP ? python_json_write(node) : NULL;
	if (!node)
		complain(r, row, "cron", "is missing");
	else if (!text)
		complain(r, node, "cron",
			node->kind == NODE_MAP ? "is too large" : "must have a format and params");
	return text;
}

/* merge_missed and actuality_time are written as their defaults in config.yaml are. */
static bool read_policy(struct reader *r, const struct node *row, const char *key, struct config *into)
{
	const struct node *node = node_get(row, key);
	g_autofree char *path = g_strconcat("action.defaults.", key, NULL);
	if (!node || node->kind == NODE_NULL)
		return false;
	g_autofree char *reason = node->kind == NODE_SCALAR
					  ? option_parse(option_find(path), node->text, into)
					  : g_strdup("must be a single value");
	if (reason)
		complain(r, node, key, reason);
	return !reason;
}

static void check_keys(struct reader *r, const struct node *row)
{
	static const char *const known[] = {
		"name", "command", "cron", "merge_missed", "actuality_time", NULL};
	for (guint i = 0; i < row->keys->len; i++) {
		const struct node *key = g_ptr_array_index(row->keys, i);
		if (!g_strv_contains(known, key->text))
			complain(r, key, key->text,
				"unknown key; an action has name, command, cron, merge_missed and "
				"actuality_time");
	}
}

static struct sample_action *read_sample(struct reader *r, const struct node *row)
{
	struct config policy = {0};
	check_keys(r, row);
	struct sample_action *sample = g_new0(struct sample_action, 1);
	sample->name = read_text(r, row, "name");
	sample->command = read_text(r, row, "command");
	sample->cron = read_cron(r, row);
	sample->has_merge_missed = read_policy(r, row, "merge_missed", &policy);
	sample->merge_missed = policy.action.defaults.merge_missed;
	sample->has_actuality = read_policy(r, row, "actuality_time", &policy);
	sample->actuality_s = policy.action.defaults.actuality_s;
	return sample;
}

static void read_list(struct reader *r, const struct node *root, GPtrArray *samples)
{
	if (root->kind != NODE_LIST) {
		complain(r, root, NULL, "must be a list of actions");
		return;
	}
	for (guint i = 0; i < root->items->len; i++) {
		const struct node *row = g_ptr_array_index(root->items, i);
		if (row->kind == NODE_MAP)
			g_ptr_array_add(samples, read_sample(r, row));
		else
			complain(r, row, NULL, "an action must have keys with their values");
	}
}

GPtrArray *sample_actions_read(const char *text, size_t length, const char *name, GPtrArray *problems)
{
	struct reader r = {name, problems};
	guint before = problems->len;
	g_autoptr(GPtrArray) samples = g_ptr_array_new_with_free_func(sample_free);
	struct tree tree;
	tree_init(&tree);
	if (yaml_read(text, length, name, &tree, problems))
		read_list(&r, tree.root, samples);
	tree_clear(&tree);
	return problems->len == before ? g_steal_pointer(&samples) : NULL;
}

/* Tries one file; returns whether the search ends with it, be it for an error. */
static bool try_file(const char *path, GPtrArray **samples, GPtrArray *problems)
{
	g_autofree char *text = NULL;
	size_t length;
	g_autoptr(GError) error = NULL;
	if (text_file_read(path, CONFIG_TEXT_MAX, &text, &length, &error)) {
		*samples = sample_actions_read(text, length, path, problems);
		return true;
	}
	if (g_error_matches(error, AS_ERROR, AS_ERROR_MISSING))
		return false;
	problem_add(problems, path, NULL, "%s", error->message);
	return true;
}

GPtrArray *sample_actions_load(const char *config_path, GPtrArray *problems)
{
	GPtrArray *samples = NULL;
	g_autofree char *directory = config_path ? g_path_get_dirname(config_path) : NULL;
	g_autofree char *beside = directory ? g_build_filename(directory, FILE_NAME, NULL) : NULL;
	if ((beside && try_file(beside, &samples, problems)) || try_file(FILE_NAME, &samples, problems))
		return samples;
	return sample_actions_read(
		sample_actions_text, strlen(sample_actions_text), "the built-in " FILE_NAME, problems);
}
