/* Purpose: the scheduler as a process: load, catch up, fire, track changes, until a signal ends it. The only
 * place that knows everything; called by main for the verb `run`. Main thread, once a process. */
#pragma once

#include "config/config.h"
#include "journal/journal.h"

struct control_request;
struct json_t;

/* Fires to be run by this process, where no scheduler does. All is called on the main thread, during
 * daemon_run. */
struct manual {
	const struct control_request *request; /* control_request.h */
	/* What was asked for is durable, or refused: the answer of the control socket (docs/control.md). */
	void (*answered)(void *context, const struct json_t *answer);
	/* A fire has ended, and that is durable; the name of its action may be NULL. */
	void (*ended)(void *context, const struct history_entry *entry, const char *action_name);
	void *context;
};

/* Borrowed while daemon_run runs. */
struct daemon_options {
	/* NULL: a scheduler. Else these fires are run and nothing else, and it ends with them; the exit
	 * status is 1 where one was refused, or not delivered. */
	const struct manual *manual;
	time_us catch_up_from; /* missed fires due before are skipped: TIME_US_MIN none, TIME_US_MAX all */
	const struct config_sources *sources; /* where the configuration comes from, for SIGHUP */
	bool log_fixed; /* level and format come from the command line: SIGHUP leaves them */
};

/* Runs the scheduler and returns the exit status of the process. What is wrong is in the log. Takes the
 * configuration over. */
int daemon_run(struct config *config, const struct daemon_options *options);
