/* Purpose: what the history says against a schedule: runs that lasted until after the next fire, and fires
 * that were skipped as too many runs were under way. Bounded: the newest CHECK_HISTORY_ENTRIES entries, and
 * of an action its newest CHECK_HISTORY_RUNS runs. One thread. */
#pragma once

#include "cli/problems.h"

#define CHECK_HISTORY_ENTRIES 1000000
#define CHECK_HISTORY_RUNS    100

struct check_history;

struct check_history *check_history_new(time_us since);
void check_history_free(struct check_history *history); /* NULL is fine */
/* Takes one entry, the newest first; false where it has enough. A history_fn. */
bool check_history_take(void *context, const struct history_entry *entry);
/* How many entries it has, and how far back they go: `since`, or where it had enough. */
uint64_t check_history_entries(const struct check_history *history);
time_us check_history_from(const struct check_history *history);
/* What is to be said against an action, as warnings. Without `runs` the history has not all of them, and only
 * skipped fires are judged. */
void check_history_judge(const struct check_history *history, const struct action *action, bool runs,
	struct problems *problems);
