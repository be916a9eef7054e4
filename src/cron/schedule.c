#include "cron/schedule.h"

#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "cron/apscheduler.h"
#include "cron/interval.h"
#include "cron/params.h"
#include "cron/schedule_print.h"
#include "cron/unix.h"

static bool read_unix(struct schedule *s, const json_t *params, GError **error)
{
	const json_t *value = json_object_get(params, "value");
	if (!value)
		g_set_error(error, AS_ERROR, AS_ERROR_INVALID, "params.value: it is missing");
	else if (!json_is_string(value))
		g_set_error(error, AS_ERROR, AS_ERROR_INVALID, "params.value: it must be a string");
	else
		return unix_read(&s->calendar, json_string_value(value), s->dialect, error);
	return false;
}

static bool read_bounds(struct schedule *s, const json_t *params, GError **error)
{
	bool has_end;
	return params_read_date(params, "start_date", s->zone, &s->has_start, &s->start, error) &&
	       params_read_date(params, "end_date", s->zone, &has_end, &s->end, error) &&
	       params_read_jitter(params, &s->jitter, error);
}

static bool read_apscheduler(struct schedule *s, const json_t *params, GError **error)
{
	static const char *const known[] = {"start_date", "end_date", "timezone", "jitter", NULL};
	return params_check_keys(params, known, true, error) && read_bounds(s, params, error) &&
	       apscheduler_read(&s->calendar, params, error);
}

static bool read_date(struct schedule *s, const json_t *params, GError **error)
{
	static const char *const known[] = {"run_date", "timezone", NULL};
	bool given;
	if (!params_check_keys(params, known, false, error) ||
		!params_read_date(params, "run_date", s->zone, &given, &s->start, error))
		return false;
	if (!given)
		g_set_error(error, AS_ERROR, AS_ERROR_INVALID, "params.run_date: it is missing");
	return given;
}

static bool read_interval(struct schedule *s, const json_t *params, GError **error)
{
	static const char *const known[] = {"weeks", "days", "hours", "minutes", "seconds", "start_date",
		"end_date", "jitter", "timezone", NULL};
	if (!params_check_keys(params, known, false, error) || !params_read_step(params, &s->step, error) ||
		!read_bounds(s, params, error))
		return false;
	if (!s->has_start) /* a fixed anchor keeps fires a pure function, over restarts too */
		s->start = zone_resolve(s->zone, 0);
	return true;
}

struct format {
	const char *name;
	bool (*read)(struct schedule *schedule, const json_t *params, GError **error);
	bool calendar;
};

static const struct format formats[] = {
	[SCHEDULE_UNIX] = {"unix", read_unix, true},
	[SCHEDULE_APSCHEDULER] = {"apscheduler", read_apscheduler, true},
	[SCHEDULE_DATE] = {"date", read_date, false},
	[SCHEDULE_INTERVAL] = {"interval", read_interval, false},
};

const char *schedule_format_name(enum schedule_format format)
{
	return formats[format].name;
}

static void refuse_other_than_object(GError **error)
{
	g_set_error(error, AS_ERROR, AS_ERROR_INVALID, "a schedule must be an object with format and params");
}

static const struct format *find_format(const json_t *document, GError **error)
{
	const json_t *name = json_object_get(document, "format");
	const char *known = "unix, apscheduler, date, interval";
	if (!json_is_object(document)) {
		refuse_other_than_object(error);
		return NULL;
	}
	if (!json_is_string(name)) {
		g_set_error(error, AS_ERROR, AS_ERROR_INVALID, "format: it %s; there are %s",
			name ? "must be a string" : "is missing", known);
		return NULL;
	}
	for (size_t i = 0; i < G_N_ELEMENTS(formats); i++)
		if (strcmp(formats[i].name, json_string_value(name)) == 0)
			return &formats[i];
	g_set_error(error, AS_ERROR, AS_ERROR_INVALID, "format: there is no \"%.60s\"; there are %s",
		json_string_value(name), known);
	return NULL;
}

/* Whether the times of day are fixed for cron(8): nothing below the day begins with `*`. */
static bool has_fixed_times(const struct calendar *c)
{
	return !(c->stars & (1 << FIELD_HOUR | 1 << FIELD_MINUTE | 1 << FIELD_SECOND));
}

static bool complete(struct schedule *s, const struct format *format, const json_t *params, GError **error)
{
	if (!format->read(s, params, error))
		return false;
	if (format->calendar) {
		calendar_prepare(&s->calendar);
		s->fixed = s->dst == DST_VIXIE && has_fixed_times(&s->calendar);
	}
	s->key = schedule_print_key(s);
	return true;
}

struct schedule *schedule_parse_json(
	const json_t *document, const struct schedule_context *context, GError **error)
{
	const struct format *format = find_format(document, error);
	const json_t *params = json_object_get(document, "params");
	if (!format)
		return NULL;
	if (!json_is_object(params)) {
		g_set_error(error, AS_ERROR, AS_ERROR_INVALID, "params: it %s",
			params ? "must be an object" : "is missing");
		return NULL;
	}
	struct zone *zone = params_read_zone(params, context, error);
	if (!zone)
		return NULL;
	struct schedule *s = g_new0(struct schedule, 1);
	s->refs = 1;
	s->format = (enum schedule_format)(format - formats);
	s->dialect = context->dialect;
	s->dst = context->dst;
	s->zone = zone;
	s->start = TIME_US_MIN;
	s->end = TIME_US_MAX;
	if (!complete(s, format, params, error)) {
		schedule_unref(s);
		return NULL;
	}
	return s;
}

struct schedule *schedule_parse(
	const char *text, size_t length, const struct schedule_context *context, GError **error)
{
	size_t blanks = 0;
	while (blanks < length && g_ascii_isspace(text[blanks]))
		blanks++;
	/* Most often a bare expression: that it is no JSON would help nobody. */
	if (blanks == length || text[blanks] != '{') {
		refuse_other_than_object(error);
		return NULL;
	}
	g_autoptr(json_t) document = json_read(text, length, error);
	return document ? schedule_parse_json(document, context, error) : NULL;
}

struct schedule *schedule_ref(struct schedule *s)
{
	g_atomic_int_inc(&s->refs);
	return s;
}

void schedule_unref(struct schedule *s)
{
	if (!s || !g_atomic_int_dec_and_test(&s->refs))
		return;
	zone_unref(s->zone);
	calendar_clear(&s->calendar);
	g_free(s->key);
	g_free(s);
}

/* The instants that may fire within [from, until], bounds of the schedule and of the calendar applied; false
 * where there is none. */
static bool clamp(const struct schedule *s, time_us *from, time_us *until)
{
	const time_us last = SCHEDULE_LAST_S * US_PER_SECOND + (US_PER_SECOND - 1);
	*from = MAX(*from, s->start);
	*until = MIN(*until, MIN(s->end, last));
	return *from <= *until;
}

static inline bool has_calendar(const struct schedule *s)
{
	return s->format == SCHEDULE_UNIX || s->format == SCHEDULE_APSCHEDULER;
}

/* The whole seconds within. */
static inline int64_t first_second(time_us from)
{
	return MAX(floor_div(from - 1, US_PER_SECOND) + 1, FIRES_FIRST_S);
}

bool schedule_next(const struct schedule *s, time_us after, time_us *out)
{
	time_us until = TIME_US_MAX, found;
	if (after == TIME_US_MAX)
		return false;
	time_us from = after + 1;
	if (!clamp(s, &from, &until))
		return false;
	if (has_calendar(s)) {
		int64_t second;
		if (!fires_next(s, first_second(from), &second))
			return false;
		found = second * US_PER_SECOND;
	} else if (!interval_next(s, from, &found)) {
		return false;
	}
	if (found > until)
		return false;
	*out = found;
	return true;
}

bool schedule_prev(const struct schedule *s, time_us before, time_us *out)
{
	time_us from = TIME_US_MIN + 1, found;
	if (before == TIME_US_MIN)
		return false;
	time_us until = before - 1;
	if (!clamp(s, &from, &until))
		return false;
	if (has_calendar(s)) {
		int64_t second;
		if (!fires_prev(s, floor_div(until, US_PER_SECOND), &second))
			return false;
		found = second * US_PER_SECOND;
	} else if (!interval_prev(s, until, &found)) {
		return false;
	}
	if (found < from)
		return false;
	*out = found;
	return true;
}

uint64_t schedule_count(const struct schedule *s, time_us after, time_us until)
{
	if (after >= until)
		return 0;
	time_us from = after + 1;
	if (!clamp(s, &from, &until))
		return 0;
	if (!has_calendar(s))
		return interval_count(s, from, until);
	return fires_count(s, first_second(from), floor_div(until, US_PER_SECOND));
}

bool schedule_nth(const struct schedule *s, time_us after, uint64_t n, time_us *out)
{
	time_us until = TIME_US_MAX;
	if (!n || after == TIME_US_MAX)
		return false;
	time_us from = after + 1;
	if (!clamp(s, &from, &until))
		return false;
	if (has_calendar(s)) {
		int64_t second;
		if (!fires_nth(s, first_second(from), floor_div(until, US_PER_SECOND), n, &second))
			return false;
		*out = second * US_PER_SECOND;
		return true;
	}
	time_us first;
	if (n > interval_count(s, from, until) || !interval_next(s, from, &first))
		return false;
	*out = first + (dur_us)(n - 1) * s->step;
	return true;
}

dur_us schedule_jitter(const struct schedule *s)
{
	return s->jitter;
}

time_us schedule_end(const struct schedule *s)
{
	return s->end;
}

struct zone *schedule_zone(const struct schedule *s)
{
	return s->zone;
}

const char *schedule_key(const struct schedule *s)
{
	return s->key;
}

enum unix_dialect schedule_dialect(const struct schedule *schedule)
{
	return schedule->dialect;
}

enum dst_policy schedule_dst(const struct schedule *schedule)
{
	return schedule->dst;
}
