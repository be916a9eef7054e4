/* Purpose: what is read back from internal_db at a start: progress, definitions as actions, and at the first
 * start what the Python program left. One thread at a time. */
#pragma once

#include "journal/journal.h"
#include "store/apscheduler_jobs.h"

struct loaded_action {
	struct action *action; /* a reference */
	time_us since;
};

struct loaded {
	struct progress *progress;
	GArray *actions;               /* struct loaded_action, ascending by id */
	struct apscheduler_jobs *jobs; /* of the Python program; NULL: nothing to import */
	dur_us took;
};
void loaded_free(struct loaded *loaded); /* NULL is fine */

/* How it is read. All is called by loaded_read. */
struct load_how {
	/* For each definition: makes its action, or, where `see` is not NULL, just sees it. */
	struct action *(*build)(void *context, const struct definition *definition, GError **error);
	journal_definition_fn see;
	/* Where internal_db has never seen a scheduler: reads what the Python program left (*out NULL:
	 * nothing). NULL: it is not asked. */
	bool (*first_start)(void *context, struct apscheduler_jobs **out, GError **error);
	void *context;
	struct schedule_cache *cache;
};

/* Reads it all; `what` is the journal in messages. A NULL journal holds nothing. What cannot be read any more
 * of single actions is left out, and logged. The caller owns the result. */
struct loaded *loaded_read(
	struct journal *journal, const char *what, const struct load_how *how, GError **error);
