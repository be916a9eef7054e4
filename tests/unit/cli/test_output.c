/* Tables, JSON and JSON Lines from one description of the columns. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "cli/output.h"

struct thing {
	int id;
	const char *name, *state;
	bool has_extra;
};

static json_t *id_json(const void *row)
{
	const struct thing *thing = row;
	return json_integer(thing->id);
}

static json_t *name_json(const void *row)
{
	const struct thing *thing = row;
	return thing->name ? json_text(thing->name, strlen(thing->name)) : json_null();
}

static json_t *state_json(const void *row)
{
	const struct thing *thing = row;
	return json_string(thing->state);
}

static char *state_text(const void *row)
{
	const struct thing *thing = row;
	return g_strdup(thing->state);
}

static json_t *extra_json(const void *row)
{
	const struct thing *thing = row;
	return thing->has_extra ? json_true() : NULL;
}

static const struct output_column columns[] = {
	{"id", "ID", id_json, NULL, OUTPUT_RIGHT},
	{"name", "NAME", name_json, NULL, OUTPUT_LEFT},
	{"state", "STATE", state_json, state_text, OUTPUT_STATE},
	{"extra", NULL, extra_json, NULL, OUTPUT_LEFT},
};

static const struct thing things[] = {
	{1, "one", "active", false},
	{20, "日本", "bad", true},
	{3, NULL, "", false},
};

/* What a listing of the things writes. Free with free(). */
static char *list(
	enum output_format format, bool color, unsigned width, const struct thing *rows, size_t count)
{
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);
	struct output_style style = {file, format, color, width};
	struct output *output = output_new(&style, columns, G_N_ELEMENTS(columns));
	for (size_t i = 0; i < count; i++)
		output_row(output, &rows[i]);
	output_end(output);
	fclose(file);
	return text;
}

static void expect(char *text, const char *expected)
{
	assert_string_equal(text, expected);
	free(text);
}

static void tables_are_aligned_by_cells(void **state)
{
	(void)state;
	expect(list(OUTPUT_TABLE, false, 0, things, 3), "ID  NAME  STATE\n"
							" 1  one   active\n"
							"20  日本  bad\n"
							" 3\n");
	expect(list(OUTPUT_TABLE, false, 0, things, 0), "ID  NAME  STATE\n");
}

static void states_are_coloured_and_nothing_else(void **state)
{
	(void)state;
	expect(list(OUTPUT_TABLE, true, 0, things, 2), "\033[1mID  NAME  STATE\033[0m\n"
						       " 1  one   \033[32mactive\033[0m\n"
						       "20  日本  \033[31mbad\033[0m\n");
}

static void the_widest_column_is_cut_to_the_terminal(void **state)
{
	(void)state;
	const struct thing rows[] = {
		{1, "a name that is long", "active", false}, {2, "日本日本日本日本", "bad", false}};
	expect(list(OUTPUT_TABLE, false, 24, rows, 2), "ID  NAME          STATE\n"
						       " 1  a name that…  active\n"
						       " 2  日本日本日…   bad\n");
	/* Never below what can be read. */
	expect(list(OUTPUT_TABLE, false, 3, rows, 1), "ID  NAME      STATE\n"
						      " 1  a name …  active\n");
	expect(list(OUTPUT_TABLE, false, 80, rows, 1), "ID  NAME                 STATE\n"
						       " 1  a name that is long  active\n");
}

static void control_characters_are_escaped_in_tables(void **state)
{
	(void)state;
	const struct thing rows[] = {{1, "a\nb\033[31mc\xff", "active", false}};
	expect(list(OUTPUT_TABLE, false, 0, rows, 1), "ID  NAME            STATE\n"
						      " 1  a\\nb\\x1b[31mc\357\277\275  active\n");
}

static void json_is_one_array(void **state)
{
	(void)state;
	expect(list(OUTPUT_JSON, true, 10, things, 2),
		"[\n{\"id\":1,\"name\":\"one\",\"state\":\"active\"},\n"
		"{\"id\":20,\"name\":\"日本\",\"state\":\"bad\",\"extra\":true}\n]\n");
	expect(list(OUTPUT_JSON, false, 0, things, 0), "[]\n");
}

static void jsonl_is_an_object_a_line(void **state)
{
	(void)state;
	expect(list(OUTPUT_JSONL, false, 0, things + 1, 2),
		"{\"id\":20,\"name\":\"日本\",\"state\":\"bad\",\"extra\":true}\n"
		"{\"id\":3,\"name\":null,\"state\":\"\"}\n");
	expect(list(OUTPUT_JSONL, false, 0, things, 0), "");
}

static void any_text_makes_valid_json(void **state)
{
	(void)state;
	const struct thing rows[] = {{1, "\xff\"\n", "active", false}};
	char *text = list(OUTPUT_JSONL, false, 0, rows, 1);
	g_autoptr(json_t) value = json_read(text, strlen(text), NULL);
	assert_string_equal(json_string_value(json_object_get(value, "name")), "\357\277\275\"\n");
	free(text);
}

/* The first rows decide the widths, the others go straight out: nothing is held back for the end. */
static void long_tables_stream(void **state)
{
	(void)state;
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);
	struct output_style style = {file, OUTPUT_TABLE, false, 0};
	struct output *output = output_new(&style, columns, G_N_ELEMENTS(columns));
	struct thing thing = {1, "x", "active", false};
	for (int i = 0; i < OUTPUT_SAMPLE + 1; i++)
		output_row(output, &thing);
	fflush(file);
	size_t before = size;
	thing.name = "wider than its column";
	output_row(output, &thing);
	fflush(file);
	assert_string_equal(text + before, " 1  wider than its column  active\n");
	output_end(output);
	fclose(file);
	free(text);
}

static void one_object(void **state)
{
	(void)state;
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);
	struct output_style style = {file, OUTPUT_TABLE, true, 0};
	output_object(&style, columns, G_N_ELEMENTS(columns), &things[1]);
	style.format = OUTPUT_JSONL;
	output_object(&style, columns, G_N_ELEMENTS(columns), &things[0]);
	style.format = OUTPUT_JSON;
	output_object(&style, columns, 1, &things[0]);
	fclose(file);
	expect(text, "ID     20\nNAME   日本\nSTATE  \033[31mbad\033[0m\n"
		     "{\"id\":1,\"name\":\"one\",\"state\":\"active\"}\n"
		     "{\n  \"id\": 1\n}\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tables_are_aligned_by_cells),
		cmocka_unit_test(states_are_coloured_and_nothing_else),
		cmocka_unit_test(the_widest_column_is_cut_to_the_terminal),
		cmocka_unit_test(control_characters_are_escaped_in_tables),
		cmocka_unit_test(json_is_one_array),
		cmocka_unit_test(jsonl_is_an_object_a_line),
		cmocka_unit_test(any_text_makes_valid_json),
		cmocka_unit_test(long_tables_stream),
		cmocka_unit_test(one_object),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
