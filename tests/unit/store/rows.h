/* Purpose: rows of a store as texts, for the tests: one line a row. */
#pragma once

#include "store/store.h"

/* Appends `id|name|command|cron|merge_missed|actuality_time[|column=value…]` and a newline to the GString
 * `context`: NULL as nothing, a bad number as !text, other bytes than printable ASCII as \xNN. */
bool rows_append(void *context, const struct action_row *row);
/* All rows of the store; fails the test on an error. Free with g_free. */
char *rows_of(struct store *store);
