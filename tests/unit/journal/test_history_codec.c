/* The packed history: everything comes back, and no bytes whatever do harm. */
#include "fixture.h"

#include "journal/history_codec.h"
#include "base/varint.h"

static void integers_of_any_size_come_back(void **state)
{
	(void)state;
	static const int64_t values[] = {
		0, 1, -1, 63, 64, -64, -65, 127, 128, INT64_MAX, INT64_MIN, INT64_MIN + 1, 1700000000000000};
	g_autoptr(GByteArray) bytes = g_byte_array_new();
	for (size_t i = 0; i < G_N_ELEMENTS(values); i++) {
		varint_put_signed(bytes, values[i]);
		varint_put(bytes, (uint64_t)values[i]);
	}
	struct varint_reader reader = varint_reader_of(bytes->data, bytes->len);
	for (size_t i = 0; i < G_N_ELEMENTS(values); i++) {
		assert_int_equal(varint_get_signed(&reader), values[i]);
		assert_int_equal(varint_get(&reader), (uint64_t)values[i]);
	}
	assert_false(reader.bad);
	assert_ptr_equal(reader.at, reader.end);
}

static void integers_that_are_cut_or_too_long_are_told(void **state)
{
	(void)state;
	static const uint8_t cut[] = {0x80, 0x80};
	static const uint8_t too_long[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02};
	static const uint8_t endless[] = {0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00};
	struct varint_reader readers[] = {varint_reader_of(NULL, 0), varint_reader_of(cut, sizeof cut),
		varint_reader_of(too_long, sizeof too_long), varint_reader_of(endless, sizeof endless)};
	for (size_t i = 0; i < G_N_ELEMENTS(readers); i++) {
		assert_int_equal(varint_get(&readers[i]), 0);
		assert_true(readers[i].bad);
		assert_int_equal(varint_get(&readers[i]), 0);
		assert_null(varint_get_bytes(&readers[i], 0));
	}
}

static void random_fires(GRand *random, struct history_fire *fires, size_t count)
{
	int style = g_rand_int_range(random, 0, 3);
	struct history_fire fire = {random_id(random), random_time(random), random_time(random), 0};
	for (size_t i = 0; i < count; i++) {
		if (style == 0 || g_rand_int_range(random, 0, 50) == 0)
			fire = (struct history_fire){random_id(random), random_time(random),
				random_time(random), random_time(random)};
		fire.action_id += style == 1 && fire.action_id < INT64_MAX;
		fires[i] = fire;
	}
}

static void fires_come_back(void **state)
{
	(void)state;
	GRand *random = g_rand_new_with_seed(1);
	g_autoptr(GByteArray) bytes = g_byte_array_new();
	g_autoptr(GArray) back = g_array_new(FALSE, FALSE, sizeof(struct history_fire));
	struct history_fire fires[HISTORY_ROW_MAX];
	for (int round = 0; round < 2000; round++) {
		size_t count = round == 0 ? HISTORY_ROW_MAX : (size_t)g_rand_int_range(random, 1, 60);
		random_fires(random, fires, count);
		g_byte_array_set_size(bytes, 0);
		history_fires_encode(fires, count, bytes);
		assert_true(history_fires_decode(bytes->data, bytes->len, back));
		assert_int_equal(back->len, count);
		assert_memory_equal(back->data, fires, count * sizeof fires[0]);
	}
	g_rand_free(random);
}

static void ranges_come_back(void **state)
{
	(void)state;
	GRand *random = g_rand_new_with_seed(2);
	g_autoptr(GByteArray) bytes = g_byte_array_new();
	g_autoptr(GArray) back = g_array_new(FALSE, FALSE, sizeof(int64_t));
	int64_t ids[HISTORY_ROW_MAX];
	for (int round = 0; round < 2000; round++) {
		size_t count = round == 0 ? HISTORY_ROW_MAX : (size_t)g_rand_int_range(random, 1, 60);
		struct history_range range = {random_time(random), random_time(random),
			(uint64_t)random_time(random), random_time(random)};
		struct history_range got;
		for (size_t i = 0; i < count; i++)
			ids[i] = random_id(random);
		g_byte_array_set_size(bytes, 0);
		history_range_encode(&range, ids, count, bytes);
		assert_true(history_range_decode(bytes->data, bytes->len, &got, back));
		assert_memory_equal(&got, &range, sizeof got);
		assert_int_equal(back->len, count);
		assert_memory_equal(back->data, ids, count * sizeof ids[0]);
	}
	g_rand_free(random);
}

/* A burst: a thousand actions of one instant, answered together. */
static void a_fire_of_a_burst_costs_two_bytes_at_most(void **state)
{
	(void)state;
	struct history_fire fires[1024];
	g_autoptr(GByteArray) bytes = g_byte_array_new();
	for (int i = 0; i < 1024; i++)
		fires[i] = (struct history_fire){
			1 + i * 37 + i % 5, 1700000000000000, 1700000000001200, 1700000000001250};
	history_fires_encode(fires, 1024, bytes);
	assert_in_range(bytes->len, 1, 1024 + 64);
	g_byte_array_set_size(bytes, 0);
	for (int i = 0; i < 1024; i++)
		fires[i].action_id = i;
	history_fires_encode(fires, 1024, bytes);
	assert_in_range(bytes->len, 1, 64);
}

/* Damages a sound packing in every way there is; decoding may fail or not, but stays within its bounds. */
static void damaged_bytes_do_no_harm(void **state)
{
	(void)state;
	GRand *random = g_rand_new_with_seed(3);
	g_autoptr(GByteArray) bytes = g_byte_array_new();
	g_autoptr(GArray) fires = g_array_new(FALSE, FALSE, sizeof(struct history_fire));
	g_autoptr(GArray) ids = g_array_new(FALSE, FALSE, sizeof(int64_t));
	struct history_fire some[40];
	struct history_range range;
	random_fires(random, some, G_N_ELEMENTS(some));
	history_fires_encode(some, G_N_ELEMENTS(some), bytes);
	for (guint length = 0; length < bytes->len; length++) {
		g_autofree uint8_t *cut = g_memdup2(bytes->data, length);
		assert_false(history_fires_decode(cut, length, fires));
	}
	for (int round = 0; round < 20000; round++) {
		g_autofree uint8_t *damaged = g_memdup2(bytes->data, bytes->len);
		for (int i = g_rand_int_range(random, 1, 4); i > 0; i--)
			damaged[g_rand_int_range(random, 0, (int)bytes->len)] = (uint8_t)g_rand_int(random);
		if (history_fires_decode(damaged, bytes->len, fires))
			assert_in_range(fires->len, 1, HISTORY_ROW_MAX);
		if (history_range_decode(damaged, bytes->len, &range, ids))
			assert_in_range(ids->len, 1, HISTORY_ROW_MAX);
	}
	g_rand_free(random);
}

static void bytes_left_over_are_told(void **state)
{
	(void)state;
	g_autoptr(GByteArray) bytes = g_byte_array_new();
	g_autoptr(GArray) fires = g_array_new(FALSE, FALSE, sizeof(struct history_fire));
	g_autoptr(GArray) ids = g_array_new(FALSE, FALSE, sizeof(int64_t));
	struct history_fire fire = {1, 2, 3, 4};
	struct history_range range = {1, 2, 3, 4};
	history_fires_encode(&fire, 1, bytes);
	assert_true(history_fires_decode(bytes->data, bytes->len, fires));
	g_byte_array_append(bytes, (const guint8 *)"", 1);
	assert_false(history_fires_decode(bytes->data, bytes->len, fires));
	g_byte_array_set_size(bytes, 0);
	history_range_encode(&range, &fire.action_id, 1, bytes);
	g_byte_array_append(bytes, (const guint8 *)"", 1);
	assert_false(history_range_decode(bytes->data, bytes->len, &range, ids));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(integers_of_any_size_come_back),
		cmocka_unit_test(integers_that_are_cut_or_too_long_are_told),
		cmocka_unit_test(fires_come_back),
		cmocka_unit_test(ranges_come_back),
		cmocka_unit_test(a_fire_of_a_burst_costs_two_bytes_at_most),
		cmocka_unit_test(damaged_bytes_do_no_harm),
		cmocka_unit_test(bytes_left_over_are_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
