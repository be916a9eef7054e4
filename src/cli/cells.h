/* Purpose: text as a terminal shows it, in cells: wide characters take two, combining ones none. The texts
 * are valid UTF-8 without control characters. Pure; any thread. */
#pragma once

#include <glib.h>
#include <stddef.h>

/* How many cells a text takes. */
size_t cells_width(const char *text);
/* Appends at most `width` cells of it; where it was cut the last of them is …. Returns the cells used. */
size_t cells_append(GString *line, const char *text, size_t width);
void cells_append_blanks(GString *line, size_t count);
