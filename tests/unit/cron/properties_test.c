/* Properties of schedules, drawn at random from a printed seed (SEED=… repeats a run). */
#include "support.h"

#include <stdlib.h>

#include "random_schedule.h"

/* Sanitizers cost a lot in the brute-force walk. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define RUNNING_SLOWLY 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define RUNNING_SLOWLY 1
#endif
#endif
#ifndef RUNNING_SLOWLY
#define RUNNING_SLOWLY 0
#endif

static const char *const zones[] = {"UTC", "America/New_York", "Europe/Berlin", "Europe/Dublin",
	"Europe/Moscow", "Australia/Lord_Howe", "America/St_Johns", "Pacific/Chatham", "Pacific/Apia",
	"Africa/Cairo", "Africa/Casablanca", "Antarctica/Troll", "Asia/Kathmandu", "America/Caracas",
	"Africa/Monrovia", "America/Sao_Paulo", "Antarctica/Casey"};

static const char *draw_zone(uint64_t *state)
{
	return zones[test_below(state, (int)G_N_ELEMENTS(zones))];
}

/* An instant between two years, as likely as not within a day of a change of clocks. */
static int64_t draw_instant(uint64_t *state, const struct zone *zone, int from, int to)
{
	int64_t years = days_from_civil(from, 1, 1) * 86400;
	int64_t t =
		years + (int64_t)(test_random(state) % (uint64_t)(days_from_civil(to, 1, 1) * 86400 - years));
	struct zone_interval interval;
	zone_interval_at(zone, t * SECOND, &interval);
	if (interval.to != TIME_US_MAX && test_below(state, 4))
		t = interval.to / SECOND - test_below(state, 86400);
	return t;
}

struct drawn_case {
	struct drawn drawn;
	struct schedule *schedule;
	const char *zone;
	enum unix_dialect dialect;
	enum dst_policy dst;
};

static void draw_case(uint64_t *state, bool sparse, struct drawn_case *out)
{
	bool unix_format = test_below(state, 2);
	out->dialect = test_below(state, 3) ? UNIX_DIALECT_STANDARD : UNIX_DIALECT_APSCHEDULER;
	out->dst = test_below(state, 2) ? DST_VIXIE : DST_WALL_CLOCK;
	out->zone = draw_zone(state);
	draw_schedule(state, unix_format, out->dialect == UNIX_DIALECT_APSCHEDULER, sparse, &out->drawn);
	char *why = NULL;
	out->schedule = test_read(out->drawn.document, out->zone, out->dialect, out->dst, &why);
	if (!out->schedule)
		fail_msg("%s: %s", out->drawn.document, why);
}

static void clear_case(struct drawn_case *c)
{
	schedule_unref(c->schedule);
	drawn_clear(&c->drawn);
}

#define fail_case(c, what, t)                                                                   \
	fail_msg("%s in %s (dialect %d, dst %d): %s near %lld", (c)->drawn.document, (c)->zone, \
		(c)->dialect, (c)->dst, what, (long long)(t))

/* next, prev, count and nth over a window, against the list of its fires. */
static void compare(const struct drawn_case *c, const GArray *fires, int64_t from, int64_t until)
{
	time_us at = from * SECOND, end = until * SECOND, t;
	for (guint i = 0; i < fires->len; i++) {
		int64_t want = g_array_index(fires, int64_t, i);
		if (!schedule_next(c->schedule, at, &t) || t != want * SECOND)
			fail_case(c, "another next fire", want);
		if (schedule_count(c->schedule, from * SECOND, t) != i + 1)
			fail_case(c, "another count", want);
		if (!schedule_nth(c->schedule, from * SECOND, i + 1, &t) || t != want * SECOND)
			fail_case(c, "another nth fire", want);
		at = want * SECOND;
	}
	if (schedule_next(c->schedule, at, &t) && t <= end)
		fail_case(c, "a next fire too many", t / SECOND);
	if (schedule_count(c->schedule, from * SECOND, end) != fires->len)
		fail_case(c, "another count of all", until);
	at = end + 1;
	for (guint i = fires->len; i-- > 0;) {
		if (!schedule_prev(c->schedule, at, &t) || t != g_array_index(fires, int64_t, i) * SECOND)
			fail_case(c, "another previous fire", g_array_index(fires, int64_t, i));
		at = t;
	}
	if (schedule_prev(c->schedule, at, &t) && t > from * SECOND)
		fail_case(c, "a previous fire too many", t / SECOND);
}

static void agrees_with_brute_force(void **unused)
{
	(void)unused;
	uint64_t state = test_seed();
	size_t fires = 0;
	int cases = RUNNING_SLOWLY ? 40 : 250;
	print_message("seed %llu, %d cases\n", (unsigned long long)state, cases);
	for (int i = 0; i < cases; i++) {
		struct drawn_case c;
		draw_case(&state, false, &c);
		setenv("TZ", c.zone, 1);
		tzset();
		int64_t from = draw_instant(&state, schedule_zone(c.schedule), 1971, 2060);
		int64_t until = from + 3600 + test_below(&state, 36 * 3600);
		GArray *expected = drawn_fires(&c.drawn, from, until, c.dst == DST_VIXIE);
		if (expected->len > 2000) { /* every second: the first half hour says it all */
			until = g_array_index(expected, int64_t, 2000) - 1;
			g_array_set_size(expected, 2000);
		}
		compare(&c, expected, from, until);
		fires += expected->len;
		g_array_unref(expected);
		clear_case(&c);
	}
	print_message("%zu fires agree\n", fires);
	assert_true(fires > 1000);
}

static void next_and_prev_agree_far_and_wide(void **unused)
{
	(void)unused;
	uint64_t state = test_seed() + 1;
	for (int i = 0; i < 2000; i++) {
		struct drawn_case c;
		draw_case(&state, true, &c);
		time_us at =
			draw_instant(&state, schedule_zone(c.schedule), 1970, i % 4 ? 2040 : 9999) * SECOND +
			i % 3;
		time_us first = at, next, back;
		uint64_t n = 0;
		while (n < 20 && schedule_next(c.schedule, at, &next)) {
			if (next <= at)
				fail_case(&c, "no progress", at / SECOND);
			if (n && (!schedule_prev(c.schedule, next, &back) || back != at))
				fail_case(&c, "prev(next(t)) is not t", at / SECOND);
			if (!n && schedule_prev(c.schedule, next, &back) && back > at)
				fail_case(&c, "prev(next(t)) > t", at / SECOND);
			if (schedule_count(c.schedule, at, next) != 1 ||
				schedule_count(c.schedule, at, next - 1) != 0)
				fail_case(&c, "a step is not one fire", at / SECOND);
			at = next;
			n++;
			if (!schedule_nth(c.schedule, first, n, &back) || back != at ||
				schedule_count(c.schedule, first, at) != n)
				fail_case(&c, "nth or count", at / SECOND);
		}
		if (n < 20 && schedule_nth(c.schedule, first, n + 1, &next))
			fail_case(&c, "nth goes on where next ends", at / SECOND);
		clear_case(&c);
	}
}

static void printed_documents_mean_the_same(void **unused)
{
	(void)unused;
	uint64_t state = test_seed() + 2;
	for (int i = 0; i < 3000; i++) {
		struct drawn_case c;
		draw_case(&state, i % 2, &c);
		g_autoptr(json_t) printed = schedule_print(c.schedule);
		/* Another default zone: the document names its own. */
		char *why = NULL;
		struct schedule *again = test_read_json(printed, "Asia/Tokyo", c.dialect, c.dst, &why);
		if (!again)
			fail_msg("%s printed as %s: %s", c.drawn.document, schedule_key(c.schedule), why);
		if (strcmp(schedule_key(again), schedule_key(c.schedule)) != 0)
			fail_msg("%s: %s and %s", c.drawn.document, schedule_key(c.schedule),
				schedule_key(again));
		time_us t = draw_instant(&state, schedule_zone(c.schedule), 1970, 2040) * SECOND;
		for (int n = 0; n < 20; n++) {
			time_us a = 0, b = 0;
			bool more = schedule_next(c.schedule, t, &a);
			if (more != schedule_next(again, t, &b) || a != b)
				fail_case(&c, schedule_key(again), t / SECOND);
			if (!more)
				break;
			t = a;
		}
		schedule_unref(again);
		clear_case(&c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_brute_force),
		cmocka_unit_test(next_and_prev_agree_far_and_wide),
		cmocka_unit_test(printed_documents_mean_the_same),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
