#include "config/finish.h"

#include <string.h>

#include "base/error.h"
#include "base/tzfile.h"
#include "config/problem.h"
#include "config/text_file.h"
#include "config/value.h"

#define PASSWORD_MAX 65536

/* What a draft says about one option of the table. */
static const struct draft_value *value_of(const struct draft *draft, const char *key)
{
	return &draft->values[option_find(key) - options];
}

/* Whether the option counts: it does not where an optional section around it is absent. */
static bool section_is_there(const struct draft *draft, const struct option *option)
{
	g_autofree char *section = g_strdup(option->key);
	char *dot;
	while ((dot = strrchr(section, '.'))) {
		*dot = '\0';
		if (option_section_find(section)->optional &&
			!g_hash_table_contains(draft->sections, section))
			return false;
	}
	return true;
}

static void require(const struct draft *draft, const struct option *option, const char *home)
{
	g_autofree char *section = g_strdup(option->key);
	*strrchr(section, '.') = '\0';
	const char *place = g_hash_table_lookup(draft->sections, section);
	g_autofree char *variable = option_variable(option->key);
	problem_add(draft->problems, place ? place : home, option->key,
		"is missing; give it here or as the variable %s", variable);
}

static void fill_map(const struct option *option, const struct draft_value *value, struct config *config)
{
	GHashTable *map = *(GHashTable **)option_slot(option, config);
	GHashTableIter entries;
	gpointer name, text;
	if (!value->map)
		return;
	g_hash_table_iter_init(&entries, value->map);
	while (g_hash_table_iter_next(&entries, &name, &text))
		g_hash_table_insert(map, g_strdup(name), g_strdup(text));
}

static void fill_option(struct config *config, const struct draft *draft, const struct option *option,
	bool complete, const char *home)
{
	const struct draft_value *value = &draft->values[option - options];
	option_set_default(option, config);
	if (value->broken)
		return;
	if (option->type == OPTION_MAP) {
		fill_map(option, value, config);
	} else if (value->text) {
		g_autofree char *reason = option_parse(option, value->text, config);
		if (reason)
			problem_add(draft->problems, value->place, option->key, "%s", reason);
	} else if (option->required && complete && section_is_there(draft, option)) {
		require(draft, option, home);
	}
}

static char *password_path(const char *path, char **environment)
{
	const char *directory = environment ? g_environ_getenv(environment, "CREDENTIALS_DIRECTORY") : NULL;
	if (g_path_is_absolute(path) || !directory || !*directory)
		return g_strdup(path);
	return g_build_filename(directory, path, NULL);
}

static const char *check_password(const char *text, size_t length)
{
	if (!length)
		return "is empty";
	if (memchr(text, '\0', length))
		return "holds a NUL character";
	return g_utf8_validate(text, (gssize)length, NULL) ? NULL : "is not valid UTF-8";
}

/* Reads the password; the reason of a failure names the file, never what is in it. */
static char *read_password(const char *path, char **password)
{
	g_autofree char *text = NULL;
	size_t length;
	g_autoptr(GError) error = NULL;
	if (!text_file_read(path, PASSWORD_MAX, &text, &length, &error))
		return g_strdup_printf("%s %s", path, error->message);
	if (length && text[length - 1] == '\n')
		length--;
	if (length && text[length - 1] == '\r')
		length--;
	const char *reason = check_password(text, length);
	if (reason)
		return g_strdup_printf("%s %s", path, reason);
	*password = g_strndup(text, length);
	return NULL;
}

/* A secret that may stand in a file of its own. */
static const char *const filed_secrets[] = {
	"actions_db.password", "internal_db.password", "http.token", "kafka.password"};

static void finish_secret(
	struct config *config, const struct draft *draft, const char *key, char **environment)
{
	g_autofree char *file_key = g_strconcat(key, "_file", NULL);
	char **secret = option_slot(option_find(key), config);
	const char *file = *(char **)option_slot(option_find(file_key), config);
	if (!file)
		return;
	const char *place = value_of(draft, file_key)->place;
	if (*secret) {
		problem_add(draft->problems, place, file_key,
			"is given beside %s (%s); only one of them may be", key, value_of(draft, key)->place);
		return;
	}
	g_autofree char *path = password_path(file, environment);
	g_autofree char *reason = read_password(path, secret);
	if (reason)
		problem_add(draft->problems, place, file_key, "%s", reason);
}

/* The zone has to be in this machine's tz database. */
static void check_timezone(const struct config *config, const struct draft *draft)
{
	size_t size;
	g_autoptr(GError) error = NULL;
	if (!config->timezone)
		return;
	g_autofree uint8_t *data = tzfile_read(config->timezone, &size, &error);
	if (!data)
		problem_add(draft->problems, value_of(draft, "timezone")->place, "timezone", "%s",
			error->message);
}

static void check_exactly_once(const struct config *config, const struct draft *draft)
{
	if (config->callback.kafka.exactly_once && !config->internal_db.set)
		problem_add(draft->problems, value_of(draft, "kafka.exactly_once")->place,
			"kafka.exactly_once",
			"needs internal_db, without which nothing is remembered over a restart");
}

static void setting_free(gpointer data)
{
	struct config_setting *setting = data;
	g_free(setting->value);
	g_free(setting->source);
	g_free(setting);
}

/* A secret that was not given itself was read from its file. */
static void describe_secret(struct config_setting *setting, struct config *config)
{
	g_autofree char *file_key = g_strconcat(setting->key, "_file", NULL);
	setting->is_default = false;
	g_free(setting->source);
	setting->source = g_strdup(*(char **)option_slot(option_find(file_key), config));
}

static void list_settings(struct config *config, const struct draft *draft)
{
	config->settings = g_ptr_array_new_with_free_func(setting_free);
	for (size_t i = 0; i < options_count; i++) {
		const struct option *option = &options[i];
		const struct draft_value *value = &draft->values[i];
		if (!section_is_there(draft, option))
			continue;
		struct config_setting *setting = g_new(struct config_setting, 1);
		setting->key = option->key;
		setting->value = option_show(option, config);
		setting->is_default = !value->text && !value->map;
		setting->source = g_strdup(setting->is_default ? "default" : value->place);
		if (setting->is_default && option->type == OPTION_SECRET && setting->value)
			describe_secret(setting, config);
		g_ptr_array_add(config->settings, setting);
	}
}

void config_finish(
	struct config *config, const struct draft *draft, bool complete, const char *home, char **environment)
{
	for (size_t i = 0; i < options_count; i++)
		fill_option(config, draft, &options[i], complete, home);
	config->actions_db.set = true;
	config->internal_db.set = g_hash_table_contains(draft->sections, "internal_db");
	for (size_t i = 0; i < G_N_ELEMENTS(filed_secrets); i++)
		finish_secret(config, draft, filed_secrets[i], environment);
	check_timezone(config, draft);
	check_exactly_once(config, draft);
	list_settings(config, draft);
}
