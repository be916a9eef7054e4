/* Cost of a next fire, each computed from the one before: next_fire [SECONDS_PER_CASE]. A JSON line a case:
 * zone, expression, ns a fire, fires computed, and as a check the 500th fire (the 15th for February 29), Unix
 * seconds. The chain starts at 2026-01-01 UTC and again there once it reaches 2090. Six fields are seconds
 * and five of `unix`. */
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/tzfile.h"
#include "cron/schedule.h"
#include "cron/zone_cache.h"

#define START (INT64_C(1767225600) * US_PER_SECOND) /* 2026-01-01T00:00:00Z */
#define LIMIT (INT64_C(3786912000) * US_PER_SECOND) /* 2090-01-01T00:00:00Z */

static int64_t now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static struct schedule *parse(const char *expression, struct zone *zone, const struct zone_source *zones)
{
	struct schedule_context context = {zone, zones, UNIX_DIALECT_STANDARD, DST_WALL_CLOCK};
	g_autoptr(GError) error = NULL;
	g_auto(GStrv) f = g_strsplit(expression, " ", 6);
	g_autofree char *text =
		f[5] ? g_strdup_printf("{\"format\":\"apscheduler\",\"params\":{\"second\":\"%s\","
				       "\"minute\":\"%s\",\"hour\":\"%s\",\"day\":\"%s\",\"month\":\"%s\","
				       "\"day_of_week\":\"%s\"}}",
			       f[0], f[1], f[2], f[3], f[4], f[5])
		     : g_strdup_printf("{\"format\":\"unix\",\"params\":{\"value\":\"%s\"}}", expression);
	struct schedule *schedule = schedule_parse(text, strlen(text), &context, &error);
	if (!schedule) {
		fprintf(stderr, "%s: %s\n", expression, error->message);
		exit(1);
	}
	return schedule;
}

static inline time_us step(const struct schedule *schedule, time_us t)
{
	return schedule_next(schedule, t, &t) && t < LIMIT ? t : START;
}

static void measure(
	const char *zone_text, const char *expression, const struct zone_source *zones, double seconds)
{
	struct zone *zone = zones->load(zones->context, zone_text, NULL);
	if (!zone) {
		fprintf(stderr, "no zone %s\n", zone_text);
		exit(1);
	}
	struct schedule *schedule = parse(expression, zone, zones);
	time_us t = START;
	for (int i = strstr(expression, "29 2") ? 15 : 500; i > 0; i--)
		t = step(schedule, t);
	long long check = (long long)(t / US_PER_SECOND), fires = 0;
	int64_t begin = now_ns(), spent;
	t = START;
	do {
		for (int i = 0; i < 1000; i++)
			t = step(schedule, t);
		fires += 1000;
		spent = now_ns() - begin;
	} while ((double)spent < seconds * 1e9);
	printf("{\"lib\": \"action-scheduler\", \"tz\": \"%s\", \"expr\": \"%s\", \"ns\": %.1f, \"iters\": "
	       "%lld, \"check\": "
	       "%lld}\n",
		zone_text, expression, (double)spent / (double)fires, fires, check);
	fflush(stdout);
	schedule_unref(schedule);
	zone_unref(zone);
}

int main(int argc, char **argv)
{
	static const char *const zone_names[] = {"UTC", "America/New_York"};
	static const char *const expressions[] = {
		"* * * * *", "*/20 * * * * *", "0 9 * * 1-5", "30 2 29 2 *", "0 0 13 * 5", "*/7 8-18 * * *"};
	double seconds = argc > 1 ? g_ascii_strtod(argv[1], NULL) : 0.3;
	struct zone_cache *cache = zone_cache_new(tzfile_read);
	for (size_t z = 0; z < G_N_ELEMENTS(zone_names); z++)
		for (size_t e = 0; e < G_N_ELEMENTS(expressions); e++)
			measure(zone_names[z], expressions[e], zone_cache_source(cache), seconds);
	zone_cache_free(cache);
	return 0;
}
