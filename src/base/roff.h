/* Purpose: text for man pages (man(7)). Pure; any thread. */
#pragma once

#include <glib.h>

/* Appends text so that roff shows it as it is; a newline begins a new line of input. `code` between
 * backquotes becomes bold. */
void roff_append(GString *out, const char *text);
