/* The line of a progress bar: every width, unknown totals, the first moments. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <glib.h>

#include "base/progress_bar.h"

static void expect(uint64_t done, uint64_t total, dur_us elapsed, unsigned width, const char *line)
{
	g_autofree char *text = progress_bar_text("reading actions", done, total, elapsed, width);
	assert_string_equal(text, line);
}

static void it_tells_how_far_it_is_and_how_long_it_takes(void **state)
{
	(void)state;
	expect(250000, 1000000, 5 * US_PER_SECOND, 79,
		"reading actions  [====>              ]  250000/1000000   25%  50000/s  15s left");
	expect(1000000, 1000000, 20 * US_PER_SECOND, 79,
		"reading actions  [===================]  1000000/1000000  100%  50000/s  0s left");
	expect(10, 1000, 100 * US_PER_SECOND, 200,
		"reading actions  [>                                     ]  10/1000    1%  0.1/s  2h 45min "
		"left");
}

static void without_a_total_it_counts(void **state)
{
	(void)state;
	expect(250000, 0, 65 * US_PER_SECOND, 79, "reading actions  250000  3846/s  1min 05s");
	/* What was only an estimate. */
	expect(1001, 1000, 10 * US_PER_SECOND, 79, "reading actions  1001  100/s  10s");
}

static void nothing_is_forecast_too_early(void **state)
{
	(void)state;
	expect(5, 10, US_PER_SECOND / 2, 40, "reading actions  [====>    ]  5/10   50%");
	expect(0, 10, 60 * US_PER_SECOND, 79,
		"reading actions  [>                                     ]  0/10    0%");
	expect(1, UINT64_MAX, US_PER_HOUR, 70,
		"reading actions  1/18446744073709551615    0%  0.0/s  8784h 00min left");
}

static void a_narrow_line_leaves_out_what_finds_no_room(void **state)
{
	(void)state;
	expect(250000, 1000000, 5 * US_PER_SECOND, 58,
		"reading actions  250000/1000000   25%  50000/s  15s left");
	expect(250000, 1000000, 5 * US_PER_SECOND, 50, "reading actions  250000/1000000   25%  50000/s");
	expect(250000, 1000000, 5 * US_PER_SECOND, 40, "reading actions  250000/1000000   25%");
	expect(250000, 1000000, 5 * US_PER_SECOND, 21, "reading actions   25%");
	expect(250000, 1000000, 5 * US_PER_SECOND, 9, "reading a");
	expect(250000, 1000000, 5 * US_PER_SECOND, 0, "");
}

static void it_never_is_wider_than_it_may(void **state)
{
	(void)state;
	const uint64_t counts[][2] = {
		{0, 0}, {1, 0}, {UINT64_MAX, 0}, {0, 7}, {3, 7}, {7, 7}, {8, 7}, {1, UINT64_MAX}};
	const dur_us spans[] = {0, 1, US_PER_SECOND, 100 * US_PER_HOUR};
	for (unsigned width = 0; width < 130; width++)
		for (size_t i = 0; i < G_N_ELEMENTS(counts); i++)
			for (size_t j = 0; j < G_N_ELEMENTS(spans); j++) {
				g_autofree char *text = progress_bar_text(
					"читаю", counts[i][0], counts[i][1], spans[j], width);
				assert_true(g_utf8_validate(text, -1, NULL));
				assert_true(g_utf8_strlen(text, -1) <= (glong)width);
			}
}

/* In a test stderr is no terminal, or one that is not ours: no bar is NULL, which everything takes. */
static void without_a_bar_nothing_happens(void **state)
{
	(void)state;
	assert_null(progress_bar_new("reading actions", 0, true));
	progress_bar_set(NULL, 1);
	progress_bar_free(NULL);
	progress_bar_hide();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_tells_how_far_it_is_and_how_long_it_takes),
		cmocka_unit_test(without_a_total_it_counts),
		cmocka_unit_test(nothing_is_forecast_too_early),
		cmocka_unit_test(a_narrow_line_leaves_out_what_finds_no_room),
		cmocka_unit_test(it_never_is_wider_than_it_may),
		cmocka_unit_test(without_a_bar_nothing_happens),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
