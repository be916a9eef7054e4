#include "cli/terminal.h"

#include "cli/verb.h"

#include <sys/ioctl.h>
#include <unistd.h>

#define SIZE_MAX_CELLS 100000

/* What a variable says; 0: nothing that could be. */
static unsigned size_of_variable(const char *name)
{
	const char *text = g_getenv(name);
	int64_t size;
	return text && cli_parse_int(text, &size) && size > 0 && size < SIZE_MAX_CELLS ? (unsigned)size : 0;
}

static struct winsize size_of_terminal(void)
{
	struct winsize size;
	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) ? (struct winsize){0} : size;
}

unsigned terminal_width(void)
{
	if (!isatty(STDOUT_FILENO))
		return 0;
	unsigned told = size_of_variable("COLUMNS"), is = size_of_terminal().ws_col;
	return told ? told : is ? is : 80;
}

unsigned terminal_height(void)
{
	if (!isatty(STDOUT_FILENO))
		return 0;
	unsigned told = size_of_variable("LINES");
	return told ? told : size_of_terminal().ws_row;
}

bool terminal_is_capable(void)
{
	return isatty(STDOUT_FILENO) && g_strcmp0(g_getenv("TERM"), "dumb") != 0;
}

bool terminal_wants_color(enum terminal_color choice)
{
	const char *no_color = g_getenv("NO_COLOR");
	if (choice != TERMINAL_COLOR_AUTO)
		return choice == TERMINAL_COLOR_ALWAYS;
	return terminal_is_capable() && !(no_color && *no_color);
}
