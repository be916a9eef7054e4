/* Purpose: the command line: global options, the verb, its exit status. Called once, by main, on the main
 * thread. What belongs to the daemon is handed in as functions, as this folder does not know it. */
#pragma once

#include "config/config.h"
#include "journal/journal.h"
#include "model/action.h"
#include "model/foreseen.h"

struct json_t;

/* Exit statuses. */
enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

/* What `run` was asked for. Borrowed, but for the configuration, which `run` takes over. */
struct cli_run {
	struct config *config;
	const struct config_sources *sources; /* to read the configuration again on SIGHUP */
	time_us catch_up_from; /* missed fires due before are skipped; TIME_US_MIN: none, TIME_US_MAX: all */
	bool log_fixed;        /* level or format come from the command line: reading again leaves them */
};

/* Fires to be run by this process. Borrowed as above. */
struct cli_manual {
	struct config *config;
	const struct config_sources *sources;
	const char *request; /* a line as the control socket takes it (docs/control.md) */
	void (*answered)(void *context, const struct json_t *answer); /* its answer */
	/* A fire has ended; the name of its action may be NULL. */
	void (*ended)(void *context, const struct history_entry *entry, const char *action_name);
	void *context;
};

/* What a start now would make up for. Borrowed, but for the configuration, which is taken over. */
struct cli_foresee {
	struct config *config; /* has an internal_db */
	time_us catch_up_from; /* as in struct cli_run */
	time_us now;
	/* Fires of one action that share their fate; its name may be NULL. */
	void (*each)(void *context, const struct foreseen *foreseen, const char *action_name);
	void (*bad_row)(void *context, int64_t id, const char *reason);
	void (*held)(void *context, time_us since); /* nothing would be handed out before its end */
	/* The table cannot be read: the definitions as last seen count. */
	void (*no_table)(void *context, const char *reason);
	void *context;
};

struct cli_host {
	/* Runs the scheduler to its end; returns the exit status, having logged what went wrong. */
	int (*run)(void *context, const struct cli_run *run);
	/* Runs fires to their end, where no scheduler does; the exit status is 1 where one was refused or not
	 * delivered. What else went wrong is logged. */
	int (*manual)(void *context, const struct cli_manual *manual);
	/* Tells what a start would make up for, which reads both databases. Errors name the database. */
	bool (*foresee)(void *context, const struct cli_foresee *foresee, GError **error);
	/* Whether this build has the callback of a row, and the configuration allows it. */
	bool (*callback_check)(
		void *context, const struct callback_settings *settings, const char *name, GError **error);
	/* Whether the configuration allows a callback, and its receiver answers and would take a fire; blocks
	 * for some seconds at most. Errors: AS_ERROR_INVALID where it is the configuration. */
	bool (*callback_probe)(
		void *context, const struct callback_settings *settings, const char *name, GError **error);
	/* The canonical name of a callback; NULL where this build has it not. Static. */
	const char *(*callback_name)(void *context, const char *name);
	void *context;
};

/* Does what the command line says and returns the exit status. */
int cli_main(int argc, char **argv, const struct cli_host *host);

/* docs/cli.md, made from the table of verbs. Free with g_free. */
char *cli_reference_markdown(void);
/* action-scheduler(1). */
char *cli_reference_man(void);
