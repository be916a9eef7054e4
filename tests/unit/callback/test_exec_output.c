/* What is kept of output, and its lines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "callback/exec_output.h"

/* What is kept of the text, given in pieces of a size. */
static char *kept(const char *text, size_t most, size_t piece)
{
	struct exec_output output;
	size_t length = strlen(text);
	exec_output_init(&output, most);
	for (size_t i = 0; i < length; i += piece)
		exec_output_add(&output, (const uint8_t *)text + i, MIN(piece, length - i));
	g_autoptr(GByteArray) out = g_byte_array_new();
	g_byte_array_append(out, (const guint8 *)"\n", 1);
	exec_output_text(&output, out);
	exec_output_clear(&output);
	assert_int_equal(out->data[0], '\n');
	return g_strndup((const char *)out->data + 1, out->len - 1);
}

static void assert_kept(const char *text, size_t most, const char *expected)
{
	for (size_t piece = 1; piece <= strlen(text) + 1; piece++) {
		g_autofree char *result = kept(text, most, piece);
		assert_string_equal(result, expected);
	}
}

static void what_fits_is_kept_without_its_last_newline(void **state)
{
	(void)state;
	assert_kept("", 10, "");
	assert_kept("\n\n", 10, "");
	assert_kept("a\nb\n", 10, "a\nb");
	assert_kept("0123456789", 10, "0123456789");
}

static void of_more_the_first_and_the_last_are_kept(void **state)
{
	(void)state;
	assert_kept("0123456789a", 10, "01234\n… 1 bytes left out …\n6789a");
	assert_kept("0123456789abcdefghijklmnopqrstuvwxyz", 10, "01234\n… 26 bytes left out …\nvwxyz");
	assert_kept("0123456789abc", 3, "01\n… 10 bytes left out …\nc");
	assert_kept("0123", 1, "0\n… 3 bytes left out …");
	assert_kept("0123", 0, "");
}

static void characters_are_not_torn(void **state)
{
	(void)state;
	assert_kept("aééééééééé", 8, "aé\n… 12 bytes left out …\néé");
	assert_kept("éééééééééa", 8, "éé\n… 12 bytes left out …\néa");
	assert_kept("€€€€€€€€€€", 8, "€\n… 24 bytes left out …\n€");
}

static void line_take(void *context, const uint8_t *bytes, size_t length)
{
	g_ptr_array_add(context, g_strndup((const char *)bytes, length));
}

static char *lines_of(const char *text, size_t piece)
{
	g_autoptr(GPtrArray) taken = g_ptr_array_new_with_free_func(g_free);
	struct exec_lines lines = {.line = line_take, .context = taken};
	size_t length = strlen(text);
	for (size_t i = 0; i < length; i += piece)
		exec_lines_add(&lines, (const uint8_t *)text + i, MIN(piece, length - i));
	exec_lines_end(&lines);
	g_ptr_array_add(taken, NULL);
	return g_strjoinv("|", (char **)taken->pdata);
}

static void lines_come_as_they_are_whole(void **state)
{
	(void)state;
	for (size_t piece = 1; piece < 16; piece++) {
		g_autofree char *lines = lines_of("one\n\r\n\ntwo\r\n three \nfour", piece);
		assert_string_equal(lines, "one|two| three |four");
	}
}

static void long_lines_are_cut(void **state)
{
	(void)state;
	g_autofree char *fits = g_strnfill(EXEC_LINE_MAX, 'x');
	g_autofree char *text = g_strdup_printf("%s\n%sy\nz\n%sé", fits, fits, fits + 1);
	g_autofree char *expected = g_strdup_printf("%s|%s…|z|%s…", fits, fits, fits + 1);
	for (size_t piece = 1; piece < 5000; piece = piece * 3 + 1) {
		g_autofree char *lines = lines_of(text, piece);
		assert_string_equal(lines, expected);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_fits_is_kept_without_its_last_newline),
		cmocka_unit_test(of_more_the_first_and_the_last_are_kept),
		cmocka_unit_test(characters_are_not_torn),
		cmocka_unit_test(lines_come_as_they_are_whole),
		cmocka_unit_test(long_lines_are_cut),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
