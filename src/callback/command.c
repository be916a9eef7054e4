#include "callback/command.h"

#include "base/json.h"

#include <stdlib.h>
#include <string.h>

static void put_json(GString *out, const char *value)
{
	g_autoptr(json_t) string = json_text(value, strlen(value));
	char *text = json_write(string);
	g_string_append(out, text);
	free(text);
}

static void put(GString *out, const char *value, enum command_quoting quoting)
{
	g_autofree char *quoted = NULL;
	switch (quoting) {
	case COMMAND_PLAIN: g_string_append(out, value); return;
	case COMMAND_JSON: put_json(out, value); return;
	case COMMAND_SHELL: quoted = g_shell_quote(value); break;
	case COMMAND_URL: quoted = g_uri_escape_string(value, NULL, false); break;
	}
	g_string_append(out, quoted);
}

/* The value of a placeholder, in buf or elsewhere; NULL where it is none. */
static const char *value_of(
	const char *name, size_t length, const struct fire *fire, char buf[static FIRE_ID_MAX])
{
#define IS(word) (length == strlen(word) && memcmp(name, word, length) == 0)
	if (IS("fire_id"))
		return fire_id_format(fire->action->id, fire->nominal, fire->manual, buf);
	if (IS("scheduled_at"))
		return time_format_utc(fire->nominal, buf);
	if (IS("name"))
		return action_name(fire->action);
	bool action_id = IS("action_id");
	if (!action_id && !IS("attempt"))
		return NULL;
	g_snprintf(
		buf, FIRE_ID_MAX, "%" G_GINT64_FORMAT, action_id ? fire->action->id : (gint64)fire->attempt);
	return buf;
#undef IS
}

static bool put_extra(
	GString *out, const char *name, size_t length, const struct command_extra *extra, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (strlen(extra[i].name) != length || memcmp(extra[i].name, name, length) != 0)
			continue;
		g_string_append(out, extra[i].value);
		return true;
	}
	return false;
}

char *command_expand(const char *text, const struct fire *fire, enum command_quoting quoting,
	const struct command_extra *extra, size_t extra_count)
{
	GString *out = g_string_new(NULL);
	const char *open;
	for (; (open = strchr(text, '{'));) {
		const char *name = open + 1, *end = name + strspn(name, "abcdefghijklmnopqrstuvwxyz_");
		char buf[FIRE_ID_MAX];
		size_t length = (size_t)(end - name);
		const char *value = *end == '}' && fire ? value_of(name, length, fire, buf) : NULL;
		g_string_append_len(out, text, open - text);
		if (value)
			put(out, value, quoting);
		else if (*end != '}' || !put_extra(out, name, length, extra, extra_count))
			end = open;
		if (end == open)
			g_string_append_c(out, '{');
		text = end + 1;
	}
	g_string_append(out, text);
	return g_string_free(out, FALSE);
}
