/* Purpose: the state of what a scheduler works with, from the databases, where none runs. One thread. */
#pragma once

#include "cli/verb.h"
#include "model/status.h"

/* Fills an empty status (status_init), which stays the caller's to clear. What cannot be read is told in it:
 * never fails. cli_prepare must have been called. */
void status_offline_fill(struct cli *cli, struct status *out);
