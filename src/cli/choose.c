#include "cli/verb.h"

#include <string.h>

int cli_choose(const struct cli *cli, const char *option, const char *value, const char *const *allowed)
{
	for (int i = 0; allowed[i]; i++)
		if (!value || !strcmp(value, allowed[i]))
			return i;
	g_autofree char *list = g_strjoinv(", ", (char **)allowed);
	const char *near = cli_nearest(value, allowed);
	if (near)
		cli_usage(cli, "%s: '%s' is not one of: %s; did you mean '%s'?", option, value, list, near);
	else
		cli_usage(cli, "%s: '%s' is not one of: %s", option, value, list);
	return -1;
}
