/* Purpose: pause --all and resume --all: asks the running scheduler, or writes into internal_db where none
 * runs. One thread. */
#pragma once

#include "cli/verb.h"

/* Each says what it came to and returns the exit status. reason: NULL for none. */
int hold_all(struct cli *cli, const char *reason);
int release_all(struct cli *cli, bool skip);
