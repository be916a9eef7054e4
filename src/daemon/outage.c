#include "daemon/outage.h"

#include "base/clock.h"
#include "base/log.h"

dur_us outage_failed(struct outage *outage, const GError *error)
{
	if (!outage_is_on(outage)) {
		outage->since = clock_monotonic();
		outage->delay = outage->delay_min;
	}
	if (g_strcmp0(outage->reason, error->message) != 0) {
		log_error("%s: %s; %s", outage->what, error->message, outage->effect);
		g_free(outage->reason);
		outage->reason = g_strdup(error->message);
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
	outage_clear(outage);
}

void outage_clear(struct outage *outage)
{
	g_clear_pointer(&outage->reason, g_free);
}
