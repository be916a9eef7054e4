/* Purpose: looking up names of hosts with a deadline. The client libraries of databases look up names
 * themselves and wait for a resolver that does not answer for as long as it takes. What is looked up here
 * before tells whether it answers now. Any thread. */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "base/time_us.h"

/* Waits until the names have been looked up, whatever the answer is: that a host is not known the library
 * says. `hosts` are separated by commas; NULL, addresses and paths (of sockets) take no time. A lookup that
 * takes longer goes on in the background, one a name at the most. Once stop_fd (0 or less: none) is readable
 * the wait is over. Errors: AS_ERROR_UNAVAILABLE. */
bool host_lookup(const char *hosts, dur_us deadline, int stop_fd, GError **error);
