/* Purpose: finds which verb a command line names, whatever options stand before it. One thread. */
#pragma once

#include "cli/verb.h"

/* Takes the verb out of the arguments (argv[0] is the program); cli->verb is `run` where there is none, and
 * *named tells whether there was one. False where it is unknown, with that said. */
bool cli_take_verb(struct cli *cli, char **argv, bool *named);
