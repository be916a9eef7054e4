#include "support.h"

#include <stdlib.h>

#include "cli/next_batch.h"

static char *run(const char *input, size_t length, bool *had_errors)
{
	struct zone *zone = test_zone("Europe/Moscow");
	struct next_batch_context context = {
		test_zones(), zone, UNIX_DIALECT_STANDARD, DST_WALL_CLOCK, test_time("2024-01-01T00:00:00Z")};
	FILE *in = fmemopen((char *)(uintptr_t)input, length, "r");
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	g_autoptr(GError) error = NULL;
	assert_true(next_batch_run(in, out, &context, had_errors, &error));
	fclose(in);
	fclose(out);
	zone_unref(zone);
	return text;
}

static void assert_answer(const char *input, const char *expect, bool expect_errors)
{
	bool had_errors;
	char *text = run(input, strlen(input), &had_errors);
	assert_string_equal(text, expect);
	assert_int_equal(had_errors, expect_errors);
	free(text);
}

/* The answer has an error that holds the words. */
static void assert_error(const char *line, const char *words)
{
	bool had_errors;
	char *text = run(line, strlen(line), &had_errors);
	if (!had_errors || !strstr(text, "\"error\"") || !strstr(text, words))
		fail_msg("%s gives %s, not %s", line, text, words);
	free(text);
}

#define NOON "\"schedule\": {\"format\": \"unix\", \"params\": {\"value\": \"0 12 * * *\"}}"

static void answers_in_order(void **state)
{
	(void)state;
	assert_answer("{\"id\": \"a\", " NOON ", \"timezone_default\": \"UTC\", \"after\": "
		      "\"2024-01-01T12:00:00.000001+00:00\", \"count\": 2}\n"
		      "\n  \t\r\n"
		      "{\"id\": 7, " NOON ", \"count\": 1, \"more\": true}",
		"{\"id\": \"a\", \"fires\": [\"2024-01-02T12:00:00+00:00\", \"2024-01-03T12:00:00+00:00\"], "
		"\"exhausted\": false}\n"
		"{\"id\": 7, \"fires\": [\"2024-01-01T12:00:00+03:00\"], \"exhausted\": false}\n",
		false);
}

static void says_where_fires_end(void **state)
{
	(void)state;
	assert_answer("{\"id\": \"a\", \"schedule\": {\"format\": \"date\", \"params\": {\"run_date\": "
		      "\"2024-05-01\"}}}",
		"{\"id\": \"a\", \"fires\": [\"2024-05-01T00:00:00+03:00\"], \"exhausted\": true}\n", false);
	assert_answer("{\"schedule\": {\"format\": \"unix\", \"params\": {\"value\": \"0 0 30 2 *\"}}}",
		"{\"id\": null, \"fires\": [], \"exhausted\": true}\n", false);
}

static void bad_lines_stop_nothing(void **state)
{
	(void)state;
	bool had_errors;
	const char input[] =
		"[1]\n{\"id\": \"b\", " NOON ", \"count\": 1}\n{\"id\": 1, \"id\": 2}\nrubbish\n";
	char *text = run(input, strlen(input), &had_errors);
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	assert_true(had_errors);
	assert_int_equal(g_strv_length(lines), 5);
	assert_string_equal(lines[0], "{\"id\": null, \"error\": \"a line must be a JSON object\"}");
	assert_non_null(strstr(lines[1], "2024-01-01T12:00:00+03:00"));
	assert_true(g_str_has_prefix(lines[2], "{\"id\": null, \"error\": "));
	assert_true(g_str_has_prefix(lines[3], "{\"id\": null, \"error\": "));
	free(text);
}

static void says_what_is_wrong_with_a_line(void **state)
{
	(void)state;
	assert_error("{\"id\": 1}", "schedule: it is missing");
	assert_error("{\"schedule\": 5}", "must be an object");
	assert_error("{" NOON ", \"count\": 0}", "count:");
	assert_error("{" NOON ", \"count\": 100001}", "count:");
	assert_error("{" NOON ", \"count\": 1.0}", "count:");
	assert_error("{" NOON ", \"count\": \"5\"}", "count:");
	assert_error("{" NOON ", \"after\": 5}", "after:");
	assert_error("{" NOON ", \"after\": \"yesterday\"}", "after:");
	assert_error(
		"{" NOON ", \"timezone_default\": \"Mars/Base\"}", "timezone_default: \\\"Mars/Base\\\"");
	assert_error("{" NOON ", \"timezone_default\": []}", "timezone_default:");
	assert_error("{\"schedule\": {\"format\": \"unix\", \"params\": {\"value\": \"0 25 * * *\"}}}",
		"hour field \\\"25\\\" (column 3): 25 is above 23");
}

static void nul_and_endless_lines_are_their_own_errors(void **state)
{
	(void)state;
	bool had_errors;
	size_t length = 5 * 1024 * 1024;
	g_autofree char *input = g_malloc(length);
	memset(input, 'x', length);
	const char end[] = "\n{\"a\0\": 1}\n{\"id\": 3, " NOON ", \"count\": 1}\n";
	memcpy(input + length - sizeof(end) + 1, end, sizeof(end) - 1);
	char *text = run(input, length, &had_errors);
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	assert_true(had_errors);
	assert_int_equal(g_strv_length(lines), 4);
	assert_non_null(strstr(lines[0], "longer than 4 MiB"));
	assert_true(g_str_has_prefix(lines[1], "{\"id\": null, \"error\": "));
	assert_true(g_str_has_prefix(lines[2], "{\"id\": 3, \"fires\": "));
	free(text);
}

static void failing_output_is_an_error(void **state)
{
	(void)state;
	struct zone *zone = test_zone("UTC");
	struct next_batch_context context = {test_zones(), zone, UNIX_DIALECT_STANDARD, DST_WALL_CLOCK, 0};
	FILE *in = fmemopen((char *)(uintptr_t) "{}\n", 3, "r"), *out = fopen("/dev/full", "w");
	g_autoptr(GError) error = NULL;
	bool had_errors;
	assert_false(next_batch_run(in, out, &context, &had_errors, &error));
	assert_int_equal(error->code, AS_ERROR_FAILED);
	fclose(in);
	fclose(out);
	zone_unref(zone);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_in_order),
		cmocka_unit_test(says_where_fires_end),
		cmocka_unit_test(bad_lines_stop_nothing),
		cmocka_unit_test(says_what_is_wrong_with_a_line),
		cmocka_unit_test(nul_and_endless_lines_are_their_own_errors),
		cmocka_unit_test(failing_output_is_an_error),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
