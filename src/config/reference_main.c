/* Prints docs/configuration.md. */
#include <glib.h>
#include <stdio.h>

#include "config/template.h"

int main(void)
{
	g_autofree char *text = config_reference_markdown();
	return fputs(text, stdout) < 0 || fflush(stdout) ? 1 : 0;
}
