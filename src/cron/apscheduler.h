/* Purpose: the format `apscheduler`: the fields of CronTrigger. Internal to src/cron; pure. */
#pragma once

#include "cron/schedule_internal.h"

/* Whether a parameter is one of the eight fields; *out tells which. */
bool apscheduler_find_field(const char *name, enum calendar_field *out);

/* Fills the calendar from the fields of params (other keys are not looked at). Errors: AS_ERROR_INVALID with
 * field, column and reason. */
bool apscheduler_read(struct calendar *calendar, const json_t *params, GError **error);
