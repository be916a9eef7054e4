/* Purpose: making and removing a Unix socket that nobody but its owner and root can use. Any thread. */
#pragma once

#include "base/error.h"

#include <stdbool.h>

/* Listens on a path, mode 0600, not blocking. What a dead process left there is removed; the folder is made
 * where it is the runtime directory. -1 with an error: AS_ERROR_INVALID for a path that cannot be one,
 * AS_ERROR_BUSY where somebody answers on it, else AS_ERROR_UNAVAILABLE. */
int control_socket_listen(const char *path, GError **error);
/* Closes it, and removes the path where it is still this one's. */
void control_socket_remove(const char *path, int fd);
/* Whether the other side is the same user, or root. */
bool control_socket_trusts(int fd);
