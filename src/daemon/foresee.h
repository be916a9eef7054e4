/* Purpose: what a start now would make up for, told without starting: internal_db and the table are read
 * only, and the engine decides as it would. Main thread, in place of daemon_run. */
#pragma once

#include "config/config.h"
#include "model/foreseen.h"

/* Borrowed during the call. */
struct foresee {
	time_us catch_up_from; /* as in struct daemon_options */
	time_us now;
	/* The name and the callback may be NULL: not known any more. */
	void (*each)(void *context, const struct foreseen *foreseen, const char *action_name);
	/* A row of the table that does not fire, and why. */
	void (*bad_row)(void *context, int64_t id, const char *reason);
	/* All is held since then (resume --all ends it): what is told counts from its end now. */
	void (*held)(void *context, time_us since);
	/* The table cannot be read, so the definitions as last seen count, as they would at a start. */
	void (*no_table)(void *context, const char *reason);
	void *context;
};

/* Takes the configuration over, which has an internal_db. Errors as journal_open and store_open, with the
 * database named. */
bool foresee_run(struct config *config, const struct foresee *foresee, GError **error);
