#include "cron/schedule_print.h"

#include <stdlib.h>

#include "base/json.h"
#include "cron/field.h"

/* The values of a field as bits: bit 0 stands for `min`. Years take many words, so all do. */
struct values {
	const uint64_t *words;
	int min, max;
	bool star;   /* must begin with `*` */
	bool either; /* may, as it makes no difference */
};

static bool has(const struct values *v, int value)
{
	unsigned i = (unsigned)(value - v->min);
	return value <= v->max && (v->words[i / 64] >> (i % 64) & 1);
}

static int next_value(const struct values *v, int value)
{
	do
		value++;
	while (value <= v->max && !has(v, value));
	return value;
}

/* The smallest step s for which `*` / s is part of the field, 0 for none; *only: and no other value is. */
static int star_step(const struct values *v, bool *only)
{
	int count = 0;
	for (int i = v->min; i <= v->max; i++)
		count += has(v, i);
	for (int step = 1; step <= MAX(v->max - v->min, 1); step++) {
		int i = v->min, named = 0;
		for (; i <= v->max && has(v, i); i += step)
			named++;
		if (i <= v->max)
			continue;
		*only = named == count;
		return step;
	}
	return 0;
}

/* first-last/step for three values and more that are all the field has. */
static bool append_progression(GString *text, const struct values *v)
{
	int first = next_value(v, v->min - 1), second = next_value(v, first), count = 2, last = second;
	if (second > v->max)
		return false;
	for (int i = next_value(v, second); i <= v->max; i = next_value(v, i), count++) {
		if (i - last != second - first)
			return false;
		last = i;
	}
	if (count < 3 || second - first == 1)
		return false;
	g_string_append_printf(text, "%d-%d/%d", first, last, second - first);
	return true;
}

static void append_separator(GString *text)
{
	if (text->len)
		g_string_append_c(text, ',');
}

/* Ranges and single values, without those that a step over the whole field already names. */
static void append_list(GString *text, const struct values *v, int named_step)
{
	for (int i = next_value(v, v->min - 1), end; i <= v->max; i = next_value(v, end)) {
		for (end = i; end < v->max && has(v, end + 1); end++)
			;
		bool named = end - i < 2 && named_step && (i - v->min) % named_step == 0;
		if (end - i >= 2) {
			append_separator(text);
			g_string_append_printf(text, "%d-%d", i, end);
			continue;
		}
		end = i;
		if (named)
			continue;
		append_separator(text);
		g_string_append_printf(text, "%d", i);
	}
}

static void append_values(GString *text, const struct values *v)
{
	bool only = false;
	int step = v->star || v->either ? star_step(v, &only) : 0;
	if (step == 1) {
		g_string_append_c(text, '*');
		return;
	}
	bool sparse = step && (v->max - v->min) / step < 2; /* `*` / 59 is no clearer than 0,59 */
	if (step && (v->star || (only && !sparse))) {
		g_string_append_printf(text, "*/%d", step);
		if (!only)
			append_list(text, v, step);
		return;
	}
	if (!append_progression(text, v))
		append_list(text, v, 0);
}

static void append_positions(GString *text, const struct calendar *c)
{
	static const char *const positions[6] = {"1st", "2nd", "3rd", "4th", "5th", "last"};
	for (int i = 0; i < 6; i++) {
		for (int d = 0; d < 7; d++) {
			if (!(c->nth_weekdays[i] >> d & 1))
				continue;
			append_separator(text);
			g_string_append_printf(text, "%s %s", positions[i], field_weekday_names[d]);
		}
	}
	if (c->last_day) {
		append_separator(text);
		g_string_append(text, "last");
	}
}

static uint64_t field_bits(const struct calendar *c, enum calendar_field field)
{
	switch (field) {
	case FIELD_MONTH: return c->months;
	case FIELD_DAY: return c->days;
	case FIELD_WEEK: return c->weeks;
	case FIELD_DAY_OF_WEEK: return c->weekdays;
	case FIELD_HOUR: return c->hours;
	case FIELD_MINUTE: return c->minutes;
	case FIELD_SECOND: return c->seconds;
	case FIELD_YEAR:
	case FIELD_COUNT: break;
	}
	return 0;
}

/* A leading `*` of a time field only matters where a change of clocks asks for it. */
static bool star_matters(const struct schedule *s, enum calendar_field field)
{
	if (field >= FIELD_HOUR)
		return s->dst == DST_VIXIE;
	return s->format == SCHEDULE_UNIX && s->dialect == UNIX_DIALECT_STANDARD &&
	       (field == FIELD_DAY || field == FIELD_DAY_OF_WEEK);
}

static void append_field(GString *text, const struct schedule *s, enum calendar_field field)
{
	const struct calendar *c = &s->calendar;
	const struct field_spec *spec = &apscheduler_fields[field];
	if (field == FIELD_YEAR && !c->years) {
		g_string_append_c(text, '*');
		return;
	}
	uint64_t bits = field == FIELD_YEAR ? 0 : field_bits(c, field) >> spec->min;
	struct values v = {field == FIELD_YEAR ? c->years : &bits, spec->min, spec->max, false, true};
	if (star_matters(s, field)) {
		v.star = c->stars >> field & 1;
		v.either = false;
	}
	if (field != FIELD_DAY || bits) /* a day may have positions only */
		append_values(text, &v);
	if (field == FIELD_DAY && text->str[0] != '*')
		append_positions(text, c);
	else if (field == FIELD_DAY && text->str[1] == '/')
		append_positions(text, c);
}

/* Day of week as `unix` counts it. */
static void append_unix_weekdays(GString *text, const struct schedule *s)
{
	uint64_t bits = 0;
	for (int d = 0; d < 7; d++)
		bits |= (uint64_t)(s->calendar.weekdays >> d & 1) << (d + 1) % 7;
	bool star = s->calendar.stars >> FIELD_DAY_OF_WEEK & 1;
	/* A step runs over 0..7, 7 being Sunday again. */
	bits |= star ? (bits & 1) << 7 : 0;
	struct values v = {&bits, 0, star ? 7 : 6, star, false};
	append_values(text, &v);
}

static json_t *print_unix(const struct schedule *s)
{
	static const enum calendar_field fields[] = {
		FIELD_MINUTE, FIELD_HOUR, FIELD_DAY, FIELD_MONTH, FIELD_DAY_OF_WEEK};
	g_autoptr(GString) value = g_string_new(NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(fields); i++) {
		g_autoptr(GString) text = g_string_new(NULL);
		if (fields[i] == FIELD_DAY_OF_WEEK && s->dialect == UNIX_DIALECT_STANDARD)
			append_unix_weekdays(text, s);
		else
			append_field(text, s, fields[i]);
		g_string_append_printf(value, "%s%s", i ? " " : "", text->str);
	}
	return json_pack("{s:s}", "value", value->str);
}

/* The text that an absent field stands for behind the least significant one that is given. */
static const char *default_text(enum calendar_field field)
{
	switch (field) {
	case FIELD_MONTH:
	case FIELD_DAY: return "1";
	case FIELD_HOUR:
	case FIELD_MINUTE:
	case FIELD_SECOND: return "0";
	default: return "*";
	}
}

static json_t *print_apscheduler(const struct schedule *s)
{
	json_t *params = json_object();
	GString *texts[FIELD_COUNT];
	int least = FIELD_YEAR;
	for (int i = 0; i < FIELD_COUNT; i++) {
		texts[i] = g_string_new(NULL);
		append_field(texts[i], s, (enum calendar_field)i);
		if (!g_str_equal(texts[i]->str, default_text((enum calendar_field)i)))
			least = i;
	}
	for (int i = 0; i < FIELD_COUNT; i++) {
		if (i == least || (i < least && !g_str_equal(texts[i]->str, "*")))
			json_object_set_new(params, apscheduler_fields[i].name, json_string(texts[i]->str));
		g_string_free(texts[i], TRUE);
	}
	return params;
}

/* Offsets of dates have no seconds: those of the zone are rounded away from zero, which keeps the year of a
 * wall time at the edge of the calendar within four digits. */
static void set_date(json_t *params, const char *key, const struct schedule *s, time_us t)
{
	char buf[TIME_TEXT_MAX];
	int32_t offset = zone_offset_at(s->zone, t), odd = offset % 60;
	offset += odd > 0 ? 60 - odd : odd < 0 ? -60 - odd : 0;
	json_object_set_new(params, key, json_string(time_format(t, offset, buf)));
}

static void set_seconds(json_t *params, const char *key, dur_us length)
{
	json_object_set_new(params, key,
		length % US_PER_SECOND ? json_real((double)length / 1e6)
				       : json_integer(length / US_PER_SECOND));
}

static json_t *print_interval(const struct schedule *s)
{
	json_t *params = json_object();
	if (s->step >= US_PER_DAY) /* apart from the rest, whose fraction then stays exact */
		json_object_set_new(params, "days", json_integer(s->step / US_PER_DAY));
	if (s->step % US_PER_DAY)
		set_seconds(params, "seconds", s->step % US_PER_DAY);
	return params;
}

json_t *schedule_print(const struct schedule *s)
{
	json_t *params;
	bool with_start = s->has_start;
	switch (s->format) {
	case SCHEDULE_UNIX: params = print_unix(s); break;
	case SCHEDULE_APSCHEDULER: params = print_apscheduler(s); break;
	case SCHEDULE_INTERVAL:
		params = print_interval(s);
		with_start = true;
		break;
	default:
		params = json_object();
		set_date(params, "run_date", s, s->start);
		break;
	}
	if (with_start)
		set_date(params, "start_date", s, s->start);
	if (s->end != TIME_US_MAX)
		set_date(params, "end_date", s, s->end);
	if (s->jitter)
		set_seconds(params, "jitter", s->jitter);
	json_object_set_new(params, "timezone", json_string(zone_name(s->zone)));
	return json_pack("{s:s,s:o}", "format", schedule_format_name(s->format), "params", params);
}

char *schedule_print_key(const struct schedule *s)
{
	g_autoptr(json_t) document = schedule_print(s);
	char *text = json_write(document);
	char *key = g_strdup_printf("%s %s %s", text,
		s->dialect == UNIX_DIALECT_STANDARD ? "standard" : "apscheduler",
		s->dst == DST_VIXIE ? "vixie" : "wall_clock");
	free(text);
	return key;
}
