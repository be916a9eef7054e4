/* The words of commands, held to what the shell of the system says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/error.h"
#include "callback/exec_words.h"

/* `<a><b c>`, or the message. */
static char *words_show(const char *text)
{
	g_autoptr(GError) error = NULL;
	g_auto(GStrv) words = exec_words_split(text, &error);
	if (!words) {
		assert_true(g_error_matches(error, AS_ERROR, AS_ERROR_INVALID));
		return g_strdup(error->message);
	}
	GString *shown = g_string_new(NULL);
	for (size_t i = 0; words[i]; i++)
		g_string_append_printf(shown, "<%s>", words[i]);
	return g_string_free(shown, FALSE);
}

static void assert_words(const char *text, const char *expected)
{
	g_autofree char *shown = words_show(text);
	assert_string_equal(shown, expected);
}

static void words_are_those_of_a_shell(void **state)
{
	(void)state;
	assert_words("", "");
	assert_words(" \t\n ", "");
	assert_words("a b\tc\nd", "<a><b><c><d>");
	assert_words("'a b' \"c d\" e\\ f", "<a b><c d><e f>");
	assert_words("a'b'\"c\"d", "<abcd>");
	assert_words("'' \"\"", "<><>");
	assert_words("'a\\b' \"a\\b\" a\\b", "<a\\b><a\\b><ab>");
	assert_words("\"\\$ \\` \\\" \\\\ \\x\"", "<$ ` \" \\ \\x>");
	assert_words("a\\\nb \\\n c \"d\\\ne\" 'f\\\ng'", "<ab><c><de><f\\\ng>");
	assert_words("a #b c\nd", "<a><d>");
	assert_words("a\t#b", "<a>");
	assert_words("a#b \\#c '#d' e\\ #f", "<a#b><#c><#d><e #f>");
}

static void nothing_is_expanded(void **state)
{
	(void)state;
	assert_words("$HOME `id` $(id) * ~ {a,b} | & ; < > ( )",
		"<$HOME><`id`><$(id)><*><~><{a,b}><|><&><;><<><>><(><)>");
}

static void what_has_no_end_is_refused(void **state)
{
	(void)state;
	assert_words("a 'b", "the command has a single quote without an end");
	assert_words("a \"b", "the command has a double quote without an end");
	assert_words("a \"b\\", "the command has a double quote without an end");
	assert_words("a \\", "the command has a backslash without an end");
}

/* A text of the characters that matter; without newlines, which end a command of a shell. */
static char *text_draw(GRand *rand)
{
	static const char *const pieces[] = {"a", "b", " ", "\t", "'", "\"", "\\", "#", "=", "é"};
	GString *text = g_string_new(NULL);
	for (int n = g_rand_int_range(rand, 0, 12); n > 0; n--)
		g_string_append(text, pieces[g_rand_int_range(rand, 0, G_N_ELEMENTS(pieces))]);
	return g_string_free(text, FALSE);
}

static void drawn_texts_are_split_as_sh_does(void **state)
{
	(void)state;
	g_autoptr(GRand) rand = g_rand_new_with_seed(1);
	g_autoptr(GPtrArray) argv = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GString) expected = g_string_new(NULL);
	g_ptr_array_add(argv, g_strdup("/bin/sh"));
	g_ptr_array_add(argv, g_strdup("-c"));
	g_ptr_array_add(argv, g_strdup("f() { for w do printf '<%s>' \"$w\"; done; echo; }\n"
				       "for t do eval \"f $t\"; done"));
	g_ptr_array_add(argv, g_strdup("sh"));
	while (argv->len < 3000) {
		char *text = text_draw(rand);
		g_auto(GStrv) words = exec_words_split(text, NULL);
		/* What has no end would end the shell. */
		if (!words) {
			g_free(text);
			continue;
		}
		g_autofree char *shown = words_show(text);
		g_string_append_printf(expected, "%s\n", shown);
		g_ptr_array_add(argv, text);
	}
	g_ptr_array_add(argv, NULL);
	g_autofree char *out = NULL;
	g_autoptr(GError) error = NULL;
	int status;
	assert_true(g_spawn_sync(
		NULL, (char **)argv->pdata, NULL, G_SPAWN_DEFAULT, NULL, NULL, &out, NULL, &status, &error));
	assert_int_equal(status, 0);
	assert_string_equal(out, expected->str);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_are_those_of_a_shell),
		cmocka_unit_test(nothing_is_expanded),
		cmocka_unit_test(what_has_no_end_is_refused),
		cmocka_unit_test(drawn_texts_are_split_as_sh_does),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
