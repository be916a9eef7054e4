/* Purpose: the last result of each action, from one pass over the newest part of the history. One thread. */
#pragma once

#include "cli/verb.h"

struct last_status;

/* Never fails: without a history, or where it cannot be read (which is said), nothing is known. */
struct last_status *last_status_read(struct cli *cli);
void last_status_free(struct last_status *last);
/* That of one action, asked for by itself; NULL where none is known. Static. `journal` may be NULL. */
const char *last_status_of(struct journal *journal, int64_t id, GError **error);
/* Static; NULL where none is known. */
const char *last_status_find(const struct last_status *last, int64_t id);
