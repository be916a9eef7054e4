/* Purpose: times as people give them on a command line, and lengths of time as they read them. Pure; any
 * thread. */
#pragma once

#include "base/error.h"
#include "cron/zone.h"

/* What time_arg_parse takes, for --help. */
#define TIME_ARG_HELP                                                                                       \
	"TIME is RFC 3339 (2024-01-31T09:00:00+01:00), a date with or without a time in the default zone\n" \
	"(2024-01-31, 2024-01-31 09:00[:00]), now, today, tomorrow, yesterday, @SECONDS since 1970, or\n"   \
	"relative to now: +2h, -5min, \"1h 30min ago\", \"5 days ago\"."

/* Reads a time. A wall time is one of `zone`; in a gap it moves forward, of two it is the first. Errors:
 * AS_ERROR_INVALID, with the text and what would be right. */
bool time_arg_parse(const char *text, time_us now, const struct zone *zone, time_us *out, GError **error);

/* The value of --catch-up: all (or NULL) is TIME_US_MIN, none TIME_US_MAX, else a time. Errors as above. */
bool catch_up_parse(const char *text, time_us now, const struct zone *zone, time_us *out, GError **error);

#define SPAN_TEXT_MAX 32
/* The two largest units of a length of time: `3d 4h`, `2min 3s`, `0s`; the sign is left out. Returns buf. */
char *span_format(dur_us span, char buf[static SPAN_TEXT_MAX]);
/* How far `t` is from now: `in 2min 3s`, `5d 1h ago`, `now`. Returns buf. */
char *span_format_from(time_us t, time_us now, char buf[static SPAN_TEXT_MAX]);
/* The same with the largest unit alone, for where the time itself stands beside it: `in 2min`, `5d ago`,
 * `now`. */
char *span_format_about(time_us t, time_us now, char buf[static SPAN_TEXT_MAX]);
