/* Purpose: an entry of the history as verbs show it. One thread. */
#pragma once

#include "cli/verb.h"

struct run_view {
	const struct cli *cli;
	const struct history_entry *entry;
	const char *action_name; /* NULL: not known any more */
	const char *status;      /* NULL: that of the entry */
};

/* Of struct run_view. */
extern const struct output_column run_columns[];
extern const size_t run_columns_count;

/* `delivered`, ... or `note`. */
const char *run_status(const struct history_entry *entry);

/* Names of actions by id, looked up in actions_db once each; memory is bounded. */
struct action_names;
/* The store is borrowed; NULL: no name is known. */
struct action_names *action_names_new(struct store *store);
void action_names_free(struct action_names *names);
/* Borrowed until the next call; NULL where there is no such action. */
const char *action_names_find(struct action_names *names, int64_t id);
