/* What only servers have to do when rows are written: types, sequences, privileges, what the trigger tells.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "backend_postgresql.h"
#include "contract.h"
#include "expect.h"
#include "mariadb.h"

#define CRON "{\"a\": [1]}"

static struct store_change insertion(const char *name)
{
	return (struct store_change){.kind = STORE_INSERT,
		.set = COLUMN_NAME | COLUMN_COMMAND | COLUMN_CRON,
		.row = {.name = {name, strlen(name)}, .command = {"c", 1}, .cron = {CRON, strlen(CRON)}}};
}

static void expect_written(struct store *store, struct store_change *changes, size_t count)
{
	g_autoptr(GError) error = NULL;
	if (!store_write(store, changes, count, NULL, NULL, &error))
		fail_msg("%s", error->message);
}

static void expect_refused(struct store *store, struct store_change *change, int code, const char *part)
{
	GError *error = NULL;
	bool result = store_write(store, change, 1, NULL, NULL, &error);
	expect_error(result, error, code, part);
}

static void values_go_into_columns_of_any_type(void **state)
{
	struct fixture *fixture = *state;
	static const char *const types[] = {"json", "jsonb", "text", "varchar"};
	for (size_t i = 0; i < G_N_ELEMENTS(types); i++) {
		struct store_change changes[] = {insertion("a"), insertion("b")};
		g_autofree char *sql = g_strdup_printf("DROP TABLE action; CREATE TABLE action (cron %s NOT "
						       "NULL, enabled %s, actuality_time %s, "
						       "command text, name char(1), id %s)",
			types[i], i % 2 ? "smallint" : "boolean", i % 2 ? "bigint" : "text",
			i < 2    ? "integer GENERATED ALWAYS AS IDENTITY"
			: i == 2 ? "text"
				 : "numeric");
		contract_run_sql(fixture, sql);
		for (size_t j = 0; j < 2; j++) {
			changes[j].keep_id = true;
			changes[j].row.id = (int64_t)j + 8;
			changes[j].set |= COLUMN_ENABLED | COLUMN_ACTUALITY_TIME;
			changes[j].row.enabled.set = changes[j].row.actuality_time.set = true;
		}
		expect_written(fixture->store, changes, 2);
		expect_rows(fixture->store, "8|a|c|" CRON "||0|enabled=0\n9|b|c|" CRON "||0|enabled=0\n");
		changes[0].kind = STORE_UPDATE;
		changes[0].row.enabled.value = 1;
		changes[1].kind = STORE_DELETE;
		expect_written(fixture->store, changes, 2);
		expect_rows(fixture->store, "8|a|c|" CRON "||0|enabled=1\n");
	}
}

static void texts_are_not_cut(void **state)
{
	struct fixture *fixture = *state;
	struct store_change change = insertion("abcd");
	contract_run_sql(fixture, "ALTER TABLE action ALTER name TYPE varchar(3)");
	expect_refused(fixture->store, &change, AS_ERROR_FAILED, "the new action “abcd”: ");
	contract_run_sql(fixture, "ALTER TABLE action ALTER name TYPE char(3)");
	expect_refused(fixture->store, &change, AS_ERROR_FAILED, "the new action “abcd”: ");
}

static void the_sequence_is_never_moved_back(void **state)
{
	struct fixture *fixture = *state;
	struct store_change kept = insertion("a"), given = insertion("b");
	contract_run_sql(fixture, "ALTER SEQUENCE action_id_seq RESTART WITH 100 START WITH 100");
	kept.keep_id = true;
	kept.row.id = 5;
	expect_written(fixture->store, &kept, 1);
	expect_written(fixture->store, &given, 1);
	assert_int_equal(given.row.id, 100);
	kept.row.id = 150;
	expect_written(fixture->store, &kept, 1);
	expect_written(fixture->store, &given, 1);
	assert_int_equal(given.row.id, 151);
}

static void many_rows_are_told_as_one(void **state)
{
	enum { COUNT = 900 };
	struct fixture *fixture = *state;
	const int64_t *ids;
	size_t count;
	bool installed;
	g_autofree struct store_change *changes = g_new0(struct store_change, COUNT);
	struct store_options options = contract_backend->options(fixture->place);
	struct store *other = expect_store(&options);
	assert_true(store_install_trigger(fixture->store, &installed, NULL));
	expect_rows(other, "");
	for (size_t i = 0; i < COUNT; i++)
		changes[i] = insertion("a");
	expect_written(fixture->store, changes, COUNT);
	assert_true(changed(other));
	assert_false(store_changed_ids(other, &ids, &count));
	g_free(rows_of(other));
	expect_written(fixture->store, changes, 2);
	assert_true(changed(other));
	assert_true(store_changed_ids(other, &ids, &count));
	assert_int_equal(count, 2);
	assert_int_equal(ids[0], COUNT + 1);
	store_close(other);
}

static void role_of_postgresql_needs_what_is_named(void **state)
{
	struct fixture *fixture = *state;
	struct store_change change = insertion("a");
	struct store_options options = contract_backend->options(fixture->place);
	contract_run_sql(fixture, "CREATE ROLE weak LOGIN");
	options.username = "weak";
	struct store *store = expect_store(&options);
	expect_refused(store, &change, AS_ERROR_INVALID, "GRANT SELECT, INSERT ON action TO \"weak\"");
	contract_run_sql(fixture, "GRANT SELECT, INSERT ON action TO weak");
	expect_refused(store, &change, AS_ERROR_INVALID, "GRANT USAGE ON SEQUENCE action_id_seq TO \"weak\"");
	contract_run_sql(fixture, "GRANT USAGE ON SEQUENCE action_id_seq TO weak");
	expect_written(store, &change, 1);
	change.keep_id = true;
	change.row.id = 50;
	expect_refused(store, &change, AS_ERROR_INVALID, "USAGE, UPDATE ON SEQUENCE action_id_seq TO");
	change.kind = STORE_UPDATE;
	expect_refused(store, &change, AS_ERROR_INVALID, "GRANT SELECT, UPDATE ON action TO");
	change.kind = STORE_DELETE;
	expect_refused(store, &change, AS_ERROR_INVALID, "GRANT SELECT, DELETE ON action TO");
	store_close(store);
	contract_run_sql(fixture, "DROP OWNED BY weak; DROP ROLE weak");
}

static void the_role_that_edits_suffices(void **state)
{
	struct fixture *fixture = *state;
	unsigned added;
	g_autofree char *sql = NULL;
	assert_true(store_complete_table(fixture->store, &added, NULL));
	assert_true(g_file_get_contents(ROLES_SQL, &sql, NULL, NULL));
	/* Without what is for psql. */
	char *begin = strstr(sql, "BEGIN;");
	assert_non_null(begin);
	contract_run_sql(fixture, begin);
	struct store_options options = contract_backend->options(fixture->place);
	options.username = "action_editor";
	struct store *store = expect_store(&options);
	struct store_change changes[] = {insertion("a"), insertion("b"), insertion("c"), insertion("d")};
	changes[1].keep_id = true;
	changes[1].row.id = 40;
	expect_written(store, changes, 3);
	assert_int_equal(changes[2].row.id, 41);
	changes[1].kind = STORE_DELETE;
	changes[2].kind = STORE_UPDATE;
	expect_written(store, &changes[1], 2);
	expect_rows(store, "1|a|c|" CRON "||\n41|c|c|" CRON "||\n");
	store_close(store);
	contract_run_sql(fixture,
		"DROP OWNED BY action_scheduler, action_editor; DROP ROLE action_scheduler, action_editor");
}

static void ids_may_be_steps_apart(void **state)
{
	struct fixture *fixture = *state;
	struct store_change changes[] = {insertion("a"), insertion("b"), insertion("c")};
	contract_run_sql(
		fixture, "SET GLOBAL auto_increment_increment = 10, GLOBAL auto_increment_offset = 3");
	struct store_options options = contract_backend->options(fixture->place);
	struct store *store = expect_store(&options);
	bool done = store_write(store, changes, 3, NULL, NULL, NULL);
	contract_run_sql(
		fixture, "SET GLOBAL auto_increment_increment = 1, GLOBAL auto_increment_offset = 1");
	assert_true(done);
	assert_int_equal(changes[0].row.id, 3);
	assert_int_equal(changes[1].row.id, 13);
	assert_int_equal(changes[2].row.id, 23);
	expect_rows(store, "3|a|c|" CRON "||\n13|b|c|" CRON "||\n23|c|c|" CRON "||\n");
	store_close(store);
}

static void user_of_mysql_needs_what_is_named(void **state)
{
	struct fixture *fixture = *state;
	struct store_change change = insertion("a");
	struct store_options options = contract_backend->options(fixture->place);
	contract_run_sql(
		fixture, "CREATE OR REPLACE USER weak IDENTIFIED BY 'pw'; GRANT SELECT ON action TO weak");
	options.username = "weak";
	options.password = "pw";
	struct store *store = expect_store(&options);
	expect_refused(store, &change, AS_ERROR_INVALID, "GRANT INSERT ON `");
	contract_run_sql(fixture, "GRANT INSERT ON action TO weak");
	expect_written(store, &change, 1);
	change.kind = STORE_UPDATE;
	expect_refused(store, &change, AS_ERROR_INVALID, "GRANT UPDATE ON `");
	change.kind = STORE_DELETE;
	expect_refused(store, &change, AS_ERROR_INVALID, "GRANT DELETE ON `");
	store_close(store);
	contract_run_sql(fixture, "DROP USER weak");
}

static int run_on(const struct test_backend *backend, const struct CMUnitTest *tests, size_t count)
{
	contract_backend = backend;
	if (backend->start && !backend->start()) {
		fprintf(stderr, "SKIPPED: writing rows on %s: no server on this machine\n", backend->name);
		return 77;
	}
	return _cmocka_run_group_tests(backend->name, tests, count, NULL, NULL);
}

int main(void)
{
	const struct CMUnitTest postgresql[] = {
		CONTRACT_TEST(values_go_into_columns_of_any_type),
		CONTRACT_TEST(texts_are_not_cut),
		CONTRACT_TEST(the_sequence_is_never_moved_back),
		CONTRACT_TEST(many_rows_are_told_as_one),
		CONTRACT_TEST(role_of_postgresql_needs_what_is_named),
		CONTRACT_TEST(the_role_that_edits_suffices),
	};
	const struct CMUnitTest mysql[] = {
		CONTRACT_TEST(ids_may_be_steps_apart),
		CONTRACT_TEST(user_of_mysql_needs_what_is_named),
	};
	int first = run_on(&test_backend_postgresql, postgresql, G_N_ELEMENTS(postgresql));
	int second = run_on(&mariadb_server, mysql, G_N_ELEMENTS(mysql));
	if ((first && first != 77) || (second && second != 77))
		return 1;
	return first || second ? 77 : 0;
}
