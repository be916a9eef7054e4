/* The ledger of kafka.exactly_once: what is delivered and not settled. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "callback/kafka_ledger.h"

static struct ledger_fire fire_of(int64_t id, time_us nominal)
{
	return (struct ledger_fire){.action_id = id, .nominal = nominal, .due_at = nominal};
}

static bool up_to(void *context, const struct ledger_fire *fire)
{
	return fire->due_at <= *(const time_us *)context;
}

static void what_was_added_is_there_until_it_is_settled(void **state)
{
	(void)state;
	struct ledger *ledger = ledger_new();
	struct ledger_fire first[] = {fire_of(1, 10), fire_of(2, 10)}, second[] = {fire_of(1, 20)};
	g_autoptr(GArray) done = g_array_new(FALSE, FALSE, sizeof(uint64_t));
	assert_int_equal(ledger_next(ledger), 1);
	ledger_add(ledger, 1, first, 2);
	ledger_add(ledger, 2, second, 1);
	assert_int_equal(ledger_next(ledger), 3);
	assert_true(ledger_has(ledger, &first[1]));
	struct ledger_fire other = fire_of(2, 20);
	assert_false(ledger_has(ledger, &other));
	time_us until = 10;
	ledger_settle(ledger, up_to, &until, done);
	assert_int_equal(done->len, 1);
	assert_int_equal(g_array_index(done, uint64_t, 0), 1);
	assert_false(ledger_has(ledger, &first[1]));
	assert_true(ledger_has(ledger, &second[0]));
	assert_int_equal(ledger_count(ledger), 1);
	assert_int_equal(ledger_record_count(ledger), 1);
	assert_int_equal(ledger_next(ledger), 3);
	ledger_free(ledger);
}

static void a_manual_fire_is_another_one(void **state)
{
	(void)state;
	struct ledger *ledger = ledger_new();
	struct ledger_fire manual = fire_of(1, 10), scheduled = fire_of(1, 10);
	strcpy(manual.manual, "0b6d4bd6-8d5f-4e2a-9d3c-1f0a3c5b7e90");
	ledger_add(ledger, 7, &manual, 1);
	assert_true(ledger_has(ledger, &manual));
	assert_false(ledger_has(ledger, &scheduled));
	assert_int_equal(ledger_next(ledger), 8);
	ledger_free(ledger);
}

static void a_record_of_known_fires_is_deleted_as_well(void **state)
{
	(void)state;
	struct ledger *ledger = ledger_new();
	struct ledger_fire fire = fire_of(1, 10);
	g_autoptr(GArray) done = g_array_new(FALSE, FALSE, sizeof(uint64_t));
	ledger_add(ledger, 1, &fire, 1);
	ledger_add(ledger, 2, &fire, 1);
	time_us until = 5;
	ledger_settle(ledger, up_to, &until, done);
	assert_int_equal(done->len, 1);
	assert_int_equal(g_array_index(done, uint64_t, 0), 2);
	assert_true(ledger_has(ledger, &fire));
	ledger_free(ledger);
}

/* What settles out of order is not looked for; it is forgotten with what comes before it. */
static void fires_settle_in_their_order(void **state)
{
	(void)state;
	struct ledger *ledger = ledger_new();
	struct ledger_fire fires[] = {fire_of(1, 10), fire_of(2, 30), fire_of(3, 20)};
	g_autoptr(GArray) done = g_array_new(FALSE, FALSE, sizeof(uint64_t));
	ledger_add(ledger, 1, fires, 3);
	ledger_settle(ledger, up_to, &(time_us){20}, done);
	assert_int_equal(done->len, 0);
	assert_false(ledger_has(ledger, &fires[0]));
	assert_true(ledger_has(ledger, &fires[1]));
	assert_true(ledger_has(ledger, &fires[2]));
	ledger_settle(ledger, up_to, &(time_us){30}, done);
	assert_int_equal(done->len, 1);
	assert_int_equal(ledger_count(ledger), 0);
	assert_int_equal(ledger_record_count(ledger), 0);
	ledger_free(ledger);
}

static void records_are_read_back(void **state)
{
	(void)state;
	enum { COUNT = 1000 };
	g_autofree struct ledger_fire *fires = g_new0(struct ledger_fire, COUNT);
	for (int i = 0; i < COUNT; i++)
		fires[i] = (struct ledger_fire){.action_id = i * 3 - 500,
			.nominal = INT64_C(1704067200000000) + i / 100,
			.due_at = i % 7 ? INT64_C(1704067200000000) : TIME_US_MAX};
	strcpy(fires[5].manual, "0b6d4bd6-8d5f-4e2a-9d3c-1f0a3c5b7e90");
	fires[6].action_id = INT64_MIN;
	fires[7].action_id = INT64_MAX;
	g_autoptr(GByteArray) bytes = g_byte_array_new();
	g_autoptr(GArray) back = g_array_new(FALSE, FALSE, sizeof(struct ledger_fire));
	ledger_pack(fires, COUNT, bytes);
	assert_true(ledger_unpack(bytes->data, bytes->len, back));
	assert_int_equal(back->len, COUNT);
	assert_memory_equal(back->data, fires, COUNT * sizeof *fires);
}

static void a_burst_takes_few_bytes(void **state)
{
	(void)state;
	enum { COUNT = 1000 };
	g_autofree struct ledger_fire *fires = g_new0(struct ledger_fire, COUNT);
	for (int i = 0; i < COUNT; i++)
		fires[i] = fire_of(i, INT64_C(1704067200000000));
	g_autoptr(GByteArray) bytes = g_byte_array_new();
	ledger_pack(fires, COUNT, bytes);
	assert_true(bytes->len < COUNT * 4 + 32);
}

static void other_bytes_are_refused(void **state)
{
	(void)state;
	struct ledger_fire fires[3] = {fire_of(1, 10), fire_of(2, 10), fire_of(3, 10)};
	g_autoptr(GByteArray) bytes = g_byte_array_new();
	g_autoptr(GArray) back = g_array_new(FALSE, FALSE, sizeof(struct ledger_fire));
	ledger_pack(fires, 3, bytes);
	for (guint length = 0; length < bytes->len; length++)
		assert_false(ledger_unpack(bytes->data, length, back));
	bytes->data[0] = 9;
	assert_false(ledger_unpack(bytes->data, bytes->len, back));
	static const uint8_t huge[] = {1, 0xff, 0xff, 0xff, 0xff, 0x0f};
	assert_false(ledger_unpack(huge, sizeof huge, back));
	assert_int_equal(back->len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_added_is_there_until_it_is_settled),
		cmocka_unit_test(a_manual_fire_is_another_one),
		cmocka_unit_test(a_record_of_known_fires_is_deleted_as_well),
		cmocka_unit_test(fires_settle_in_their_order),
		cmocka_unit_test(records_are_read_back),
		cmocka_unit_test(a_burst_takes_few_bytes),
		cmocka_unit_test(other_bytes_are_refused),
	};
	return cmocka_run_group_tests_name("kafka ledger", tests, NULL, NULL);
}
