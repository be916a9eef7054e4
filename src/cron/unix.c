#include "cron/unix.h"

#include <string.h>

#include "base/error.h"
#include "cron/field.h"

#define COUNT 5

static const char *const sunday_names[7] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat"};

/* Day of week: 0 and 7 are Sunday here; the calendar counts from Monday. */
static const struct field_spec specs[COUNT] = {
	{"minute", 0, 59, NULL, 0, 0},
	{"hour", 0, 23, NULL, 0, 0},
	{"day of month", 1, 31, NULL, 0, 0},
	{"month", 1, 12, field_month_names, 12, 1},
	{"day of week", 0, 7, sunday_names, 7, 0},
};
static const enum calendar_field targets[COUNT] = {
	FIELD_MINUTE, FIELD_HOUR, FIELD_DAY, FIELD_MONTH, FIELD_DAY_OF_WEEK};

struct target {
	struct calendar *calendar;
	int index;
};

static void add_weekdays(struct calendar *calendar, int first, int last, int step)
{
	for (int i = first; i <= last; i += step)
		calendar->weekdays |= (uint8_t)(1 << (i + 6) % 7);
}

static bool add_item(struct field_cursor *c, void *context, GError **error)
{
	const struct target *target = context;
	const struct field_spec *spec = &specs[target->index];
	struct field_item item;
	if (!field_read_item(c, spec, &item, error))
		return false;
	if (item.star) {
		item.first = spec->min;
		item.last = spec->max;
	} else {
		bool weekday = targets[target->index] == FIELD_DAY_OF_WEEK;
		if (!field_check_value(c, spec, item.first, item.first_at, error))
			return false;
		if (!item.has_last)
			item.last = item.first;
		else if (!field_check_value(c, spec, item.last, item.last_at, error))
			return false;
		else if (weekday && item.last == 0 && item.first > 0)
			item.last = 7; /* Sunday closes the week: 5-0 */
		if (item.first > item.last)
			return field_fail(c, item.first_at, error, "the range ends before it begins");
		if (item.has_step && !item.has_last)
			return field_fail(
				c, item.step_at - 1, error, "a step needs `*` or a range before it");
	}
	if (item.has_step && item.step == 0)
		return field_fail(c, item.step_at, error, "a step of 0");
	int step = item.has_step ? item.step : 1;
	if (targets[target->index] == FIELD_DAY_OF_WEEK)
		add_weekdays(target->calendar, item.first, item.last, step);
	else
		field_set_range(target->calendar, targets[target->index], item.first, item.last, step);
	return true;
}

static bool read_field(
	struct calendar *calendar, int i, struct field_cursor *c, enum unix_dialect dialect, GError **error)
{
	if (dialect == UNIX_DIALECT_APSCHEDULER)
		return apscheduler_read_field(calendar, targets[i], c, error);
	if (*c->at == '*')
		calendar->stars |= (uint16_t)(1 << targets[i]);
	struct target target = {calendar, i};
	return field_read_list(c, false, add_item, &target, error);
}

/* Blanks and tabs separate fields; APScheduler takes any white space. */
static bool is_separator(char c, enum unix_dialect dialect)
{
	return dialect == UNIX_DIALECT_APSCHEDULER ? g_ascii_isspace(c) || c == '\v' : c == ' ' || c == '\t';
}

static int split(const char *text, enum unix_dialect dialect, const char *from[COUNT], const char *to[COUNT])
{
	int count = 0;
	for (const char *p = text; *p;) {
		if (is_separator(*p, dialect)) {
			p++;
			continue;
		}
		const char *begin = p;
		while (*p && !is_separator(*p, dialect))
			p++;
		if (count < COUNT) {
			from[count] = begin;
			to[count] = p;
		}
		count++;
	}
	return count;
}

/* Whether one of the day fields suffices. One that names every day is the same as `*` then, and is made so.
 */
static void settle_days(struct calendar *calendar)
{
	const uint16_t day = 1 << FIELD_DAY, weekday = 1 << FIELD_DAY_OF_WEEK;
	bool all_days = calendar->days == ~UINT32_C(1), all_weekdays = calendar->weekdays == 0x7F;
	calendar->either_day = !(calendar->stars & (day | weekday));
	if (calendar->either_day && (all_days || all_weekdays)) {
		field_set_range(calendar, FIELD_DAY, 1, 31, 1);
		field_set_range(calendar, FIELD_DAY_OF_WEEK, 0, 6, 1);
		calendar->either_day = false;
		all_days = all_weekdays = true;
	}
	calendar->stars |= (uint16_t)((all_days ? day : 0) | (all_weekdays ? weekday : 0));
}

bool unix_read(struct calendar *calendar, const char *text, enum unix_dialect dialect, GError **error)
{
	const char *from[COUNT], *to[COUNT];
	int count = split(text, dialect, from, to);
	if (count != COUNT) {
		g_set_error(error, AS_ERROR, AS_ERROR_INVALID,
			"params.value: %d field%s, there must be 5 (minute, hour, day of month, month, day "
			"of week)",
			count, count == 1 ? "" : "s");
		return false;
	}
	for (int i = 0; i < COUNT; i++) {
		g_autofree char *label = g_strdup_printf("params.value: %s field", specs[i].name);
		struct field_cursor c = {label, text, from[i], to[i], from[i], to[i]};
		if (!read_field(calendar, i, &c, dialect, error))
			return false;
	}
	field_set_range(calendar, FIELD_WEEK, 1, 53, 1);
	field_set_range(calendar, FIELD_SECOND, 0, 0, 1);
	if (dialect == UNIX_DIALECT_STANDARD)
		settle_days(calendar);
	return true;
}
