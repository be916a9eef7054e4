#include "model/row_columns.h"

#include <errno.h>
#include <string.h>

#define AT(field) offsetof(struct action_row, field)

const struct column row_columns[ROW_COLUMN_COUNT] = {
	{"name", COLUMN_TEXT, AT(name), COLUMN_NAME, true},
	{"command", COLUMN_TEXT, AT(command), COLUMN_COMMAND, true},
	{"cron", COLUMN_TEXT, AT(cron), COLUMN_CRON, true},
	{"merge_missed", COLUMN_BOOLEAN, AT(merge_missed), COLUMN_MERGE_MISSED, false},
	{"actuality_time", COLUMN_INTEGER, AT(actuality_time), COLUMN_ACTUALITY_TIME, false},
	{"enabled", COLUMN_BOOLEAN, AT(enabled), COLUMN_ENABLED, false},
	{"timezone", COLUMN_TEXT, AT(timezone), COLUMN_TIMEZONE, false},
	{"callback", COLUMN_TEXT, AT(callback), COLUMN_CALLBACK, false},
	{"max_instances", COLUMN_INTEGER, AT(max_instances), COLUMN_MAX_INSTANCES, false},
	{"timeout", COLUMN_INTEGER, AT(timeout), COLUMN_TIMEOUT, false},
	{"max_attempts", COLUMN_INTEGER, AT(max_attempts), COLUMN_MAX_ATTEMPTS, false},
	{"dst", COLUMN_TEXT, AT(dst), COLUMN_DST, false},
	{"catch_up_limit", COLUMN_INTEGER, AT(catch_up_limit), COLUMN_CATCH_UP_LIMIT, false},
	{"topic", COLUMN_TEXT, AT(topic), COLUMN_TOPIC, false},
	{"error", COLUMN_TEXT, NOT_IN_ROW, COLUMN_ERROR, false},
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
