/* Purpose: the kinds of `import`, a file each. One thread. */
#pragma once

#include "cli/verb.h"

/* Options of the verb as given. */
struct import_args {
	const char *from; /* NULL: what the kind takes by itself */
	bool dry_run;
};

/* import apscheduler; returns the exit status. */
int import_apscheduler(struct cli *cli, const struct import_args *args);
