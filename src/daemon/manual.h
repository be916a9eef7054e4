/* Purpose: fires asked for by hand where no scheduler runs: this process takes internal_db for itself, hands
 * out these fires and nothing else, waits for their end, and leaves all else owed as it was. It asks the
 * commands of the control socket (control_commands.h), and learns from the commits how the fires have ended.
 * Loop thread. */
#pragma once

#include "daemon/journal_thread.h"

struct daemon;
struct manual_run;

/* What the daemon was asked for; NULL where it is a scheduler. */
struct manual_run *manual_run_new(struct daemon *d);
void manual_run_free(struct manual_run *run); /* NULL is fine */

/* Reads the rows of the actions. Blocks, each call with a deadline. */
bool manual_run_prepare(struct manual_run *run, GError **error);
/* Is told of each definition in internal_db; context is the daemon. The journal thread, before the following.
 */
void manual_run_see(void *context, const struct definition *definition);
/* internal_db was read: asks for the fires. The loaded stays the caller's. */
void manual_run_loaded(struct manual_run *run, const struct loaded *loaded);
/* Whether internal_db has the fire open, so that the scheduler will run it. False where run is NULL. */
bool manual_run_holds(const struct manual_run *run, const struct open_fire *fire);
/* internal_db could not be had: what kind of error it was. */
void manual_run_failed(const struct manual_run *run, enum as_error kind);

/* Takes down which of the fires end with a commit that is being made ... */
void manual_run_note(struct manual_run *run, const struct commit *commit);
/* ... and tells them once that is durable. After the last one the program ends. */
void manual_run_committed(struct manual_run *run);
/* At the end: says what was not done. */
void manual_run_end(const struct manual_run *run);
