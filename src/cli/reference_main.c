/* Prints docs/cli.md. */
#include "cli/cli.h"

#include <stdio.h>

int main(void)
{
	g_autofree char *text = cli_reference_markdown();
	return fputs(text, stdout) < 0 || fflush(stdout) ? 1 : 0;
}
