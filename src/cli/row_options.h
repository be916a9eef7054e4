/* Purpose: the options of `add` and `edit` that say what is to stand in a row, and what becomes of the row.
 * One thread. */
#pragma once

#include "cli/verb.h"

/* As given; NULL where not. */
struct row_options {
	char *name, *command, *cron, *schedule, *timezone, *callback, *merge_missed, *actuality_time,
		*catch_up_limit, *max_instances, *max_attempts, *timeout, *dst, *topic;
};

#define ROW_OPTION(of, name, field, help, value)                            \
	{                                                                   \
		name, 0, 0, G_OPTION_ARG_FILENAME, &(of).field, help, value \
	}
#define ROW_OPTIONS(of)                                                                                      \
	ROW_OPTION(of, "name", name, "what it is called", "TEXT"),                                           \
		ROW_OPTION(of, "command", command, "what the callback is given", "TEXT"),                    \
		ROW_OPTION(of, "cron", cron, "when it fires: a unix expression", "EXPR"),                    \
		ROW_OPTION(of, "schedule", schedule, "when it fires: a schedule document", "JSON"),          \
		ROW_OPTION(of, "timezone", timezone, "the zone of its schedule", "ZONE|default"),            \
		ROW_OPTION(of, "callback", callback, "what takes its fires", "NAME|default"),                \
		ROW_OPTION(of, "merge-missed", merge_missed, "whether only the latest missed fire remains",  \
			"yes|no|default"),                                                                   \
		ROW_OPTION(of, "actuality-time", actuality_time,                                             \
			"how old a missed fire may be; negative: never too old", "SECONDS|default"),         \
		ROW_OPTION(of, "catch-up-limit", catch_up_limit, "at most so many missed fires, the newest", \
			"N|default"),                                                                        \
		ROW_OPTION(of, "max-instances", max_instances, "at most so many of its runs at a time",      \
			"N|default"),                                                                        \
		ROW_OPTION(of, "max-attempts", max_attempts, "how often a fire that is refused is tried",    \
			"N|default"),                                                                        \
		ROW_OPTION(of, "timeout", timeout, "how long a run may last", "SECONDS|default"),            \
		ROW_OPTION(of, "dst", dst, "what a change of the clock does to it",                          \
			"wall_clock|vixie|default"),                                                         \
		ROW_OPTION(of, "topic", topic, "the topic for the callback kafka", "NAME|default")

#define ROW_OPTIONS_HELP                                                                     \
	"default stands for NULL in the row: what the configuration says. An option whose\n" \
	"column the table lacks needs `check --fix`, which adds it."

/* What the options say: row and set of a change. The texts are those of the options, or the document's. */
struct row_values {
	struct action_row row;
	unsigned set;   /* enum row_column */
	char *document; /* the schedule that --cron stands for */
};

/* Returns EXIT_DONE, or EXIT_USAGE with everything said. Free with row_values_clear in any case. */
int row_values_take(const struct cli *cli, const struct row_options *options, struct row_values *values);
void row_values_clear(struct row_values *values);

/* Puts what is set into a row. */
void row_values_apply(const struct row_values *values, struct action_row *row);

/* Whether the row can be written: it is refused where an option is what is wrong with it, be it that
 * something else is wrong as well, which alone gets a warning, as does a schedule that never fires again.
 * Returns EXIT_DONE, or EXIT_USAGE with everything said. After cli_prepare. */
int row_values_check(struct cli *cli, const struct row_values *values, const struct action_row *row);
