/* Purpose: `trigger` and `retry`: fires that are asked for by hand, of the running scheduler, or where there
 * is none run by this process. One thread. */
#pragma once

#include "cli/verb.h"

/* Asks for what `subjects` names (an array, under the key of the command in docs/control.md), shows what will
 * run, or has run, and says what could not be done. Takes the array. Returns the exit status. */
int ask_fires(struct cli *cli, const char *command, const char *key, json_t *subjects);
