/* What is asked of the JSON reader beyond the library: refusals, and the place in the message. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/json.h"

static void documents_are_read_and_written_back(void **state)
{
	(void)state;
	static const char *const documents[] = {
		"{\"format\":\"unix\",\"params\":{\"value\":\"*/5 * * * *\"}}",
		"[1,2.5,true,null,\"\xd1\x8f\"]",
		"null",
		"\"text\"",
		"-9223372036854775808",
		"9223372036854775807",
		"{\"z\":1,\"a\":2,\"m\":3}",
		"{}",
		"[]",
	};
	for (size_t i = 0; i < G_N_ELEMENTS(documents); i++) {
		g_autoptr(GError) error = NULL;
		g_autoptr(json_t) value = json_read(documents[i], strlen(documents[i]), &error);
		if (!value)
			fail_msg("%s: %s", documents[i], error->message);
		char *text = json_write(value);
		assert_string_equal(text, documents[i]);
		free(text);
	}
}

static void other_text_is_refused(void **state)
{
	(void)state;
	static const char *const refused[] = {
		"",
		" ",
		"{",
		"{\"a\":1,\"a\":2}",
		"{\"a\":{\"b\":1,\"b\":1}}",
		"{a:1}",
		"{'a':1}",
		"[1,]",
		"1 2",
		"nul",
		"{\"a\":1}x",
		"9223372036854775808",
		"-9223372036854775809",
		"NaN",
		"Infinity",
		"01",
		"1.",
		"\"\\u0000\"",
		"\"\xff\"",
		"\"\xed\xa0\x80\"",
		"\"a\nb\"",
		"// x\n1",
	};
	for (size_t i = 0; i < G_N_ELEMENTS(refused); i++) {
		g_autoptr(GError) error = NULL;
		g_autoptr(json_t) value = json_read(refused[i], strlen(refused[i]), &error);
		if (value)
			fail_msg("'%s' is read", refused[i]);
		assert_true(g_error_matches(error, AS_ERROR, AS_ERROR_INVALID));
	}
}

static void the_length_counts_and_nul_is_refused(void **state)
{
	(void)state;
	g_autoptr(GError) error = NULL;
	g_autoptr(json_t) value = json_read("12345", 2, &error);
	assert_non_null(value);
	assert_int_equal(json_integer_value(value), 12);
	assert_null(json_read("1\0x", 3, &error));
	assert_true(g_error_matches(error, AS_ERROR, AS_ERROR_INVALID));
}

static void the_message_names_the_place(void **state)
{
	(void)state;
	static const char text[] = "{\n  \"a\": 1,\n  \"b\": ?}";
	g_autoptr(GError) error = NULL;
	assert_null(json_read(text, strlen(text), &error));
	assert_non_null(strstr(error->message, "line 3"));
	assert_non_null(strstr(error->message, "column 8"));
}

static void a_message_that_quotes_half_a_character_is_still_utf8(void **state)
{
	(void)state;
	static const char text[] = "{\"id\": \"a\\\xd3\x93x\"}";
	g_autoptr(GError) error = NULL;
	assert_null(json_read(text, strlen(text), &error));
	assert_true(g_utf8_validate(error->message, -1, NULL));
}

static void text_of_any_bytes_becomes_a_string(void **state)
{
	(void)state;
	g_autoptr(json_t) good = json_text("\xd1\x8fx", 2);
	assert_string_equal(json_string_value(good), "\xd1\x8f");
	g_autoptr(json_t) bad = json_text("a\xff", 2);
	assert_string_equal(json_string_value(bad), "a\xef\xbf\xbd");
	assert_true(json_is_null(json_text(NULL, 0)));
}

static void deep_nesting_is_an_error_not_a_crash(void **state)
{
	(void)state;
	enum { DEPTH = 100000 };
	g_autofree char *text = g_strnfill(DEPTH, '[');
	g_autoptr(GError) error = NULL;
	assert_null(json_read(text, DEPTH, &error));
	assert_true(g_error_matches(error, AS_ERROR, AS_ERROR_INVALID));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(documents_are_read_and_written_back),
		cmocka_unit_test(other_text_is_refused),
		cmocka_unit_test(the_length_counts_and_nul_is_refused),
		cmocka_unit_test(the_message_names_the_place),
		cmocka_unit_test(a_message_that_quotes_half_a_character_is_still_utf8),
		cmocka_unit_test(text_of_any_bytes_becomes_a_string),
		cmocka_unit_test(deep_nesting_is_an_error_not_a_crash),
	};
	return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
