/* Purpose: a scratch directory as the working directory, and configurations loaded from texts in it. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/config.h"

/* Enough for a configuration without errors. */
#define MINIMAL                                           \
	"actions_db: {dialect: sqlite, database: a.db}\n" \
	"action: {callback: print}\n"

static inline void scratch_write(const char *name, const char *text)
{
	assert_true(g_file_set_contents(name, text, -1, NULL));
}

/* Groups of cmocka call it as their setup. */
static inline int scratch_enter(void **state)
{
	*state = g_dir_make_tmp("config-XXXXXX", NULL);
	return *state ? chdir(*state) : -1;
}

static inline int scratch_leave(void **state)
{
	GDir *directory = g_dir_open(".", 0, NULL);
	for (const char *name = g_dir_read_name(directory); name; name = g_dir_read_name(directory))
		unlink(name);
	g_dir_close(directory);
	int result = chdir("/") || rmdir(*state);
	g_free(*state);
	return result;
}

/* All problems, one a line. */
static inline char *scratch_problems(const GPtrArray *problems)
{
	GString *out = g_string_new(NULL);
	for (guint i = 0; i < problems->len; i++) {
		g_autofree char *text = config_problem_text(g_ptr_array_index(problems, i));
		g_string_append_printf(out, "%s\n", text);
	}
	return g_string_free(out, FALSE);
}

/* Loads from ./config.yaml (NULL: an empty one), ./.env (NULL: none) and variables joined by newlines. */
static inline struct config *scratch_load(
	const char *yaml, const char *dotenv, const char *variables, GPtrArray *problems)
{
	unlink(".env");
	scratch_write("config.yaml", yaml ? yaml : "");
	if (dotenv)
		scratch_write(".env", dotenv);
	g_auto(GStrv) environment = g_strsplit(variables ? variables : "", "\n", -1);
	struct config_sources sources = {.config_path = "config.yaml", .environment = environment};
	return config_load(&sources, problems);
}

/* The same where no error is expected. */
static inline struct config *scratch_load_good(const char *yaml, const char *dotenv, const char *variables)
{
	g_autoptr(GPtrArray) problems = config_problems_new();
	struct config *config = scratch_load(yaml, dotenv, variables, problems);
	g_autofree char *text = scratch_problems(problems);
	assert_string_equal(text, "");
	assert_non_null(config);
	return config;
}

/* The same where exactly these errors are expected, one a line. */
static inline void scratch_load_bad(
	const char *yaml, const char *dotenv, const char *variables, const char *expected)
{
	g_autoptr(GPtrArray) problems = config_problems_new();
	struct config *config = scratch_load(yaml, dotenv, variables, problems);
	g_autofree char *text = scratch_problems(problems);
	assert_string_equal(text, expected);
	assert_null(config);
}

static inline const struct config_setting *scratch_find(const struct config *config, const char *key)
{
	for (guint i = 0; i < config->settings->len; i++) {
		const struct config_setting *setting = g_ptr_array_index(config->settings, i);
		if (!strcmp(setting->key, key))
			return setting;
	}
	return NULL;
}

/* The same where it has to be there. */
static inline const struct config_setting *scratch_setting(const struct config *config, const char *key)
{
	const struct config_setting *setting = scratch_find(config, key);
	if (!setting)
		g_error("no setting %s", key);
	return setting;
}
