#include "daemon/outage.h"

#include "base/clock.h"
#include "base/log.h"

char *outage_text(const char *what, const GError *error)
{
	if (g_str_has_prefix(error->message, what))
		return g_strdup(error->message);
	return g_strconcat(what, ": ", error->message, NULL);
}

dur_us outage_failed(struct outage *outage, const GError *error)
{
	if (!outage_is_on(outage)) {
		outage->since = clock_monotonic();
		outage->delay = outage->delay_min;
	}
	if (g_strcmp0(outage->reason, error->message) != 0) {
		g_autofree char *text = outage_text(outage->what, error);
		log_error("%s; %s", text, outage->effect);
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
