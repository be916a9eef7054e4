/* Prints docs/configuration.md, or with --man action-scheduler.yaml(5). */
#include "config/template.h"

#include <glib.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
	bool man = argc == 2 && strcmp(argv[1], "--man") == 0;
	g_autofree char *text = man ? config_reference_man() : config_reference_markdown();
	return fputs(text, stdout) < 0 || fflush(stdout) ? 1 : 0;
}
