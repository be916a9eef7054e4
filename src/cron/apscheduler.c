#include "cron/apscheduler.h"

#include <string.h>

#include "base/error.h"
#include "cron/field.h"

const struct field_spec apscheduler_fields[FIELD_COUNT] = {
	[FIELD_YEAR] = {"year", CALENDAR_FIRST_YEAR, CALENDAR_LAST_YEAR, NULL, 0, 0},
	[FIELD_MONTH] = {"month", 1, 12, field_month_names, 12, 1},
	[FIELD_DAY] = {"day", 1, 31, NULL, 0, 0},
	[FIELD_WEEK] = {"week", 1, 53, NULL, 0, 0},
	[FIELD_DAY_OF_WEEK] = {"day_of_week", 0, 6, field_weekday_names, 7, 0},
	[FIELD_HOUR] = {"hour", 0, 23, NULL, 0, 0},
	[FIELD_MINUTE] = {"minute", 0, 59, NULL, 0, 0},
	[FIELD_SECOND] = {"second", 0, 59, NULL, 0, 0},
};

bool apscheduler_find_field(const char *name, enum calendar_field *out)
{
	for (int i = 0; i < FIELD_COUNT; i++) {
		if (strcmp(apscheduler_fields[i].name, name) == 0) {
			*out = (enum calendar_field)i;
			return true;
		}
	}
	return false;
}

struct target {
	struct calendar *calendar;
	enum calendar_field field;
};

static bool check_values(
	struct field_cursor *c, const struct field_spec *spec, struct field_item *item, GError **error)
{
	if (item->has_last && item->first_named != item->last_named)
		return field_fail(
			c, item->first_at, error, "a range from a name to a number, or the other way");
	if (!field_check_value(c, spec, item->first, item->first_at, error) ||
		(item->has_last && !field_check_value(c, spec, item->last, item->last_at, error)))
		return false;
	if (item->has_last && item->first > item->last)
		return field_fail(c, item->first_at, error, "the range ends before it begins");
	return true;
}

static bool check_step(
	struct field_cursor *c, const struct field_spec *spec, struct field_item *item, GError **error)
{
	if (item->step == 0)
		return field_fail(c, item->step_at, error, "a step of 0");
	/* APScheduler's own check: an end of 0 counts as no end. */
	int end = item->has_last && item->last ? item->last : spec->max;
	int width = item->star ? spec->max - spec->min : end - item->first;
	if (item->step > width)
		return field_fail(c, item->step_at, error,
			"the step is larger than the range, which is %d wide", width);
	return true;
}

/* `last`, `1st fri`, `last sun`. Returns whether the item is one of the forms; *ok whether it is a right one.
 */
static bool add_position(struct field_cursor *c, struct calendar *calendar, bool *ok, GError **error)
{
	static const char *const positions[6] = {"1st", "2nd", "3rd", "4th", "5th", "last"};
	const char *p = c->at;
	while (p < c->end && g_ascii_isalnum(*p))
		p++;
	int position = field_find_name(positions, 6, c->at, (size_t)(p - c->at));
	if (position < 0)
		return false;
	*ok = true;
	if (p == c->end && position == 5) {
		calendar->last_day = true;
		return true;
	}
	const char *name = p;
	while (name < c->end && *name == ' ')
		name++;
	int weekday = name > p ? field_find_name(field_weekday_names, 7, name, (size_t)(c->end - name)) : -1;
	if (weekday < 0)
		*ok = field_fail(c, name, error,
			"\"%.*s\" must be followed by a blank and a day from mon to sun", (int)(p - c->at),
			c->at);
	else
		calendar->nth_weekdays[position] |= (uint8_t)(1 << weekday);
	return true;
}

static bool add_item(struct field_cursor *c, void *context, GError **error)
{
	const struct target *target = context;
	const struct field_spec *spec = &apscheduler_fields[target->field];
	struct field_item item;
	bool ok;
	if (target->field == FIELD_DAY && add_position(c, target->calendar, &ok, error))
		return ok;
	if (!field_read_item(c, spec, &item, error))
		return false;
	if (!item.star && !check_values(c, spec, &item, error))
		return false;
	if (item.has_step && !check_step(c, spec, &item, error))
		return false;
	int first = item.star ? spec->min : item.first;
	int last = item.has_last ? item.last : item.star || item.has_step ? spec->max : item.first;
	field_set_range(target->calendar, target->field, first, last, item.has_step ? item.step : 1);
	return true;
}

bool apscheduler_read_field(
	struct calendar *calendar, enum calendar_field field, struct field_cursor *c, GError **error)
{
	if (c->at < c->end && *c->at == '*')
		calendar->stars |= (uint16_t)(1 << field);
	struct target target = {calendar, field};
	return field_read_list(c, true, add_item, &target, error);
}

static bool read_text(struct calendar *calendar, enum calendar_field field, const char *text, GError **error)
{
	const char *end = text + strlen(text);
	g_autofree char *label = g_strdup_printf("params.%s", apscheduler_fields[field].name);
	struct field_cursor c = {label, text, text, end, text, end};
	while (c.at < end && g_unichar_isspace(g_utf8_get_char(c.at)))
		c.at = g_utf8_next_char(c.at);
	for (const char *p; c.end > c.at; c.end = p) {
		p = g_utf8_prev_char(c.end);
		if (!g_unichar_isspace(g_utf8_get_char(p)))
			break;
	}
	return apscheduler_read_field(calendar, field, &c, error);
}

static bool read_value(
	struct calendar *calendar, enum calendar_field field, const json_t *value, GError **error)
{
	if (json_is_string(value))
		return read_text(calendar, field, json_string_value(value), error);
	if (!json_is_integer(value)) {
		g_set_error(error, AS_ERROR, AS_ERROR_INVALID, "params.%s: it must be an integer or a string",
			apscheduler_fields[field].name);
		return false;
	}
	g_autofree char *text = g_strdup_printf("%" JSON_INTEGER_FORMAT, json_integer_value(value));
	return read_text(calendar, field, text, error);
}

/* Absent fields before the least significant one that is given are `*`, those behind it take their smallest
 * value, but week and day_of_week stay `*`. */
static void set_default(struct calendar *calendar, enum calendar_field field, bool before)
{
	const struct field_spec *spec = &apscheduler_fields[field];
	if (before || field == FIELD_WEEK || field == FIELD_DAY_OF_WEEK) {
		calendar->stars |= (uint16_t)(1 << field);
		if (field != FIELD_YEAR) /* no set of years is all years */
			field_set_range(calendar, field, spec->min, spec->max, 1);
	} else {
		field_set_range(calendar, field, spec->min, spec->min, 1);
	}
}

bool apscheduler_read(struct calendar *calendar, const json_t *params, GError **error)
{
	const json_t *values[FIELD_COUNT];
	int least = FIELD_COUNT;
	for (int i = 0; i < FIELD_COUNT; i++) {
		values[i] = json_object_get(params, apscheduler_fields[i].name);
		if (values[i] && !json_is_null(values[i]))
			least = i;
		else
			values[i] = NULL;
	}
	for (int i = 0; i < FIELD_COUNT; i++) {
		if (!values[i])
			set_default(calendar, (enum calendar_field)i, i < least);
		else if (!read_value(calendar, (enum calendar_field)i, values[i], error))
			return false;
	}
	return true;
}
