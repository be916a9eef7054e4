/* Purpose: the normalised document of a schedule. Internal to src/cron; pure. */
#pragma once

#include "cron/schedule_internal.h"

const char *schedule_format_name(enum schedule_format format);

/* The text of schedule_key. Free with g_free. */
char *schedule_print_key(const struct schedule *schedule);
