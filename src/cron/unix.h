/* Purpose: the format `unix`: five fields in one string, in both dialects. Internal to src/cron; pure. */
#pragma once

#include "cron/schedule_internal.h"

/* Fills the calendar from the expression. Errors: AS_ERROR_INVALID with field, column and reason. */
bool unix_read(struct calendar *calendar, const char *text, enum unix_dialect dialect, GError **error);
