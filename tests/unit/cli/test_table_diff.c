/* What must be changed so that the table holds the rows of a file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "cli/table_diff.h"
#include "config/config.h"

#define NO_ID  0
/* The column is not given. */
#define ABSENT "\1"

/* Appends a row; a text is ABSENT where the file does not name the column, NULL for NULL. */
static void add(struct row_list *set, int64_t id, const char *name, const char *command, const char *cron,
	const char *timeout)
{
	const struct {
		const char *column, *text;
	} columns[] = {{"name", name}, {"command", command}, {"cron", cron}, {"timeout", timeout}};
	struct list_row row = {.has_id = id != NO_ID, .row.id = id, .line = set->rows->len + 1};
	for (size_t i = 0; i < G_N_ELEMENTS(columns); i++)
		if (g_strcmp0(columns[i].text, ABSENT) != 0)
			row_list_column(set, &row, row_list_column_named(columns[i].column), columns[i].text,
				columns[i].text ? strlen(columns[i].text) : 0);
	row_list_add(set, &row);
}

struct world {
	struct row_list *table, *file;
	GPtrArray *problems;
	struct table_diff *diff;
};

static struct world world_new(void)
{
	return (struct world){row_list_new(), row_list_new(), config_problems_new(), NULL};
}

static void compare(struct world *w, bool prune)
{
	w->diff = table_diff_new(w->table, COLUMNS_OPTIONAL, w->file, "file", prune, w->problems);
}

static void world_clear(struct world *w)
{
	table_diff_free(w->diff);
	row_list_free(w->table);
	row_list_free(w->file);
	g_ptr_array_unref(w->problems);
}

static const struct row_change *change_at(const struct world *w, guint i)
{
	assert_true(i < w->diff->changes->len);
	return &g_array_index(w->diff->changes, struct row_change, i);
}

static uint32_t bit(const char *column)
{
	return UINT32_C(1) << row_list_column_named(column);
}

static void rows_are_found_by_id_and_by_name(void **state)
{
	(void)state;
	struct world w = world_new();
	add(w.table, 1, "a", "x", "{}", NULL);
	add(w.table, 2, "b", "x", "{}", "5");
	add(w.table, 3, "c", "x", "{}", NULL);
	add(w.file, NO_ID, "b", "y", "{ }", ABSENT); /* the same JSON; timeout stays */
	add(w.file, 1, "renamed", "x", "{}", "7");
	add(w.file, NO_ID, "new", "z", "{}", NULL);
	add(w.file, 9, "with its id", "z", "{}", ABSENT);
	compare(&w, true);
	assert_int_equal(w.problems->len, 0);
	assert_int_equal(w.diff->changes->len, 5);
	assert_int_equal(change_at(&w, 0)->kind, ROW_CHANGED);
	assert_int_equal(change_at(&w, 0)->before->row.id, 2);
	assert_int_equal(change_at(&w, 0)->columns, bit("command"));
	struct action_row result = row_change_result(change_at(&w, 0));
	assert_int_equal(result.id, 2);
	assert_string_equal(result.command.data, "y");
	assert_int_equal(result.timeout.value, 5);
	assert_int_equal(change_at(&w, 1)->columns, bit("name") | bit("timeout"));
	assert_int_equal(change_at(&w, 2)->kind, ROW_ADDED);
	assert_int_equal(change_at(&w, 2)->columns, bit("name") | bit("command") | bit("cron"));
	assert_int_equal(row_change_result(change_at(&w, 3)).id, 9);
	assert_int_equal(change_at(&w, 4)->kind, ROW_REMOVED);
	assert_int_equal(change_at(&w, 4)->before->row.id, 3);
	world_clear(&w);
}

static void what_is_the_same_is_no_change(void **state)
{
	(void)state;
	struct world w = world_new();
	add(w.table, 1, "a", "x", "{\"a\": 1, \"b\": 2}", "no number");
	add(w.table, 2, "b", "x", "no json", NULL);
	add(w.table, 3, "other", "x", "{}", NULL);
	add(w.file, 1, "a", "x", "{\"b\":2,\"a\":1}", "no number");
	add(w.file, NO_ID, "b", "x", "no json", NULL);
	compare(&w, false);
	assert_int_equal(w.problems->len + w.diff->changes->len, 0);
	assert_int_equal(w.diff->unchanged, 2);
	world_clear(&w);
}

/* Of one comparison the only problem. */
static void expect_problem(struct world *w, const char *part)
{
	compare(w, false);
	assert_int_equal(w->problems->len, 1);
	g_autofree char *text = config_problem_text(g_ptr_array_index(w->problems, 0));
	if (!strstr(text, part))
		fail_msg("%s", text);
	world_clear(w);
}

static void what_cannot_be_decided_is_said(void **state)
{
	(void)state;
	struct world w = world_new();
	add(w.table, 3, "a", "x", "{}", NULL);
	add(w.table, 5, "a", "x", "{}", NULL);
	add(w.file, NO_ID, "a", "y", "{}", NULL);
	expect_problem(&w, "file:1: name: several rows of the table are named 'a': 3, 5; give the id");

	w = world_new();
	add(w.file, NO_ID, "a", "x", "{}", NULL);
	add(w.file, NO_ID, "a", "y", "{}", NULL);
	expect_problem(&w, "file:2: name: 'a' stands in line 1 already");

	w = world_new();
	add(w.file, 4, "a", "x", "{}", NULL);
	add(w.file, 4, "b", "y", "{}", NULL);
	expect_problem(&w, "file:2: id: 4 stands in line 1 already");

	w = world_new();
	add(w.table, 4, "a", "x", "{}", NULL);
	add(w.file, NO_ID, "a", "x", "{}", NULL);
	add(w.file, 4, "a", "y", "{}", NULL);
	expect_problem(&w, "file:1: this is the row 4 of the table, as line 2 is");

	w = world_new();
	add(w.file, NO_ID, "a", "x", ABSENT, NULL);
	expect_problem(&w, "file:1: cron: is missing");

	w = world_new();
	add(w.file, NO_ID, NULL, "x", "{}", NULL);
	expect_problem(&w, "file:1: name: is missing, and so is the id");
}

static void a_column_that_the_table_lacks(void **state)
{
	(void)state;
	struct world w = world_new();
	add(w.table, 1, "a", "x", "{}", NULL);
	add(w.file, 1, "a", "x", "{}", "5");
	w.diff = table_diff_new(w.table, 0, w.file, "file", false, w.problems);
	assert_int_equal(w.problems->len, 1);
	table_diff_free(w.diff);
	g_array_set_size(w.file->rows, 0);
	g_ptr_array_set_size(w.problems, 0);
	add(w.file, 1, "a", "x", "{}", NULL);
	w.diff = table_diff_new(w.table, 0, w.file, "file", false, w.problems);
	assert_int_equal(w.problems->len + w.diff->changes->len, 0);
	world_clear(&w);
}

static void texts_may_hold_anything(void **state)
{
	(void)state;
	struct world w = world_new();
	struct action_row row = {.id = 1,
		.name = {"a\0b", 3},
		.command = {"\xff", 1},
		.cron = {NULL, 0},
		.timeout = {.bad = {"x\0y", 3}}};
	row_list_copy(w.table, &row);
	row_list_copy(w.file, &row);
	row.name.length = 2;
	row_list_copy(w.file, &row);
	compare(&w, false);
	assert_int_equal(w.diff->unchanged, 1);
	assert_int_equal(w.problems->len, 1); /* the id twice */
	world_clear(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_found_by_id_and_by_name),
		cmocka_unit_test(what_is_the_same_is_no_change),
		cmocka_unit_test(what_cannot_be_decided_is_said),
		cmocka_unit_test(a_column_that_the_table_lacks),
		cmocka_unit_test(texts_may_hold_anything),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
