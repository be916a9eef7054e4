/* What another schedule changes: against sets of all fires of both. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/fire_diff.h"

#define BEGIN (INT64_C(1704067200) * US_PER_SECOND) /* 2024-01-01T00:00:00Z */
#define END   (BEGIN + 2 * US_PER_HOUR)
#define ID    17

static const char *const documents[] = {
	NULL,
	"{\"format\":\"unix\",\"params\":{\"value\":\"*/2 * * * *\"}}",
	"{\"format\":\"unix\",\"params\":{\"value\":\"*/3 * * * *\"}}",
	"{\"format\":\"apscheduler\",\"params\":{\"minute\":\"*/3\",\"jitter\":200}}",
	"{\"format\":\"apscheduler\",\"params\":{\"minute\":\"*\",\"jitter\":200}}",
	"{\"format\":\"date\",\"params\":{\"run_date\":\"2024-01-01 01:00:00\"}}",
	"{\"format\":\"unix\",\"params\":{\"value\":\"0 0 30 2 *\"}}",
};

static struct schedule *parse(const char *text)
{
	struct zone *utc = zone_new_utc();
	struct schedule_context context = {.timezone = utc};
	g_autoptr(GError) error = NULL;
	struct schedule *schedule = text ? schedule_parse(text, strlen(text), &context, &error) : NULL;
	zone_unref(utc);
	if (error)
		fail_msg("%s: %s", text, error->message);
	return schedule;
}

/* Nominal times of the fires due in [BEGIN, END), each with its due time. */
static GHashTable *fires_of(const struct schedule *schedule)
{
	GHashTable *fires = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, g_free);
	time_us nominal = BEGIN - US_PER_HOUR;
	while (schedule && schedule_next(schedule, nominal, &nominal) && nominal < END) {
		time_us due = fire_due_at(schedule, ID, nominal);
		if (due >= BEGIN && due < END)
			g_hash_table_insert(
				fires, g_memdup2(&nominal, sizeof nominal), g_memdup2(&due, sizeof due));
	}
	return fires;
}

/* How many of a set the other has not, and when the first of them is due. */
static uint64_t lacking(GHashTable *of, GHashTable *other, time_us *first)
{
	GHashTableIter iter;
	void *nominal, *due;
	uint64_t count = 0;
	*first = TIME_US_MAX;
	g_hash_table_iter_init(&iter, of);
	while (g_hash_table_iter_next(&iter, &nominal, &due)) {
		const time_us *there = g_hash_table_lookup(other, nominal);
		if (there && *there == *(time_us *)due)
			continue;
		*first = MIN(*first, *(time_us *)due);
		count++;
	}
	return count;
}

static void check(const struct schedule *before, const struct schedule *after)
{
	struct fire_diff diff;
	time_us first_gone, first_added;
	g_autoptr(GHashTable) old = fires_of(before), new = fires_of(after);
	fire_diff_make(before, after, ID, BEGIN, END, &diff);
	assert_int_equal(diff.gone, lacking(old, new, &first_gone));
	assert_int_equal(diff.added, lacking(new, old, &first_added));
	assert_int_equal(diff.first_gone, first_gone);
	assert_int_equal(diff.first_added, first_added);
	assert_int_equal(diff.kept + diff.gone, g_hash_table_size(old));
	assert_int_equal(diff.kept + diff.added, g_hash_table_size(new));
}

static void differences_are_those_of_the_sets(void **state)
{
	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(documents); i++) {
		struct schedule *before = parse(documents[i]);
		check(before, before);
		for (size_t j = 0; j < G_N_ELEMENTS(documents); j++) {
			struct schedule *after = parse(documents[j]);
			check(before, after);
			schedule_unref(after);
		}
		schedule_unref(before);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(differences_are_those_of_the_sets),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
