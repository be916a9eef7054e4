/* Purpose: the thread that owns internal_db: opens and loads it, writes one commit after the other, trims the
 * history. It talks to the loop through the inbox: MESSAGE_JOURNAL_LOADED once, MESSAGE_COMMITTED for each
 * commit, MESSAGE_LOOKED_UP for each lookup, MESSAGE_FAILED where the program must end. What may pass is
 * tried again until it works. */
#pragma once

#include "daemon/inbox.h"
#include "daemon/loaded.h"

/* Fires that are looked up in the history. */
struct looked_up {
	/* Of whoever asks: the id, and its parts. */
	char fire_id[FIRE_ID_MAX];
	int64_t action_id;
	time_us nominal; /* filled in for a manual one */
	char manual[FIRE_MANUAL_MAX];
	bool found; /* what follows is there */
	enum fire_status status;
	uint16_t attempts;
};
struct lookup {
	char *error; /* the history could not be read; NULL: it was */
	size_t count;
	struct looked_up fires[];
};
struct lookup *lookup_new(size_t count);
void lookup_free(struct lookup *lookup); /* NULL is fine */

struct journal_thread_options {
	struct journal_options journal; /* strings are borrowed until the stop */
	const char *what;               /* for messages: "internal_db /srv/database.db" */
	struct inbox *inbox;
	struct load_how load; /* called on the thread, before MESSAGE_JOURNAL_LOADED */
	bool once;            /* what cannot be opened and read at once is not tried again */
};

struct journal_thread *journal_thread_start(const struct journal_thread_options *options);
/* Takes the commit over. One at a time: the next after MESSAGE_COMMITTED. */
void journal_thread_commit(struct journal_thread *thread, struct commit *commit);
/* Looks fires up once the commit under way is written, and gives the lookup back as MESSAGE_LOOKED_UP. Takes
 * it over. After MESSAGE_JOURNAL_LOADED. */
void journal_thread_look_up(struct journal_thread *thread, struct lookup *lookup);
/* The journal, once loaded, for journal_foreign_version and journal_path. */
struct journal *journal_thread_journal(struct journal_thread *thread);
/* As outage_look, of internal_db; the loop thread. */
bool journal_thread_outage(struct journal_thread *thread, char **reason, time_us *since);
/* Ends the thread and closes the journal; a commit that was not tried yet is tried once. False where it did
 * not end by the deadline (CLOCK_MONOTONIC): then it is left behind and the process must exit. NULL is fine.
 */
bool journal_thread_stop(struct journal_thread *thread, time_us deadline);
