/* Every kind of error, with its exact place and words; and that a secret never shows. */
#include "scratch.h"

#include "config/problem.h"

struct problem_case {
	const char *yaml, *dotenv, *variables;
	const char *expected;
};

static void check(const struct problem_case *cases, size_t count)
{
	for (size_t i = 0; i < count; i++)
		scratch_load_bad(cases[i].yaml, cases[i].dotenv, cases[i].variables, cases[i].expected);
}

#define CHECK(cases) check(cases, G_N_ELEMENTS(cases))

static void values_that_do_not_fit(void **state)
{
	(void)state;
	static const struct problem_case cases[] = {
		{MINIMAL "debug: maybe\n", NULL, NULL,
			"config.yaml:3:8: debug: must be true or false, not 'maybe'\n"},
		{MINIMAL "debug:\n    - 1\n", NULL, NULL, "config.yaml:4:5: debug: must be a single value\n"},
		{MINIMAL "debug: {a: 1}\n", NULL, NULL, "config.yaml:3:8: debug: must be a single value\n"},
		{MINIMAL, "ACTIONS_DB__PORT=0\n", NULL,
			".env:1: actions_db.port: must be a whole number from 1 to 65535, not '0'\n"},
		{MINIMAL, NULL, "ACTIONS_DB__PORT=65536",
			"environment variable ACTIONS_DB__PORT: actions_db.port: must be a whole number from "
			"1 to 65535, "
			"not '65536'\n"},
		{MINIMAL, NULL, "ACTIONS_DB__PORT=",
			"environment variable ACTIONS_DB__PORT: actions_db.port: must be a whole number from "
			"1 to 65535, "
			"not ''\n"},
		{MINIMAL, NULL, "ACTIONS_DB={\"port\": 5432.5}",
			"environment variable ACTIONS_DB: actions_db.port: must be a whole number from 1 to "
			"65535, not "
			"'5432.5'\n"},
		{MINIMAL, NULL, "ACTIONS_DB__PORT=99999999999999999999",
			"environment variable ACTIONS_DB__PORT: actions_db.port: must be a whole number from "
			"1 to 65535, "
			"not '99999999999999999999'\n"},
		{MINIMAL "track_changes_period: 0\n", NULL, NULL,
			"config.yaml:3:23: track_changes_period: must be a number of seconds from 0.1s to "
			"365d, not '0'\n"},
		{MINIMAL "shutdown_timeout: 5x\n", NULL, NULL,
			"config.yaml:3:19: shutdown_timeout: must be a number of seconds from 0 to 365d, not "
			"'5x'\n"},
		{MINIMAL "history:\n    max_bytes: 1kB\n", NULL, NULL,
			"config.yaml:4:16: history.max_bytes: must be a number of bytes from 64KiB to "
			"1024TiB, not '1kB'\n"},
		{MINIMAL "unix_dialect: vixie\n", NULL, NULL,
			"config.yaml:3:15: unix_dialect: must be one of standard, apscheduler, not "
			"'vixie'\n"},
		{MINIMAL "log: {level: wraning}\n", NULL, NULL,
			"config.yaml:3:14: log.level: must be one of error, warning, info, debug, not "
			"'wraning'; did you "
			"mean warning?\n"},
		{"actions_db: {dialect: oracle, database: x}\naction: {callback: print}\n", NULL, NULL,
			"config.yaml:1:23: actions_db.dialect: must be one of sqlite, postgresql, mysql, "
			"mariadb, not "
			"'oracle'\n"},
		{MINIMAL "timezone: Mars/Olympus\n", NULL, NULL,
			"config.yaml:3:11: timezone: \"Mars/Olympus\" is no time zone; names are those of "
			"the tz database, "
			"such as Europe/Moscow\n"},
		{MINIMAL "timezone: ''\n", NULL, NULL, "config.yaml:3:11: timezone: must not be empty\n"},
		{MINIMAL, NULL, "ACTION__CALLBACK=a\xff",
			"environment variable ACTION__CALLBACK: action.callback: not valid UTF-8\n"},
		{MINIMAL "debug: \"a\\nb\"\n", NULL, NULL,
			"config.yaml:3:8: debug: must be true or false, not 'a\\nb'\n"},
	};
	CHECK(cases);
}

static void keys_that_are_not_known(void **state)
{
	(void)state;
	static const struct problem_case cases[] = {
		{MINIMAL "debgu: true\n", NULL, NULL,
			"config.yaml:3:1: debgu: unknown key; did you mean debug?\n"},
		{MINIMAL "DEBUG: true\n", NULL, NULL,
			"config.yaml:3:1: DEBUG: unknown key; did you mean debug?\n"},
		{MINIMAL "kafka:\n    sever: x\n", NULL, NULL,
			"config.yaml:4:5: kafka.sever: unknown key; did you mean kafka.server?\n"},
		{MINIMAL "internal-db: {dialect: sqlite}\n", NULL, NULL,
			"config.yaml:3:1: internal-db: unknown key; did you mean internal_db?\n"},
		{MINIMAL "merge_missed: true\n", NULL, NULL,
			"config.yaml:3:1: merge_missed: unknown key; did you mean "
			"action.defaults.merge_missed?\n"},
		{MINIMAL "kafka.server: x\n", NULL, NULL,
			"config.yaml:3:1: kafka.server: a key of a section stands below it, indented\n"},
		{MINIMAL, "A=1\n\nKAFKA__SERVR=x\n", NULL,
			".env:3: kafka.servr: unknown variable; did you mean KAFKA__SERVER?\n"},
		{MINIMAL, NULL, "ACTION__CALBACK=x",
			"environment variable ACTION__CALBACK: action.calback: unknown variable; did you "
			"mean "
			"ACTION__CALLBACK?\n"},
		{MINIMAL, NULL, "LOG__LEVL=info",
			"environment variable LOG__LEVL: log.levl: unknown variable; did you mean "
			"LOG__LEVEL?\n"},
		{MINIMAL, NULL, "KAFKA={\"topik\": \"x\"}",
			"environment variable KAFKA: kafka.topik: unknown variable; did you mean "
			"KAFKA__TOPIC?\n"},
		{MINIMAL, NULL, "KAFKA__=x\nACTION__CALLBACK__X=y",
			"environment variable KAFKA__: kafka.: unknown variable; did you mean KAFKA__RATE?\n"
			"environment variable ACTION__CALLBACK__X: action.callback.x: unknown variable; did "
			"you mean "
			"ACTION__DEFAULTS__DST?\n"},
	};
	CHECK(cases);
}

static void sections_that_are_none(void **state)
{
	(void)state;
	static const struct problem_case cases[] = {
		{MINIMAL "kafka: x\n", NULL, NULL,
			"config.yaml:3:8: kafka: must be a section of keys with their values\n"},
		{MINIMAL "kafka: [x]\n", NULL, NULL,
			"config.yaml:3:8: kafka: must be a section of keys with their values\n"},
		{"- a\n", NULL,
			"ACTIONS_DB={\"dialect\": \"sqlite\", \"database\": \"x\"}\nACTION__CALLBACK=print",
			"config.yaml:1:1: must be a section of keys with their values\n"},
		{MINIMAL, NULL, "KAFKA=localhost",
			"environment variable KAFKA: kafka: must be a JSON object, as {\"key\": "
			"\"value\"}\n"},
		{MINIMAL, "TEST=\"yes\"\n", NULL,
			".env:1: test: must be a JSON object, as {\"key\": \"value\"}\n"},
		{MINIMAL, NULL, "ACTION=[1]",
			"environment variable ACTION: action: must be a JSON object, as {\"key\": "
			"\"value\"}\n"},
		{MINIMAL, NULL, "ACTION__DEFAULTS=x",
			"environment variable ACTION__DEFAULTS: action.defaults: must be a JSON object, as "
			"{\"key\": "
			"\"value\"}\n"},
		{MINIMAL, NULL, "ACTION={\"defaults\": 5}",
			"environment variable ACTION: action.defaults: must be a section of keys with their "
			"values\n"},
		{MINIMAL, NULL, "LOG={\"level\": \"info\"",
			"environment variable LOG: log: not valid JSON: '}' expected (line 1, column 16)\n"},
		{MINIMAL, NULL, "ACTIONS_DB={\"port\": 1, \"port\": 2}",
			"environment variable ACTIONS_DB: actions_db: not valid JSON: duplicate object key "
			"(line 1, column "
			"18)\n"},
		{MINIMAL, NULL, "ACTIONS_DB__OPTIONS=x\nACTIONS_DB__OPTIONS__A=[1]",
			"environment variable ACTIONS_DB__OPTIONS: actions_db.options: must be a JSON "
			"object, as {\"key\": "
			"\"value\"}\n"},
		{"actions_db: {dialect: sqlite, database: a, options: {a: {b: c}}}\naction: {callback: "
		 "print}\n",
			NULL, NULL,
			"config.yaml:1:54: actions_db.options: the value of a parameter must be text or a "
			"number\n"},
		{"actions_db: {dialect: sqlite, database: a, options: 5}\naction: {callback: print}\n", NULL,
			NULL, "config.yaml:1:53: actions_db.options: must be parameters with their values\n"},
	};
	CHECK(cases);
}

static void keys_that_are_missing(void **state)
{
	(void)state;
	static const struct problem_case cases[] = {
		{"debug: no\n", NULL, NULL,
			"config.yaml: actions_db.dialect: is missing; give it here or as the variable "
			"ACTIONS_DB__DIALECT\n"
			"config.yaml: actions_db.database: is missing; give it here or as the variable "
			"ACTIONS_DB__DATABASE\n"
			"config.yaml: action.callback: is missing; give it here or as the variable "
			"ACTION__CALLBACK\n"},
		{"actions_db:\n    dialect: sqlite\naction: {callback: null}\n", NULL, NULL,
			"config.yaml:2:5: actions_db.database: is missing; give it here or as the variable "
			"ACTIONS_DB__DATABASE\n"
			"config.yaml:3:9: action.callback: is missing; give it here or as the variable "
			"ACTION__CALLBACK\n"},
		{MINIMAL "internal_db: {}\n", NULL, NULL,
			"config.yaml:3:14: internal_db.dialect: is missing; give it here or as the variable "
			"INTERNAL_DB__DIALECT\n"
			"config.yaml:3:14: internal_db.database: is missing; give it here or as the variable "
			"INTERNAL_DB__DATABASE\n"},
		{MINIMAL "internal_db: null\n", NULL, "INTERNAL_DB__DATABASE=x",
			"environment variable INTERNAL_DB__DATABASE: internal_db.dialect: is missing; give "
			"it here or as "
			"the variable INTERNAL_DB__DIALECT\n"},
		{"actions_db: {dialect: sqlite, database: ''}\naction: {callback: ''}\n", NULL, NULL,
			"config.yaml:1:41: actions_db.database: must not be empty\n"
			"config.yaml:2:20: action.callback: must not be empty\n"},
	};
	CHECK(cases);
}

static void text_that_is_no_yaml(void **state)
{
	(void)state;
	static const struct problem_case cases[] = {
		/* What is missing may stand behind the error, so nothing is said about it. */
		{"debug: [\n", NULL, NULL,
			"config.yaml:2:1: not YAML: did not find expected node content while parsing a flow "
			"node\n"},
		{"a: 1\n\tb: 2\n", NULL, NULL,
			"config.yaml:2:1: not YAML: found a tab character that violates indentation while "
			"scanning a plain "
			"scalar\n"},
		{MINIMAL "---\ndebug: true\n", NULL, NULL,
			"config.yaml:3:1: a second document is not supported here\n"},
		{MINIMAL "debug: true\ndebug: true\n", NULL, NULL,
			"config.yaml:4:1: the key 'debug' stands here again; first in line 3\n"},
		{MINIMAL "log: {level: info, \"level\": info}\n", NULL, NULL,
			"config.yaml:3:20: the key 'level' stands here again; first in line 3\n"},
		{MINIMAL "log: *unknown\n", NULL, NULL,
			"config.yaml:3:6: this alias has no anchor before it\n"},
		{MINIMAL "log: &a {level: *a}\n", NULL, NULL,
			"config.yaml:3:17: this alias refers to what it stands in\n"},
		{MINIMAL "timezone: !env TZ\n", NULL, NULL,
			"config.yaml:3:11: a tag is not supported here\n"},
		{MINIMAL "[a, b]: 1\n", NULL, NULL, "config.yaml:3:1: a key must be text\n"},
		{MINIMAL "timezone: \"a\\0b\"\n", NULL, NULL,
			"config.yaml:3:11: text must not hold a NUL character\n"},
		{MINIMAL "timezone: \xff\n", NULL, NULL,
			"config.yaml:3: not YAML: invalid leading UTF-8 octet\n"},
	};
	CHECK(cases);
	g_autoptr(GString) deep = g_string_new("a: ");
	for (int i = 0; i < 100; i++)
		g_string_append_c(deep, '[');
	scratch_load_bad(deep->str, NULL, NULL, "config.yaml:1:67: nested too deeply\n");
}

static void errors_of_all_sources_come_together(void **state)
{
	(void)state;
	scratch_load_bad("actions_db: {dialect: sqlite, databse: x}\ndebug: 7\n",
		"1x\nSHUTDOWN_TIMEOUT=soon\nA='open\n", "KAFKA=x\nLOG__FORMAT=xml",
		"config.yaml:1:31: actions_db.databse: unknown key; did you mean actions_db.database?\n"
		".env:1: expected KEY=value\n"
		".env:3: the single quote is not closed\n"
		"environment variable KAFKA: kafka: must be a JSON object, as {\"key\": \"value\"}\n"
		"config.yaml:2:8: debug: must be true or false, not '7'\n"
		".env:2: shutdown_timeout: must be a number of seconds from 0 to 365d, not 'soon'\n"
		"environment variable LOG__FORMAT: log.format: must be one of text, json, not 'xml'\n");
}

static void many_errors_are_cut(void **state)
{
	(void)state;
	g_autoptr(GString) yaml = g_string_new(MINIMAL);
	for (int i = 0; i < 500; i++)
		g_string_append_printf(yaml, "unknown%d: 1\n", i);
	g_autoptr(GPtrArray) problems = config_problems_new();
	assert_null(scratch_load(yaml->str, NULL, NULL, problems));
	assert_int_equal(problems->len, PROBLEMS_MAX + 1);
	const struct config_problem *last = g_ptr_array_index(problems, PROBLEMS_MAX);
	assert_string_equal(last->reason, "there are more errors, not shown");
}

static void files_that_cannot_be_read(void **state)
{
	(void)state;
	g_autoptr(GPtrArray) problems = config_problems_new();
	struct config_sources sources = {.config_path = "absent.yaml", .env_path = "absent.env"};
	assert_null(config_load(&sources, problems));
	g_autofree char *text = scratch_problems(problems);
	assert_string_equal(text, "absent.yaml: cannot be read: No such file or directory\n"
				  "absent.env: cannot be read: No such file or directory\n");

	g_autofree char *large = g_strnfill((1 << 20) + 1, '#');
	scratch_load_bad(large, NULL, NULL, "config.yaml: is larger than 1048576 bytes\n");

	g_ptr_array_set_size(problems, 0);
	sources = (struct config_sources){.config_path = "."};
	assert_null(config_load(&sources, problems));
	g_autofree char *directory = scratch_problems(problems);
	assert_string_equal(directory, ".: cannot be read: Is a directory\n");
}

static void nothing_at_all_names_the_verb_that_helps(void **state)
{
	(void)state;
	if (g_file_test("/etc/action-scheduler/config.yaml", G_FILE_TEST_EXISTS)) {
		print_message(
			"this machine has a configuration installed, so there is never none: not checked\n");
		skip();
	}
	unlink("config.yaml");
	unlink(".env");
	g_autoptr(GPtrArray) problems = config_problems_new();
	assert_null(config_load(&(struct config_sources){0}, problems));
	g_autofree char *text = scratch_problems(problems);
	assert_string_equal(text, "config.yaml: there is none here and no /etc/action-scheduler/config.yaml; "
				  "`action-scheduler init` writes one, and -c names another\n");
}

static void secrets_never_show(void **state)
{
	(void)state;
	static const struct problem_case cases[] = {
		{"actions_db: {password: [hunter2]}\n", NULL,
			"ACTIONS_DB={\"password\": \"hunter2\" \"hunter2\"}", NULL},
		{"actions_db: {password: &hunter2 hunter2, options: hunter2}\n", NULL,
			"ACTIONS_DB={\"hunter2\"\nINTERNAL_DB=hunter2", NULL},
		{"actions_db: {password: 'hunter2}\n", "ACTIONS_DB__PASSWORD='hunter2\n", NULL, NULL},
		{NULL, "ACTIONS_DB__PASSWORD \"hunter2\"\nINTERNAL_DB__PASSWORD=\"hunter2\" hunter2\n",
			"ACTIONS_DB={hunter2}", NULL},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GPtrArray) problems = config_problems_new();
		assert_null(scratch_load(cases[i].yaml, cases[i].dotenv, cases[i].variables, problems));
		g_autofree char *text = scratch_problems(problems);
		assert_null(strstr(text, "hunter2"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_that_do_not_fit),
		cmocka_unit_test(keys_that_are_not_known),
		cmocka_unit_test(sections_that_are_none),
		cmocka_unit_test(keys_that_are_missing),
		cmocka_unit_test(text_that_is_no_yaml),
		cmocka_unit_test(errors_of_all_sources_come_together),
		cmocka_unit_test(many_errors_are_cut),
		cmocka_unit_test(files_that_cannot_be_read),
		cmocka_unit_test(nothing_at_all_names_the_verb_that_helps),
		cmocka_unit_test(secrets_never_show),
	};
	return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
