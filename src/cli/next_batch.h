/* Purpose: `next --batch`: JSON Lines in, JSON Lines out, one line at a time, so that input of any length
 * streams through. One thread. */
#pragma once

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "cron/schedule.h"

struct next_batch_context {
	const struct zone_source *zones;
	struct zone *timezone; /* where a line names none; borrowed */
	enum unix_dialect dialect;
	enum dst_policy dst;
	time_us now; /* where a line says no `after` */
};

/* Answers one line: `{"id", "fires", "exhausted"}` or `{"id", "error"}`, *failed telling which. The caller
 * owns it. */
json_t *next_batch_line(
	const char *text, size_t length, const struct next_batch_context *context, bool *failed);

/* Answers every line of `in` on `out`, flushed line by line; blank lines are passed over. A bad line is
 * answered with its error, and *had_errors is set (it is written in any case). Errors: AS_ERROR_FAILED where
 * reading or writing fails. */
bool next_batch_run(
	FILE *in, FILE *out, const struct next_batch_context *context, bool *had_errors, GError **error);
