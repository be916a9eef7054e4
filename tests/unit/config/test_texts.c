/* The files that stand in the project and the texts that are built in, held against each other. */
#include "scratch.h"

#include "config/sample_actions.h"
#include "config/template.h"

static char *read_source_file(const char *name)
{
	const char *root = getenv("SOURCE_ROOT");
	assert_non_null(root);
	g_autofree char *path = g_build_filename(root, name, NULL);
	char *text = NULL;
	if (!g_file_get_contents(path, &text, NULL, NULL))
		fail_msg("%s cannot be read", path);
	return text;
}

static void the_reference_is_in_step_with_the_table(void **state)
{
	(void)state;
	g_autofree char *made = config_reference_markdown();
	g_autofree char *kept = read_source_file("docs/configuration.md");
	assert_string_equal(made, kept);
}

static void the_trivial_sample_loads(void **state)
{
	(void)state;
	g_autofree char *text = read_source_file("sample_configs/trivial/config.yaml");
	struct config *config = scratch_load_good(text, NULL, NULL);
	assert_false(config->debug);
	assert_int_equal(config->actions_db.dialect, CONFIG_SQLITE);
	assert_string_equal(config->actions_db.database, "database.db");
	assert_true(config->internal_db.set);
	assert_int_equal(config->internal_db.dialect, CONFIG_SQLITE);
	assert_string_equal(config->internal_db.database, "database.db");
	assert_string_equal(config->action.callback, "action_scheduler.callbacks:print_command");
	assert_false(config->action.defaults.merge_missed);
	assert_int_equal(config->action.defaults.actuality_s, -1);
	assert_int_equal(config->track_changes_period, 15 * US_PER_SECOND);
	assert_true(config->test.write_sample_actions_to_db);
	assert_false(config->test.print_apscheduler_jobs);
	assert_false(config->test.echo_actions_db_engine);
	config_free(config);
}

static void the_practical_sample_loads(void **state)
{
	(void)state;
	g_autofree char *text = read_source_file("sample_configs/practical/config.yaml");
	struct config *config = scratch_load_good(text, NULL, NULL);
	assert_int_equal(config->actions_db.dialect, CONFIG_POSTGRESQL);
	assert_string_equal(config->actions_db.driver, "psycopg2");
	assert_string_equal(config->actions_db.username, "postgres");
	assert_string_equal(config->actions_db.password, "postgres");
	assert_string_equal(config->actions_db.host, "localhost");
	assert_int_equal(config->actions_db.port, 5432);
	assert_string_equal(config->actions_db.database, "postgres");
	assert_string_equal(config->internal_db.database, "database.db");
	assert_string_equal(config->action.callback, "action_scheduler.callbacks:kafka_send");
	assert_true(config->action.defaults.merge_missed);
	assert_int_equal(config->action.defaults.actuality_s, 600);
	assert_string_equal(config->callback.kafka.server, "localhost:1234");
	assert_string_equal(config->callback.kafka.topic, "some_topic");
	assert_false(config->test.write_sample_actions_to_db);
	config_free(config);
}

static void the_template_loads(void **state)
{
	(void)state;
	g_autofree char *text = config_template();
	struct config *config = scratch_load_good(text, NULL, NULL);
	assert_string_equal(config->actions_db.database, "database.db");
	assert_string_equal(config->internal_db.database, "database.db");
	assert_string_equal(config->action.callback, "print");
	assert_int_equal(config->action.defaults.actuality_s, -1);
	assert_false(config->test.write_sample_actions_to_db);
	config_free(config);
}

/* Taking away the mark of a commented-out key gives a configuration that loads, whichever key it is. */
static void every_key_of_the_template_can_be_uncommented(void **state)
{
	(void)state;
	g_autofree char *text = config_template();
	g_autoptr(GRegex) key = g_regex_new("^( *)# ( *[a-z_]+:( .*)?)$", G_REGEX_MULTILINE, 0, NULL);
	/* Sentences have a blank behind their colon too, but end in a full stop. */
	g_autoptr(GRegex) prose = g_regex_new("^ *#.*\\.$", G_REGEX_MULTILINE, 0, NULL);
	g_autofree char *keys_only = g_regex_replace_literal(prose, text, -1, 0, "#", 0, NULL);
	g_autofree char *all = g_regex_replace(key, keys_only, -1, 0, "\\1\\2", 0, NULL);
	g_autoptr(GRegex) file = g_regex_new("(password|token)_file: .*", 0, 0, NULL);
	g_autofree char *loadable = g_regex_replace_literal(file, all, -1, 0, "#", 0, NULL);
	struct config *config = scratch_load_good(loadable, NULL, NULL);
	assert_string_equal(config->timezone, "Europe/Berlin");
	assert_int_equal(config->actions_db.port, 5432);
	assert_string_equal(config->callback.kafka.topic, "actions");
	assert_int_equal(config->action.defaults.catch_up_limit, 100);
	assert_string_equal(g_hash_table_lookup(config->internal_db.options, "sslmode"), "require");
	for (guint i = 0; i < config->settings->len; i++) {
		const struct config_setting *setting = g_ptr_array_index(config->settings, i);
		if (setting->is_default && !g_str_has_suffix(setting->key, "password_file") &&
			!g_str_has_suffix(setting->key, "token_file"))
			fail_msg("%s is not in the template", setting->key);
	}
	config_free(config);
}

static struct row_list *read_samples(const char *text, const char *expected_problems)
{
	g_autoptr(GPtrArray) problems = config_problems_new();
	struct row_list *samples = sample_actions_read(text, strlen(text), "s.yaml", problems);
	g_autofree char *complaints = scratch_problems(problems);
	assert_string_equal(complaints, expected_problems);
	assert_int_equal(!samples, !!*expected_problems);
	return samples;
}

static void the_sample_actions_are_the_two(void **state)
{
	(void)state;
	g_autofree char *kept = read_source_file("sample_actions.yaml");
	assert_string_equal(kept, sample_actions_text);
	struct row_list *samples = read_samples(kept, "");
	assert_int_equal(samples->rows->len, 2);
	const struct list_row *first = row_list_at(samples, 0), *second = row_list_at(samples, 1);
	assert_string_equal(first->row.name.data, "Action1");
	assert_string_equal(first->row.command.data, "command1");
	assert_string_equal(
		first->row.cron.data, "{\"format\": \"unix\", \"params\": {\"value\": \"* * * * *\"}}");
	assert_string_equal(second->row.name.data, "Action2");
	assert_string_equal(second->row.command.data, "command2");
	assert_string_equal(second->row.cron.data,
		"{\"format\": \"apscheduler\", \"params\": {\"second\": \"*/20\", \"end_date\": "
		"\"2050-05-05\"}}");
	assert_false(first->row.merge_missed.set || first->row.actuality_time.set ||
		     second->row.merge_missed.set || second->row.actuality_time.set);
	row_list_free(samples);
}

/* Left what stands in the file, right what PyYAML and json.dumps make of it. */
static void schedules_are_stored_as_python_writes_them(void **state)
{
	(void)state;
	static const struct {
		const char *yaml, *json;
	} cases[] = {
		{"{}", "{}"},
		{"{a: 5, b: -5, c: +5, d: 010, e: 0x1f, f: 08, g: 0}",
			"{\"a\": 5, \"b\": -5, \"c\": 5, \"d\": 8, \"e\": 31, \"f\": \"08\", \"g\": 0}"},
		{"{a: yes, b: Off, c: TRUE, d: tRUE, e: y, f: \"yes\"}",
			"{\"a\": true, \"b\": false, \"c\": true, \"d\": \"tRUE\", \"e\": \"y\", \"f\": "
			"\"yes\"}"},
		{"{a: 1.5, b: 5.0, c: .5, d: 1.2.3, e: \"1.5\", f: 0.1}",
			"{\"a\": 1.5, \"b\": 5.0, \"c\": 0.5, \"d\": \"1.2.3\", \"e\": \"1.5\", \"f\": 0.1}"},
		{"{a: ~, b: , c: null, d: '', e: \"null\"}",
			"{\"a\": null, \"b\": null, \"c\": null, \"d\": \"\", \"e\": \"null\"}"},
		{"{a: [1, {b: 2}, []]}", "{\"a\": [1, {\"b\": 2}, []]}"},
		{"{a: \"\\\"\\\\\\n\\t/\\x7f\\x01\"}", "{\"a\": \"\\\"\\\\\\n\\t/\\u007f\\u0001\"}"},
		{"{a: \xd1\x8f, b: \xf0\x9f\x98\x80}", "{\"a\": \"\\u044f\", \"b\": \"\\ud83d\\ude00\"}"},
		{"{a: 99999999999999999999}", "{\"a\": \"99999999999999999999\"}"},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *text = g_strdup_printf("[{name: n, command: c, cron: %s}]", cases[i].yaml);
		struct row_list *samples = read_samples(text, "");
		assert_string_equal(row_list_at(samples, 0)->row.cron.data, cases[i].json);
		row_list_free(samples);
	}
}

static void policies_of_sample_actions(void **state)
{
	(void)state;
	struct row_list *samples =
		read_samples("[{name: n, command: c, cron: {}, merge_missed: true, actuality_time: 60},\n"
			     " {name: 1, command: yes, cron: {}, merge_missed: off, actuality_time: -1}]",
			"");
	const struct action_row *first = &row_list_at(samples, 0)->row,
				*second = &row_list_at(samples, 1)->row;
	assert_true(first->merge_missed.set && first->merge_missed.value && first->actuality_time.set);
	assert_int_equal(first->actuality_time.value, 60);
	assert_true(second->merge_missed.set && !second->merge_missed.value && second->actuality_time.set);
	assert_int_equal(second->actuality_time.value, -1);
	assert_string_equal(second->name.data, "1");
	row_list_free(samples);
}

/* As `export yaml` writes it. */
static void every_column_of_sample_actions(void **state)
{
	(void)state;
	struct row_list *samples = read_samples(
		"[{id: 17, name: n, command: c, cron: {}, merge_missed: null, actuality_time: null,\n"
		"  enabled: false, timezone: Europe/Berlin, callback: null, max_instances: 2, timeout: 60,\n"
		"  max_attempts: null, dst: vixie, catch_up_limit: null, topic: t}, {name: m, command: c, "
		"cron: {}}]",
		"");
	const struct action_row *row = &row_list_at(samples, 0)->row;
	assert_int_equal(row->id, 17);
	assert_true(row->enabled.set && !row->enabled.value && !row->max_attempts.set);
	assert_int_equal(row->max_instances.value, 2);
	assert_int_equal(row->timeout.value, 60);
	assert_string_equal(row->timezone.data, "Europe/Berlin");
	assert_string_equal(row->dst.data, "vixie");
	assert_string_equal(row->topic.data, "t");
	assert_null(row->callback.data);
	assert_int_equal(row_list_at(samples, 1)->row.id, 0);
	row_list_free(samples);
}

static void sample_actions_that_are_none(void **state)
{
	(void)state;
	read_samples("a: 1\n", "s.yaml:1:1: must be a list\n");
	read_samples("- 5\n", "s.yaml:1:3: an action must have keys with their values\n");
	read_samples("- command: [x]\n  nme: y\n- cron: []\n  actuality_time: []\n"
		     "- command: ~\n  cron: {}\n  merge_missed: maybe\n  timeout: 1.5\n",
		"s.yaml:1:12: command: must be a single value\n"
		"s.yaml:2:3: nme: unknown key; a row has id, name, command, cron, merge_missed, "
		"actuality_time, enabled, timezone, callback, max_instances, timeout, max_attempts, dst, "
		"catch_up_limit, topic\n"
		"s.yaml:3:9: cron: must have a format and params\n"
		"s.yaml:4:19: actuality_time: must be a single value\n"
		"s.yaml:5: name: is missing\n"
		"s.yaml:5: command: is missing\n"
		"s.yaml:5: merge_missed: must be true or false, not 'maybe'\n"
		"s.yaml:5: timeout: must be a whole number, not '1.5'\n");
	/* Aliases that double at each step: a few hundred bytes that would be terabytes. */
	g_autoptr(GString) laughs = g_string_new("- name: n\n  command: c\n  cron:\n    a0: &a0 [x, x]\n");
	for (int i = 1; i < 40; i++)
		g_string_append_printf(laughs, "    a%d: &a%d [*a%d, *a%d]\n", i, i, i - 1, i - 1);
	read_samples(laughs->str, "s.yaml:4:5: cron: is too large\n");
}

/* Keys are looked up in another way once they are many. */
static void keys_that_stand_twice_are_found_among_many(void **state)
{
	(void)state;
	for (int count = 1; count <= 40; count++) {
		g_autoptr(GString) text = g_string_new("- name: n\n  command: c\n  cron:\n");
		for (int i = 0; i < count; i++)
			g_string_append_printf(text, "    k%d: 1\n", i);
		struct row_list *samples = read_samples(text->str, "");
		row_list_free(samples);
		g_string_append_printf(text, "    k0: 1\n    k%d: 1\n", count - 1);
		g_autofree char *expected =
			g_strdup_printf("s.yaml:%d:5: the key 'k0' stands here again; first in line 4\n"
					"s.yaml:%d:5: the key 'k%d' stands here again; first in line %d\n",
				count + 4, count + 5, count - 1, count + 3);
		read_samples(text->str, expected);
	}
}

static void sample_actions_are_looked_for_in_turn(void **state)
{
	(void)state;
	g_autoptr(GPtrArray) problems = config_problems_new();
	unlink("sample_actions.yaml");
	struct row_list *built_in = sample_actions_load("sub/config.yaml", problems);
	assert_int_equal(built_in->rows->len, 2);
	row_list_free(built_in);
	scratch_write("sample_actions.yaml", "[]\n");
	struct row_list *working_directory = sample_actions_load("sub/config.yaml", problems);
	assert_int_equal(working_directory->rows->len, 0);
	row_list_free(working_directory);
	assert_int_equal(g_mkdir_with_parents("sub", 0700), 0);
	scratch_write("sub/sample_actions.yaml", "[{name: n, command: c, cron: {}}]\n");
	struct row_list *beside = sample_actions_load("sub/config.yaml", problems);
	assert_int_equal(beside->rows->len, 1);
	row_list_free(beside);
	struct row_list *without_config = sample_actions_load(NULL, problems);
	assert_int_equal(without_config->rows->len, 0);
	row_list_free(without_config);
	assert_int_equal(problems->len, 0);
	scratch_write("sub/sample_actions.yaml", "{");
	assert_null(sample_actions_load("sub/config.yaml", problems));
	assert_int_equal(problems->len, 1);
	unlink("sub/sample_actions.yaml");
	rmdir("sub");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_reference_is_in_step_with_the_table),
		cmocka_unit_test(the_trivial_sample_loads),
		cmocka_unit_test(the_practical_sample_loads),
		cmocka_unit_test(the_template_loads),
		cmocka_unit_test(every_key_of_the_template_can_be_uncommented),
		cmocka_unit_test(the_sample_actions_are_the_two),
		cmocka_unit_test(schedules_are_stored_as_python_writes_them),
		cmocka_unit_test(policies_of_sample_actions),
		cmocka_unit_test(every_column_of_sample_actions),
		cmocka_unit_test(sample_actions_that_are_none),
		cmocka_unit_test(keys_that_stand_twice_are_found_among_many),
		cmocka_unit_test(sample_actions_are_looked_for_in_turn),
	};
	return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
