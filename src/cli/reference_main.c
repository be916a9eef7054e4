/* Prints docs/cli.md, or with --man action-scheduler(1). */
#include "cli/cli.h"

#include <glib.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
	bool man = argc == 2 && strcmp(argv[1], "--man") == 0;
	g_autofree char *text = man ? cli_reference_man() : cli_reference_markdown();
	return fputs(text, stdout) < 0 || fflush(stdout) ? 1 : 0;
}
