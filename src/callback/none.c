/* The callback `none`: every fire is delivered at once, to nobody. For measuring the rest of the program. */
#include "base/clock.h"
#include "callback/backends.h"

struct callback {
	struct callback_host host;
};

static struct callback *none_open(const struct callback_open *open, GError **error)
{
	(void)error;
	struct callback *none = g_new0(struct callback, 1);
	none->host = open->host;
	return none;
}

static size_t none_submit(struct callback *none, const struct fire *fires, size_t count)
{
	if (!count)
		return 0;
	g_autofree struct fire_result *results = g_new0(struct fire_result, count);
	time_us now = clock_now();
	for (size_t i = 0; i < count; i++)
		results[i] = (struct fire_result){.ticket = fires[i].ticket,
			.answer = FIRE_DELIVERED,
			.started_at = now,
			.finished_at = now};
	none->host.resolved(none->host.context, results, count);
	return count;
}

static bool none_close(struct callback *none, time_us deadline)
{
	(void)deadline;
	g_free(none);
	return true;
}

const struct callback_vtable callback_none = {
	.name = "none",
	.help = "does nothing; for measuring",
	.open = none_open,
	.submit = none_submit,
	.close = none_close,
};
