#include "cron/field.h"

#include <string.h>

#include "base/error.h"

const char *const field_month_names[12] = {
	"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"};
const char *const field_weekday_names[7] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

bool field_fail(const struct field_cursor *c, const char *where, GError **error, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	g_autofree char *reason = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	int shown = (int)MIN(c->field_end - c->field, 60);
	while (shown > 0 && (c->field[shown] & 0xC0) == 0x80) /* not within a character */
		shown--;
	long column = g_utf8_strlen(c->line, where - c->line) + 1;
	g_set_error(error, AS_ERROR, AS_ERROR_INVALID, "%s \"%.*s%s\" (column %ld): %s", c->label, shown,
		c->field, shown < c->field_end - c->field ? "…" : "", column, reason);
	return false;
}

int field_find_name(const char *const *names, int count, const char *text, size_t length)
{
	for (int i = 0; i < count; i++)
		if (strlen(names[i]) == length && g_ascii_strncasecmp(names[i], text, length) == 0)
			return i;
	return -1;
}

static int read_number(struct field_cursor *c)
{
	int value = 0;
	for (; c->at < c->end && g_ascii_isdigit(*c->at); c->at++)
		value = MIN(value * 10 + (*c->at - '0'), FIELD_NUMBER_MAX);
	return value;
}

static bool read_value(
	struct field_cursor *c, const struct field_spec *spec, int *value, bool *named, GError **error)
{
	const char *from = c->at;
	*named = false;
	if (from < c->end && g_ascii_isdigit(*from)) {
		*value = read_number(c);
		return true;
	}
	while (c->at < c->end && g_ascii_isalpha(*c->at))
		c->at++;
	if (c->at == from) {
		if (from == c->end)
			return field_fail(c, from, error, "a number is missing at the end of \"%.*s\"",
				(int)MIN(c->end - c->field, 60), c->field);
		return field_fail(c, from, error, "\"%.*s\" stands where a number must",
			(int)(g_utf8_next_char(from) - from), from);
	}
	int i = spec->names ? field_find_name(spec->names, spec->name_count, from, (size_t)(c->at - from))
			    : -1;
	if (i < 0)
		return field_fail(c, from, error, "\"%.*s\" is no %s", (int)MIN(c->at - from, 60), from,
			spec->names ? "known name" : "number, and the field takes no names");
	*value = spec->name_base + i;
	*named = true;
	return true;
}

bool field_read_item(
	struct field_cursor *c, const struct field_spec *spec, struct field_item *out, GError **error)
{
	struct field_item item = {.first_at = c->at};
	if (c->at < c->end && *c->at == '*') {
		item.star = true;
		c->at++;
	} else if (!read_value(c, spec, &item.first, &item.first_named, error)) {
		return false;
	} else if (c->at < c->end && *c->at == '-') {
		item.has_last = true;
		item.last_at = ++c->at;
		if (!read_value(c, spec, &item.last, &item.last_named, error))
			return false;
	}
	if (c->at < c->end && *c->at == '/') {
		item.has_step = true;
		item.step_at = ++c->at;
		if (c->at == c->end || !g_ascii_isdigit(*c->at))
			return field_fail(c, c->at, error, "a step must be a number");
		item.step = read_number(c);
	}
	if (c->at != c->end)
		return field_fail(
			c, c->at, error, "\"%.*s\" is too much", (int)MIN(c->end - c->at, 60), c->at);
	*out = item;
	return true;
}

bool field_check_value(
	struct field_cursor *c, const struct field_spec *spec, int value, const char *at, GError **error)
{
	int length = 0;
	while (at + length < c->end && g_ascii_isalnum(at[length]))
		length++;
	if (value < spec->min)
		return field_fail(c, at, error, "%.*s is below %d", MIN(length, 60), at, spec->min);
	if (value > spec->max)
		return field_fail(c, at, error, "%.*s is above %d", MIN(length, 60), at, spec->max);
	return true;
}

bool field_read_list(
	struct field_cursor *list, bool blanks, field_add_item add, void *context, GError **error)
{
	const char *from = list->at;
	for (;;) {
		const char *comma = memchr(from, ',', (size_t)(list->end - from));
		const char *to = comma ? comma : list->end;
		struct field_cursor item = *list;
		item.at = from;
		item.end = to;
		while (blanks && item.at < item.end && *item.at == ' ')
			item.at++;
		while (blanks && item.end > item.at && item.end[-1] == ' ')
			item.end--;
		if (item.at == item.end)
			return field_fail(list, item.at, error,
				from == list->at && !comma ? "it is empty" : "an item of the list is empty");
		if (!add(&item, context, error))
			return false;
		if (!comma)
			return true;
		from = comma + 1;
	}
}

static void set_bits(uint64_t *bits, int first, int last, int step)
{
	for (int i = first; i <= last; i += step)
		*bits |= UINT64_C(1) << i;
}

void field_set_range(struct calendar *c, enum calendar_field field, int first, int last, int step)
{
	uint64_t bits = 0;
	if (field == FIELD_YEAR) {
		if (!c->years)
			c->years = g_new0(uint64_t, (CALENDAR_YEARS + 63) / 64);
		for (int i = first - CALENDAR_FIRST_YEAR; i <= last - CALENDAR_FIRST_YEAR; i += step)
			c->years[i / 64] |= UINT64_C(1) << (i % 64);
		return;
	}
	set_bits(&bits, first, last, step);
	switch (field) {
	case FIELD_MONTH: c->months = (uint16_t)(c->months | bits); break;
	case FIELD_DAY: c->days = (uint32_t)(c->days | bits); break;
	case FIELD_WEEK: c->weeks |= bits; break;
	case FIELD_DAY_OF_WEEK: c->weekdays = (uint8_t)(c->weekdays | bits); break;
	case FIELD_HOUR: c->hours = (uint32_t)(c->hours | bits); break;
	case FIELD_MINUTE: c->minutes |= bits; break;
	case FIELD_SECOND: c->seconds |= bits; break;
	case FIELD_YEAR:
	case FIELD_COUNT: break;
	}
}
