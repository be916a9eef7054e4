#include "callback/callback.h"

#include "callback/backends.h"

const struct callback_vtable *const callbacks[] = {&callback_print, &callback_none, NULL};

static bool callback_is_named(const struct callback_vtable *vtable, const char *name)
{
	return strcmp(vtable->name, name) == 0 ||
	       (vtable->also && g_strv_contains((const gchar *const *)vtable->also, name));
}

const struct callback_vtable *callback_find(const char *name, GError **error)
{
	/* Asked for every row of the table. */
	for (size_t i = 0; callbacks[i]; i++)
		if (callback_is_named(callbacks[i], name))
			return callbacks[i];
	g_autoptr(GString) known = g_string_new(NULL);
	for (size_t i = 0; callbacks[i]; i++)
		g_string_append_printf(known, "%s%s", i ? ", " : "", callbacks[i]->name);
	g_set_error(error, AS_ERROR, AS_ERROR_INVALID, "callback \"%s\" is not in this build; it has: %s",
		name, known->str);
	return NULL;
}
