/* Purpose: the thread that owns actions_db: reads the table at the start, when it may have changed, and each
 * period, and hands changes to the loop (MESSAGE_CHANGES, then MESSAGE_TABLE_READ). A database that does not
 * answer is tried again; meanwhile nothing is reported, so the last definitions go on firing. */
#pragma once

#include "daemon/inbox.h"
#include "store/tracker.h"

struct store_thread_options {
	struct store_options store; /* strings are borrowed until the stop; create is set by `fresh` */
	const char *what;           /* for messages: "actions_db /srv/database.db" */
	struct inbox *inbox;
	struct tracker *tracker; /* the thread's from the start to the stop, and the cache with it */
	struct schedule_cache *cache;
	dur_us period;
	bool fresh;                       /* nothing is known: file and table are made where there are none */
	const struct action_row *samples; /* written once, after the first open; NULL: none; borrowed */
	size_t sample_count;
};

/* What a read of the table came to. */
struct table_summary {
	size_t rows, bad_rows, disabled_rows;
	size_t added, changed, removed, disabled, went_bad;
	dur_us took;
};

struct store_thread *store_thread_start(const struct store_thread_options *options);
/* Looks at the table now. */
void store_thread_poke(struct store_thread *thread);
/* Another period, and other defaults of actions (copied but for their strings, which must live until the
 * stop). */
void store_thread_set(struct store_thread *thread, dur_us period, const struct action_defaults *defaults);
/* As outage_look, of actions_db; the loop thread. */
bool store_thread_outage(struct store_thread *thread, char **reason, time_us *since);
/* False where it did not end by the deadline (CLOCK_MONOTONIC): then it is left behind and the process must
 * exit. The inbox must be closed. NULL is fine. */
bool store_thread_stop(struct store_thread *thread, time_us deadline);
