/* Which source wins, how a variable finds its key, and what is nobody's business. */
#include "scratch.h"

/* Every combination of the three sources that give a key: the highest one wins. */
static void environment_beats_dotenv_beats_yaml(void **state)
{
	(void)state;
	for (int mask = 0; mask < 8; mask++) {
		g_autofree char *yaml = g_strconcat(MINIMAL, mask & 1 ? "shutdown_timeout: 1\n" : "", NULL);
		struct config *config = scratch_load_good(yaml, mask & 2 ? "SHUTDOWN_TIMEOUT=2\n" : NULL,
			mask & 4 ? "SHUTDOWN_TIMEOUT=4" : NULL);
		int64_t expected = mask & 4 ? 4 : mask & 2 ? 2 : mask & 1 ? 1 : 30;
		assert_int_equal(config->shutdown_timeout, expected * US_PER_SECOND);
		const char *source = mask & 4   ? "environment variable SHUTDOWN_TIMEOUT"
				     : mask & 2 ? ".env:1"
				     : mask & 1 ? "config.yaml:3:19"
						: "default";
		assert_string_equal(scratch_setting(config, "shutdown_timeout")->source, source);
		assert_int_equal(scratch_setting(config, "shutdown_timeout")->is_default, !mask);
		config_free(config);
	}
}

static void names_of_variables_match_in_any_case(void **state)
{
	(void)state;
	struct config *config = scratch_load_good(NULL, NULL,
		"actions_db__dialect=sqlite\nActions_Db__Database=b.db\nACTION__CALLBACK=print\n"
		"ACTION__DEFAULTS__MAX_INSTANCES=7\ndebug=YES");
	assert_string_equal(config->path, "config.yaml");
	assert_string_equal(config->actions_db.database, "b.db");
	assert_int_equal(config->action.defaults.max_instances, 7);
	assert_true(config->debug);
	config_free(config);
}

static void upper_case_beats_other_spellings_in_either_order(void **state)
{
	(void)state;
	static const char *const orders[] = {
		"log__level=error\nLOG__LEVEL=debug", "LOG__LEVEL=debug\nlog__level=error"};
	for (size_t i = 0; i < G_N_ELEMENTS(orders); i++) {
		struct config *config = scratch_load_good(MINIMAL, NULL, orders[i]);
		assert_int_equal(config->log.level, LOG_DEBUG);
		config_free(config);
	}
}

static void json_of_a_section_is_laid_over_the_lower_sources(void **state)
{
	(void)state;
	struct config *config = scratch_load_good(
		"actions_db: {dialect: sqlite, database: a.db}\n"
		"action: {callback: print, defaults: {actuality_time: 5, max_attempts: 2}}\n",
		"ACTION__DEFAULTS='{\"max_attempts\": 3, \"dst\": \"vixie\"}'\n",
		"ACTION={\"defaults\": {\"merge_missed\": true, \"dst\": \"wall_clock\"}}");
	assert_string_equal(config->action.callback, "print");
	assert_int_equal(config->action.defaults.actuality_s, 5);
	assert_int_equal(config->action.defaults.max_attempts, 3);
	assert_true(config->action.defaults.merge_missed);
	assert_int_equal(config->action.defaults.dst, CONFIG_DST_WALL_CLOCK);
	assert_string_equal(scratch_setting(config, "action.defaults.max_attempts")->source, ".env:1");
	config_free(config);
}

static void single_keys_beat_the_json_of_their_section(void **state)
{
	(void)state;
	struct config *config = scratch_load_good(MINIMAL, NULL,
		"ACTION__DEFAULTS__MAX_ATTEMPTS=3\nACTION__DEFAULTS={\"max_attempts\": 2, \"max_instances\": "
		"2}\n"
		"ACTION={\"defaults\": {\"max_attempts\": 1, \"max_instances\": 1, \"timeout\": 9}}");
	assert_int_equal(config->action.defaults.max_attempts, 3);
	assert_int_equal(config->action.defaults.max_instances, 2);
	assert_int_equal(config->action.defaults.timeout_s, 9);
	config_free(config);
}

static void json_of_a_higher_source_beats_single_keys_of_a_lower_one(void **state)
{
	(void)state;
	struct config *config =
		scratch_load_good(MINIMAL, "LOG__LEVEL=error\n", "LOG={\"level\": \"debug\"}");
	assert_int_equal(config->log.level, LOG_DEBUG);
	config_free(config);
}

static void null_takes_back_what_lower_sources_say(void **state)
{
	(void)state;
	const char *yaml =
		MINIMAL "internal_db: {dialect: sqlite, database: i.db}\ntimezone: Europe/Berlin\n";
	struct config *config = scratch_load_good(yaml, NULL, NULL);
	assert_true(config->internal_db.set);
	assert_string_equal(config->timezone, "Europe/Berlin");
	config_free(config);

	config = scratch_load_good(yaml, NULL, "INTERNAL_DB=null");
	assert_false(config->internal_db.set);
	assert_null(config->internal_db.database);
	assert_null(scratch_find(config, "internal_db.database"));
	config_free(config);

	config = scratch_load_good(MINIMAL "timezone: ~\nkafka:\n", NULL, NULL);
	assert_null(config->timezone);
	config_free(config);
}

static void other_variables_are_nobodys_business(void **state)
{
	(void)state;
	struct config *config = scratch_load_good(MINIMAL, "PATH=/bin\nFOO__BAR=1\nDEBUG__X=1\n",
		"HOME=/root\nLOG=info\nHISTORY=/root/"
		".bash_history\nLOGGING=1\nKAFKA=\nTEST=\nactions_db.port=x\n"
		"DEBUG__LEVEL=5\nNOTHING");
	assert_int_equal(config->log.level, LOG_INFO);
	config_free(config);
}

static void entries_of_options_are_merged_one_by_one(void **state)
{
	(void)state;
	struct config *config = scratch_load_good(
		"actions_db: {dialect: sqlite, database: a.db, options: {sslMode: prefer, b: 1, c: x}}\n"
		"action: {callback: print}\n",
		NULL,
		"ACTIONS_DB__OPTIONS={\"b\": 2, \"c\": null}\nACTIONS_DB__OPTIONS__SSLMODE=require\n"
		"ACTIONS_DB__OPTIONS__SSL__CA=/ca");
	GHashTable *options = config->actions_db.options;
	assert_int_equal(g_hash_table_size(options), 3);
	assert_string_equal(g_hash_table_lookup(options, "sslMode"), "require");
	assert_string_equal(g_hash_table_lookup(options, "b"), "2");
	assert_string_equal(g_hash_table_lookup(options, "ssl.ca"), "/ca");
	assert_non_null(config->internal_db.options);
	config_free(config);
}

static void values_of_json_need_not_be_text(void **state)
{
	(void)state;
	struct config *config = scratch_load_good(MINIMAL, NULL,
		"ACTIONS_DB={\"port\": 5432, \"username\": 7}\nACTION={\"defaults\": {\"actuality_time\": "
		"\"60\"}}\n"
		"TEST={\"print_apscheduler_jobs\": 1}\nHISTORY={\"max_age\": 0.5e1}");
	assert_int_equal(config->actions_db.port, 5432);
	assert_string_equal(config->actions_db.username, "7");
	assert_int_equal(config->action.defaults.actuality_s, 60);
	assert_true(config->test.print_apscheduler_jobs);
	assert_int_equal(config->history.max_age, 5 * US_PER_SECOND);
	config_free(config);
}

static void aliases_and_byte_order_marks_of_yaml_are_understood(void **state)
{
	(void)state;
	struct config *config =
		scratch_load_good("\xef\xbb\xbf"
				  "---\nactions_db: &db\n    dialect: sqlite\n    database: &file one.db\n"
				  "internal_db: *db\naction: {callback: *file}\n...\n",
			NULL, NULL);
	assert_string_equal(config->internal_db.database, "one.db");
	assert_string_equal(config->action.callback, "one.db");
	config_free(config);
}

static void defaults_hold_where_nothing_is_given(void **state)
{
	(void)state;
	struct config *config = scratch_load_good(MINIMAL, NULL, NULL);
	assert_false(config->debug);
	assert_null(config->timezone);
	assert_int_equal(config->unix_dialect, CONFIG_UNIX_STANDARD);
	assert_int_equal(config->track_changes_period, 30 * US_PER_SECOND);
	assert_int_equal(config->shutdown_timeout, 30 * US_PER_SECOND);
	assert_false(config->action.defaults.merge_missed);
	assert_int_equal(config->action.defaults.actuality_s, -1);
	assert_int_equal(config->action.defaults.max_instances, 3);
	assert_int_equal(config->action.defaults.max_attempts, 1);
	assert_int_equal(config->action.defaults.timeout_s, 0);
	assert_int_equal(config->action.defaults.catch_up_limit, -1);
	assert_int_equal(config->history.level, CONFIG_HISTORY_ALL);
	assert_int_equal(config->history.max_age, 30 * US_PER_DAY);
	assert_int_equal(config->history.max_bytes, INT64_C(1) << 30);
	assert_int_equal(config->log.level, LOG_INFO);
	assert_int_equal(config->log.format, LOG_TEXT);
	assert_true(config->actions_db.set);
	assert_false(config->internal_db.set);
	assert_int_equal(config->actions_db.port, 0);
	assert_string_equal(config_dialect_name(config->actions_db.dialect), "sqlite");
	config_free(config);
}

/* .env is looked for beside the config, whatever the working directory is; a directory of that name is none.
 */
static void dotenv_stands_beside_the_config(void **state)
{
	(void)state;
	assert_int_equal(g_mkdir_with_parents("sub/.env", 0700), 0);
	scratch_write("sub/config.yaml", MINIMAL);
	scratch_write(".env", "DEBUG=1\n");
	g_autoptr(GPtrArray) problems = config_problems_new();
	struct config_sources sources = {.config_path = "sub/config.yaml"};
	struct config *config = config_load(&sources, problems);
	assert_false(config->debug);
	config_free(config);
	rmdir("sub/.env");

	scratch_write("sub/.env", "DEBUG=1\n");
	config = config_load(&sources, problems);
	assert_true(config->debug);
	assert_string_equal(scratch_setting(config, "debug")->source, "sub/.env:1");
	config_free(config);

	scratch_write("other.env", "DEBUG=off\n");
	sources.env_path = "other.env";
	config = config_load(&sources, problems);
	assert_false(config->debug);
	config_free(config);
	unlink("sub/.env");
	unlink("sub/config.yaml");
	rmdir("sub");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(environment_beats_dotenv_beats_yaml),
		cmocka_unit_test(names_of_variables_match_in_any_case),
		cmocka_unit_test(upper_case_beats_other_spellings_in_either_order),
		cmocka_unit_test(json_of_a_section_is_laid_over_the_lower_sources),
		cmocka_unit_test(single_keys_beat_the_json_of_their_section),
		cmocka_unit_test(json_of_a_higher_source_beats_single_keys_of_a_lower_one),
		cmocka_unit_test(null_takes_back_what_lower_sources_say),
		cmocka_unit_test(other_variables_are_nobodys_business),
		cmocka_unit_test(entries_of_options_are_merged_one_by_one),
		cmocka_unit_test(values_of_json_need_not_be_text),
		cmocka_unit_test(aliases_and_byte_order_marks_of_yaml_are_understood),
		cmocka_unit_test(defaults_hold_where_nothing_is_given),
		cmocka_unit_test(dotenv_stands_beside_the_config),
	};
	return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
