/* Purpose: what the environment and the terminal on stdout say of the form of a result. One thread. */
#pragma once

#include <stdbool.h>

/* In cells; 0 where stdout is no terminal. COLUMNS and LINES come first, as they do for a shell's own
 * programs. */
unsigned terminal_width(void);
unsigned terminal_height(void);
enum terminal_color { TERMINAL_COLOR_AUTO, TERMINAL_COLOR_ALWAYS, TERMINAL_COLOR_NEVER };
/* Whether to colour what goes to stdout. */
bool terminal_wants_color(enum terminal_color choice);
/* Whether a program such as a pager may have the screen. */
bool terminal_is_capable(void);
