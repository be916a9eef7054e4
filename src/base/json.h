/* Purpose: the little that is asked of jansson everywhere. Any thread.
 * Duplicate keys are refused, integers too large for 64 bits are an error, any value may stand at the top. */
#pragma once

#include <glib.h>
#include <jansson.h>

/* Parses text of the given length. Errors: AS_ERROR_INVALID with column and reason. The caller owns the
 * result. */
json_t *json_read(const char *text, size_t length, GError **error);

/* A string value of any bytes: what is not UTF-8 becomes U+FFFD. JSON null where data is NULL. */
json_t *json_text(const char *data, size_t length);

/* As many digits of a number with a fraction as any decimal text survives, so that 0.1 is written as 0.1. */
#define JSON_DIGITS JSON_REAL_PRECISION(15)
/* The document on one line, keys in the order they were put in. Free with free(). */
char *json_write(const json_t *value);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(json_t, json_decref)
