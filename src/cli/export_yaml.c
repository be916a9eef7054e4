/* export yaml: the form of sample_actions.yaml, with id and every column that the table has. */
#include "cli/verb_export.h"

#include "base/json.h"
#include "model/row_columns.h"

#include <string.h>

/* A longer text is quoted. */
#define PLAIN_MAX     80
/* A schedule document with more than this stands as its text, which has no bounds of its own when it is read.
 */
#define DOCUMENT_MAX  8192
#define KEY_MAX       100
#define DEPTH_MAX     16
/* Columns of a nested map, as in sample_actions.yaml. */
#define NESTED_INDENT 4

/* --- scalars --- */

/* Words that YAML takes for something else than text. */
static bool is_reserved(const char *data, size_t length)
{
	static const char *const words[] = {"null", "true", "false", "yes", "no", "on", "off", "y", "n"};
	for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
		if (strlen(words[i]) == length && !g_ascii_strncasecmp(words[i], data, length))
			return true;
	return false;
}

static bool is_plain(const char *data, size_t length)
{
	if (!length || length > PLAIN_MAX || data[length - 1] == ' ' || is_reserved(data, length))
		return false;
	for (size_t i = 0; i < length; i++) {
		bool inner = i && (g_ascii_isdigit(data[i]) || strchr(" .-", data[i]));
		if (!data[i] || !(g_ascii_isalpha(data[i]) || strchr("_/", data[i]) || inner))
			return false;
	}
	return true;
}

/* What YAML does not allow as it is, or takes for the end of a line. */
static bool needs_escape(gunichar c)
{
	return c < ' ' || (c >= 0x7F && c <= 0xA0) || c == 0x2028 || c == 0x2029 || c == 0xFEFF ||
	       c == 0xFFFE || c == 0xFFFF;
}

static void append_quoted(GString *out, const char *data, size_t length)
{
	g_string_append_c(out, '"');
	for (const char *at = data, *end = data + length; at < end; at = g_utf8_next_char(at)) {
		gunichar c = g_utf8_get_char(at);
		if (c == '"' || c == '\\')
			g_string_append_printf(out, "\\%c", (char)c);
		else if (c == '\n')
			g_string_append(out, "\\n");
		else if (c == '\t')
			g_string_append(out, "\\t");
		else if (needs_escape(c))
			g_string_append_printf(out, "\\u%04x", c);
		else
			g_string_append_len(out, at, g_utf8_next_char(at) - at);
	}
	g_string_append_c(out, '"');
}

void export_yaml_text(GString *out, const char *data, size_t length)
{
	if (!g_utf8_validate(data, (gssize)length, NULL)) { /* a NUL is no text either */
		g_autofree char *encoded = g_base64_encode((const guchar *)data, length);
		g_string_append_printf(out, "!!binary \"%s\"", encoded);
	} else if (is_plain(data, length)) {
		g_string_append_len(out, data, (gssize)length);
	} else {
		append_quoted(out, data, length);
	}
}

/* --- the document of `cron` --- */

/* Appends what reads back as the same number; false where YAML has no such form. */
static bool append_real(GString *out, double value)
{
	char text[G_ASCII_DTOSTR_BUF_SIZE];
	g_ascii_dtostr(text, sizeof text, value);
	if (strspn(text, "-0123456789.") != strlen(text))
		return false;
	g_string_append_printf(out, "%s%s", text, strchr(text, '.') ? "" : ".0");
	return true;
}

static bool append_object(GString *out, const json_t *object, int indent, int depth)
{
	const char *key;
	json_t *value;
	if (!json_object_size(object)) {
		g_string_append(out, " {}\n");
		return true;
	}
	g_string_append_c(out, '\n');
	json_object_foreach((json_t *)object, key, value)
	{
		bool fine = strlen(key) <= KEY_MAX && depth < DEPTH_MAX;
		g_string_append_printf(out, "%*s", indent, "");
		export_yaml_text(out, key, strlen(key));
		g_string_append_c(out, ':');
		if (json_is_object(value)) {
			if (!fine || !append_object(out, value, indent + NESTED_INDENT, depth + 1))
				return false;
			continue;
		}
		g_string_append_c(out, ' ');
		switch (json_typeof(value)) {
		case JSON_STRING:
			export_yaml_text(out, json_string_value(value), json_string_length(value));
			break;
		case JSON_INTEGER:
			g_string_append_printf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
			break;
		case JSON_REAL: fine = fine && append_real(out, json_real_value(value)); break;
		case JSON_TRUE: g_string_append(out, "true"); break;
		case JSON_FALSE: g_string_append(out, "false"); break;
		case JSON_NULL: g_string_append(out, "null"); break;
		default: fine = false; break;
		}
		if (!fine)
			return false;
		g_string_append_c(out, '\n');
	}
	return true;
}

/* As a map where that reads back as the same value, else as its text. */
static void append_cron(GString *out, struct text cron)
{
	gsize before = out->len;
	g_autoptr(json_t) document =
		cron.length <= DOCUMENT_MAX ? json_read(cron.data, cron.length, NULL) : NULL;
	if (json_is_object(document) && append_object(out, document, 2 + NESTED_INDENT, 0))
		return;
	g_string_truncate(out, before);
	g_string_append_c(out, ' ');
	export_yaml_text(out, cron.data, cron.length);
	g_string_append_c(out, '\n');
}

/* --- rows --- */

static void append_int(GString *out, const struct column *column, const struct maybe_int *value)
{
	bool is_truth = column->kind == COLUMN_BOOLEAN && (value->value == 0 || value->value == 1);
	if (!value->set && value->bad.data) {
		export_yaml_text(out, value->bad.data, value->bad.length);
	} else if (!value->set) {
		g_string_append(out, "null");
	} else if (is_truth) {
		g_string_append(out, value->value ? "true" : "false");
	} else {
		g_string_append_printf(out, "%" G_GINT64_FORMAT, value->value);
	}
	g_string_append_c(out, '\n');
}

static void append_column(GString *out, const struct column *column, struct action_row *row)
{
	g_string_append_printf(out, "  %s:", column->name);
	if (column->kind != COLUMN_TEXT) {
		g_string_append_c(out, ' ');
		append_int(out, column, column_int(column, row));
		return;
	}
	struct text text = *column_text(column, row);
	if (!text.data) {
		g_string_append(out, " null\n");
	} else if (!strcmp(column->name, "cron")) {
		append_cron(out, text);
	} else {
		g_string_append_c(out, ' ');
		export_yaml_text(out, text.data, text.length);
		g_string_append_c(out, '\n');
	}
}

void export_yaml_row(struct exporting *exporting, const struct action_row *row)
{
	GString *out = exporting->line;
	unsigned present = store_columns(exporting->store);
	struct action_row copy = *row;
	g_string_printf(out, "- id: %" G_GINT64_FORMAT "\n", row->id);
	for (unsigned i = 0; i < ROW_COLUMN_COUNT; i++) {
		const struct column *column = &row_columns[i];
		bool optional = column_is_optional(column);
		if (column->offset != NOT_IN_ROW && (!optional || column->bit & present))
			append_column(out, column, &copy);
	}
	fwrite(out->str, 1, out->len, exporting->file);
}
