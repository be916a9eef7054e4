/* Fuzz target: the words of a command. What was split, quoted and joined again splits into the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "callback/exec_words.h"

static void check(GStrv words)
{
	g_autoptr(GString) joined = g_string_new(NULL);
	for (size_t i = 0; words[i]; i++) {
		g_autofree char *quoted = g_shell_quote(words[i]);
		g_string_append_printf(joined, "%s ", quoted);
	}
	g_auto(GStrv) again = exec_words_split(joined->str, NULL);
	if (!again || !g_strv_equal((const gchar *const *)words, (const gchar *const *)again))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree char *text = g_strndup((const char *)data, size);
	g_autoptr(GError) error = NULL;
	g_auto(GStrv) words = exec_words_split(text, &error);
	if (!words != (error != NULL))
		abort();
	if (words)
		check(words);
	return 0;
}
