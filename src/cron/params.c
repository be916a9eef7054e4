#include "cron/params.h"

#include <string.h>

#include "base/error.h"
#include "cron/apscheduler.h"

#define JITTER_MAX_S 1e9
/* Longer than the calendar, from 1970 to 9999. */
#define STEP_MAX_US  ((dur_us)3000000 * US_PER_DAY)
#define STEP_MIN_US  US_PER_MS

static bool fail(GError **error, const char *key, const char *reason)
{
	g_set_error(error, AS_ERROR, AS_ERROR_INVALID, "params.%s: %s", key, reason);
	return false;
}

static const json_t *find(const json_t *params, const char *key)
{
	const json_t *value = json_object_get(params, key);
	return value && !json_is_null(value) ? value : NULL;
}

/* Reads `least` to `most` digits. */
static bool take_digits(const char **p, int least, int most, int *out)
{
	int n = 0, value = 0;
	for (; n < most && g_ascii_isdigit(**p); n++, (*p)++)
		value = value * 10 + (**p - '0');
	*out = value;
	return n >= least;
}

static bool take(const char **p, char c)
{
	if (**p != c)
		return false;
	(*p)++;
	return true;
}

struct date_parts {
	int year, month, day, hour, minute, second, us;
	bool has_offset;
	int offset_minutes;
};

static bool take_offset(const char **p, struct date_parts *d)
{
	int sign = **p == '-' ? -1 : 1, hours, minutes;
	d->has_offset = true;
	if (take(p, 'Z'))
		return true;
	(*p)++;
	if (!take_digits(p, 2, 2, &hours) || !take(p, ':') || !take_digits(p, 2, 2, &minutes))
		return false;
	d->offset_minutes = sign * (hours * 60 + minutes);
	return true;
}

static bool take_parts(const char *p, struct date_parts *d)
{
	if (!take_digits(&p, 4, 4, &d->year) || !take(&p, '-') || !take_digits(&p, 1, 2, &d->month) ||
		!take(&p, '-') || !take_digits(&p, 1, 2, &d->day))
		return false;
	if (!*p)
		return true;
	if (!take(&p, ' ') && !take(&p, 'T'))
		return false;
	if (!take_digits(&p, 1, 2, &d->hour) || !take(&p, ':') || !take_digits(&p, 1, 2, &d->minute) ||
		!take(&p, ':') || !take_digits(&p, 1, 2, &d->second))
		return false;
	if (take(&p, '.') && !take_digits(&p, 1, 6, &d->us))
		return false;
	if ((*p == 'Z' || *p == '+' || *p == '-') && !take_offset(&p, d))
		return false;
	return !*p;
}

const char *params_parse_date(const char *text, const struct zone *zone, time_us *out)
{
	struct date_parts d = {0};
	if (!take_parts(text, &d))
		return "it must look like 2024-01-31, 2024-01-31 09:00:00 or 2024-01-31T09:00:00+03:00";
	if (d.year < 1 || d.month < 1 || d.month > 12 || d.day < 1 || d.day > month_days(d.year, d.month))
		return "there is no such date";
	if (d.hour > 23 || d.minute > 59 || d.second > 59)
		return "there is no such time of day";
	if (ABS(d.offset_minutes) >= 24 * 60)
		return "an offset must be less than 24 hours";
	struct civil c = {d.year, (int8_t)d.month, (int8_t)d.day, (int8_t)d.hour, (int8_t)d.minute,
		(int8_t)d.second, d.us};
	time_us local = time_from_civil(&c);
	*out = d.has_offset ? local - d.offset_minutes * US_PER_MINUTE : zone_resolve(zone, local);
	return NULL;
}

bool params_read_date(const json_t *params, const char *key, const struct zone *zone, bool *given,
	time_us *out, GError **error)
{
	const json_t *value = find(params, key);
	*given = value != NULL;
	if (!value)
		return true;
	if (!json_is_string(value))
		return fail(error, key, "it must be a string");
	const char *reason = params_parse_date(json_string_value(value), zone, out);
	if (reason) {
		g_set_error(error, AS_ERROR, AS_ERROR_INVALID, "params.%s \"%.60s\": %s", key,
			json_string_value(value), reason);
		return false;
	}
	return true;
}

bool params_read_jitter(const json_t *params, dur_us *out, GError **error)
{
	const json_t *value = find(params, "jitter");
	if (!value)
		return true;
	if (!json_is_number(value))
		return fail(error, "jitter", "it must be a number of seconds");
	double seconds = json_number_value(value);
	if (seconds < 0)
		return fail(error, "jitter", "it must not be negative");
	if (seconds > JITTER_MAX_S)
		return fail(error, "jitter", "it must be at most 1000000000 seconds");
	*out = (dur_us)(seconds * 1e6 + 0.5);
	return true;
}

struct zone *params_read_zone(const json_t *params, const struct schedule_context *context, GError **error)
{
	const json_t *value = find(params, "timezone");
	if (!value)
		return zone_ref(context->timezone);
	if (!json_is_string(value)) {
		fail(error, "timezone", "it must be a string");
		return NULL;
	}
	struct zone *zone = context->zones->load(context->zones->context, json_string_value(value), error);
	if (!zone)
		g_prefix_error(error, "params.timezone: ");
	return zone;
}

bool params_check_keys(const json_t *params, const char *const *known, bool fields, GError **error)
{
	const char *key;
	json_t *value;
	enum calendar_field field;
	json_object_foreach((json_t *)(uintptr_t)params, key, value)
	{
		if (g_strv_contains(known, key) || (fields && apscheduler_find_field(key, &field)))
			continue;
		g_autofree char *names = g_strjoinv(", ", (char **)(uintptr_t)known);
		g_autofree char *shown = g_utf8_substring(key, 0, MIN(g_utf8_strlen(key, -1), 60));
		g_set_error(error, AS_ERROR, AS_ERROR_INVALID,
			"params: unknown parameter \"%s\"; there are %s%s", shown,
			fields ? "year, month, day, week, day_of_week, hour, minute, second, " : "", names);
		return false;
	}
	return true;
}

/* Adds a parameter of `unit` microseconds each. Whole numbers are exact. */
static bool add_length(const json_t *params, const char *key, dur_us unit, dur_us *sum, GError **error)
{
	const json_t *value = find(params, key);
	if (!value)
		return true;
	if (!json_is_number(value))
		return fail(error, key, "it must be a number");
	double number = json_number_value(value);
	if (number < 0)
		return fail(error, key, "it must not be negative");
	if (number > (double)STEP_MAX_US / (double)unit)
		return fail(error, key, "it is longer than 3000000 days");
	*sum += json_is_integer(value) ? json_integer_value(value) * unit
				       : (dur_us)(number * (double)unit + 0.5);
	return true;
}

bool params_read_step(const json_t *params, dur_us *out, GError **error)
{
	dur_us sum = 0;
	if (!add_length(params, "weeks", 7 * US_PER_DAY, &sum, error) ||
		!add_length(params, "days", US_PER_DAY, &sum, error) ||
		!add_length(params, "hours", US_PER_HOUR, &sum, error) ||
		!add_length(params, "minutes", US_PER_MINUTE, &sum, error) ||
		!add_length(params, "seconds", US_PER_SECOND, &sum, error))
		return false;
	if (sum > 0 && sum < STEP_MIN_US)
		return fail(error, "seconds", "an interval must be a millisecond at least");
	if (sum > STEP_MAX_US)
		return fail(error, "days", "the interval is longer than 3000000 days");
	*out = sum ? sum : US_PER_SECOND;
	return true;
}
