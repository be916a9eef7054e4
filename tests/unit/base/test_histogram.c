/* Histograms of a fixed size, and what was in the last minute. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <glib.h>
#include <stdlib.h>

#include "base/recent.h"

/* --- histograms --- */

static void an_empty_histogram_has_no_values(void **state)
{
	(void)state;
	struct histogram h = {0};
	assert_int_equal(histogram_quantile(&h, 0.5), 0);
	assert_int_equal(h.max, 0);
}

static void small_values_are_exact(void **state)
{
	(void)state;
	struct histogram h = {0};
	for (int64_t value = 0; value < 10; value++)
		histogram_add(&h, value);
	assert_int_equal(histogram_quantile(&h, 0), 0);
	assert_int_equal(histogram_quantile(&h, 0.5), 4);
	assert_int_equal(histogram_quantile(&h, 1), 9);
	assert_int_equal(h.sum, 45);
}

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

/* Against the values themselves, over all magnitudes. */
static void a_quantile_is_never_too_low_and_at_most_a_sixteenth_too_high(void **state)
{
	(void)state;
	static const double shares[] = {0.01, 0.25, 0.5, 0.9, 0.99, 0.999, 1};
	g_autoptr(GRand) rand = g_rand_new_with_seed(7);
	static int64_t values[20000];
	struct histogram h = {0};
	for (size_t i = 0; i < G_N_ELEMENTS(values); i++) {
		unsigned bits = (unsigned)g_rand_int_range(rand, 1, HISTOGRAM_BITS);
		uint64_t drawn = (uint64_t)g_rand_int(rand) << 32 | g_rand_int(rand);
		values[i] = (int64_t)(drawn & ((UINT64_C(1) << bits) - 1));
		histogram_add(&h, values[i]);
	}
	qsort(values, G_N_ELEMENTS(values), sizeof values[0], compare);
	for (size_t i = 0; i < G_N_ELEMENTS(shares); i++) {
		double rank = shares[i] * (double)G_N_ELEMENTS(values);
		size_t at = (size_t)rank;
		at = (double)at < rank ? at : at - 1;
		int64_t exact = values[at], told = histogram_quantile(&h, shares[i]);
		assert_true(told >= exact);
		assert_true((double)told <= (double)exact * 1.0625 + 1);
	}
}

static void values_outside_count_at_the_ends(void **state)
{
	(void)state;
	struct histogram h = {0};
	histogram_add(&h, -5);
	histogram_add(&h, INT64_MAX);
	histogram_add(&h, INT64_MAX);
	assert_int_equal(h.count, 3);
	assert_int_equal(histogram_quantile(&h, 0.1), 0);
	assert_int_equal(histogram_quantile(&h, 0.9), INT64_MAX);
	assert_int_equal(h.sum, INT64_MAX);
}

static void merged_histograms_hold_the_values_of_both(void **state)
{
	(void)state;
	struct histogram a = {0}, b = {0};
	for (int i = 0; i < 10; i++)
		histogram_add(&a, 1);
	for (int i = 0; i < 30; i++)
		histogram_add(&b, 1000);
	histogram_merge(&a, &b);
	assert_int_equal(a.count, 40);
	assert_int_equal(a.max, 1000);
	assert_int_equal(histogram_quantile(&a, 0.25), 1);
	assert_int_equal(histogram_quantile(&a, 0.26), 1000);
}

/* --- the last minute --- */

static void an_amount_is_forgotten_after_a_minute(void **state)
{
	(void)state;
	struct recent_amount r = {0};
	time_us start = 1000 * US_PER_SECOND;
	recent_amount_add(&r, start, 5);
	recent_amount_add(&r, start + 30 * US_PER_SECOND, 7);
	assert_int_equal(recent_amount_sum(&r, start + 59 * US_PER_SECOND), 12);
	assert_int_equal(recent_amount_sum(&r, start + 60 * US_PER_SECOND), 7);
	recent_amount_add(&r, start + 61 * US_PER_SECOND, 1);
	assert_int_equal(recent_amount_sum(&r, start + 61 * US_PER_SECOND), 8);
	assert_int_equal(recent_amount_sum(&r, start + 3600 * US_PER_SECOND), 0);
	recent_amount_add(&r, start + 7200 * US_PER_SECOND, 2);
	assert_int_equal(recent_amount_sum(&r, start + 7200 * US_PER_SECOND), 2);
}

static void nothing_was_before_the_begin(void **state)
{
	(void)state;
	struct recent_amount r = {0};
	assert_int_equal(recent_amount_sum(&r, 0), 0);
	recent_amount_add(&r, US_PER_SECOND, 3);
	assert_int_equal(recent_amount_sum(&r, 2 * US_PER_SECOND), 3);
}

/* Any steps: against a plain list. */
static void amounts_are_those_of_a_list(void **state)
{
	(void)state;
	g_autoptr(GRand) rand = g_rand_new_with_seed(3);
	struct recent_amount r = {0};
	uint64_t by_second[4000] = {0};
	int64_t second = 0;
	while (second < 3900) {
		second += g_rand_int_range(rand, 0, g_rand_int_range(rand, 0, 20) ? 3 : 90);
		uint64_t amount = (uint64_t)g_rand_int_range(rand, 0, 100), expected = 0;
		by_second[second] += amount;
		recent_amount_add(&r, second * US_PER_SECOND + 17, amount);
		for (int64_t s = MAX(0, second - RECENT_SECONDS + 1); s <= second; s++)
			expected += by_second[s];
		assert_int_equal(recent_amount_sum(&r, second * US_PER_SECOND + 999), expected);
	}
}

static void values_are_forgotten_after_a_minute(void **state)
{
	(void)state;
	static struct recent_values r;
	time_us start = 1000 * US_PER_SECOND;
	recent_values_add(&r, start, 100000);
	recent_values_add(&r, start + 55 * US_PER_SECOND, 3);
	struct histogram both = {0}, last = {0}, none = {0};
	recent_values_merge(&r, start + 55 * US_PER_SECOND, &both);
	assert_int_equal(both.count, 2);
	assert_int_equal(both.max, 100000);
	recent_values_merge(&r, start + 60 * US_PER_SECOND, &last);
	assert_int_equal(last.count, 1);
	assert_int_equal(last.max, 3);
	recent_values_merge(&r, start + 600 * US_PER_SECOND, &none);
	assert_int_equal(none.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_histogram_has_no_values),
		cmocka_unit_test(small_values_are_exact),
		cmocka_unit_test(a_quantile_is_never_too_low_and_at_most_a_sixteenth_too_high),
		cmocka_unit_test(values_outside_count_at_the_ends),
		cmocka_unit_test(merged_histograms_hold_the_values_of_both),
		cmocka_unit_test(an_amount_is_forgotten_after_a_minute),
		cmocka_unit_test(nothing_was_before_the_begin),
		cmocka_unit_test(amounts_are_those_of_a_list),
		cmocka_unit_test(values_are_forgotten_after_a_minute),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
