/* Purpose: what of a crontab finds no place in the table, said once on stderr. One thread. */
#pragma once

#include "cli/crontab_file.h"
#include "cli/verb.h"

/* Warns of settings, users, commands that need what is not there, and missing columns; `present` are the
 * optional columns of the table, `name` is the file. */
void crontab_notes(const struct cli *cli, const struct crontab *crontab, const char *name, unsigned present);
