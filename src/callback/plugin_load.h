/* Purpose: a library becomes a table of functions: loads it and looks at its ABI. */
#pragma once

#include "base/error.h"

#include <stdbool.h>

#include <action_scheduler/plugin.h>

/* Loads the library of a path that plugin_file_check gave, and copies the table that it exports under
 * `symbol`; what an older one does not have is NULL there. The library stays loaded for good: its threads and
 * handlers may outlive an instance. Errors: AS_ERROR_INVALID, naming file, symbol and ABI numbers; it is
 * unloaded then. */
bool plugin_load(const char *path, const char *symbol, struct action_scheduler_plugin *table, GError **error);
