/* Purpose: the words of a command, as a POSIX shell reads them (2.2 and 2.3 of the Shell Command Language):
 * quotes, backslashes, comments. Nothing is expanded, and what a shell takes for an operator or a variable is
 * an ordinary character; newlines separate words. Pure; any thread. */
#pragma once

#include <glib.h>

/* The words, none for an empty text; free with g_strfreev. Errors: AS_ERROR_INVALID for a quote or backslash
 * without an end. */
GStrv exec_words_split(const char *text, GError **error);
