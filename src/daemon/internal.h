/* Purpose: the parts of the daemon among themselves. Everything here belongs to the loop thread.
 *
 *   daemon.c    life: start, the loop, the end
 *   phase.c     from one phase to the next
 *   turn.c      a turn of the loop: messages, fires, commits
 *   lanes.c     callbacks, one to a lane of the engine
 *   databases.c the threads of both databases, and what they need
 *   reload.c    SIGHUP
 *   report.c    what is told to systemd and to the log
 *   counters.c  what is counted for status
 *   status.c    the state as a whole
 *   control.c, control_commands.c, command_*.c  what the other verbs ask for
 *   foresee.c   what would become of all that is owed
 *   manual.c    fires asked for by hand, where no scheduler runs */
#pragma once

#include "callback/callback.h"
#include "cron/zone_cache.h"
#include "daemon/control.h"
#include "daemon/control_commands.h"
#include "daemon/counters.h"
#include "daemon/daemon.h"
#include "daemon/failure.h"
#include "daemon/inbox.h"
#include "daemon/journal_thread.h"
#include "daemon/manual.h"
#include "daemon/outage.h"
#include "daemon/store_thread.h"
#include "engine/engine.h"

enum phase {
	PHASE_OPENING, /* internal_db is being opened and read */
	PHASE_READING, /* the table is being read for the first time */
	PHASE_RUNNING,
	PHASE_STOPPING, /* no new fires; waits for those handed out */
	PHASE_ENDED,
};

/* As many callbacks there may be. */
#define LANES_MAX 1024

/* Of the engine's lane of the same index. All but vtable, name and index is the loop thread's. */
struct lane {
	struct daemon *daemon;
	uint16_t index;
	const struct callback_vtable *vtable;
	char *name;                /* canonical */
	struct callback *callback; /* NULL until it is first used */
	char *what;                /* "callback NAME" */
	struct outage outage;      /* it cannot be opened */
	char *trouble;             /* its receiver is out of reach; NULL: it is not */
	char *last_trouble;        /* the last one that there was */
	time_us trouble_at;        /* when that began */
	struct lane_counters counters;
	guint retry_source;
};

struct daemon {
	const struct daemon_options *options;
	struct config *config;
	GPtrArray *configs; /* this one and those before it: threads hold strings of theirs */
	enum phase phase;
	int exit_status;
	bool broken;    /* a callback cannot go on: its fires will not be answered */
	bool signalled; /* a signal has asked for the end */

	struct inbox *inbox;
	struct engine *engine;
	GMutex lanes_lock;
	struct lane *lanes[LANES_MAX];
	GHashTable *lane_names;        /* every name seen → struct lane; under the lock */
	uint16_t lanes_known;          /* under the lock */
	uint16_t lane_count;           /* of these the engine has; the loop thread's */
	struct lane_names lane_finder; /* lane_find */
	struct failures *failures;
	struct commands *commands;
	struct control *control;   /* NULL: there is no socket */
	struct manual_run *manual; /* NULL: this is a scheduler */
	bool committing;
	bool started; /* lanes_start was called */

	char *machine_zone;
	struct zone_cache *zones;
	struct schedule_cache *cache;
	struct action_defaults defaults;
	struct tracker *tracker;
	struct row_list *samples;
	struct action_row *sample_rows;
	struct store_setting *store_settings;     /* of actions_db */
	struct journal_setting *journal_settings; /* of internal_db */
	struct journal_thread *journal_thread;
	struct store_thread *store_thread;
	bool known;     /* internal_db knew actions */
	bool importing; /* until the table is read: what the Python program left is being taken over */
	size_t import_jobs;
	bool table_read; /* once, as a whole: what follows is known */
	size_t bad_rows, disabled_rows;
	struct counters counters;

	int timer_fd, signal_fd;
	guint deadline_source;
	bool deadline_passed;
	guint jobs_source;
	char *status; /* as last told to systemd */
};

/* phase.c */
void phase_open(struct daemon *d);
void phase_loaded(struct daemon *d, struct loaded *loaded); /* takes it over */
void phase_table_read(struct daemon *d, const struct table_summary *summary);
/* Ends the program: at once where nothing runs, else after what is handed out. */
void phase_stop(struct daemon *d);
/* The program cannot go on: logs why and ends it with exit status 1. */
void phase_fail(struct daemon *d, const char *message);
/* Called after each turn; `busy` as turn_run returned it. */
void phase_advance(struct daemon *d, bool busy);

/* turn.c */
/* Does what there is to do, for some 2 ms; true where more is left. */
bool turn_run(struct daemon *d);

/* lanes.c */
/* Once, while the process has one thread: what callbacks start early. */
bool lanes_prepare(const struct config *config, GError **error);
/* Makes the engine, too. */
void lanes_new(struct daemon *d);
void lanes_free(struct daemon *d);
/* The lane of a callback, a new one where it has none; context is the daemon. Any thread. Errors:
 * AS_ERROR_INVALID for what is no callback, or is not allowed. */
bool lane_find(void *context, const char *callback, uint16_t *lane, GError **error);
/* Lanes that were found join the engine: before the actions do that were built with them. */
void lanes_join(struct daemon *d);
/* The same, and those that progress speaks of. */
void lanes_restore(struct daemon *d, const struct progress *progress);
/* internal_db is ours: callbacks may take over what they have from another process. */
void lanes_start(struct daemon *d);
bool lane_open(struct daemon *d, struct lane *lane, GError **error);
/* Opens the callback where it is not yet; where it cannot be, that is said, and it is tried again later. */
bool lane_is_open(struct daemon *d, struct lane *lane);
/* Hands out what is due in a lane, a bounded amount; true where there was anything. */
bool lane_hand_out(struct daemon *d, uint16_t index);
/* More is durable. */
void lanes_settle(struct daemon *d);
/* False where a callback left a thread behind (callback.h). */
bool lanes_close(struct daemon *d, time_us deadline);

/* databases.c */
/* The defaults of actions as a configuration has them; strings are borrowed from it and from the daemon. */
struct action_defaults databases_defaults(const struct daemon *d, const struct config *config);
/* Where a database is; strings are borrowed, the settings are the caller's, to be freed with g_free after the
 * last use. */
struct store_options databases_store_options(
	const struct config_database *database, struct store_setting **settings);
/* Makes what both threads share. */
void databases_new(struct daemon *d);
/* The same; checks and prepares all else that they need. */
bool databases_prepare(struct daemon *d, GError **error);
/* How internal_db is opened and read; settings are valid until databases_free. Once. */
void databases_journal_options(struct daemon *d, struct journal_thread_options *out);
void databases_start_journal(struct daemon *d);
void databases_start_store(struct daemon *d);
/* False where a thread had to be left behind. */
bool databases_stop(struct daemon *d, time_us deadline);
void databases_free(struct daemon *d);

/* reload.c */
void reload_run(struct daemon *d);

/* report.c */
void report_start(const struct daemon *d);
void report_table(struct daemon *d, const struct table_summary *summary);
void report_notes(struct daemon *d);
void report_status(struct daemon *d);
/* Starts or ends test.print_apscheduler_jobs. */
void report_jobs_schedule(struct daemon *d);
