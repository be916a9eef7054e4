/* Purpose: what the two sides of a callback `python` share: python.c, called on the loop thread, and the pool
 * of workers, a thread of its own (python_pool.c). */
#pragma once

#include <pthread.h>

#include "callback/callback.h"
#include "callback/python_worker.h"

/* Fires that are accepted and not answered. */
#define PYTHON_OPEN_MAX 4096

struct callback {
	/* Constant. */
	struct callback_host host;
	const struct callback_settings *settings;
	char *target; /* module:function */
	struct python_program program;
	int epoll; /* what the thread waits for */
	int wake;  /* an eventfd: something below has changed */
	GThread *thread;

	pthread_mutex_t lock; /* guards what follows */
	GArray *incoming;     /* struct fire, for the pool to take */
	size_t open;          /* accepted and not answered */
	bool refused;         /* a submit was not accepted as a whole, and nothing was said since */
	bool away;            /* no worker can be started: nothing is accepted */
	bool stopping;
	time_us deadline; /* of the close, CLOCK_MONOTONIC */
};

/* The thread; its argument is the callback, it ends after a close. */
gpointer python_pool_run(gpointer data);
