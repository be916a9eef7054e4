/* What the bare_*.c programs have in common: each is `NAME select PLACE`, the floor of a load, or
 * `NAME commits PLACE SECONDS`, the floor of durable progress: one small commit after the other. Each prints
 * a JSON line. PLACE is what the client library takes. */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* What the Python program's table has, and what `init` adds to it. */
#define BARE_COLUMNS "id, name, command, cron, merge_missed, actuality_time"
#define BARE_ADDED \
	"enabled, timezone, callback, max_instances, timeout, max_attempts, dst, catch_up_limit, topic"
/* The rows that the commits write to, one each. */
#define BARE_ROWS 1000

static inline double now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* `all` is told so that no column can be left out. */
static inline void tell_rows(long long rows, double ms, long long all)
{
	printf("{\"rows\": %lld, \"ms\": %.1f, \"check\": %lld}\n", rows, ms, all);
}

/* One row of the table of commits: PLACE is prepared before it. */
typedef void (*commit_fn)(void *context, int id);

/* Commits for so many seconds. */
static inline void commit_for(double seconds, commit_fn commit, void *context)
{
	long long count = 0;
	double begin = now_ms(), ms;
	do {
		commit(context, (int)(count % BARE_ROWS));
		count++;
		ms = now_ms() - begin;
	} while (ms < seconds * 1e3);
	printf("{\"commits\": %lld, \"per_s\": %.1f}\n", count, (double)count / ms * 1e3);
}

static inline int bare_main(int argc, char **argv, void (*select)(const char *place),
	void (*commits)(const char *place, double seconds))
{
	if (argc == 3 && strcmp(argv[1], "select") == 0) {
		select(argv[2]);
		return 0;
	}
	if (argc == 4 && strcmp(argv[1], "commits") == 0 && atof(argv[3]) > 0) {
		commits(argv[2], atof(argv[3]));
		return 0;
	}
	fprintf(stderr, "usage: %s select PLACE | commits PLACE SECONDS\n", argv[0]);
	return 2;
}
