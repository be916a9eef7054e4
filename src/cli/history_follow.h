/* Purpose: new entries of the history as they come, for `history --follow`. One thread. */
#pragma once

#include "cli/verb.h"

struct history_follow;

/* Begins behind the newest entries of the query (at most its limit), which it hands to `each` first; then
 * hands on every entry once, oldest first, each time it is polled. The query is copied, what it points to is
 * borrowed. */
struct history_follow *history_follow_new(const struct history_query *query, history_fn each, void *context);
void history_follow_free(struct history_follow *follow);
/* False on an error of the journal; a later poll goes on where this one ended. */
bool history_follow_poll(struct history_follow *follow, struct journal *journal, GError **error);
