#include "callback/callback.h"

#include "callback/backends.h"

const struct callback_vtable *const callbacks[] = {&callback_print, &callback_none, &callback_exec,
	&callback_http, &callback_kafka, &callback_plugin, &callback_python, NULL};

static bool is_named(const struct callback_vtable *vtable, const char *name)
{
	return strcmp(vtable->name, name) == 0 ||
	       (vtable->also && g_strv_contains((const gchar *const *)vtable->also, name));
}

static bool is_member(const struct callback_vtable *family, const char *name)
{
	size_t length = strlen(family->name);
	return family->family && strncmp(family->name, name, length) == 0 && name[length] == ':';
}

static const struct callback_vtable *find_plain(const char *name)
{
	size_t i = 0;
	while (callbacks[i] &&
		(callbacks[i]->family ? !is_member(callbacks[i], name) : !is_named(callbacks[i], name)))
		i++;
	return callbacks[i];
}

/* The names with what follows them: `print, none, python:…`. */
static char *known_names(void)
{
	GString *known = g_string_new(NULL);
	for (size_t i = 0; callbacks[i]; i++)
		g_string_append_printf(
			known, "%s%s%s", i ? ", " : "", callbacks[i]->name, callbacks[i]->family ? ":…" : "");
	return g_string_free(known, FALSE);
}

const struct callback_vtable *callback_find(const char *name, char **canonical, GError **error)
{
	g_autofree char *python = strchr(name, ':') ? g_strconcat("python:", name, NULL) : NULL;
	const struct callback_vtable *found = find_plain(name);
	const char *full = name;
	if (!found && python) {
		found = find_plain(python);
		full = python;
	}
	if (!found) {
		g_autofree char *known = known_names();
		g_set_error(error, AS_ERROR, AS_ERROR_INVALID,
			"callback \"%s\" is not in this build; it has: %s", name, known);
		return NULL;
	}
	if (canonical)
		*canonical = g_strdup(found->family ? full : found->name);
	return found;
}

const char *callback_argument(const struct callback_vtable *vtable, const char *canonical)
{
	return vtable->family ? canonical + strlen(vtable->name) + 1 : NULL;
}
