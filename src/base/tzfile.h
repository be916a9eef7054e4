/* Purpose: zone files of the system's tz database ($TZDIR, else /usr/share/zoneinfo), as bytes, and the name
 * of the machine's own zone. Does I/O; any thread. What the bytes mean is cron/zone.h's. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether a text has the form of a zone name (Europe/Moscow, Etc/GMT+5), case counting: no path out of the
 * database, none of its copies (posix/, right/) and no file that is not a zone. */
bool tzfile_name_is_valid(const char *name);

/* The TZif data of a zone; free with g_free. Errors: AS_ERROR_INVALID for what is no zone's name, and for a
 * file that is none or is too large; AS_ERROR_UNAVAILABLE where it is there and cannot be read. */
uint8_t *tzfile_read(const char *name, size_t *size, GError **error);

/* The machine's own zone: the variable TZ where it names one, else the target of /etc/localtime, else
 * /etc/timezone, else UTC. Free with g_free. */
char *tzfile_machine_zone_name(void);
