#include "daemon/outage.h"

#include "base/clock.h"
#include "base/log.h"

void outage_init(struct outage *outage, const struct outage *as)
{
	*outage = *as;
	pthread_mutex_init(&outage->lock, NULL);
}

char *outage_text(const char *what, const GError *error)
{
	if (g_str_has_prefix(error->message, what))
		return g_strdup(error->message);
	return g_strconcat(what, ": ", error->message, NULL);
}

static void reason_set(struct outage *outage, const char *reason)
{
	pthread_mutex_lock(&outage->lock);
	if (!outage->reason)
		outage->since = clock_monotonic();
	g_free(outage->reason);
	outage->reason = g_strdup(reason);
	pthread_mutex_unlock(&outage->lock);
}

dur_us outage_failed(struct outage *outage, const GError *error)
{
	if (!outage_is_on(outage))
		outage->delay = outage->delay_min;
	if (g_strcmp0(outage->reason, error->message) != 0) {
		g_autofree char *text = outage_text(outage->what, error);
		log_error("%s; %s", text, outage->effect);
		reason_set(outage, error->message);
	}
	dur_us delay = outage->delay;
	outage->delay = MIN(delay * 2, outage->delay_max);
	/* Jitter: many schedulers beside one database do not come back together. */
	return (dur_us)((double)delay * g_random_double_range(0.8, 1.2));
}

void outage_over(struct outage *outage)
{
	if (!outage_is_on(outage))
		return;
	double seconds = (double)(clock_monotonic() - outage->since) / (double)US_PER_SECOND;
	log_info("%s: works again, after %.1f s", outage->what, seconds);
	reason_set(outage, NULL);
}

void outage_clear(struct outage *outage)
{
	g_clear_pointer(&outage->reason, g_free);
	pthread_mutex_destroy(&outage->lock);
}

bool outage_look(struct outage *outage, char **reason, time_us *since)
{
	pthread_mutex_lock(&outage->lock);
	bool on = outage->reason != NULL;
	if (on) {
		*reason = g_strdup(outage->reason);
		*since = outage->since;
	}
	pthread_mutex_unlock(&outage->lock);
	return on;
}
