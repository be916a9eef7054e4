#include "cli/time_arg.h"

#include <string.h>

/* What can be written with a year of four digits. */
#define FIRST_TIME (-62135596800 * US_PER_SECOND)
#define LAST_TIME  (INT64_C(253402300800) * US_PER_SECOND - 1)

struct unit {
	const char *names; /* with a blank after each */
	dur_us length;
};

/* As systemd.time(7) names them: m is a minute, M a month; months and years are mean ones. */
static const struct unit units[] = {
	{"us usec ", 1},
	{"ms msec ", US_PER_MS},
	{"s sec secs second seconds ", US_PER_SECOND},
	{"m min mins minute minutes ", US_PER_MINUTE},
	{"h hr hrs hour hours ", US_PER_HOUR},
	{"d day days ", US_PER_DAY},
	{"w week weeks ", 7 * US_PER_DAY},
	{"M month months ", 2629800 * US_PER_SECOND},
	{"y year years ", 31557600 * US_PER_SECOND},
};

static bool unit_is_named(const struct unit *unit, const char *name, size_t length)
{
	for (const char *p = unit->names; *p;) {
		const char *end = strchr(p, ' ');
		if ((size_t)(end - p) == length && !memcmp(p, name, length))
			return true;
		p = end + 1;
	}
	return false;
}

static void skip_blanks(const char **p)
{
	while (**p == ' ' || **p == '\t')
		(*p)++;
}

/* Digits with a sum that fits; false where there is none. */
static bool take_digits(const char **p, int64_t *out)
{
	int64_t value = 0;
	const char *start = *p;
	for (; g_ascii_isdigit(**p); (*p)++)
		if (__builtin_mul_overflow(value, 10, &value) ||
			__builtin_add_overflow(value, **p - '0', &value))
			return false;
	*out = value;
	return *p > start;
}

/* `90 min`, `1.5h`: a number and its unit. */
static bool take_term(const char **p, dur_us *out)
{
	int64_t whole, fraction = 0, scale = 1;
	if (!take_digits(p, &whole))
		return false;
	if (**p == '.') {
		(*p)++;
		if (!g_ascii_isdigit(**p))
			return false;
		for (; g_ascii_isdigit(**p); (*p)++)
			if (scale < US_PER_SECOND) {
				fraction = fraction * 10 + (**p - '0');
				scale *= 10;
			}
	}
	skip_blanks(p);
	const char *name = *p;
	while (g_ascii_isalpha(**p))
		(*p)++;
	for (size_t i = 0; i < G_N_ELEMENTS(units); i++) {
		if (!unit_is_named(&units[i], name, (size_t)(*p - name)))
			continue;
		dur_us part = (dur_us)((__int128)units[i].length * fraction / scale);
		return !__builtin_mul_overflow(whole, units[i].length, out) &&
		       !__builtin_add_overflow(*out, part, out);
	}
	return false;
}

/* Terms one after the other; *ago where the word stands at the end. */
static bool parse_span(const char *p, dur_us *out, bool *ago)
{
	dur_us sum = 0;
	*ago = false;
	skip_blanks(&p);
	do {
		dur_us term;
		if (!take_term(&p, &term) || __builtin_add_overflow(sum, term, &sum))
			return false;
		skip_blanks(&p);
		*ago = !strcmp(p, "ago");
	} while (*p && !*ago);
	*out = sum;
	return true;
}

static bool parse_relative(const char *text, time_us now, time_us *out)
{
	dur_us span;
	bool ago;
	if (*text == '+' || *text == '-') {
		if (!parse_span(text + 1, &span, &ago) || ago)
			return false;
		ago = *text == '-';
	} else if (!parse_span(text, &span, &ago) || !ago) {
		return false;
	}
	return !(ago ? __builtin_sub_overflow(now, span, out) : __builtin_add_overflow(now, span, out));
}

static bool parse_day(const char *text, time_us now, const struct zone *zone, time_us *out)
{
	static const struct {
		const char *name;
		int days;
	} words[] = {{"today", 0}, {"tomorrow", 1}, {"yesterday", -1}};
	for (size_t i = 0; i < G_N_ELEMENTS(words); i++) {
		if (strcmp(text, words[i].name) != 0)
			continue;
		time_us local = now + zone_offset_at(zone, now) * US_PER_SECOND;
		*out = zone_resolve(zone, (floor_div(local, US_PER_DAY) + words[i].days) * US_PER_DAY);
		return true;
	}
	return false;
}

static bool parse_epoch(const char *text, time_us *out)
{
	int64_t seconds;
	if (*text != '@')
		return false;
	const char *p = text + 1;
	bool negative = *p == '-';
	p += negative;
	if (!take_digits(&p, &seconds) || *p ||
		__builtin_mul_overflow(seconds, negative ? -US_PER_SECOND : US_PER_SECOND, out))
		return false;
	return true;
}

static bool parse_any(const char *text, time_us now, const struct zone *zone, time_us *out)
{
	bool has_offset;
	if (!strcmp(text, "now")) {
		*out = now;
		return true;
	}
	if (time_parse(text, out, &has_offset)) {
		if (!has_offset)
			*out = zone_resolve(zone, *out);
		return true;
	}
	return parse_day(text, now, zone, out) || parse_epoch(text, out) || parse_relative(text, now, out);
}

bool time_arg_parse(const char *text, time_us now, const struct zone *zone, time_us *out, GError **error)
{
	time_us t;
	g_autofree char *trimmed = g_strstrip(g_strdup(text));
	if (!parse_any(trimmed, now, zone, &t)) {
		g_set_error(error, AS_ERROR, AS_ERROR_INVALID,
			"'%s' is not a time; write 2024-01-31T09:00:00+01:00, '2024-01-31 09:00', now, "
			"today, "
			"+2h or '5 days ago'",
			text);
		return false;
	}
	if (t < FIRST_TIME || t > LAST_TIME) {
		g_set_error(
			error, AS_ERROR, AS_ERROR_INVALID, "'%s' is not between the years 1 and 9999", text);
		return false;
	}
	*out = t;
	return true;
}

bool catch_up_parse(const char *text, time_us now, const struct zone *zone, time_us *out, GError **error)
{
	if (!text || !strcmp(text, "all"))
		*out = TIME_US_MIN;
	else if (!strcmp(text, "none"))
		*out = TIME_US_MAX;
	else if (!time_arg_parse(text, now, zone, out, error)) {
		g_prefix_error_literal(error, "it takes none, all or a time: ");
		return false;
	}
	return true;
}

char *span_format(dur_us span, char buf[static SPAN_TEXT_MAX])
{
	static const struct {
		const char *name;
		dur_us length;
	} steps[] = {{"y", 31557600 * US_PER_SECOND}, {"d", US_PER_DAY}, {"h", US_PER_HOUR},
		{"min", US_PER_MINUTE}, {"s", US_PER_SECOND}, {"ms", US_PER_MS}};
	uint64_t rest = span < 0 ? -(uint64_t)span : (uint64_t)span;
	size_t first = 0;
	while (first < G_N_ELEMENTS(steps) && rest < (uint64_t)steps[first].length)
		first++;
	if (first == G_N_ELEMENTS(steps)) {
		g_strlcpy(buf, "0s", SPAN_TEXT_MAX);
		return buf;
	}
	uint64_t length = (uint64_t)steps[first].length;
	int n = g_snprintf(buf, SPAN_TEXT_MAX, "%" G_GUINT64_FORMAT "%s", rest / length, steps[first].name);
	rest %= length;
	/* Milliseconds beside seconds are noise. */
	if (first + 2 < G_N_ELEMENTS(steps) && rest >= (uint64_t)steps[first + 1].length)
		g_snprintf(buf + n, SPAN_TEXT_MAX - (gulong)n, " %" G_GUINT64_FORMAT "%s",
			rest / (uint64_t)steps[first + 1].length, steps[first + 1].name);
	return buf;
}

static char *format_from(time_us t, time_us now, const char *span, char buf[static SPAN_TEXT_MAX])
{
	g_snprintf(buf, SPAN_TEXT_MAX, t > now ? "in %.24s" : "%.24s ago", span);
	return buf;
}

char *span_format_from(time_us t, time_us now, char buf[static SPAN_TEXT_MAX])
{
	char text[SPAN_TEXT_MAX];
	if (t != now)
		return format_from(t, now, span_format(t - now, text), buf);
	g_strlcpy(buf, "now", SPAN_TEXT_MAX);
	return buf;
}

char *span_format_about(time_us t, time_us now, char buf[static SPAN_TEXT_MAX])
{
	char text[SPAN_TEXT_MAX];
	if (ABS(t - now) >= US_PER_SECOND) {
		span_format(t - now, text);
		text[strcspn(text, " ")] = '\0';
		return format_from(t, now, text, buf);
	}
	g_strlcpy(buf, "now", SPAN_TEXT_MAX);
	return buf;
}
