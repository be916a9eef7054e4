/* The clocks, with the offset of a test build or without it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include <glib.h>
#include <glib/gstdio.h>

#include "base/clock.h"

#define FAR_OFF "86400.5"

struct fixture {
	char *path;
};

static int setup(void **state)
{
	struct fixture *fixture = g_new0(struct fixture, 1);
	int fd = g_file_open_tmp("clock-XXXXXX", &fixture->path, NULL);
	if (fd < 0)
		return -1;
	close(fd);
	*state = fixture;
	return g_setenv("ACTION_SCHEDULER_CLOCK", fixture->path, TRUE) ? 0 : -1;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;
	g_unlink(fixture->path);
	g_unsetenv("ACTION_SCHEDULER_CLOCK");
	g_free(fixture->path);
	g_free(fixture);
	return 0;
}

static void write_offset(const struct fixture *fixture, const char *text)
{
	assert_true(g_file_set_contents(fixture->path, text, -1, NULL));
}

/* How far the clock is from the system's. */
static dur_us distance(void)
{
	return clock_now() - g_get_real_time();
}

static void clocks_run_forward(void **state)
{
	(void)state;
	time_us monotonic = clock_monotonic(), boottime = clock_boottime();
	for (int i = 0; i < 10000; i++) {
		time_us m = clock_monotonic(), b = clock_boottime();
		assert_true(m >= monotonic && b >= boottime);
		monotonic = m;
		boottime = b;
	}
	g_usleep(2000);
	assert_true(clock_monotonic() - monotonic >= 2000);
	assert_true(clock_boottime() - boottime >= 2000);
}

#ifdef TEST_CLOCK
static void the_offset_is_added(void **state)
{
	static const struct {
		const char *text;
		dur_us offset;
	} cases[] = {
		{FAR_OFF "\n", US_PER_DAY + 500000},
		{"-3600", -US_PER_HOUR},
		{"0.25", 250000},
		{"31536000", 365 * US_PER_DAY},
		{"0", 0},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		write_offset(*state, cases[i].text);
		assert_true(clock_test_poll());
		assert_false(clock_test_poll());
		assert_int_equal(clock_test_offset(), cases[i].offset);
		assert_true(ABS(distance() - cases[i].offset) < US_PER_SECOND);
	}
}

static void a_file_that_says_nothing_keeps_the_offset(void **state)
{
	const struct fixture *fixture = *state;
	write_offset(fixture, "60");
	assert_true(clock_test_poll());
	write_offset(fixture, "");
	assert_false(clock_test_poll());
	write_offset(fixture, "tomorrow");
	assert_false(clock_test_poll());
	g_unlink(fixture->path);
	assert_false(clock_test_poll());
	assert_int_equal(clock_test_offset(), US_PER_MINUTE);
	write_offset(fixture, "0");
	assert_true(clock_test_poll());
}
#else
static void a_release_build_knows_no_offset(void **state)
{
	write_offset(*state, FAR_OFF);
	assert_false(clock_test_poll());
	assert_int_equal(clock_test_offset(), 0);
	assert_true(ABS(distance()) < US_PER_SECOND);
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(clocks_run_forward),
#ifdef TEST_CLOCK
		cmocka_unit_test_setup_teardown(the_offset_is_added, setup, teardown),
		cmocka_unit_test_setup_teardown(a_file_that_says_nothing_keeps_the_offset, setup, teardown),
#else
		cmocka_unit_test_setup_teardown(a_release_build_knows_no_offset, setup, teardown),
#endif
	};
	return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
