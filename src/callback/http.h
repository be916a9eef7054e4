/* Purpose: what the two sides of the callback `http` share: http.c, called on the loop thread, and the
 * sender, a thread of its own (http_sender.c). */
#pragma once

#include <pthread.h>

#include "callback/http_target.h"

/* Fires that are accepted and not answered, at least; so many more may be as can be under way. */
#define HTTP_OPEN_MAX 4096

struct callback {
	/* Constant. */
	struct callback_host host;
	const struct callback_settings *settings;
	struct http_target *target;
	CURLM *multi; /* the sender's; the loop thread only wakes it */
	size_t concurrency;
	size_t open_max;
	GThread *thread;

	pthread_mutex_t lock; /* guards what follows */
	GArray *incoming;     /* struct fire, for the sender to take */
	size_t open;          /* accepted and not answered */
	bool refused;         /* a submit was not accepted as a whole, and nothing was said since */
	bool stopping;
	time_us deadline; /* of the close, CLOCK_MONOTONIC */
};

/* The thread; its argument is the callback, it ends after a close. */
gpointer http_sender_run(gpointer data);
