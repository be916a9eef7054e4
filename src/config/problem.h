/* Purpose: gathering the errors of a configuration, so that all of them are reported together.
 * At most PROBLEMS_MAX are kept; the last one then says that there are more. */
#pragma once

#include "config/config.h"

#define PROBLEMS_MAX 100

/* Whether no further problem will be kept: work done only for a message can be left out. */
bool problems_full(const GPtrArray *problems);
/* Appends one; key may be NULL. Place and key are copied. */
void problem_add(GPtrArray *problems, const char *place, const char *key, const char *format, ...)
	G_GNUC_PRINTF(4, 5);
/* The user's text for a message: in quotes, control characters escaped, cut where it is long. Free with
 * g_free. */
char *problem_quote(const char *text);
