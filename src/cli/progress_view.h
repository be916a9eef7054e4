/* Purpose: the progress of lanes as `progress` shows it: in JSON one object for each with its backlog records
 * and open fires; in tables a listing of each. One thread. */
#pragma once

#include "cli/verb.h"

/* Shows all of it, or that of one lane (NULL: of each). */
void progress_view(const struct cli *cli, const struct progress *progress, const char *lane);
