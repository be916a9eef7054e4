/* Purpose: internal_db for a verb that changes what stands in it: taken as a scheduler takes it, so that none
 * can start meanwhile. One thread. */
#pragma once

#include "cli/verb.h"

/* Takes internal_db and reads it back; both are the caller's. `each` as in journal_load. Nothing is created.
 * Errors: AS_ERROR_MISSING where none is configured, or no scheduler has used it yet; AS_ERROR_BUSY where a
 * scheduler runs; as journal_open has them. */
struct journal *own_journal(struct cli *cli, journal_definition_fn each, void *context,
	struct progress **progress, GError **error);
