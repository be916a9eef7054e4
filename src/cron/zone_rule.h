/* Purpose: the footer rule of a TZif file: a POSIX TZ string with the extensions of RFC 9636 (times of day
 * from -167 to 167 hours). Internal to src/cron; pure; any thread. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* What an interval of a zone looks like. */
struct zone_type {
	int32_t offset_s;
	bool dst;
	char abbreviation[8]; /* cut where longer */
};

enum zone_rule_day {
	ZONE_RULE_JULIAN,  /* Jn: 1..365, February 29 is never counted */
	ZONE_RULE_ORDINAL, /* n: 0..365, leap days count */
	ZONE_RULE_WEEKDAY, /* Mm.w.d: the w-th (5 = last) weekday d (0 = Sunday) of month m */
};

struct zone_rule_date {
	enum zone_rule_day kind;
	int day, month, week, weekday;
	int32_t time_s; /* wall time of the change, may lie outside the day */
};

struct zone_rule {
	struct zone_type standard;
	struct zone_type daylight; /* only with has_daylight */
	bool has_daylight;
	struct zone_rule_date start; /* of daylight time */
	struct zone_rule_date end;
};

/* Reads a TZ string of the given length. Errors: AS_ERROR_INVALID with the reason. */
bool zone_rule_parse(const char *text, size_t length, struct zone_rule *out, GError **error);

/* The instants (seconds, UTC) of a year at which daylight time starts and ends; only with has_daylight. */
int64_t zone_rule_start(const struct zone_rule *rule, int32_t year);
int64_t zone_rule_end(const struct zone_rule *rule, int32_t year);
