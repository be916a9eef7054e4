/* What store_write must do, run against each backend. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "contract.h"
#include "expect.h"

#define UNIX "{\"format\": \"unix\", \"params\": {\"value\": \"* * * * *\"}}"

static struct text text_of(const char *text)
{
	return (struct text){text, strlen(text)};
}

static struct store_change insertion(const char *name)
{
	return (struct store_change){.kind = STORE_INSERT,
		.set = COLUMN_NAME | COLUMN_COMMAND | COLUMN_CRON,
		.row = {.name = text_of(name), .command = text_of("c"), .cron = text_of("{}")}};
}

static struct store_change renaming(int64_t id, const char *name)
{
	return (struct store_change){
		.kind = STORE_UPDATE, .set = COLUMN_NAME, .row = {.id = id, .name = text_of(name)}};
}

static struct store_change deletion(int64_t id)
{
	return (struct store_change){.kind = STORE_DELETE, .row = {.id = id}};
}

static void expect_written(struct fixture *fixture, struct store_change *changes, size_t count)
{
	g_autoptr(GError) error = NULL;
	if (!store_write(fixture->store, changes, count, NULL, NULL, &error))
		fail_msg("%s", error->message);
}

static void expect_refused(
	struct fixture *fixture, struct store_change *changes, size_t count, int code, const char *part)
{
	GError *error = NULL;
	bool result = store_write(fixture->store, changes, count, NULL, NULL, &error);
	expect_error(result, error, code, part);
}

static void rows_are_inserted_with_ids_of_the_database(void **state)
{
	struct fixture *fixture = *state;
	struct store_change changes[] = {insertion("a"), insertion("b"), insertion("c")};
	changes[1].row.cron = text_of(UNIX);
	changes[1].row.command = text_of("it's “ü” \\ \"%s\" {1,2} $1 ?\n");
	changes[1].row.actuality_time = (struct maybe_int){.set = true, .value = -7};
	changes[1].row.merge_missed = (struct maybe_int){.set = true, .value = 1};
	changes[1].set |= COLUMN_ACTUALITY_TIME | COLUMN_MERGE_MISSED;
	expect_rows(fixture->store, "");
	expect_written(fixture, changes, 3);
	assert_int_equal(changes[0].row.id, 1);
	assert_int_equal(changes[1].row.id, 2);
	assert_int_equal(changes[2].row.id, 3);
	assert_true(changed(fixture->store));
	expect_rows(fixture->store,
		"1|a|c|{}||\n"
		"2|b|it's \\xe2\\x80\\x9c\\xc3\\xbc\\xe2\\x80\\x9d \\ \"%s\" {1,2} $1 ?\\x0a|" UNIX
		"|1|-7\n3|c|c|{}||\n");
	expect_written(fixture, changes, 1);
	assert_int_equal(changes[0].row.id, 4);
	expect_written(fixture, NULL, 0);
}

static void every_column_is_written(void **state)
{
	struct fixture *fixture = *state;
	struct store_change change = insertion("a");
	const struct maybe_int one = {.set = true, .value = 1}, zero = {.set = true};
	contract_run_sql(fixture, contract_backend->optional_columns);
	change.set = COLUMNS_OF_ROW;
	change.row.enabled = zero;
	change.row.max_instances = change.row.timeout = change.row.max_attempts = one;
	change.row.catch_up_limit = zero;
	change.row.timezone = text_of("UTC");
	change.row.callback = text_of("");
	change.row.dst = text_of("vixie");
	change.row.topic = text_of("t");
	expect_written(fixture, &change, 1);
	expect_rows(fixture->store, "1|a|c|{}|||enabled=0|timezone=UTC|callback=|max_instances=1|timeout=1|"
				    "max_attempts=1|dst=vixie|catch_up_limit=0|topic=t\n");
	change = (struct store_change){.kind = STORE_UPDATE,
		.set = COLUMNS_OF_ROW & ~(COLUMN_NAME | COLUMN_COMMAND | COLUMN_CRON | COLUMN_TOPIC),
		.row = {.id = 1, .merge_missed = zero}};
	expect_written(fixture, &change, 1);
	expect_rows(fixture->store, "1|a|c|{}|0||topic=t\n");
}

static void only_what_is_set_changes(void **state)
{
	struct fixture *fixture = *state;
	struct store_change changes[] = {
		renaming(1, "x"), renaming(3, "y"), deletion(2), insertion("z"), renaming(3, "yy")};
	contract_run_sql(fixture, "INSERT INTO action (name, command, cron, actuality_time) VALUES "
				  "('a','b','{}',5),('a','b','{}',6),('a','b','{}',7)");
	expect_rows(fixture->store, "1|a|b|{}||5\n2|a|b|{}||6\n3|a|b|{}||7\n");
	changes[0].row.command = text_of("not this");
	expect_written(fixture, changes, 5);
	assert_true(changed(fixture->store));
	expect_rows(fixture->store, "1|x|b|{}||5\n3|yy|b|{}||7\n4|z|c|{}||\n");
	/* The same once more is no error, and no row is lacking because nothing changed in it. */
	expect_written(fixture, changes, 2);
	expect_rows(fixture->store, "1|x|b|{}||5\n3|y|b|{}||7\n4|z|c|{}||\n");
	/* One row twice, and nothing to write. */
	struct store_change twice[] = {renaming(1, "p"), renaming(1, "q"), renaming(3, "")};
	twice[2].set = 0;
	expect_written(fixture, twice, 3);
	expect_rows(fixture->store, "1|q|b|{}||5\n3|y|b|{}||7\n4|z|c|{}||\n");
}

static void a_row_that_is_gone_stops_all(void **state)
{
	struct fixture *fixture = *state;
	const char *rows = "1|a|b|{}||\n2|a|b|{}||\n";
	contract_run_sql(
		fixture, "INSERT INTO action (name, command, cron) VALUES ('a','b','{}'),('a','b','{}')");
	struct store_change updates[] = {
		insertion("n"), renaming(1, "x"), renaming(77, "y"), renaming(2, "z")};
	expect_refused(fixture, updates, 4, AS_ERROR_MISSING, "there is no action 77");
	assert_int_equal(updates[0].row.id, 0);
	struct store_change deletions[] = {deletion(1), deletion(2), deletion(78)};
	expect_refused(fixture, deletions, 3, AS_ERROR_MISSING, "there is no action 78");
	expect_refused(fixture, &deletions[2], 1, AS_ERROR_MISSING, "there is no action 78");
	struct store_change twice[] = {deletion(1), deletion(1)};
	expect_refused(fixture, twice, 2, AS_ERROR_MISSING, "there is no action 1");
	struct store_change nothing = {.kind = STORE_UPDATE, .row = {.id = 79}};
	expect_refused(fixture, &nothing, 1, AS_ERROR_MISSING, "there is no action 79");
	expect_rows(fixture->store, rows);
	expect_written(fixture, deletions, 2);
	expect_rows(fixture->store, "");
}

static void kept_ids_are_not_given_again(void **state)
{
	struct fixture *fixture = *state;
	struct store_change kept[] = {insertion("a"), insertion("b"), insertion("c"), insertion("d")};
	for (size_t i = 0; i < 3; i++)
		kept[i].keep_id = true;
	kept[0].row.id = 7;
	kept[1].row.id = -3;
	kept[2].row.id = 0;
	expect_written(fixture, kept, 4);
	assert_int_equal(kept[3].row.id, 8);
	expect_rows(fixture->store, "-3|b|c|{}||\n0|c|c|{}||\n7|a|c|{}||\n8|d|c|{}||\n");
	/* Nor by another client. */
	kept[0].row.id = 20;
	expect_written(fixture, kept, 1);
	contract_run_sql(fixture, "INSERT INTO action (name, command, cron) VALUES ('o','c','{}')");
	contract_expect_cell(fixture, "SELECT id FROM action WHERE name = 'o'", "21");
	/* A lower one does not take it back. */
	kept[0].row.id = 10;
	struct store_change taken[] = {kept[0], insertion("e"), kept[0]};
	expect_refused(fixture, taken, 3, AS_ERROR_FAILED, "action 10: ");
	expect_written(fixture, taken, 2);
	assert_true(taken[1].row.id > 21);
}

static void what_cannot_be_stored_is_named(void **state)
{
	struct fixture *fixture = *state;
	struct store_change changes[] = {insertion("a"), renaming(9, "b")};
	changes[1].row.name = (struct text){"x\0y", 3};
	expect_refused(fixture, changes, 2, AS_ERROR_INVALID, "action 9: name: the text holds a NUL byte");
	changes[1].row.name = text_of("\xff");
	expect_refused(fixture, changes, 2, AS_ERROR_INVALID, "name: the text is not valid UTF-8");
	/* Not looked at where it is not written. */
	changes[1].set = 0;
	expect_refused(fixture, changes, 2, AS_ERROR_MISSING, "there is no action 9");
	changes[0].row.timezone = text_of("UTC");
	changes[0].set |= COLUMN_TIMEZONE | COLUMN_TOPIC;
	expect_refused(fixture, changes, 1, AS_ERROR_INVALID,
		"the new action “a”: the table “action” has no column “timezone”; `check --fix` adds it");
	expect_rows(fixture->store, "");
	/* The table is good for NULL in a column that it lacks. */
	changes[0].row.timezone = (struct text){0};
	expect_written(fixture, changes, 1);
	contract_expect_cell(fixture, "SELECT name FROM action", "a");
}

static void the_row_that_the_database_refuses_is_named(void **state)
{
	struct fixture *fixture = *state;
	struct store_change changes[] = {insertion("a"), insertion("b"), insertion("bad"), insertion("c")};
	changes[2].row.command = (struct text){0};
	expect_refused(fixture, changes, 4, AS_ERROR_FAILED, "the new action “bad”: ");
	expect_rows(fixture->store, "");
	expect_written(fixture, changes, 2);
	struct store_change updates[] = {renaming(changes[0].row.id, "x"), renaming(changes[1].row.id, "y")};
	updates[1].row.name = (struct text){0};
	g_autofree char *name = g_strdup_printf("action %d: ", (int)changes[1].row.id);
	expect_refused(fixture, updates, 2, AS_ERROR_FAILED, name);
	contract_expect_cell(fixture, "SELECT count(*) FROM action WHERE name IN ('a', 'b')", "2");
}

static void note_progress(void *context, size_t done)
{
	GArray *steps = context;
	g_array_append_val(steps, done);
}

static void many_rows_are_written_in_slices(void **state)
{
	enum { COUNT = 2500 };
	struct fixture *fixture = *state;
	g_autoptr(GArray) steps = g_array_new(FALSE, FALSE, sizeof(size_t));
	g_autofree struct store_change *changes = g_new0(struct store_change, COUNT);
	g_autoptr(GStringChunk) names = g_string_chunk_new(1024);
	for (int i = 0; i < COUNT; i++) {
		g_autofree char *name = g_strdup_printf("n%d", i);
		changes[i] = insertion(g_string_chunk_insert(names, name));
	}
	assert_true(store_write(fixture->store, changes, COUNT, note_progress, steps, NULL));
	assert_true(steps->len > 1);
	assert_int_equal(g_array_index(steps, size_t, steps->len - 1), COUNT);
	for (int i = 0; i < COUNT; i++)
		assert_int_equal(changes[i].row.id, i + 1);
	contract_expect_cell(fixture, "SELECT name FROM action WHERE id = 1701", "n1700");
	for (int i = 0; i < COUNT; i++)
		changes[i] = i % 2 ? deletion(i + 1) : renaming(i + 1, i == 2468 ? "last" : "x");
	expect_written(fixture, changes, COUNT);
	contract_expect_cell(fixture, "SELECT count(*) FROM action WHERE name = 'x'", "1249");
	contract_expect_cell(fixture, "SELECT id FROM action WHERE name <> 'x'", "2469");
}

static void long_texts_are_written(void **state)
{
	struct fixture *fixture = *state;
	size_t length = 700000;
	g_autofree char *text = g_malloc(length);
	memset(text, 'x', length);
	struct store_change changes[] = {insertion("a"), insertion("b"), insertion("c")};
	changes[0].row.command = changes[1].row.command = (struct text){text, length};
	expect_written(fixture, changes, 3);
	contract_expect_cell(fixture, "SELECT sum(length(command)) FROM action", "1400001");
}

static void lock_of_another_is_waited_for_and_told(void **state)
{
	struct fixture *fixture = *state;
	struct store_change change = insertion("a");
	contract_backend->lock(fixture->place, false);
	expect_refused(fixture, &change, 1, AS_ERROR_UNAVAILABLE, "locked by another process");
	contract_backend->unlock(fixture->place);
	expect_written(fixture, &change, 1);
}

static void outage_and_missing_table_are_told(void **state)
{
	struct fixture *fixture = *state;
	struct store_change change = insertion("a");
	contract_backend->vanish(fixture->place);
	expect_refused(fixture, &change, 1, contract_backend->gone, store_place(fixture->store));
	contract_backend->come_back(fixture->place);
	expect_written(fixture, &change, 1);
	contract_run_sql(fixture, "DROP TABLE action");
	expect_refused(fixture, &change, 1, AS_ERROR_MISSING, "there is no table “action”");
}

static void read_only_writes_nothing(void **state)
{
	struct fixture *fixture = *state;
	struct store_options options = contract_backend->options(fixture->place);
	options.read_only = true;
	struct fixture readers = {fixture->place, expect_store(&options)};
	struct store_change changes[] = {insertion("a"), insertion("b")};
	expect_refused(&readers, changes, 2, AS_ERROR_UNAVAILABLE, "may only be read");
	store_close(readers.store);
	expect_rows(fixture->store, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CONTRACT_TEST(rows_are_inserted_with_ids_of_the_database),
		CONTRACT_TEST(every_column_is_written),
		CONTRACT_TEST(only_what_is_set_changes),
		CONTRACT_TEST(a_row_that_is_gone_stops_all),
		CONTRACT_TEST(kept_ids_are_not_given_again),
		CONTRACT_TEST(what_cannot_be_stored_is_named),
		CONTRACT_TEST(the_row_that_the_database_refuses_is_named),
		CONTRACT_TEST(many_rows_are_written_in_slices),
		CONTRACT_TEST(long_texts_are_written),
		CONTRACT_TEST(lock_of_another_is_waited_for_and_told),
		CONTRACT_TEST(outage_and_missing_table_are_told),
		CONTRACT_TEST(read_only_writes_nothing),
	};
	return contract_run_tests(tests, G_N_ELEMENTS(tests));
}
