/* Purpose: something outside does not answer: said once, tried again with a growing delay, its end said once.
 * One thread at a time for each; outage_look: any thread. */
#pragma once

#include <glib.h>
#include <pthread.h>
#include <stdbool.h>

#include "base/time_us.h"

struct outage {
	const char *what;   /* "actions_db /srv/database.db"; borrowed */
	const char *effect; /* what that means meanwhile; borrowed */
	dur_us delay_min, delay_max;
	/* Private. */
	dur_us delay;
	pthread_mutex_t lock; /* guards what follows against outage_look */
	time_us since;        /* CLOCK_MONOTONIC */
	char *reason;         /* as it was said; NULL: all is well */
};

/* The fields but for the private ones as given. */
void outage_init(struct outage *outage, const struct outage *as);

/* The error with what it is about before it, where it does not say so itself. Free with g_free. */
char *outage_text(const char *what, const GError *error);

/* A try has failed: logs it unless that was said already. Returns how long to wait before the next one. */
dur_us outage_failed(struct outage *outage, const GError *error);
/* A try went well: logs the end where there was an outage. */
void outage_over(struct outage *outage);
static inline bool outage_is_on(const struct outage *outage)
{
	return outage->reason != NULL;
}
void outage_clear(struct outage *outage);

/* Whether it is on; why (to be freed with g_free), and since when by CLOCK_MONOTONIC. */
bool outage_look(struct outage *outage, char **reason, time_us *since);
