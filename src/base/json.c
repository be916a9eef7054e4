#include "base/json.h"

#include "base/error.h"

#include <string.h>

json_t *json_read(const char *text, size_t length, GError **error)
{
	/* The library takes a NUL for the end of the text. */
	const char *nul = memchr(text, '\0', length);
	if (nul) {
		g_set_error(error, AS_ERROR, AS_ERROR_INVALID, "not valid JSON: a NUL byte at byte %zu",
			(size_t)(nul - text) + 1);
		return NULL;
	}
	json_error_t why;
	json_t *value = json_loadb(text, length, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &why);
	if (value)
		return value;
	/* The library quotes the input, and may cut a character in two. */
	g_autofree char *reason = g_utf8_make_valid(why.text, -1);
	g_set_error(error, AS_ERROR, AS_ERROR_INVALID, "not valid JSON: %s (line %d, column %d)", reason,
		why.line, why.column);
	return NULL;
}

json_t *json_text(const char *data, size_t length)
{
	if (!data)
		return json_null();
	json_t *value = json_stringn(data, length);
	if (value)
		return value;
	g_autofree char *valid = g_utf8_make_valid(data, (gssize)length);
	return json_string(valid);
}

char *json_write(const json_t *value)
{
	return json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_DIGITS);
}
