#include "config/python_json.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define TEXT_MAX 65536

static void write_node(const struct node *node, GString *out);

/* json.dumps with ensure_ascii: UTF-16 escapes in lower case. */
static void write_text(const char *text, GString *out)
{
	static const char plain[] = "\"\\\n\r\t\f\b";
	static const char escape[] = "\"\\nrtfb";
	g_string_append_c(out, '"');
	for (const char *at = text; *at; at = g_utf8_next_char(at)) {
		gunichar c = g_utf8_get_char(at);
		const char *found = c < 0x80 ? strchr(plain, (int)c) : NULL;
		if (found)
			g_string_append_printf(out, "\\%c", escape[found - plain]);
		else if (c >= ' ' && c <= '~')
			g_string_append_c(out, (char)c);
		else if (c < 0x10000)
			g_string_append_printf(out, "\\u%04x", c);
		else
			g_string_append_printf(out, "\\u%04x\\u%04x", 0xd800 + ((c - 0x10000) >> 10),
				0xdc00 + ((c - 0x10000) & 0x3ff));
	}
	g_string_append_c(out, '"');
}

static bool text_is_one_of(const char *text, const char *const *words)
{
	return g_strv_contains(words, text);
}

/* Decimal, octal with a leading 0, hexadecimal: the whole numbers of YAML 1.1 that anybody writes. */
static bool read_whole(const char *text, int64_t *out)
{
	const char *digits = text + (*text == '-' || *text == '+');
	if (!g_ascii_isdigit(*digits))
		return false;
	char *end;
	errno = 0;
	*out = g_ascii_strtoll(text, &end, 0);
	return !*end && !errno;
}

static bool read_fraction(const char *text, double *out)
{
	const char *at = text + (*text == '-' || *text == '+');
	size_t digits = strspn(at, "0123456789");
	if (at[digits] != '.')
		return false;
	size_t more = strspn(at + digits + 1, "0123456789");
	*out = g_ascii_strtod(text, NULL);
	return digits + more && !at[digits + 1 + more];
}

/* The shortest text that reads back as the same number, always with a point or an exponent. */
static void write_fraction(double value, GString *out)
{
	char text[G_ASCII_DTOSTR_BUF_SIZE];
	for (int digits = 15; digits <= 17; digits++) {
		char format[8];
		g_snprintf(format, sizeof format, "%%.%dg", digits);
		g_ascii_formatd(text, sizeof text, format, value);
		if (g_ascii_strtod(text, NULL) == value)
			break;
	}
	g_string_append(out, text);
	if (!strpbrk(text, ".en"))
		g_string_append(out, ".0");
}

static void write_plain(const char *text, GString *out)
{
	static const char *const yes[] = {
		"true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON", NULL};
	static const char *const no[] = {
		"false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF", NULL};
	int64_t whole;
	double fraction;
	if (text_is_one_of(text, yes))
		g_string_append(out, "true");
	else if (text_is_one_of(text, no))
		g_string_append(out, "false");
	else if (read_whole(text, &whole))
		g_string_append_printf(out, "%" PRId64, whole);
	else if (read_fraction(text, &fraction))
		write_fraction(fraction, out);
	else
		write_text(text, out);
}

static void write_items(const struct node *node, GString *out)
{
	for (guint i = 0; i < node->items->len && out->len <= TEXT_MAX; i++) {
		if (i)
			g_string_append(out, ", ");
		if (node->kind == NODE_MAP) {
			const struct node *key = g_ptr_array_index(node->keys, i);
			write_text(key->text, out);
			g_string_append(out, ": ");
		}
		write_node(g_ptr_array_index(node->items, i), out);
	}
}

static void write_node(const struct node *node, GString *out)
{
	switch (node->kind) {
	case NODE_NULL: g_string_append(out, "null"); break;
	case NODE_SCALAR: (node->plain ? write_plain : write_text)(node->text, out); break;
	case NODE_MAP:
		g_string_append_c(out, '{');
		write_items(node, out);
		g_string_append_c(out, '}');
		break;
	case NODE_LIST:
		g_string_append_c(out, '[');
		write_items(node, out);
		g_string_append_c(out, ']');
		break;
	}
}

char *python_json_write(const struct node *node)
{
	GString *out = g_string_new(NULL);
	write_node(node, out);
	return g_string_free(out, out->len > TEXT_MAX);
}
