/* Purpose: asks the running scheduler on its control socket (docs/control.md). Blocks, with a deadline. Any
 * thread. */
#pragma once

#include "base/error.h"

#include <jansson.h>

enum control_reply {
	CONTROL_ANSWERED, /* "ok" is true */
	CONTROL_NOBODY,   /* no scheduler answers there */
	CONTROL_FAILED,
};

/* Sends one request (a line without its newline) and reads its answer, which is the caller's. Errors, with
 * CONTROL_FAILED only: AS_ERROR_INVALID where the scheduler refuses the request, AS_ERROR_UNAVAILABLE where
 * the socket may not be used, or no answer comes. */
enum control_reply control_ask(const char *path, const char *line, json_t **answer, GError **error);
