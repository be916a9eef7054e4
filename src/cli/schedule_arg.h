/* Purpose: the schedules that `next` and `explain` speak of: of actions by id, or of an expression. One
 * thread. */
#pragma once

#include "cli/verb.h"

/* What the options hold, NULL where they are not given. */
struct schedule_args {
	char *cron, *schedule, *timezone;
};
#define SCHEDULE_ARG_OPTIONS(args)                                                                         \
	{"cron", 0, 0, G_OPTION_ARG_FILENAME, &(args).cron, "a unix expression instead of an action",      \
		"EXPR"},                                                                                   \
		{"schedule", 0, 0, G_OPTION_ARG_FILENAME, &(args).schedule,                                \
			"a schedule document instead of an action", "JSON"},                               \
	{                                                                                                  \
		"timezone", 0, 0, G_OPTION_ARG_FILENAME, &(args).timezone,                                 \
			"the zone where a schedule names none, and of TIME (default: the configured one)", \
			"ZONE"                                                                             \
	}

/* The schedule document of a unix expression. */
json_t *schedule_arg_unix(const char *expression);

/* Loads the configuration, which an expression can do without, and chooses the zone. Returns EXIT_DONE, or
 * the exit status with everything said. */
int schedule_args_prepare(struct cli *cli, const struct schedule_args *args, char **ids);

/* A schedule, with the id of its action (NULL: an expression); zone_given tells whether action or expression
 * name the zone. Borrowed. */
typedef void (*schedule_arg_fn)(
	void *context, const struct schedule *schedule, const int64_t *id, bool zone_given);
/* Calls `each` for all of them; says what cannot be, and returns the exit status. After
 * schedule_args_prepare. */
int schedule_args_each(
	struct cli *cli, const struct schedule_args *args, char **ids, schedule_arg_fn each, void *context);
