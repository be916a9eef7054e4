/* Purpose: what the tests of src/cron share: the system's zones, schedules from text, a seeded generator. */
#pragma once

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/error.h"
#include "base/json.h"
#include "base/tzfile.h"
#include "cron/schedule.h"
#include "cron/schedule_cache.h"
#include "cron/zone.h"
#include "cron/zone_cache.h"

#define SECOND US_PER_SECOND

/* The system's zones; lives as long as the test. */
const struct zone_source *test_zones(void);
struct zone *test_zone(const char *name);

/* Parses, or returns NULL with the error's text in *why (g_free). */
struct schedule *test_read(
	const char *text, const char *zone_name, enum unix_dialect dialect, enum dst_policy dst, char **why);
struct schedule *test_read_json(const json_t *document, const char *zone_name, enum unix_dialect dialect,
	enum dst_policy dst, char **why);
/* Parses what must parse: standard dialect, wall clock. */
struct schedule *test_schedule(const char *text, const char *zone_name);

/* An instant from text with an offset. */
time_us test_time(const char *text);

/* The seed of this run: SEED of the environment, or a fixed one. Printed by the tests that draw. */
uint64_t test_seed(void);
uint64_t test_random(uint64_t *state);
int test_below(uint64_t *state, int n); /* 0 .. n-1 */
