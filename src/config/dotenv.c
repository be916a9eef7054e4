#include "config/dotenv.h"

#include <string.h>

#include "config/problem.h"

struct reader {
	const char *at, *end;
	int line;
	const char *name;
	char **environment;
	GPtrArray *entries;
	GHashTable *values; /* name -> its last value, borrowed from entries */
	size_t total;       /* bytes of all values so far */
	GPtrArray *problems;
};

static void entry_free(gpointer data)
{
	struct dotenv_entry *entry = data;
	g_free(entry->name);
	g_free(entry->value);
	g_free(entry);
}

static void complain(struct reader *r, int line, const char *reason)
{
	g_autofree char *place = g_strdup_printf("%s:%d", r->name, line);
	problem_add(r->problems, place, NULL, "%s", reason);
}

static bool at_blank(const struct reader *r)
{
	return r->at < r->end && (*r->at == ' ' || *r->at == '\t');
}

static bool at_line_end(const struct reader *r)
{
	return r->at == r->end || *r->at == '\n' ||
	       (*r->at == '\r' && (r->at + 1 == r->end || r->at[1] == '\n'));
}

static void skip_blanks(struct reader *r)
{
	while (at_blank(r))
		r->at++;
}

static void skip_line(struct reader *r)
{
	while (r->at < r->end && *r->at != '\n')
		r->at++;
	if (r->at < r->end) {
		r->at++;
		r->line++;
	}
}

/* The length of `${NAME}` or `${NAME:-default}` at the text, 0 where it is none of them. */
static size_t reference_length(const char *text, size_t length)
{
	if (length < 4 || text[0] != '$' || text[1] != '{')
		return 0;
	size_t i = 2;
	while (i < length && (g_ascii_isalnum(text[i]) || text[i] == '_'))
		i++;
	if (i == 2 || i == length)
		return 0;
	if (text[i] == '}')
		return i + 1;
	if (text[i] != ':' || i + 1 == length || text[i + 1] != '-')
		return 0;
	const char *close = memchr(text + i, '}', length - i);
	return close ? (size_t)(close - text) + 1 : 0;
}

static void expand_reference(struct reader *r, const char *text, size_t length, GString *out)
{
	g_autofree char *inner = g_strndup(text + 2, length - 3);
	char *fallback = strstr(inner, ":-");
	if (fallback) {
		*fallback = '\0';
		fallback += 2;
	}
	const char *value = r->environment ? g_environ_getenv(r->environment, inner) : NULL;
	if (!value)
		value = g_hash_table_lookup(r->values, inner);
	if (fallback && (!value || !*value))
		value = fallback;
	if (value)
		g_string_append(out, value);
}

/* A character of a value, or a reference to a variable, at *at; moves on behind it. */
static bool take_expanding(struct reader *r, const char **at, const char *end, GString *out)
{
	size_t reference = reference_length(*at, (size_t)(end - *at));
	if (!reference)
		g_string_append_c(out, *(*at)++);
	else
		expand_reference(r, *at, reference, out);
	*at += reference;
	return r->total + out->len <= DOTENV_VALUES_MAX;
}

static bool too_much(struct reader *r)
{
	complain(r, r->line, "the values come to more than 4 MiB");
	r->at = r->end;
	return false;
}

/* The byte that a backslash and c stand for in double quotes, 0 for no escape at all. */
static char unescape(char c)
{
	static const char from[] = "nrtabfv\\\"'$";
	static const char to[] = "\n\r\t\a\b\f\v\\\"'$";
	const char *found = c ? strchr(from, c) : NULL;
	return found ? to[found - from] : '\0';
}

static bool read_unquoted(struct reader *r, GString *out)
{
	const char *start = r->at;
	while (!at_line_end(r)) {
		/* A comment needs white space before it, which may be the one after the equals sign. */
		if (*r->at == '#' && (r->at[-1] == ' ' || r->at[-1] == '\t'))
			break;
		r->at++;
	}
	const char *end = r->at;
	while (end > start && g_ascii_isspace(end[-1]))
		end--;
	for (const char *at = start; at < end;)
		if (!take_expanding(r, &at, end, out))
			return too_much(r);
	return true;
}

/* A value that begins with a quotation mark at r->at. On an unclosed one, r->at goes to the end of its first
 * line. */
static bool read_quoted(struct reader *r, GString *out)
{
	const char *start = r->at;
	int line = r->line;
	char quote = *r->at++;
	while (r->at < r->end && *r->at != quote) {
		r->line += *r->at == '\n';
		char escaped =
			quote == '"' && *r->at == '\\' && r->at + 1 < r->end ? unescape(r->at[1]) : '\0';
		if (escaped) {
			g_string_append_c(out, escaped);
			r->at += 2;
		} else if (quote == '\'') {
			g_string_append_c(out, *r->at++);
		} else if (!take_expanding(r, &r->at, r->end, out)) {
			return too_much(r);
		}
	}
	if (r->at == r->end) {
		r->at = start;
		r->line = line;
		complain(r, line,
			quote == '"' ? "the double quote is not closed" : "the single quote is not closed");
		return false;
	}
	r->at++;
	skip_blanks(r);
	if (at_line_end(r) || *r->at == '#')
		return true;
	complain(r, r->line, "there is text after the closing quote");
	return false;
}

/* A key up to its equals sign; r->at is then behind the white space that follows it. */
static char *read_key(struct reader *r)
{
	size_t export = strlen("export");
	if ((size_t)(r->end - r->at) > export && !memcmp(r->at, "export", export) &&
		(r->at[export] == ' ' || r->at[export] == '\t')) {
		r->at += export;
		skip_blanks(r);
	}
	const char *start = r->at;
	while (r->at < r->end && (g_ascii_isalnum(*r->at) || strchr("_.-", *r->at)))
		r->at++;
	const char *end = r->at;
	skip_blanks(r);
	if (start == end || r->at == r->end || *r->at != '=') {
		complain(r, r->line, "expected KEY=value");
		return NULL;
	}
	r->at++;
	skip_blanks(r);
	return g_strndup(start, (size_t)(end - start));
}

static void read_entry(struct reader *r)
{
	int line = r->line;
	g_autofree char *key = read_key(r);
	if (!key)
		return;
	g_autoptr(GString) value = g_string_new(NULL);
	bool quoted = r->at < r->end && (*r->at == '"' || *r->at == '\'');
	if (!(quoted ? read_quoted(r, value) : read_unquoted(r, value)))
		return;
	struct dotenv_entry *entry = g_new(struct dotenv_entry, 1);
	*entry = (struct dotenv_entry){g_steal_pointer(&key), g_strdup(value->str), line};
	r->total += value->len;
	g_ptr_array_add(r->entries, entry);
	g_hash_table_insert(r->values, entry->name, entry->value);
}

/* Text without NUL in valid UTF-8, or the line of the first bad byte is said. */
static bool check_bytes(struct reader *r, const char *text, size_t length)
{
	const char *bad;
	if (g_utf8_validate_len(text, length, &bad))
		return true;
	int line = 1;
	for (const char *at = text; at < bad; at++)
		line += *at == '\n';
	complain(r, line, *bad ? "not valid UTF-8" : "text must not hold a NUL character");
	return false;
}

GPtrArray *dotenv_read(
	const char *text, size_t length, const char *name, char **environment, GPtrArray *problems)
{
	struct reader r = {text, text + length, 1, name, environment, .problems = problems};
	r.entries = g_ptr_array_new_with_free_func(entry_free);
	if (!check_bytes(&r, text, length))
		return r.entries;
	if (length >= 3 && !memcmp(text, "\xef\xbb\xbf", 3))
		r.at += 3;
	r.values = g_hash_table_new(g_str_hash, g_str_equal);
	while (r.at < r.end) {
		skip_blanks(&r);
		if (!at_line_end(&r) && *r.at != '#')
			read_entry(&r);
		skip_line(&r);
	}
	g_hash_table_unref(r.values);
	return r.entries;
}
