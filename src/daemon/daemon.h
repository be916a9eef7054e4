/* Purpose: the scheduler as a process: load, catch up, fire, track changes, until a signal ends it. The only
 * place that knows everything; called by main for the verb `run`. Main thread, once a process. */
#pragma once

#include "config/config.h"

/* Borrowed while daemon_run runs. */
struct daemon_options {
	time_us catch_up_from; /* missed fires due before are skipped: TIME_US_MIN none, TIME_US_MAX all */
	const struct config_sources *sources; /* where the configuration comes from, for SIGHUP */
	bool log_fixed; /* level and format come from the command line: SIGHUP leaves them */
};

/* Runs the scheduler and returns the exit status of the process. What is wrong is in the log. Takes the
 * configuration over. */
int daemon_run(struct config *config, const struct daemon_options *options);
