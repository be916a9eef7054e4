#include "base/error.h"

G_DEFINE_QUARK(action - scheduler - error, as_error)

char *error_one_line(const char *message)
{
	g_autofree char *valid = g_utf8_make_valid(message ? message : "", -1);
	g_auto(GStrv) lines = g_strsplit_set(valid, "\r\n", -1);
	GString *text = g_string_new(NULL);
	for (size_t i = 0; lines[i]; i++) {
		const char *line = g_strstrip(lines[i]);
		if (*line)
			g_string_append_printf(text, "%s%s", text->len ? "; " : "", line);
	}
	return g_string_free(text, FALSE);
}
