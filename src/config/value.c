#include "config/value.h"

#include <assert.h>
#include <inttypes.h>
#include <jansson.h>
#include <string.h>

#include "config/problem.h"

#define MASK "********"

/* A rate, by the letter behind the slash: how many of its time are an hour. */
static const struct rate_unit {
	char letter;
	int64_t per_hour;
} rate_units[] = {{'h', 1}, {'m', 60}, {'s', 3600}};

struct unit {
	const char *suffix;
	int64_t factor;
};

/* From large to small, for showing; the last one is the unit itself. */
static const struct unit time_units[] = {{"d", 86400}, {"h", 3600}, {"m", 60}, {"s", 1}};
static const struct unit size_units[] = {{"TiB", INT64_C(1) << 40}, {"GiB", INT64_C(1) << 30},
	{"MiB", INT64_C(1) << 20}, {"KiB", INT64_C(1) << 10}};

gpointer option_slot(const struct option *option, struct config *config)
{
	return (char *)config + option->offset;
}

static bool read_bool(const char *text, bool *out)
{
	static const char *const words[] = {"false", "true", "no", "yes", "off", "on", "0", "1"};
	for (size_t i = 0; i < G_N_ELEMENTS(words); i++) {
		if (!g_ascii_strcasecmp(text, words[i])) {
			*out = i % 2;
			return true;
		}
	}
	return false;
}

static bool find_factor(const char *suffix, const struct unit *units, size_t count, int64_t *factor)
{
	for (size_t i = 0; i < count; i++) {
		if (!g_ascii_strcasecmp(suffix, units[i].suffix)) {
			*factor = units[i].factor;
			return true;
		}
	}
	return false;
}

/* Reads a decimal number with up to places digits behind the point, as a count of its last place. */
static bool read_decimal(const char **text, int places, int64_t *out)
{
	const char *at = *text;
	bool negative = *at == '-';
	if (*at == '-' || *at == '+')
		at++;
	if (!g_ascii_isdigit(*at))
		return false;
	int64_t value = 0;
	bool behind = false;
	int taken = 0;
	for (; g_ascii_isdigit(*at) || (*at == '.' && places && !behind && g_ascii_isdigit(at[1])); at++) {
		if (*at == '.') {
			behind = true;
			continue;
		}
		if (behind && taken == places)
			return false;
		taken += behind;
		if (__builtin_mul_overflow(value, 10, &value) ||
			__builtin_add_overflow(value, (int64_t)(*at - '0'), &value))
			return false;
	}
	for (; taken < places; taken++)
		if (__builtin_mul_overflow(value, 10, &value))
			return false;
	*text = at;
	*out = negative ? -value : value;
	return true;
}

static bool read_number(const struct option *option, const char *text, int64_t *out)
{
	int64_t value;
	int64_t factor = 1;
	if (!read_decimal(&text, option->type == OPTION_DURATION ? 6 : 0, &value))
		return false;
	while (*text == ' ')
		text++;
	bool known = !*text;
	if (*text && (option->type == OPTION_DURATION || option->type == OPTION_SECONDS))
		known = find_factor(text, time_units, G_N_ELEMENTS(time_units), &factor);
	else if (*text && option->type == OPTION_SIZE)
		known = find_factor(text, size_units, G_N_ELEMENTS(size_units), &factor);
	if (!known || __builtin_mul_overflow(value, factor, &value) || value < option->least ||
		value > option->most)
		return false;
	*out = value;
	return true;
}

static bool read_rate(const struct option *option, const char *text, int64_t *out)
{
	int64_t value;
	if (!read_decimal(&text, 0, &value) || *text++ != '/')
		return false;
	for (size_t i = 0; i < G_N_ELEMENTS(rate_units); i++) {
		if (g_ascii_tolower(*text) != rate_units[i].letter || text[1])
			continue;
		if (__builtin_mul_overflow(value, rate_units[i].per_hour, &value) || value < option->least ||
			value > option->most)
			return false;
		*out = value;
		return true;
	}
	return false;
}

static char *show_rate(int64_t per_hour)
{
	size_t i = G_N_ELEMENTS(rate_units) - 1;
	while (per_hour % rate_units[i].per_hour)
		i--;
	return g_strdup_printf("%" PRId64 "/%c", per_hour / rate_units[i].per_hour, rate_units[i].letter);
}

static char *parse_enum(const struct option *option, const char *text, unsigned *out)
{
	unsigned best = 0;
	unsigned least = UINT_MAX;
	g_autofree char *lower = g_ascii_strdown(text, -1);
	for (unsigned i = 0; option->names[i]; i++) {
		unsigned distance = option_distance(lower, option->names[i]);
		if (distance < least) {
			least = distance;
			best = i;
		}
	}
	if (!least) {
		*out = best;
		return NULL;
	}
	g_autofree char *quoted = problem_quote(text);
	g_autofree char *known = g_strjoinv(", ", (char **)option->names);
	if (least > 2)
		return g_strdup_printf("must be one of %s, not %s", known, quoted);
	return g_strdup_printf(
		"must be one of %s, not %s; did you mean %s?", known, quoted, option->names[best]);
}

static char *parse_string(const struct option *option, const char *text, char **out)
{
	if (option->filled && !*text)
		return g_strdup("must not be empty");
	g_free(*out);
	*out = g_strdup(text);
	return NULL;
}

static char *refuse(const struct option *option, const char *text)
{
	g_autofree char *type = option_type_text(option);
	g_autofree char *quoted = problem_quote(text);
	return g_strdup_printf("must be %s, not %s", type, quoted);
}

char *option_parse(const struct option *option, const char *text, struct config *config)
{
	gpointer slot = option_slot(option, config);
	g_autofree char *trimmed = g_strstrip(g_strdup(text));
	switch (option->type) {
	case OPTION_BOOL: return read_bool(trimmed, slot) ? NULL : refuse(option, text);
	case OPTION_INT:
	case OPTION_DURATION:
	case OPTION_SECONDS:
	case OPTION_SIZE: return read_number(option, trimmed, slot) ? NULL : refuse(option, text);
	case OPTION_RATE: return read_rate(option, trimmed, slot) ? NULL : refuse(option, text);
	case OPTION_ENUM: return parse_enum(option, trimmed, slot);
	case OPTION_STRING:
	case OPTION_PATH:
	case OPTION_SECRET: return parse_string(option, text, slot);
	case OPTION_MAP: break;
	}
	g_assert_not_reached();
}

void option_set_default(const struct option *option, struct config *config)
{
	gpointer slot = option_slot(option, config);
	if (option->fallback) {
		g_autofree char *reason = option_parse(option, option->fallback, config);
		assert(!reason);
	} else if (option->type == OPTION_MAP) {
		*(GHashTable **)slot = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	} else if (option->type == OPTION_INT || option->type == OPTION_SECONDS) {
		*(int64_t *)slot = option->absent;
	}
}

void option_clear(const struct option *option, struct config *config)
{
	gpointer slot = option_slot(option, config);
	if (option->type == OPTION_STRING || option->type == OPTION_PATH || option->type == OPTION_SECRET)
		g_clear_pointer((char **)slot, g_free);
	else if (option->type == OPTION_MAP)
		g_clear_pointer((GHashTable **)slot, g_hash_table_unref);
}

static char *show_units(int64_t value, const struct unit *units, size_t count)
{
	for (size_t i = 0; value && i < count; i++)
		if (value % units[i].factor == 0)
			return g_strdup_printf("%" PRId64 "%s", value / units[i].factor, units[i].suffix);
	return g_strdup_printf("%" PRId64, value);
}

static char *show_duration(dur_us value)
{
	if (value % US_PER_SECOND == 0)
		return show_units(value / US_PER_SECOND, time_units, G_N_ELEMENTS(time_units));
	g_autofree char *text =
		g_strdup_printf("%" PRId64 ".%06" PRId64, value / US_PER_SECOND, value % US_PER_SECOND);
	size_t length = strlen(text);
	while (text[length - 1] == '0')
		length--;
	return g_strdup_printf("%.*ss", (int)length, text);
}

/* A parameter of a client library is hidden if its name says that it is secret. */
static bool name_is_secret(const char *name)
{
	static const char *const words[] = {"password", "passwd", "secret", "token", ".pem"};
	g_autofree char *lower = g_ascii_strdown(name, -1);
	for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
		if (strstr(lower, words[i]))
			return true;
	return false;
}

/* One of a letter or two says nothing, and would be found everywhere. */
#define SECRET_MIN 3

/* Not within a word: a password "postgres" is not in "postgresql". */
static void hide(GString *text, const char *secret)
{
	size_t length = secret ? strlen(secret) : 0, from = 0;
	const char *at;
	while (length >= SECRET_MIN && (at = strstr(text->str + from, secret))) {
		size_t begin = (size_t)(at - text->str);
		bool within = (begin > 0 && g_ascii_isalnum(at[-1])) || g_ascii_isalnum(at[length]);
		if (!within) {
			g_string_erase(text, (gssize)begin, (gssize)length);
			g_string_insert(text, (gssize)begin, MASK);
		}
		from = begin + (within ? 1 : strlen(MASK));
	}
}

static void hide_map(GString *text, GHashTable *map)
{
	GHashTableIter iter;
	gpointer name, value;
	if (!map)
		return;
	g_hash_table_iter_init(&iter, map);
	while (g_hash_table_iter_next(&iter, &name, &value))
		if (name_is_secret(name))
			hide(text, value);
}

char *config_hide_secrets(const struct config *config, const char *text)
{
	GString *hidden = g_string_new(text);
	for (size_t i = 0; i < options_count; i++) {
		const void *slot = (const char *)config + options[i].offset;
		if (options[i].type == OPTION_SECRET)
			hide(hidden, *(char *const *)slot);
		else if (options[i].type == OPTION_MAP)
			hide_map(hidden, *(GHashTable *const *)slot);
	}
	return g_string_free(hidden, FALSE);
}

static char *show_map(GHashTable *map)
{
	if (!map || !g_hash_table_size(map))
		return NULL;
	g_autoptr(GList) names = g_list_sort(g_hash_table_get_keys(map), (GCompareFunc)strcmp);
	json_t *object = json_object();
	for (const GList *at = names; at; at = at->next) {
		const char *value = name_is_secret(at->data) ? MASK : g_hash_table_lookup(map, at->data);
		json_object_set_new(object, at->data, json_string(value));
	}
	char *text = json_dumps(object, 0);
	json_decref(object);
	char *copy = g_strdup(text);
	free(text);
	return copy;
}

char *option_show(const struct option *option, const struct config *config)
{
	const void *slot = (const char *)config + option->offset;
	switch (option->type) {
	case OPTION_BOOL: return g_strdup(*(const bool *)slot ? "true" : "false");
	case OPTION_INT:
	case OPTION_SECONDS:
		if (!option->fallback && *(const int64_t *)slot == option->absent)
			return NULL;
		return g_strdup_printf("%" PRId64, *(const int64_t *)slot);
	case OPTION_DURATION: return show_duration(*(const dur_us *)slot);
	case OPTION_SIZE: return show_units(*(const int64_t *)slot, size_units, G_N_ELEMENTS(size_units));
	case OPTION_RATE: return *(const int64_t *)slot ? show_rate(*(const int64_t *)slot) : NULL;
	case OPTION_STRING:
	case OPTION_PATH: return g_strdup(*(char *const *)slot);
	case OPTION_SECRET: return *(char *const *)slot ? g_strdup(MASK) : NULL;
	case OPTION_ENUM: return g_strdup(option->names[*(const unsigned *)slot]);
	case OPTION_MAP: return show_map(*(GHashTable *const *)slot);
	}
	g_assert_not_reached();
}

/* Bounds that only keep a number from overflowing are not worth telling. */
#define BOUND_TOLD_MAX INT64_C(1000000000)

static char *range_text(const struct option *option)
{
	if (option->type == OPTION_DURATION) {
		g_autofree char *least = show_duration(option->least);
		g_autofree char *most = show_duration(option->most);
		return g_strdup_printf(" from %s to %s", least, most);
	}
	if (option->type == OPTION_SIZE) {
		g_autofree char *least = show_units(option->least, size_units, G_N_ELEMENTS(size_units));
		g_autofree char *most = show_units(option->most, size_units, G_N_ELEMENTS(size_units));
		return g_strdup_printf(" from %s to %s", least, most);
	}
	if (option->most < BOUND_TOLD_MAX)
		return g_strdup_printf(" from %" PRId64 " to %" PRId64, option->least, option->most);
	return option->least < 0 ? g_strdup("") : g_strdup_printf(" of at least %" PRId64, option->least);
}

char *option_type_text(const struct option *option)
{
	g_autofree char *range = option->most > option->least ? range_text(option) : NULL;
	switch (option->type) {
	case OPTION_BOOL: return g_strdup("true or false");
	case OPTION_INT: return g_strdup_printf("a whole number%s", range);
	case OPTION_SECONDS: return g_strdup_printf("a whole number of seconds%s", range);
	case OPTION_DURATION: return g_strdup_printf("a number of seconds%s", range);
	case OPTION_SIZE: return g_strdup_printf("a number of bytes%s", range);
	case OPTION_RATE: return g_strdup("a rate such as 100/s, 30/m or 5/h");
	case OPTION_STRING: return g_strdup("text");
	case OPTION_PATH: return g_strdup("a path");
	case OPTION_SECRET: return g_strdup("text, never shown");
	case OPTION_ENUM: {
		g_autofree char *names = g_strjoinv(", ", (char **)option->names);
		return g_strdup_printf("one of %s", names);
	}
	case OPTION_MAP: return g_strdup("parameters with their values");
	}
	g_assert_not_reached();
}
