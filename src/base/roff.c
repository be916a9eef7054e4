#include "base/roff.h"

#include <stdbool.h>

void roff_append(GString *out, const char *text)
{
	bool bold = false, begin = out->len == 0 || out->str[out->len - 1] == '\n';
	for (; *text; text++) {
		if (begin && (*text == '.' || *text == '\''))
			g_string_append(out, "\\&");
		begin = *text == '\n';
		if (*text == '`') {
			bold = !bold;
			g_string_append(out, bold ? "\\fB" : "\\fR");
		} else if (*text == '\\') {
			g_string_append(out, "\\e");
		} else if (*text == '-') {
			g_string_append(out, "\\-");
		} else {
			g_string_append_c(out, *text);
		}
	}
	if (bold)
		g_string_append(out, "\\fR");
}
