/* Purpose: what a row of the table is, paused or not. One thread. */
#pragma once

#include "cli/verb.h"

/* The action that the row is, or would be if it were not paused, as a paused row is resumed one day. The
 * caller's reference. NULL where the row is bad; the error names the column and the reason. The callback of
 * the configuration passes. After cli_prepare. */
struct action *row_build(struct cli *cli, const struct action_row *row, GError **error);
