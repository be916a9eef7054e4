/* Purpose: everything about one action, as `show` shows it: the row with its defaults filled in, its schedule
 * normalised, the next fires, the last results. One thread. */
#pragma once

#include "cli/verb.h"

/* What internal_db does not tell is warned of, and left out. After cli_prepare. */
void action_show(struct cli *cli, const struct action_row *row);
