/* Purpose: the one error domain of the program, over GError.
 * A message is a full clause for the user: the place, the reason and, where there is one, the way out. */
#pragma once

#include <glib.h>

#define AS_ERROR (as_error_quark())
GQuark as_error_quark(void);

enum as_error {
	AS_ERROR_INVALID,     /* bad input: a row, an expression, a configuration, an argument */
	AS_ERROR_UNAVAILABLE, /* the outside does not answer now; the same call may succeed later */
	AS_ERROR_MISSING,     /* the thing asked for is not there */
	AS_ERROR_BUSY,        /* held by someone else (a second process on the same internal_db) */
	AS_ERROR_FENCED,      /* this process is no longer the owner; it must stop */
	AS_ERROR_CORRUPT,     /* stored data that cannot be what this program wrote */
	AS_ERROR_FAILED,      /* anything else */
};

/* What a library says in several lines, as one: the lines without what is blank around them, with "; "
 * between. Valid UTF-8. NULL is an empty text. Free with g_free. */
char *error_one_line(const char *message);
