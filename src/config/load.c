/* Finding and reading the sources, the lowest first. */
#include <string.h>

#include "base/error.h"
#include "config/dotenv.h"
#include "config/finish.h"
#include "config/problem.h"
#include "config/text_file.h"
#include "config/value.h"
#include "config/variables.h"
#include "config/yaml_read.h"

static const char *const search_paths[] = {"config.yaml", "/etc/action-scheduler/config.yaml"};

struct loading {
	const struct config_sources *sources;
	struct draft draft;
	GPtrArray *problems;
	char *path;    /* of config.yaml; NULL where there is none */
	bool complete; /* every source could be read */
};

const char *config_find(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(search_paths); i++)
		if (g_file_test(search_paths[i], G_FILE_TEST_EXISTS))
			return search_paths[i];
	return NULL;
}

static void find_config(struct loading *loading)
{
	const char *path = loading->sources->config_path ? loading->sources->config_path : config_find();
	loading->path = g_strdup(path);
}

static bool read_source(struct loading *loading, const char *path, char **text, size_t *length)
{
	g_autoptr(GError) error = NULL;
	if (text_file_read(path, CONFIG_TEXT_MAX, text, length, &error))
		return true;
	problem_add(loading->problems, path, NULL, "%s", error->message);
	loading->complete = false;
	return false;
}

static void load_yaml(struct loading *loading)
{
	g_autofree char *text = NULL;
	size_t length;
	if (!loading->path || !read_source(loading, loading->path, &text, &length))
		return;
	struct tree tree;
	struct origin origin = {loading->path, false};
	tree_init(&tree);
	if (yaml_read(text, length, loading->path, &tree, loading->problems))
		draft_merge(&loading->draft, "", tree.root, &origin);
	else
		loading->complete = false;
	tree_clear(&tree);
}

/* The path of the .env file, NULL where none is asked for and there is none. A directory may have that name.
 */
static char *find_dotenv(const struct loading *loading)
{
	if (loading->sources->env_path)
		return g_strdup(loading->sources->env_path);
	g_autofree char *directory = loading->path ? g_path_get_dirname(loading->path) : g_strdup(".");
	char *path = strcmp(directory, ".") ? g_build_filename(directory, ".env", NULL) : g_strdup(".env");
	if (g_file_test(path, G_FILE_TEST_EXISTS) && !g_file_test(path, G_FILE_TEST_IS_DIR))
		return path;
	g_free(path);
	return NULL;
}

static void load_dotenv(struct loading *loading)
{
	g_autofree char *path = find_dotenv(loading);
	g_autofree char *text = NULL;
	size_t length;
	if (!path || !read_source(loading, path, &text, &length))
		return;
	guint before = loading->problems->len;
	g_autoptr(GPtrArray) entries =
		dotenv_read(text, length, path, loading->sources->environment, loading->problems);
	if (loading->problems->len > before)
		loading->complete = false;
	struct variables *variables = variables_new();
	for (guint i = 0; i < entries->len; i++) {
		const struct dotenv_entry *entry = g_ptr_array_index(entries, i);
		g_autofree char *place = g_strdup_printf("%s:%d", path, entry->line);
		variables_add(variables, entry->name, entry->value, place);
	}
	variables_merge(variables, &loading->draft);
	variables_free(variables);
}

static void load_environment(struct loading *loading)
{
	struct variables *variables = variables_new();
	for (char **at = loading->sources->environment; at && *at; at++) {
		const char *equals = strchr(*at, '=');
		if (!equals)
			continue;
		g_autofree char *name = g_strndup(*at, (size_t)(equals - *at));
		g_autofree char *place = g_strdup_printf("environment variable %s", name);
		variables_add(variables, name, equals + 1, place);
	}
	variables_merge(variables, &loading->draft);
	variables_free(variables);
}

/* Where nothing at all was given, one sentence helps more than a list of what is missing. */
static void note_absence(struct loading *loading)
{
	if (loading->path || !loading->complete || g_hash_table_size(loading->draft.sections))
		return;
	problem_add(loading->problems, search_paths[0], NULL,
		"there is none here and no %s; `action-scheduler init` writes one, and -c names another",
		search_paths[1]);
	loading->complete = false;
}

struct config *config_load(const struct config_sources *sources, GPtrArray *problems)
{
	struct loading loading = {.sources = sources, .problems = problems, .complete = true};
	guint before = problems->len;
	draft_init(&loading.draft, problems);
	find_config(&loading);
	load_yaml(&loading);
	load_dotenv(&loading);
	load_environment(&loading);
	note_absence(&loading);

	struct config *config = g_new0(struct config, 1);
	config->path = loading.path;
	config_finish(config, &loading.draft, loading.complete, loading.path ? loading.path : search_paths[0],
		sources->environment);
	draft_clear(&loading.draft);
	if (problems->len == before)
		return config;
	config_free(config);
	return NULL;
}

void config_free(struct config *config)
{
	if (!config)
		return;
	for (size_t i = 0; i < options_count; i++)
		option_clear(&options[i], config);
	g_free(config->path);
	if (config->settings)
		g_ptr_array_unref(config->settings);
	g_free(config);
}

char *config_render(const struct config *config)
{
	GString *out = g_string_new(NULL);
	for (guint i = 0; i < config->settings->len; i++) {
		const struct config_setting *setting = g_ptr_array_index(config->settings, i);
		g_autofree char *value = log_escape(setting->value ? setting->value : "");
		g_string_append_printf(out, "%s: %s  # %s\n", setting->key, value, setting->source);
	}
	return g_string_free(out, FALSE);
}
