#include "callback/exec_words.h"

#include <stdbool.h>
#include <string.h>

#include "base/error.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n';
}

static const char *no_end(const char *what, GError **error)
{
	g_set_error(error, AS_ERROR, AS_ERROR_INVALID, "the command has a %s without an end", what);
	return NULL;
}

/* The pieces of a word are appended to `word`. Each returns what follows its piece, NULL on an error. */

static const char *take_escaped(const char *p, GString *word, GError **error)
{
	if (!p[1])
		return no_end("backslash", error);
	if (p[1] != '\n')
		g_string_append_c(word, p[1]);
	return p + 2;
}

static const char *take_single(const char *p, GString *word, GError **error)
{
	const char *end = strchr(p + 1, '\'');
	if (!end)
		return no_end("single quote", error);
	g_string_append_len(word, p + 1, end - p - 1);
	return end + 1;
}

static const char *take_double(const char *p, GString *word, GError **error)
{
	for (p++; *p && *p != '"'; p++) {
		bool escaped = *p == '\\' && p[1] && strchr("$`\"\\\n", p[1]);
		p += escaped;
		if (!escaped || *p != '\n')
			g_string_append_c(word, *p);
	}
	return *p ? p + 1 : no_end("double quote", error);
}

/* Passes over what stands between words: blanks, comments, and newlines behind a backslash. */
static const char *skip_gap(const char *p)
{
	for (;;) {
		if (is_blank(*p))
			p++;
		else if (*p == '\\' && p[1] == '\n')
			p += 2;
		else if (*p == '#')
			p += strcspn(p, "\n");
		else
			return p;
	}
}

static const char *take_word(const char *p, GString *word, GError **error)
{
	while (p && *p && !is_blank(*p)) {
		if (*p == '\\')
			p = take_escaped(p, word, error);
		else if (*p == '\'')
			p = take_single(p, word, error);
		else if (*p == '"')
			p = take_double(p, word, error);
		else
			g_string_append_c(word, *p++);
	}
	return p;
}

GStrv exec_words_split(const char *text, GError **error)
{
	g_autoptr(GPtrArray) words = g_ptr_array_new_with_free_func(g_free);
	for (const char *p = skip_gap(text); *p; p = skip_gap(p)) {
		GString *word = g_string_new(NULL);
		p = take_word(p, word, error);
		g_ptr_array_add(words, g_string_free(word, FALSE));
		if (!p)
			return NULL;
	}
	g_ptr_array_add(words, NULL);
	return (GStrv)g_ptr_array_free(g_steal_pointer(&words), FALSE);
}
