/* Purpose: whether a library may be loaded: what runs in the scheduler must come from root or from the user
 * of the scheduler, and nobody else may be able to exchange it. File system only; any thread. */
#pragma once

#include "base/error.h"

#include <stdbool.h>

/* Splits `/path/lib.so:symbol`. Both texts are the caller's. Errors: AS_ERROR_INVALID. */
bool plugin_file_split(const char *argument, char **path, char **symbol, GError **error);

/* Walks to the file, through every directory and symbolic link on the way. Each of them, and the file, must
 * belong to root or to the user of this process, and be writable by nobody else (in a sticky directory, such
 * as /tmp, what belongs to others is not taken away, so that one may be writable). As nobody else can then
 * change any of it, the path that comes back leads to this file from now on. *real, without links, is the
 * caller's. Errors: AS_ERROR_INVALID, with the way out. */
bool plugin_file_check(const char *path, char **real, GError **error);
