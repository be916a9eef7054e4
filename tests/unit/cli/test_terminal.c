/* What a terminal shows: cells, what gives way in a narrow table, lines of a screen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cli/cells.h"
#include "cli/pager.h"
#include "cli/table.h"

static void widths_of_texts(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		size_t width;
	} cases[] = {{"", 0}, {"abc", 3}, {"жук", 3}, {"日本", 4}, {"e\314\201", 1}, {"🚀", 2},
		{"a\342\200\215b", 2 /* a joiner */}, {"ｶﾅ", 2 /* half wide */}, {"Ａ", 2 /* full wide */}};
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
		assert_int_equal(cells_width(cases[i].text), cases[i].width);
}

static void a_cut_never_is_wider_than_it_may(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		size_t width;
		const char *cut;
	} cases[] = {{"abcdef", 6, "abcdef"}, {"abcdef", 5, "abcd…"}, {"abcdef", 1, "…"}, {"abcdef", 0, ""},
		{"日本語", 6, "日本語"}, {"日本語", 5, "日本…"}, {"日本語", 4, "日…"}, {"日本語", 1, "…"},
		/* A combining mark goes with its letter. */
		{"ae\314\201\314\201bcd", 4, "ae\314\201\314\201b…"},
		{"ae\314\201\314\201bcd", 3, "ae\314\201\314\201…"}, {"🚀🚀🚀", 5, "🚀🚀…"}};
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GString) line = g_string_new("> ");
		size_t used = cells_append(line, cases[i].text, cases[i].width);
		assert_string_equal(line->str + 2, cases[i].cut);
		assert_int_equal(used, cells_width(cases[i].cut));
	}
}

static json_t *nothing_json(const void *row)
{
	(void)row;
	return json_null();
}

static const struct output_column columns[] = {
	{"id", "ID", nothing_json, NULL, OUTPUT_RIGHT},
	{"name", "NAME", nothing_json, NULL, OUTPUT_LEFT},
	{"zone", "ZONE", nothing_json, NULL, OUTPUT_LEFT, 2},
	{"time", "TIME", nothing_json, NULL, OUTPUT_WHOLE},
	{"last", "LAST", nothing_json, NULL, OUTPUT_STATE, 1},
	{"error", "ERROR", nothing_json, NULL, OUTPUT_LEFT},
};
#define COUNT G_N_ELEMENTS(columns)

/* The widths in a terminal, 0 for what is left out; natural they are 3, 30, 15, 25, 9, 5, in all 97. */
static void fit(size_t terminal, bool no_error, const size_t expected[COUNT])
{
	struct table_fit fits[COUNT] = {{3, true, false}, {30, true, false}, {15, true, false},
		{25, true, false}, {9, true, false}, {5, true, no_error}};
	table_fit(columns, fits, COUNT, terminal);
	for (size_t i = 0; i < COUNT; i++)
		assert_int_equal(fits[i].shown ? fits[i].width : 0, expected[i]);
}

static void a_narrow_table_cuts_texts_then_leaves_columns_out(void **state)
{
	(void)state;
	fit(97, false, (size_t[]){3, 30, 15, 25, 9, 5});
	fit(90, false, (size_t[]){3, 23, 15, 25, 9, 5});
	fit(76, false, (size_t[]){3, 12, 12, 25, 9, 5});
	fit(72, false, (size_t[]){3, 10, 10, 25, 9, 5});
	/* What is spared first comes at the price of the texts' comfort; with it gone there is room again. */
	fit(71, false, (size_t[]){3, 21, 0, 25, 9, 5});
	fit(71, true, (size_t[]){3, 13, 13, 25, 9, 0});
	fit(60, false, (size_t[]){3, 10, 0, 25, 9, 5});
	fit(59, false, (size_t[]){3, 20, 0, 25, 0, 5});
	fit(48, false, (size_t[]){3, 9, 0, 25, 0, 5});
	/* Ids and times stay whole, whatever becomes of the line. */
	fit(20, false, (size_t[]){3, 8, 0, 25, 0, 5});
}

static void a_line_takes_as_many_as_it_needs(void **state)
{
	(void)state;
	static const struct {
		const char *line;
		unsigned width;
		size_t lines;
	} cases[] = {{"", 80, 1}, {"abc", 3, 1}, {"abcd", 3, 2}, {"\033[1mabc\033[0m", 3, 1}, {"日本", 3, 2},
		{"\033[", 3, 1}, {"a\377", 2, 1}};
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
		assert_int_equal(pager_count_lines(cases[i].line, strlen(cases[i].line), cases[i].width),
			cases[i].lines);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(widths_of_texts),
		cmocka_unit_test(a_cut_never_is_wider_than_it_may),
		cmocka_unit_test(a_narrow_table_cuts_texts_then_leaves_columns_out),
		cmocka_unit_test(a_line_takes_as_many_as_it_needs),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
