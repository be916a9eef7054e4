#include "callback/plugin_load.h"

#include <dlfcn.h>
#include <string.h>

/* What version 1 had. Nothing of it ever goes. */
#define SIZE_LEAST (offsetof(struct action_scheduler_plugin, stop) + sizeof(void (*)(void *)))

static bool fail(GError **error, const char *path, const char *symbol, const char *reason)
{
	g_set_error(error, AS_ERROR, AS_ERROR_INVALID, "%s: %s %s", path, symbol, reason);
	return false;
}

static bool table_check(
	const struct action_scheduler_plugin *table, const char *path, const char *symbol, GError **error)
{
	g_autofree char *reason = NULL;
	if (table->abi != ACTION_SCHEDULER_PLUGIN_ABI)
		reason = g_strdup_printf(
			"is a plugin of ABI %u, and this scheduler has ABI %d: build it against the "
			"action_scheduler/plugin.h that came with the scheduler (or the symbol is no plugin)",
			table->abi, ACTION_SCHEDULER_PLUGIN_ABI);
	else if (table->size < SIZE_LEAST)
		reason = g_strdup_printf("has a table of %zu bytes where ABI %d has at least %zu: set .size "
					 "to sizeof(struct action_scheduler_plugin)",
			table->size, ACTION_SCHEDULER_PLUGIN_ABI, SIZE_LEAST);
	else if (!table->init || !table->submit || !table->stop)
		reason = g_strdup_printf("has no function %s", !table->init     ? "init"
							       : !table->submit ? "submit"
										: "stop");
	return !reason || fail(error, path, symbol, reason);
}

static bool table_copy(void *library, const char *path, const char *symbol,
	struct action_scheduler_plugin *table, GError **error)
{
	const struct action_scheduler_plugin *found = dlsym(library, symbol);
	if (!found)
		return fail(error, path, symbol,
			"is not exported; a plugin is a struct action_scheduler_plugin of this name");
	if (!table_check(found, path, symbol, error))
		return false;
	memset(table, 0, sizeof *table);
	memcpy(table, found, MIN(found->size, sizeof *table));
	return true;
}

bool plugin_load(const char *path, const char *symbol, struct action_scheduler_plugin *table, GError **error)
{
	void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!library) {
		/* It names the file itself, most of the time. */
		g_autofree char *reason = g_utf8_make_valid(dlerror(), -1);
		g_set_error(error, AS_ERROR, AS_ERROR_INVALID, "cannot be loaded: %s", reason);
		return false;
	}
	if (table_copy(library, path, symbol, table, error))
		return true;
	dlclose(library);
	return false;
}
