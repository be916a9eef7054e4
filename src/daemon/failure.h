/* Purpose: fires that failed are logged; and action.on_failure: tells a callback of fires that failed and
 * rows that went bad. What it hands out are no fires of the engine: they are kept in memory only, have no
 * attempts but while the receiver is out of reach, and no failure of theirs is told. Bounded in rate and
 * number; what is left out is counted and told with the next one. Loop thread. */
#pragma once

#include "model/change.h"
#include "model/progress.h"

struct daemon;
struct failures;

struct failures *failures_new(struct daemon *d);
void failures_free(struct failures *failures); /* NULL is fine */

/* Whether the configuration's hook can be used; AS_ERROR_INVALID where not. Any configuration without one is
 * fine. */
struct config;
bool failures_check(struct daemon *d, const struct config *config, GError **error);

/* Takes down what has failed by a commit that is being made ... (each commit, in order) */
void failures_note(struct failures *failures, const struct commit *commit);
/* ... and tells it, once that is durable. */
void failures_committed(struct failures *failures, uint64_t sequence);
/* Tells of a row that became bad. */
void failures_row(struct failures *failures, const struct action_change *change);

/* Answers of a lane that are not the engine's; these are dealt with, the others stay, and their number is
 * returned. */
size_t failures_take_answers(struct failures *failures, struct fire_result *results, size_t count);
/* Hands out what waits; after a callback said that it has room, and each second. */
void failures_hand_out(struct failures *failures);
