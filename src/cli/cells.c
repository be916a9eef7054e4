#include "cli/cells.h"

static size_t width_of(gunichar c)
{
	return g_unichar_iszerowidth(c) ? 0 : g_unichar_iswide(c) ? 2 : 1;
}

size_t cells_width(const char *text)
{
	size_t width = 0;
	for (const char *p = text; *p;) {
		/* Most of all text. */
		if ((guchar)*p < 0x80) {
			width++;
			p++;
			continue;
		}
		width += width_of(g_utf8_get_char(p));
		p = g_utf8_next_char(p);
	}
	return width;
}

size_t cells_append(GString *line, const char *text, size_t width)
{
	size_t used = 0, whole = cells_width(text);
	const char *end = text;
	if (whole <= width) {
		g_string_append(line, text);
		return whole;
	}
	if (width == 0)
		return 0;
	/* What takes no cell belongs to the character before it. */
	for (; *end; end = g_utf8_next_char(end)) {
		size_t cells = width_of(g_utf8_get_char(end));
		if (used + cells > width - 1)
			break;
		used += cells;
	}
	g_string_append_len(line, text, end - text);
	g_string_append(line, "…");
	return used + 1;
}

void cells_append_blanks(GString *line, size_t count)
{
	static const char blanks[] = "                                ";
	for (size_t part; count; count -= part) {
		part = MIN(count, sizeof(blanks) - 1);
		g_string_append_len(line, blanks, (gssize)part);
	}
}
