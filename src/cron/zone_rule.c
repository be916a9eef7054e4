#include "cron/zone_rule.h"

#include <string.h>

#include "base/error.h"
#include "base/time_us.h"

struct reader {
	const char *at;
	const char *end;
};

static bool take(struct reader *r, char c)
{
	if (r->at == r->end || *r->at != c)
		return false;
	r->at++;
	return true;
}

/* One to three digits of at most `most`. */
static bool take_number(struct reader *r, int most, int *out)
{
	int value = 0, digits = 0;
	for (; r->at < r->end && digits < 3 && g_ascii_isdigit(*r->at); r->at++, digits++)
		value = value * 10 + (*r->at - '0');
	if (!digits || value > most)
		return false;
	*out = value;
	return true;
}

static bool take_name(struct reader *r, char out[static 8])
{
	bool quoted = take(r, '<');
	const char *from = r->at;
	while (r->at < r->end &&
		(g_ascii_isalpha(*r->at) ||
			(quoted && (g_ascii_isdigit(*r->at) || *r->at == '+' || *r->at == '-'))))
		r->at++;
	size_t length = (size_t)(r->at - from);
	if (length < 3 || (quoted && !take(r, '>')))
		return false;
	memset(out, 0, 8);
	memcpy(out, from, MIN(length, 7));
	return true;
}

/* [+-]h[h[h]][:mm[:ss]] in seconds. */
static bool take_time(struct reader *r, int most_hours, int32_t *out)
{
	int hours, minutes = 0, seconds = 0, sign = 1;
	if (take(r, '-'))
		sign = -1;
	else
		take(r, '+');
	if (!take_number(r, most_hours, &hours))
		return false;
	if (take(r, ':')) {
		if (!take_number(r, 59, &minutes))
			return false;
		if (take(r, ':') && !take_number(r, 59, &seconds))
			return false;
	}
	*out = sign * (hours * 3600 + minutes * 60 + seconds);
	return true;
}

static bool take_weekday_date(struct reader *r, struct zone_rule_date *out)
{
	return take_number(r, 12, &out->month) && out->month >= 1 && take(r, '.') &&
	       take_number(r, 5, &out->week) && out->week >= 1 && take(r, '.') &&
	       take_number(r, 6, &out->weekday);
}

static bool take_date(struct reader *r, struct zone_rule_date *out)
{
	bool ok;
	if (take(r, 'M')) {
		out->kind = ZONE_RULE_WEEKDAY;
		ok = take_weekday_date(r, out);
	} else if (take(r, 'J')) {
		out->kind = ZONE_RULE_JULIAN;
		ok = take_number(r, 365, &out->day) && out->day >= 1;
	} else {
		out->kind = ZONE_RULE_ORDINAL;
		ok = take_number(r, 365, &out->day);
	}
	out->time_s = 2 * 3600;
	return ok && (!take(r, '/') || take_time(r, 167, &out->time_s));
}

static bool take_daylight(struct reader *r, struct zone_rule *rule)
{
	rule->has_daylight = true;
	rule->daylight.dst = true;
	rule->daylight.offset_s = rule->standard.offset_s + 3600;
	if (!take_name(r, rule->daylight.abbreviation))
		return false;
	if (r->at < r->end && *r->at != ',') {
		if (!take_time(r, 24, &rule->daylight.offset_s))
			return false;
		rule->daylight.offset_s = -rule->daylight.offset_s;
	}
	return take(r, ',') && take_date(r, &rule->start) && take(r, ',') && take_date(r, &rule->end);
}

bool zone_rule_parse(const char *text, size_t length, struct zone_rule *out, GError **error)
{
	struct reader r = {text, text + length};
	struct zone_rule rule = {0};
	bool ok = take_name(&r, rule.standard.abbreviation) && take_time(&r, 24, &rule.standard.offset_s);
	rule.standard.offset_s = -rule.standard.offset_s; /* POSIX counts west of Greenwich */
	if (ok && r.at < r.end)
		ok = take_daylight(&r, &rule);
	if (!ok || r.at != r.end) {
		g_autofree char *shown = g_strndup(text, MIN(length, 60));
		g_autofree char *escaped = g_strescape(shown, NULL);
		g_set_error(error, AS_ERROR, AS_ERROR_INVALID,
			"its footer rule \"%s\" cannot be read at character %d", escaped,
			(int)(r.at - text) + 1);
		return false;
	}
	*out = rule;
	return true;
}

/* Days since 1970 of the date in a year. */
static int64_t rule_day(const struct zone_rule_date *date, int32_t year)
{
	if (date->kind == ZONE_RULE_ORDINAL)
		return days_from_civil(year, 1, 1) + date->day;
	if (date->kind == ZONE_RULE_JULIAN)
		return days_from_civil(year, 1, 1) + date->day - 1 + (year_is_leap(year) && date->day >= 60);
	int64_t first = days_from_civil(year, date->month, 1);
	int sunday_based = (weekday_of_days(first) + 1) % 7;
	int day = (date->weekday - sunday_based + 7) % 7 + (date->week - 1) * 7;
	while (day >= month_days(year, date->month))
		day -= 7;
	return first + day;
}

int64_t zone_rule_start(const struct zone_rule *rule, int32_t year)
{
	return rule_day(&rule->start, year) * 86400 + rule->start.time_s - rule->standard.offset_s;
}

int64_t zone_rule_end(const struct zone_rule *rule, int32_t year)
{
	return rule_day(&rule->end, year) * 86400 + rule->end.time_s - rule->daylight.offset_s;
}
