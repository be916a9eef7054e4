/* Purpose: the parameters that are no fields: dates, time zone, jitter, lengths. Internal to src/cron; pure.
 * Every reader takes an absent or null parameter as not given and leaves *out as it was. Errors:
 * AS_ERROR_INVALID, naming the parameter and the reason. */
#pragma once

#include "cron/schedule_internal.h"

/* APScheduler's date text: `YYYY-M-D[( |T)H:M:S[.f][Z|+HH:MM|-HH:MM]]`. Without an offset it is a wall time
 * of the zone. The digits of the fraction are a plain count of microseconds, as there. Returns NULL and
 * writes *out, or returns the reason. */
const char *params_parse_date(const char *text, const struct zone *zone, time_us *out);

bool params_read_date(const json_t *params, const char *key, const struct zone *zone, bool *given,
	time_us *out, GError **error);
bool params_read_jitter(const json_t *params, dur_us *out, GError **error);
/* The zone named by `timezone`, or that of the context. The caller owns a reference. */
struct zone *params_read_zone(const json_t *params, const struct schedule_context *context, GError **error);

/* Refuses keys that are neither in `known` (NULL-terminated) nor, with `fields`, fields of APScheduler. */
bool params_check_keys(const json_t *params, const char *const *known, bool fields, GError **error);

/* The sum of weeks, days, hours, minutes and seconds; 0 becomes a second, as in APScheduler. */
bool params_read_step(const json_t *params, dur_us *out, GError **error);
