/* Purpose: the callback `plugin`, in its parts: plugin.c opens and closes, plugin_fires.c has the fires and
 * what the plugin answers, plugin_threads.c hands them over and lets them time out.
 *
 * An instance has two threads: the worker calls submit and stop of the plugin, the timer calls cancel. So a
 * plugin that blocks holds up nobody but itself. Fires are copied when they are submitted: one that timed out
 * is answered, and its action may go, while the plugin still looks at it.
 *
 * Invariants, under the lock: every fire that is not freed is in `fires`; `unanswered` of them have no answer
 * yet; those that wait are in `waiting`, in order. The host is called with the lock held, so that nothing
 * comes after the close; the plugin never is. */
#pragma once

#include "callback/callback.h"
#include "callback/plugin_load.h"

#include <pthread.h>

/* Fires that are held, and bytes of their copies, beyond which nothing is accepted. */
#define PLUGIN_FIRES_MAX  10000u
#define PLUGIN_BYTES_MAX  ((size_t)16 << 20)
/* Handed over at a time. */
#define PLUGIN_BATCH_MAX  256u
/* Of the text of an answer or of a line for the log. */
#define PLUGIN_DETAIL_MAX ((size_t)64 << 10)

enum plugin_state {
	PLUGIN_WAITING, /* the plugin does not have it */
	PLUGIN_OFFERED, /* it is in the submit that runs */
	PLUGIN_ACCEPTED,
};

struct plugin_fire {
	struct action_scheduler_fire face; /* what the plugin sees; its ticket is the plugin's */
	uint64_t ticket;                   /* the host's */
	size_t bytes;
	enum plugin_state state;
	bool answered;        /* the host has its answer */
	bool resolved;        /* the plugin does not look at it any more */
	time_us started_at;   /* when it was offered */
	time_us deadline;     /* CLOCK_MONOTONIC */
	GSequenceIter *timer; /* in timers; NULL: none */
	char text[];          /* name, command, fire id, with their NULs */
};

struct callback {
	struct action_scheduler_host face; /* first: the plugin hands it back */
	struct callback_host host;
	struct action_scheduler_plugin plugin;
	void *instance;
	GArray *options; /* struct action_scheduler_option, owning its texts */
	bool placeholders;
	GThread *worker, *timer;

	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t worker_wake, timer_wake, finished;
	uint64_t next_ticket;
	GHashTable *fires; /* by the plugin's ticket */
	GQueue waiting;    /* struct plugin_fire */
	GSequence *timers; /* the same, by deadline */
	size_t bytes, unanswered;
	bool room;         /* the plugin took all of the last submit, or said ready since it began */
	bool refused;      /* a submit of the host was not accepted as a whole */
	bool ending;       /* the threads end */
	bool ended;        /* they have, and the plugin is stopped */
	bool closed;       /* there is no host any more */
	bool said_unknown; /* an answer to no fire was told */
	bool trouble;      /* what the host was told last */
	bool away;         /* the plugin's trouble */
	bool clogged;      /* nothing can be accepted, as what timed out is not resolved */
};

/* plugin_fires.c */

void plugin_fires_init(struct callback *plugin);
void plugin_fires_clear(struct callback *plugin);
size_t plugin_submit(struct callback *plugin, const struct fire *fires, size_t count);
/* What the plugin calls. */
void plugin_face_init(struct action_scheduler_host *face);
/* With the lock held: */
/* Answers the host. The detail is copied. */
void plugin_answer(
	struct callback *plugin, struct plugin_fire *fire, const struct action_scheduler_result *result);
/* Gives the fire its deadline from now on, or takes it away. */
void plugin_timer_set(struct callback *plugin, struct plugin_fire *fire);
void plugin_timer_clear(struct plugin_fire *fire);
/* Forgets and frees a fire that is answered and that the plugin does not have. */
void plugin_fire_drop(struct callback *plugin, struct plugin_fire *fire);
/* Tells the host of room that there is again, and of trouble that came or went. */
void plugin_tell(struct callback *plugin);

/* plugin_threads.c */

/* Starts them. */
void plugin_threads_start(struct callback *plugin);
