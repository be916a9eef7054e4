/* Purpose: the fires of schedules as `next` shows them. One thread. */
#pragma once

#include "cli/verb.h"
#include "model/fire.h"

struct fires_range {
	time_us after; /* exclusive */
	time_us until; /* inclusive */
	int64_t count; /* at most */
};

/* A table of the fires alone: with the jitter of the action where id is not NULL. */
void fires_table(const struct cli *cli, const struct fires_range *range, const struct schedule *schedule,
	const int64_t *id);

struct fires_output;

/* The range is copied. */
struct fires_output *fires_output_new(struct cli *cli, const struct fires_range *range);
/* Shows a schedule: with the jitter of the action where id is not NULL. */
void fires_output_add(struct fires_output *output, const struct schedule *schedule, const int64_t *id);
/* Ends and frees it. */
void fires_output_end(struct fires_output *output);
