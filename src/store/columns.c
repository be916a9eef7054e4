#include "store/columns.h"

#include <errno.h>
#include <string.h>

#define AT(field) offsetof(struct action_row, field)

const struct column store_table[STORE_COLUMN_COUNT] = {
	{"name", COLUMN_TEXT, AT(name), STORE_NAME, true},
	{"command", COLUMN_TEXT, AT(command), STORE_COMMAND, true},
	{"cron", COLUMN_TEXT, AT(cron), STORE_CRON, true},
	{"merge_missed", COLUMN_BOOLEAN, AT(merge_missed), STORE_MERGE_MISSED, false},
	{"actuality_time", COLUMN_INTEGER, AT(actuality_time), STORE_ACTUALITY_TIME, false},
	{"enabled", COLUMN_BOOLEAN, AT(enabled), STORE_ENABLED, false},
	{"timezone", COLUMN_TEXT, AT(timezone), STORE_TIMEZONE, false},
	{"callback", COLUMN_TEXT, AT(callback), STORE_CALLBACK, false},
	{"max_instances", COLUMN_INTEGER, AT(max_instances), STORE_MAX_INSTANCES, false},
	{"timeout", COLUMN_INTEGER, AT(timeout), STORE_TIMEOUT, false},
	{"max_attempts", COLUMN_INTEGER, AT(max_attempts), STORE_MAX_ATTEMPTS, false},
	{"dst", COLUMN_TEXT, AT(dst), STORE_DST, false},
	{"catch_up_limit", COLUMN_INTEGER, AT(catch_up_limit), STORE_CATCH_UP_LIMIT, false},
	{"topic", COLUMN_TEXT, AT(topic), STORE_TOPIC, false},
	{"error", COLUMN_TEXT, NOT_IN_ROW, STORE_ERROR, false},
};

static bool parse_integer(struct text text, int64_t *out)
{
	char *end = NULL;
	errno = 0;
	int64_t value = g_ascii_strtoll(text.data, &end, 10);
	while (g_ascii_isspace(*end))
		end++;
	if (errno || end != text.data + text.length || !strpbrk(text.data, "0123456789"))
		return false;
	*out = value;
	return true;
}

static bool parse_word(const char *word, int64_t *out)
{
	static const char *const words[2][5] = {
		{"false", "f", "no", "n", "off"}, {"true", "t", "yes", "y", "on"}};
	for (int value = 0; value < 2; value++) {
		for (size_t i = 0; i < G_N_ELEMENTS(words[0]); i++) {
			if (g_ascii_strcasecmp(words[value][i], word) == 0) {
				*out = value;
				return true;
			}
		}
	}
	return false;
}

void column_parse(enum column_kind kind, struct text text, struct maybe_int *out)
{
	bool whole = strlen(text.data) == text.length;
	*out = (struct maybe_int){0};
	out->set = whole && (parse_integer(text, &out->value) ||
				    (kind == COLUMN_BOOLEAN && parse_word(text.data, &out->value)));
	if (!out->set)
		out->bad = text;
}

unsigned columns_alter(unsigned present, const char *const *types, char quote, GString *sql)
{
	unsigned count = 0;
	g_string_assign(sql, "ALTER TABLE action");
	for (unsigned i = 0; i < STORE_COLUMN_COUNT; i++) {
		const struct column *column = &store_table[i];
		if (column_is_optional(column) && !(present & column->bit))
			g_string_append_printf(sql, "%s ADD COLUMN %c%s%c %s", count++ ? "," : "", quote,
				column->name, quote, types[column->kind]);
	}
	return count;
}

const char *store_column_name(enum store_column column)
{
	for (unsigned i = 0; i < STORE_COLUMN_COUNT; i++)
		if (store_table[i].bit == (unsigned)column)
			return store_table[i].name;
	return NULL;
}
