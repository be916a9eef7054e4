/* What every backend of store.h must do, run against each of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "contract.h"
#include "expect.h"

static void table_is_that_of_the_python_program(void **state)
{
	struct fixture *fixture = *state;
	contract_expect_cell(fixture, contract_backend->query_table, contract_backend->create_table);
	assert_true(store_create_table(fixture->store, NULL));
	contract_expect_cell(fixture, contract_backend->query_table, contract_backend->create_table);
	expect_rows(fixture->store, "");
	assert_int_equal(store_columns(fixture->store), 0);
}

static void unknown_dialect_names_those_there_are(void **state G_GNUC_UNUSED)
{
	struct store_options options = {.dialect = "oracle", .database = "x"};
	expect_open_error(&options, AS_ERROR_INVALID, "sqlite");
}

static void rows_come_by_id(void **state)
{
	struct fixture *fixture = *state;
	contract_backend->run(fixture->place,
		"INSERT INTO action VALUES (3,'c','run c','{}',NULL,NULL),(-5,'n','run n','{}','1',-1),"
		"(2147483647,'z','','[]','0',2147483647),(1,'','a','null','0',600)");
	expect_rows(fixture->store, "-5|n|run n|{}|1|-1\n1||a|null|0|600\n3|c|run c|{}||\n"
				    "2147483647|z||[]|0|2147483647\n");
	assert_int_equal(store_nameless_rows(fixture->store), 0);
}

static void optional_columns_are_read_where_they_are(void **state)
{
	struct fixture *fixture = *state;
	contract_backend->run(fixture->place, "INSERT INTO action VALUES (1,'a','b','{}',NULL,NULL)");
	expect_rows(fixture->store, "1|a|b|{}||\n");
	assert_int_equal(store_columns(fixture->store), 0);
	contract_backend->run(fixture->place, contract_backend->optional_columns);
	expect_rows(fixture->store, "1|a|b|{}||\n");
	assert_int_equal(store_columns(fixture->store), COLUMNS_OPTIONAL);
	contract_backend->run(fixture->place,
		"UPDATE action SET enabled = '0', timezone = 'UTC', callback = 'exec', max_instances = 1,"
		"timeout = 2, max_attempts = 3, dst = 'vixie', catch_up_limit = 4, topic = 't', error = "
		"'oh'");
	expect_rows(fixture->store,
		"1|a|b|{}|||enabled=0|timezone=UTC|callback=exec|max_instances=1|timeout=2|"
		"max_attempts=3|dst=vixie|catch_up_limit=4|topic=t\n");
}

static void completing_adds_what_is_lacking_once(void **state)
{
	struct fixture *fixture = *state;
	unsigned added = 77;
	contract_backend->run(fixture->place, "INSERT INTO action VALUES (1,'a','b','{}',NULL,NULL);"
					      "ALTER TABLE action ADD timezone VARCHAR(99)");
	assert_true(store_complete_table(fixture->store, &added, NULL));
	assert_int_equal(added, 9);
	assert_int_equal(store_columns(fixture->store), COLUMNS_OPTIONAL);
	assert_true(store_complete_table(fixture->store, &added, NULL));
	assert_int_equal(added, 0);
	contract_backend->run(fixture->place,
		"UPDATE action SET enabled = '1', timezone = 'UTC', callback = 'x', max_instances = 1,"
		"timeout = 2, max_attempts = 3, dst = 'd', catch_up_limit = 4, topic = 't', error = 'e'");
	expect_rows(fixture->store, "1|a|b|{}|||enabled=1|timezone=UTC|callback=x|max_instances=1|timeout=2|"
				    "max_attempts=3|dst=d|catch_up_limit=4|topic=t\n");
}

static bool stop_at_two(void *context, const struct action_row *row)
{
	(*(int *)context)++;
	return row->id < 2;
}

static void reading_stops_when_told_to(void **state)
{
	struct fixture *fixture = *state;
	int count = 0;
	contract_backend->run(fixture->place,
		"INSERT INTO action VALUES (1,'a','b','{}','0',0),(2,'a','b','{}','0',0),"
		"(3,'a','b','{}','0',0)");
	assert_true(store_read(fixture->store, stop_at_two, &count, NULL));
	assert_int_equal(count, 2);
	assert_true(changed(fixture->store));
	/* Nothing stays locked. */
	contract_backend->run(fixture->place, "DELETE FROM action WHERE id < 3");
	expect_rows(fixture->store, "3|a|b|{}|0|0\n");
	assert_false(changed(fixture->store));
}

static void one_row_by_id(void **state)
{
	struct fixture *fixture = *state;
	g_autoptr(GString) out = g_string_new(NULL);
	bool found = true;
	contract_backend->run(
		fixture->place, "INSERT INTO action VALUES (1,'a','b','{}','0',0),(2,'c','d','{}','1',1)");
	assert_true(store_read_one(fixture->store, 2, rows_append, out, &found, NULL));
	assert_true(found);
	assert_string_equal(out->str, "2|c|d|{}|1|1\n");
	assert_true(store_read_one(fixture->store, 3, rows_append, out, &found, NULL));
	assert_false(found);
	assert_string_equal(out->str, "2|c|d|{}|1|1\n");
	contract_backend->run(fixture->place, "DROP TABLE action");
	GError *error = NULL;
	bool result = store_read_one(fixture->store, 2, rows_append, out, &found, &error);
	expect_error(result, error, AS_ERROR_MISSING, "action");
}

static void change_is_told_once(void **state)
{
	struct fixture *fixture = *state;
	assert_true(changed(fixture->store));
	expect_rows(fixture->store, "");
	assert_false(changed(fixture->store));
	assert_false(changed(fixture->store));
	contract_backend->run(fixture->place, "INSERT INTO action VALUES (1,'a','b','{}','0',0)");
	assert_true(changed(fixture->store));
	assert_true(changed(fixture->store));
	expect_rows(fixture->store, "1|a|b|{}|0|0\n");
	assert_false(changed(fixture->store));
	contract_backend->run(fixture->place, "UPDATE action SET name = 'x'");
	assert_true(changed(fixture->store));
	expect_rows(fixture->store, "1|x|b|{}|0|0\n");
	contract_backend->run(fixture->place, "ALTER TABLE action ADD enabled BOOLEAN");
	assert_true(changed(fixture->store));
}

static struct action_row sample(const char *name, const char *command)
{
	return (struct action_row){.name = {name, strlen(name)},
		.command = {command, strlen(command)},
		.cron = {"{\"format\": \"unix\"}", 18},
		.actuality_time = {.set = true, .value = 5}};
}

static void samples_fill_an_empty_table(void **state)
{
	struct fixture *fixture = *state;
	struct action_row rows[] = {sample("one", "x"), sample("two", "y")};
	rows[0].timezone = rows[1].timezone = (struct text){"UTC", 3};
	contract_backend->run(fixture->place, contract_backend->optional_columns);
	expect_rows(fixture->store, "");
	assert_true(store_add_samples(fixture->store, rows, 2, NULL));
	assert_true(changed(fixture->store));
	const char *expected = "1|one|x|{\"format\": \"unix\"}||5|timezone=UTC\n2|two|y|{\"format\": "
			       "\"unix\"}||5|timezone=UTC\n";
	expect_rows(fixture->store, expected);
	contract_expect_cell(fixture, "SELECT timezone FROM action WHERE name = 'two'", "UTC");
	contract_expect_cell(fixture, "SELECT enabled FROM action WHERE name = 'two'", "NULL");
	/* Rows are there: nothing is added, and not even a lock is needed. */
	contract_backend->run(fixture->place, "DELETE FROM action WHERE name = 'two'");
	contract_backend->lock(fixture->place, false);
	assert_true(store_add_samples(fixture->store, rows, 2, NULL));
	contract_backend->unlock(fixture->place);
	expect_rows(fixture->store, "1|one|x|{\"format\": \"unix\"}||5|timezone=UTC\n");
}

static void samples_may_have_ids_and_need_their_columns(void **state)
{
	struct fixture *fixture = *state;
	GError *error = NULL;
	struct action_row rows[] = {sample("one", "x"), sample("two", "y")};
	rows[0].id = 17;
	rows[1].timezone = (struct text){"UTC", 3};
	bool result = store_add_samples(fixture->store, rows, 2, &error);
	expect_error(result, error, AS_ERROR_INVALID, "has no column “timezone”; `check --fix` adds it");
	rows[1].timezone = (struct text){0};
	assert_true(store_add_samples(fixture->store, rows, 2, NULL));
	expect_rows(
		fixture->store, "17|one|x|{\"format\": \"unix\"}||5\n18|two|y|{\"format\": \"unix\"}||5\n");
}

static void lock_on_writing_keeps_nobody_from_reading(void **state)
{
	struct fixture *fixture = *state;
	GError *error = NULL;
	struct action_row row = sample("one", "x");
	expect_rows(fixture->store, "");
	contract_backend->lock(fixture->place, false);
	expect_rows(fixture->store, "");
	assert_false(changed(fixture->store));
	bool result = store_add_samples(fixture->store, &row, 1, &error);
	expect_error(result, error, AS_ERROR_UNAVAILABLE, "locked by another process");
	contract_backend->unlock(fixture->place);
	assert_true(store_add_samples(fixture->store, &row, 1, NULL));
}

static void lock_on_reading_passes(void **state)
{
	struct fixture *fixture = *state;
	GError *error = NULL;
	bool is_changed = false;
	contract_backend->run(fixture->place, "INSERT INTO action VALUES (1,'a','b','{}','0',0)");
	expect_rows(fixture->store, "1|a|b|{}|0|0\n");
	contract_backend->lock(fixture->place, true);
	expect_read_error(fixture->store, AS_ERROR_UNAVAILABLE, "locked by another process");
	bool result = store_changed(fixture->store, &is_changed, &error);
	/* After the read that failed it counts as changed, which some know without asking the database. */
	if (result)
		assert_true(is_changed);
	else
		expect_error(result, error, AS_ERROR_UNAVAILABLE, "locked by another process");
	contract_backend->unlock(fixture->place);
	assert_true(changed(fixture->store));
	expect_rows(fixture->store, "1|a|b|{}|0|0\n");
}

static void missing_table_is_not_an_empty_one(void **state)
{
	struct fixture *fixture = *state;
	contract_backend->run(fixture->place, "INSERT INTO action VALUES (1,'a','b','{}','0',0)");
	expect_rows(fixture->store, "1|a|b|{}|0|0\n");
	contract_backend->run(fixture->place, "ALTER TABLE action RENAME TO away");
	assert_true(changed(fixture->store));
	expect_read_error(fixture->store, AS_ERROR_MISSING, "there is no table “action”");
	assert_true(changed(fixture->store));
	contract_backend->run(fixture->place, "ALTER TABLE away RENAME TO action");
	expect_rows(fixture->store, "1|a|b|{}|0|0\n");
}

static void missing_column_is_named(void **state)
{
	struct fixture *fixture = *state;
	contract_backend->run(fixture->place, "ALTER TABLE action RENAME COLUMN cron TO crown");
	expect_read_error(fixture->store, AS_ERROR_INVALID, "no column “cron”");
}

static void outage_passes(void **state)
{
	struct fixture *fixture = *state;
	GError *error = NULL;
	bool is_changed = false;
	contract_backend->run(fixture->place, "INSERT INTO action VALUES (1,'a','b','{}','0',0)");
	expect_rows(fixture->store, "1|a|b|{}|0|0\n");
	contract_backend->vanish(fixture->place);
	for (int i = 0; i < 2; i++) {
		bool result = store_changed(fixture->store, &is_changed, &error);
		expect_error(
			result, g_steal_pointer(&error), contract_backend->gone, store_place(fixture->store));
		expect_read_error(fixture->store, contract_backend->gone, store_place(fixture->store));
	}
	struct store_options options = contract_backend->options(fixture->place);
	expect_open_error(&options, contract_backend->gone, store_place(fixture->store));
	contract_backend->come_back(fixture->place);
	assert_true(changed(fixture->store));
	expect_rows(fixture->store, "1|a|b|{}|0|0\n");
	assert_false(changed(fixture->store));
}

static void expect_errors(struct fixture *fixture, const char *one, const char *two, const char *three)
{
	contract_expect_cell(fixture, "SELECT error FROM action WHERE id = 1", one);
	contract_expect_cell(fixture, "SELECT error FROM action WHERE id = 2", two);
	contract_expect_cell(fixture, "SELECT error FROM action WHERE id = 3", three);
}

static void errors_are_written_where_there_is_room(void **state)
{
	struct fixture *fixture = *state;
	const struct store_row_error two[] = {{1, "bad"}, {3, "worse"}}, one[] = {{3, "worst"}, {99, "who"}};
	contract_backend->run(fixture->place,
		"INSERT INTO action VALUES (1,'a','b','{}','0',0),(2,'a','b','{}','0',0),"
		"(3,'a','b','{}','0',0)");
	assert_true(store_write_errors(fixture->store, two, 2, NULL));
	contract_backend->run(fixture->place, contract_backend->optional_columns);
	g_free(rows_of(fixture->store));
	assert_true(store_write_errors(fixture->store, two, 2, NULL));
	expect_errors(fixture, "bad", "NULL", "worse");
	assert_false(changed(fixture->store));
	/* Nothing to do: no lock is needed. */
	contract_backend->lock(fixture->place, false);
	assert_true(store_write_errors(fixture->store, two, 2, NULL));
	GError *error = NULL;
	bool result = store_write_errors(fixture->store, one, 2, &error);
	expect_error(result, error, AS_ERROR_UNAVAILABLE, "locked");
	contract_backend->unlock(fixture->place);
	assert_true(store_write_errors(fixture->store, one, 2, NULL));
	expect_errors(fixture, "NULL", "NULL", "worst");
	assert_true(store_write_errors(fixture->store, NULL, 0, NULL));
	expect_errors(fixture, "NULL", "NULL", "NULL");
	assert_false(changed(fixture->store));
}

static void count_sql(void *context, const char *sql)
{
	if (strstr(sql, contract_backend->select_mark))
		(*(int *)context)++;
}

static void every_statement_is_echoed(void **state)
{
	struct fixture *fixture = *state;
	int count = 0;
	struct store_options options = contract_backend->options(fixture->place);
	options.echo = count_sql;
	options.context = &count;
	struct store *store = store_open(&options, NULL);
	assert_non_null(store);
	g_free(rows_of(store));
	assert_int_equal(count, 1);
	store_close(store);
}

static void read_only_writes_nothing(void **state)
{
	struct fixture *fixture = *state;
	GError *error = NULL;
	struct action_row row = sample("one", "x");
	struct store_options options = contract_backend->options(fixture->place);
	options.read_only = true;
	struct store *store = store_open(&options, NULL);
	assert_non_null(store);
	bool result = store_add_samples(store, &row, 1, &error);
	expect_error(result, error, AS_ERROR_UNAVAILABLE, "may only be read");
	g_autofree char *rows = rows_of(store);
	assert_string_equal(rows, "");
	store_close(store);
}

static void inspecting_tells_what_there_is(void **state)
{
	struct fixture *fixture = *state;
	struct store_options options = contract_backend->options(fixture->place);
	struct store_state found = {0};
	unsigned added;
	GError *error = NULL;
	options.read_only = true;
	struct store *store = expect_store(&options);
	assert_true(store_inspect(store, &found, NULL));
	assert_int_equal(found.columns, 0);
	assert_null(found.errors_refused);
	store_state_clear(&found);
	assert_true(store_complete_table(fixture->store, &added, NULL));
	assert_true(store_inspect(store, &found, NULL));
	assert_int_equal(found.columns, COLUMNS_OPTIONAL);
	assert_null(found.errors_refused);
	store_state_clear(&found);
	/* It reads on, and still may only read. */
	expect_rows(store, "");
	contract_backend->run(fixture->place, "ALTER TABLE action RENAME TO away");
	bool result = store_inspect(store, &found, &error);
	expect_error(result, error, AS_ERROR_MISSING, "there is no table “action”");
	store_close(store);
}

static void columns_have_names(void **state G_GNUC_UNUSED)
{
	assert_string_equal(store_column_name(COLUMN_ENABLED), "enabled");
	assert_string_equal(store_column_name(COLUMN_ERROR), "error");
	assert_null(store_column_name((enum row_column)(1 << 20)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CONTRACT_TEST(table_is_that_of_the_python_program),
		CONTRACT_TEST(unknown_dialect_names_those_there_are),
		CONTRACT_TEST(rows_come_by_id),
		CONTRACT_TEST(optional_columns_are_read_where_they_are),
		CONTRACT_TEST(completing_adds_what_is_lacking_once),
		CONTRACT_TEST(reading_stops_when_told_to),
		CONTRACT_TEST(one_row_by_id),
		CONTRACT_TEST(change_is_told_once),
		CONTRACT_TEST(samples_fill_an_empty_table),
		CONTRACT_TEST(samples_may_have_ids_and_need_their_columns),
		CONTRACT_TEST(lock_on_writing_keeps_nobody_from_reading),
		CONTRACT_TEST(lock_on_reading_passes),
		CONTRACT_TEST(missing_table_is_not_an_empty_one),
		CONTRACT_TEST(missing_column_is_named),
		CONTRACT_TEST(outage_passes),
		CONTRACT_TEST(errors_are_written_where_there_is_room),
		CONTRACT_TEST(every_statement_is_echoed),
		CONTRACT_TEST(read_only_writes_nothing),
		CONTRACT_TEST(inspecting_tells_what_there_is),
		CONTRACT_TEST(columns_have_names),
	};
	return contract_run_tests(tests, G_N_ELEMENTS(tests));
}
