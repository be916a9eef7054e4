/* Texts to values and back, the table itself, passwords, and what is shown. */
#include "scratch.h"

#include "config/options.h"
#include "config/value.h"

static void truth_values(void **state)
{
	(void)state;
	static const char *const yes[] = {"true", "TRUE", "yes", "On", "1", " true "};
	static const char *const no[] = {"false", "False", "no", "OFF", "0"};
	static const char *const neither[] = {"", "y", "2", "truee", "null", "01"};
	const struct option *option = option_find("debug");
	struct config config = {0};
	for (size_t i = 0; i < G_N_ELEMENTS(yes); i++) {
		config.debug = false;
		assert_null(option_parse(option, yes[i], &config));
		assert_true(config.debug);
	}
	for (size_t i = 0; i < G_N_ELEMENTS(no); i++) {
		config.debug = true;
		assert_null(option_parse(option, no[i], &config));
		assert_false(config.debug);
	}
	for (size_t i = 0; i < G_N_ELEMENTS(neither); i++) {
		g_autofree char *reason = option_parse(option, neither[i], &config);
		assert_non_null(reason);
	}
}

static void durations_and_sizes(void **state)
{
	(void)state;
	static const struct {
		const char *key, *text, *shown;
	} cases[] = {
		{"history.max_age", "90", "90s"},
		{"history.max_age", "90s", "90s"},
		{"history.max_age", "120", "2m"},
		{"history.max_age", "30 d", "30d"},
		{"history.max_age", "1.5h", "90m"},
		{"history.max_age", "1.25", "1.25s"},
		{"history.max_age", "1.000001", "1.000001s"},
		{"history.max_age", "48H", "2d"},
		{"shutdown_timeout", "0", "0"},
		{"shutdown_timeout", "0.5", "0.5s"},
		{"history.max_bytes", "65536", "64KiB"},
		{"history.max_bytes", "65537", "65537"},
		{"history.max_bytes", "3 gib", "3GiB"},
		{"action.defaults.actuality_time", "-1", "-1"},
		{"action.defaults.actuality_time", "10m", "600"},
		{"action.defaults.actuality_time", "+5", "5"},
		{"history.max_age", "", NULL},
		{"history.max_age", "1.0000001", NULL},
		{"history.max_age", "1.", NULL},
		{"history.max_age", ".5", NULL},
		{"history.max_age", "1.5.5", NULL},
		{"history.max_age", "1e3", NULL},
		{"history.max_age", "0x10", NULL},
		{"history.max_age", "5 s s", NULL},
		{"history.max_age", "9223372036854775807", NULL},
		{"history.max_age", "99999999999999999999999d", NULL},
		{"history.max_bytes", "1.5GiB", NULL},
		{"history.max_bytes", "9999999999TiB", NULL},
		{"action.defaults.actuality_time", "0.5", NULL},
		{"action.defaults.actuality_time", "--5", NULL},
		{"action.defaults.catch_up_limit", "-1", NULL},
		{"action.defaults.catch_up_limit", "5s", NULL},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct config config = {0};
		const struct option *option = option_find(cases[i].key);
		g_autofree char *reason = option_parse(option, cases[i].text, &config);
		if (!reason != !!cases[i].shown)
			fail_msg("%s: '%s': %s", cases[i].key, cases[i].text, reason);
		g_autofree char *shown = reason ? NULL : option_show(option, &config);
		if (shown)
			assert_string_equal(shown, cases[i].shown);
	}
}

static void enums_match_in_any_case(void **state)
{
	(void)state;
	struct config config = {0};
	assert_null(option_parse(option_find("log.level"), "WARNING", &config));
	assert_int_equal(config.log.level, LOG_WARNING);
	assert_null(option_parse(option_find("actions_db.dialect"), "mariadb", &config));
	assert_int_equal(config.actions_db.dialect, CONFIG_MARIADB);
}

/* Every row: unique, in a section that is there, with a default that fits and something to show in a
 * template. */
static void the_table_is_sound(void **state)
{
	(void)state;
	for (size_t i = 0; i < options_count; i++) {
		const struct option *option = &options[i];
		struct config config = {0};
		assert_ptr_equal(option_find(option->key), option);
		assert_null(option_section_find(option->key));
		assert_true(option->written || option->fallback || option->example);
		assert_non_null(option->help);
		g_autofree char *section = g_strdup(option->key);
		char *dot = strrchr(section, '.');
		if (dot)
			*dot = '\0';
		assert_true(!dot || option_section_find(section));
		option_set_default(option, &config);
		const char *texts[] = {option->written, option->fallback, option->example};
		for (size_t j = 0; j < G_N_ELEMENTS(texts) && option->type != OPTION_MAP; j++) {
			g_autofree char *reason = texts[j] ? option_parse(option, texts[j], &config) : NULL;
			assert_null(reason);
		}
		option_clear(option, &config);
	}
}

static void distances(void **state)
{
	(void)state;
	assert_int_equal(option_distance("", ""), 0);
	assert_int_equal(option_distance("abc", "abc"), 0);
	assert_int_equal(option_distance("", "abc"), 3);
	assert_int_equal(option_distance("abc", ""), 3);
	assert_int_equal(option_distance("abc", "acb"), 1);
	assert_int_equal(option_distance("abc", "abd"), 1);
	assert_int_equal(option_distance("abc", "xabc"), 1);
	assert_int_equal(option_distance("kitten", "sitting"), 3);
}

static void passwords_come_from_files(void **state)
{
	(void)state;
	static const struct {
		const char *text, *password;
	} good[] = {{"s3cret", "s3cret"}, {"s3cret\n", "s3cret"}, {"s3cret\r\n", "s3cret"}, {"a\n\n", "a\n"},
		{" a ", " a "}};
	g_autofree char *directory = g_get_current_dir();
	for (size_t i = 0; i < G_N_ELEMENTS(good); i++) {
		scratch_write("pw", good[i].text);
		struct config *config = scratch_load_good(MINIMAL, NULL, "ACTIONS_DB__PASSWORD_FILE=pw");
		assert_string_equal(config->actions_db.password, good[i].password);
		assert_string_equal(scratch_setting(config, "actions_db.password")->value, "********");
		assert_string_equal(scratch_setting(config, "actions_db.password")->source, "pw");
		config_free(config);
	}
	/* systemd's credentials: the relative path is looked up there only. */
	scratch_write("credential", "other\n");
	g_autofree char *variables =
		g_strdup_printf("CREDENTIALS_DIRECTORY=%s\nACTIONS_DB__PASSWORD_FILE=credential", directory);
	assert_int_equal(chdir("/"), 0);
	g_autofree char *path = g_build_filename(directory, "config.yaml", NULL);
	g_auto(GStrv) environment = g_strsplit(variables, "\n", -1);
	struct config_sources sources = {.config_path = path, .environment = environment};
	g_autoptr(GPtrArray) problems = config_problems_new();
	struct config *config = config_load(&sources, problems);
	assert_int_equal(chdir(directory), 0);
	assert_non_null(config);
	assert_string_equal(config->actions_db.password, "other");
	config_free(config);
}

static void password_files_that_do_not_serve(void **state)
{
	(void)state;
#define WHERE "environment variable ACTIONS_DB__PASSWORD_FILE: actions_db.password_file: "
	scratch_load_bad(MINIMAL, NULL, "ACTIONS_DB__PASSWORD_FILE=absent",
		WHERE "absent cannot be read: No such file or directory\n");
	scratch_load_bad(MINIMAL, NULL, "ACTIONS_DB__PASSWORD_FILE=x\nCREDENTIALS_DIRECTORY=/nowhere",
		WHERE "/nowhere/x cannot be read: No such file or directory\n");
	scratch_load_bad(MINIMAL, NULL, "ACTIONS_DB__PASSWORD_FILE=", WHERE "must not be empty\n");
	scratch_write("pw", "\n");
	scratch_load_bad(MINIMAL, NULL, "ACTIONS_DB__PASSWORD_FILE=pw", WHERE "pw is empty\n");
	scratch_write("pw", "hunter2\xff\n");
	scratch_load_bad(MINIMAL, NULL, "ACTIONS_DB__PASSWORD_FILE=pw", WHERE "pw is not valid UTF-8\n");
	scratch_load_bad(
		"actions_db: {dialect: sqlite, database: a, password: hunter2}\naction: {callback: print}\n",
		NULL, "ACTIONS_DB__PASSWORD_FILE=pw",
		WHERE "is given beside actions_db.password (config.yaml:1:54); only one of them may be\n");
}

static void what_is_shown_has_sources_and_no_secrets(void **state)
{
	(void)state;
	struct config *config = scratch_load_good(
		"actions_db:\n    dialect: postgresql\n    database: d\n    password: hunter2\n"
		"    options: {a: b, sslpassword: hunter2}\naction: {callback: print}\n",
		"DEBUG=on\n", "LOG__LEVEL=DEBUG");
	g_autofree char *hidden = config_hide_secrets(
		config, "no login of hunter2@db with a:hunter2, hunter2; hunter22 and nothunter2 stay");
	assert_string_equal(
		hidden, "no login of ********@db with a:********, ********; hunter22 and nothunter2 stay");
	g_autofree char *text = config_render(config);
	assert_null(strstr(text, "hunter2"));
	static const char *const lines[] = {
		"debug: true  # .env:1\n",
		"\nlog.level: debug  # environment variable LOG__LEVEL\n",
		"\nactions_db.dialect: postgresql  # config.yaml:2:14\n",
		"\nactions_db.password: ********  # config.yaml:4:15\n",
		"\nactions_db.options: {\"a\": \"b\", \"sslpassword\": \"********\"}  # config.yaml:5:21\n",
		"\ntrack_changes_period: 30s  # default\n",
		"\nactions_db.host:   # default\n",
	};
	for (size_t i = 0; i < G_N_ELEMENTS(lines); i++)
		if (!strstr(text, lines[i]))
			fail_msg("not in the text: %s\n%s", lines[i], text);
	assert_null(strstr(text, "internal_db"));
	config_free(config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(truth_values),
		cmocka_unit_test(durations_and_sizes),
		cmocka_unit_test(enums_match_in_any_case),
		cmocka_unit_test(the_table_is_sound),
		cmocka_unit_test(distances),
		cmocka_unit_test(passwords_come_from_files),
		cmocka_unit_test(password_files_that_do_not_serve),
		cmocka_unit_test(what_is_shown_has_sources_and_no_secrets),
	};
	return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
