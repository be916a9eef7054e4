#include "cli/verb.h"
#include "config/options.h"

#include <string.h>

const char *cli_nearest(const char *text, const char *const *names)
{
	const char *best = NULL;
	size_t length = strlen(text);
	/* A third of the letters may be wrong. */
	unsigned least = (unsigned)MIN(length, 64) / 3 + 1;
	for (size_t i = 0; names[i]; i++) {
		unsigned distance = option_distance(text, names[i]);
		/* The beginning of a name is meant, however much is left out. */
		if (length >= 2 && !strncmp(text, names[i], length))
			distance = 0;
		if (distance < least || (distance == 1 && !best)) {
			least = distance;
			best = names[i];
		}
	}
	return best;
}
