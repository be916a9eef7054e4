/* Purpose: what the tests of stores ask of one, each in a line. An expectation that is not met fails the
 * test. */
#pragma once

#include "rows.h"

/* An open store. */
struct store *expect_store(const struct store_options *options);
void expect_open_error(const struct store_options *options, int code, const char *part);
/* A call that gave `result` is to have failed with this code, `part` being in the message. Takes the error.
 */
void expect_error(bool result, GError *error, int code, const char *part);
void expect_read_error(struct store *store, int code, const char *part);
/* The rows as rows_append gives them. */
void expect_rows(struct store *store, const char *expected);
/* What store_changed says. */
bool changed(struct store *store);
