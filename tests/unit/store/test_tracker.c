/* What the tracker reports, against a table in memory: single cases, and random edits against a model. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/tzfile.h"
#include "cron/zone_cache.h"
#include "store/backend.h"
#include "store/tracker.h"

#define CRON "{\"format\": \"unix\", \"params\": {\"value\": \"* * * * *\"}}"

/* --- a table in memory --- */

struct table {
	struct store store;
	GTree *rows;      /* id → struct table_row, both owned */
	int64_t fails_at; /* the read fails before this id; INT64_MAX: never */
};

struct table_row {
	int64_t id;
	int name;    /* any number */
	bool bad;    /* the cron text is no schedule */
	int enabled; /* 0, 1, or -1 for NULL */
};

static gint compare_ids(gconstpointer a, gconstpointer b, gpointer data G_GNUC_UNUSED)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

struct reading {
	struct table *table;
	store_row_fn each;
	void *context;
	bool stopped, failed;
};

static gboolean read_row(gpointer key G_GNUC_UNUSED, gpointer value, gpointer data)
{
	struct reading *reading = data;
	const struct table_row *from = value;
	if (from->id >= reading->table->fails_at) {
		reading->failed = true;
		return TRUE;
	}
	char name[20];
	g_snprintf(name, sizeof(name), "%d", from->name);
	const char *cron = from->bad ? "bad" : CRON;
	struct action_row row = {.id = from->id,
		.name = {name, strlen(name)},
		.command = {"run", 3},
		.cron = {cron, strlen(cron)},
		.enabled = {.set = from->enabled >= 0, .value = from->enabled}};
	reading->stopped = !reading->each(reading->context, &row);
	return reading->stopped;
}

static bool table_read(struct store *store, store_row_fn each, void *context, GError **error)
{
	struct table *table = (struct table *)store;
	struct reading reading = {.table = table, .each = each, .context = context};
	store_forget(store);
	g_tree_foreach(table->rows, read_row, &reading);
	if (reading.failed)
		g_set_error(error, AS_ERROR, AS_ERROR_UNAVAILABLE, "planned");
	store->whole = !reading.failed && !reading.stopped;
	return !reading.failed;
}

/* Those of some ids, through the read of all. */
struct some {
	const int64_t *ids;
	size_t count;
	store_row_fn each;
	void *context;
};

static bool some_row(void *context, const struct action_row *row)
{
	struct some *some = context;
	for (size_t i = 0; i < some->count; i++)
		if (some->ids[i] == row->id)
			return some->each(some->context, row);
	return true;
}

static bool table_read_ids(struct store *store, const int64_t *ids, size_t count, store_row_fn each,
	void *context, GError **error)
{
	struct some some = {ids, count, each, context};
	bool done = table_read(store, some_row, &some, error);
	/* They are the caller's no more. */
	memset((int64_t *)(uintptr_t)ids, 0, count * sizeof *ids);
	return done;
}

static const struct store_backend memory = {
	.dialect = "memory", .read = table_read, .read_ids = table_read_ids};

static void put(struct table *table, struct table_row row)
{
	struct table_row *copy = g_memdup2(&row, sizeof(row));
	g_tree_replace(table->rows, &copy->id, copy);
}

static void put_good(struct table *table, int64_t id, int name)
{
	put(table, (struct table_row){.id = id, .name = name, .enabled = -1});
}

static void take_out(struct table *table, int64_t id)
{
	g_tree_remove(table->rows, &id);
}

/* --- the fixture --- */

static struct zone_cache *zones;
static const struct action_defaults defaults = {
	.timezone = "UTC", .callback = "print", .max_instances = 3, .max_attempts = 1};
static bool lane_is_known = true;

static bool find_lane(
	void *context G_GNUC_UNUSED, const char *callback G_GNUC_UNUSED, uint16_t *lane, GError **error)
{
	*lane = 0;
	if (!lane_is_known)
		g_set_error(error, AS_ERROR, AS_ERROR_INVALID, "gone");
	return lane_is_known;
}
static const struct lane_names lanes = {find_lane, NULL};

struct fixture {
	struct table table;
	struct schedule_cache *cache;
	struct tracker *tracker;
	GString *seen; /* the changes of the last read: `+1=name`, `-1 disabled` … */
	size_t batches;
	size_t stop_after; /* batches */
	size_t largest;
};

static int setup(void **state)
{
	struct fixture *fixture = g_new0(struct fixture, 1);
	fixture->table.store.backend = &memory;
	fixture->table.rows = g_tree_new_full(compare_ids, NULL, NULL, g_free);
	fixture->table.fails_at = INT64_MAX;
	fixture->cache = schedule_cache_new(zone_cache_source(zones));
	fixture->tracker = tracker_new(&defaults, &lanes, fixture->cache);
	fixture->seen = g_string_new(NULL);
	fixture->stop_after = SIZE_MAX;
	lane_is_known = true;
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;
	tracker_free(fixture->tracker);
	schedule_cache_free(fixture->cache);
	g_tree_unref(fixture->table.rows);
	g_string_free(fixture->seen, TRUE);
	g_free(fixture);
	return 0;
}

static void note_change(struct fixture *fixture, const struct action_change *change)
{
	GString *out = fixture->seen;
	if (change->kind == CHANGE_UPSERT) {
		struct action_row row;
		enum unix_dialect dialect;
		assert_true(action_unpack(change->packed, change->packed_length, &row, &dialect));
		assert_int_equal(row.id, change->id);
		assert_int_equal(change->action->id, change->id);
		assert_null(change->error);
		g_string_append_printf(out, "+%d=%s ", (int)change->id, action_name(change->action));
		return;
	}
	assert_null(change->action);
	assert_int_equal(change->error != NULL, change->reason == REASON_BAD_ROW);
	g_string_append_printf(out, "-%d%s ", (int)change->id,
		change->reason == REASON_BAD_ROW    ? "bad"
		: change->reason == REASON_DISABLED ? "disabled"
						    : "gone");
}

static bool take_changes(void *context, struct action_change *changes, size_t count)
{
	struct fixture *fixture = context;
	assert_true(count > 0);
	fixture->largest = MAX(fixture->largest, count);
	for (size_t i = 0; i < count; i++) {
		note_change(fixture, &changes[i]);
		action_change_clear(&changes[i]);
	}
	return ++fixture->batches < fixture->stop_after;
}

static bool read_table(struct fixture *fixture)
{
	g_autoptr(GError) error = NULL;
	g_string_truncate(fixture->seen, 0);
	fixture->batches = 0;
	bool done = tracker_read(fixture->tracker, &fixture->table.store, take_changes, fixture, &error);
	assert_int_equal(done, error == NULL);
	return done;
}

static void expect_changes(struct fixture *fixture, const char *expected)
{
	assert_true(read_table(fixture));
	g_strchomp(fixture->seen->str);
	assert_string_equal(fixture->seen->str, expected);
}

/* --- single cases --- */

static void unchanged_rows_are_no_changes(void **state)
{
	struct fixture *fixture = *state;
	expect_changes(fixture, "");
	put_good(&fixture->table, 2, 1);
	put_good(&fixture->table, 5, 1);
	expect_changes(fixture, "+2=1 +5=1");
	expect_changes(fixture, "");
	assert_int_equal(tracker_rows(fixture->tracker), 2);
	put_good(&fixture->table, 5, 2);
	expect_changes(fixture, "+5=2");
	put_good(&fixture->table, 1, 1);
	put_good(&fixture->table, 3, 1);
	put_good(&fixture->table, 9, 1);
	take_out(&fixture->table, 2);
	expect_changes(fixture, "+1=1 +3=1 +9=1 -2gone");
	expect_changes(fixture, "");
	assert_int_equal(tracker_rows(fixture->tracker), 4);
	take_out(&fixture->table, 1);
	take_out(&fixture->table, 9);
	expect_changes(fixture, "-1gone -9gone");
	put_good(&fixture->table, 9, 1);
	expect_changes(fixture, "+9=1");
}

static void expect_changes_of(struct fixture *fixture, int64_t *ids, size_t count, const char *expected)
{
	g_autoptr(GError) error = NULL;
	g_string_truncate(fixture->seen, 0);
	fixture->batches = 0;
	assert_true(tracker_read_ids(
		fixture->tracker, &fixture->table.store, ids, count, take_changes, fixture, &error));
	g_strchomp(fixture->seen->str);
	assert_string_equal(fixture->seen->str, expected);
}

/* Other rows are neither read nor taken for gone. */
static void single_rows(void **state)
{
	struct fixture *fixture = *state;
	for (int id = 1; id <= 9; id += 2)
		put_good(&fixture->table, id, 1);
	expect_changes(fixture, "+1=1 +3=1 +5=1 +7=1 +9=1");
	put_good(&fixture->table, 3, 2);
	put_good(&fixture->table, 4, 2);
	put_good(&fixture->table, 6, 2);
	put(&fixture->table, (struct table_row){.id = 9, .bad = true, .enabled = -1});
	take_out(&fixture->table, 1);
	take_out(&fixture->table, 5);
	expect_changes_of(fixture, (int64_t[]){1, 2, 3, 4, 7, 9}, 6, "+3=2 +4=2 -9bad -1gone");
	assert_int_equal(tracker_rows(fixture->tracker), 5);
	assert_int_equal(tracker_bad_rows(fixture->tracker), 1);
	expect_changes_of(fixture, (int64_t[]){3, 4}, 2, "");
	expect_changes_of(fixture, NULL, 0, "");
	take_out(&fixture->table, 9);
	take_out(&fixture->table, 4);
	put_good(&fixture->table, 10, 1);
	expect_changes_of(fixture, (int64_t[]){9, 10}, 2, "+10=1");
	expect_changes_of(fixture, (int64_t[]){4}, 1, "-4gone");
	assert_int_equal(tracker_bad_rows(fixture->tracker), 0);
	expect_changes(fixture, "+6=2 -5gone");
	expect_changes(fixture, "");
}

static void bad_rows_are_reported_once_a_change(void **state)
{
	struct fixture *fixture = *state;
	struct table_row bad = {.id = 1, .bad = true, .enabled = -1};
	put(&fixture->table, bad);
	put_good(&fixture->table, 2, 1);
	expect_changes(fixture, "-1bad +2=1");
	assert_int_equal(tracker_bad_rows(fixture->tracker), 1);
	expect_changes(fixture, "");
	bad.name = 7;
	put(&fixture->table, bad);
	expect_changes(fixture, "-1bad");
	put_good(&fixture->table, 1, 7);
	expect_changes(fixture, "+1=7");
	assert_int_equal(tracker_bad_rows(fixture->tracker), 0);
	put(&fixture->table, bad);
	expect_changes(fixture, "-1bad");
	/* Nobody knows it, so nobody need hear that it went. */
	take_out(&fixture->table, 1);
	expect_changes(fixture, "");
	assert_int_equal(tracker_bad_rows(fixture->tracker), 0);
	assert_int_equal(tracker_rows(fixture->tracker), 1);
}

static void disabled_rows_are_reported_where_they_were_known(void **state)
{
	struct fixture *fixture = *state;
	struct table_row off = {.id = 1, .enabled = 0}, bad = {.id = 1, .bad = true, .enabled = 1};
	put(&fixture->table, off);
	expect_changes(fixture, "");
	put_good(&fixture->table, 1, 1);
	expect_changes(fixture, "+1=1");
	put(&fixture->table, off);
	expect_changes(fixture, "-1disabled");
	expect_changes(fixture, "");
	off.name = 3;
	put(&fixture->table, off);
	expect_changes(fixture, "");
	put(&fixture->table, bad);
	expect_changes(fixture, "-1bad");
	put(&fixture->table, off);
	expect_changes(fixture, "");
	take_out(&fixture->table, 1);
	expect_changes(fixture, "");
}

static struct action *seed(struct fixture *fixture, int64_t id, int name, GError **error)
{
	char text[20];
	g_snprintf(text, sizeof(text), "%d", name);
	struct action_row row = {
		.id = id, .name = {text, strlen(text)}, .command = {"run", 3}, .cron = {CRON, strlen(CRON)}};
	g_autoptr(GByteArray) packed = g_byte_array_new();
	action_pack(&row, &defaults, packed);
	struct definition definition = {.action_id = id, .packed = packed->data, .length = packed->len};
	return tracker_seed(fixture->tracker, &definition, error);
}

static void seeded_rows_are_known(void **state)
{
	struct fixture *fixture = *state;
	for (int id = 1; id <= 4; id++) {
		struct action *action = seed(fixture, id, 1, NULL);
		assert_non_null(action);
		assert_int_equal(action->id, id);
		action_unref(action);
	}
	g_autoptr(GError) error = NULL;
	assert_null(seed(fixture, 4, 1, &error));
	assert_int_equal(error->code, AS_ERROR_CORRUPT);
	assert_int_equal(tracker_rows(fixture->tracker), 4);
	put_good(&fixture->table, 1, 1);
	put_good(&fixture->table, 2, 2);
	put(&fixture->table, (struct table_row){.id = 3, .name = 1, .enabled = 0});
	put_good(&fixture->table, 5, 1);
	expect_changes(fixture, "+2=2 -3disabled +5=1 -4gone");
	expect_changes(fixture, "");
}

/* What the seed could not build is told again by the read, also where the row has not changed since. */
static void seeds_that_do_not_build(void **state)
{
	struct fixture *fixture = *state;
	g_autoptr(GError) error = NULL;
	lane_is_known = false;
	assert_null(seed(fixture, 1, 1, &error));
	assert_non_null(error);
	assert_null(seed(fixture, 2, 1, NULL));
	put_good(&fixture->table, 1, 1);
	expect_changes(fixture, "-1bad -2gone");
	expect_changes(fixture, "");
	assert_int_equal(tracker_bad_rows(fixture->tracker), 1);
}

static void other_defaults_change_every_row(void **state)
{
	struct fixture *fixture = *state;
	put_good(&fixture->table, 1, 1);
	put(&fixture->table, (struct table_row){.id = 2, .bad = true, .enabled = -1});
	put(&fixture->table, (struct table_row){.id = 3, .enabled = 0});
	put_good(&fixture->table, 4, 1);
	read_table(fixture);
	struct action_defaults other = defaults;
	g_autofree char *zone = g_strdup("UTC");
	other.timezone = zone;
	other.max_instances = 7; /* which no packed definition tells */
	tracker_set_defaults(fixture->tracker, &other);
	tracker_set_defaults(fixture->tracker, &other);
	memset(zone, 'x', strlen(zone));
	expect_changes(fixture, "+1=1 -2bad +4=1");
	expect_changes(fixture, "");
}

static void failed_read_forgets_nothing(void **state)
{
	struct fixture *fixture = *state;
	for (int id = 1; id <= 6; id++)
		put_good(&fixture->table, id, 1);
	read_table(fixture);
	put_good(&fixture->table, 0, 1);
	put_good(&fixture->table, 2, 2);
	put_good(&fixture->table, 5, 2);
	take_out(&fixture->table, 1);
	take_out(&fixture->table, 6);
	fixture->table.fails_at = 4;
	assert_false(read_table(fixture));
	assert_string_equal(fixture->seen->str, "+0=1 +2=2 ");
	assert_int_equal(tracker_rows(fixture->tracker), 7);
	fixture->table.fails_at = INT64_MIN;
	assert_false(read_table(fixture));
	assert_string_equal(fixture->seen->str, "");
	fixture->table.fails_at = INT64_MAX;
	expect_changes(fixture, "+5=2 -1gone -6gone");
	expect_changes(fixture, "");
}

static void stopped_read_goes_on_the_next_time(void **state)
{
	struct fixture *fixture = *state;
	for (int id = 0; id < 3000; id++)
		put_good(&fixture->table, id, 1);
	fixture->stop_after = 1;
	assert_true(read_table(fixture));
	assert_int_equal(fixture->largest, 1024);
	assert_int_equal(tracker_rows(fixture->tracker), 1024);
	assert_false(fixture->table.store.whole);
	fixture->stop_after = SIZE_MAX;
	assert_true(read_table(fixture));
	assert_true(g_str_has_prefix(fixture->seen->str, "+1024=1 +1025=1 "));
	assert_int_equal(tracker_rows(fixture->tracker), 3000);
	assert_true(fixture->table.store.whole);
	/* Stopped while what is gone is reported: what was not reported is still known. */
	for (int id = 0; id < 2000; id++)
		take_out(&fixture->table, id);
	fixture->stop_after = 1;
	assert_true(read_table(fixture));
	assert_true(g_str_has_suffix(fixture->seen->str, "-1022gone -1023gone "));
	assert_int_equal(tracker_rows(fixture->tracker), 3000 - 1024);
	assert_false(fixture->table.store.whole);
	assert_true(read_table(fixture));
	assert_true(g_str_has_prefix(fixture->seen->str, "-1024gone "));
	assert_true(g_str_has_suffix(fixture->seen->str, "-1999gone "));
	assert_int_equal(tracker_rows(fixture->tracker), 1000);
	fixture->stop_after = SIZE_MAX;
	expect_changes(fixture, "");
}

/* --- random edits against a model --- */

#define IDS 60

/* What the one who listens holds: name by id, -1 for nothing. */
static void apply(const char *changes, int held[IDS])
{
	g_auto(GStrv) words = g_strsplit(changes, " ", -1);
	for (char **word = words; *word && **word; word++) {
		char *end;
		int64_t id = g_ascii_strtoll(*word + 1, &end, 10);
		assert_in_range(id, 0, IDS - 1);
		if (**word == '+')
			held[id] = (int)g_ascii_strtoll(end + 1, NULL, 10);
		else if (g_str_equal(end, "bad"))
			held[id] = -1;
		else {
			/* Never said of what the listener does not have. */
			assert_int_not_equal(held[id], -1);
			held[id] = -1;
		}
	}
}

static void edit(GRand *rand, struct table *table)
{
	for (int n = g_rand_int_range(rand, 0, 12); n > 0; n--) {
		int id = g_rand_int_range(rand, 0, IDS);
		if (g_rand_int_range(rand, 0, 3) == 0)
			take_out(table, id);
		else
			put(table, (struct table_row){.id = id,
					   .name = g_rand_int_range(rand, 0, 4),
					   .bad = g_rand_int_range(rand, 0, 6) == 0,
					   .enabled = g_rand_int_range(rand, -1, 2)});
	}
}

static void expect_held(struct table *table, const int held[IDS])
{
	for (int64_t id = 0; id < IDS; id++) {
		const struct table_row *row = g_tree_lookup(table->rows, &id);
		int expected = row && !row->bad && row->enabled ? row->name : -1;
		assert_int_equal(held[id], expected);
	}
}

static size_t count_bad(struct table *table)
{
	size_t count = 0;
	for (int64_t id = 0; id < IDS; id++) {
		const struct table_row *row = g_tree_lookup(table->rows, &id);
		count += row && row->bad && row->enabled;
	}
	return count;
}

static size_t count_disabled(struct table *table)
{
	size_t count = 0;
	for (int64_t id = 0; id < IDS; id++) {
		const struct table_row *row = g_tree_lookup(table->rows, &id);
		count += row && !row->enabled;
	}
	return count;
}

static void random_edits(void **state)
{
	for (guint32 s = 1; s <= 40; s++) {
		struct fixture *fixture = *state;
		g_autoptr(GRand) rand = g_rand_new_with_seed(s);
		int held[IDS];
		memset(held, -1, sizeof(held));
		for (int round = 0; round < 60; round++) {
			edit(rand, &fixture->table);
			bool fails = g_rand_int_range(rand, 0, 4) == 0;
			fixture->table.fails_at = fails ? g_rand_int_range(rand, 0, IDS) : INT64_MAX;
			fixture->stop_after = g_rand_int_range(rand, 0, 5) == 0 ? 1 : SIZE_MAX;
			bool done = read_table(fixture);
			apply(fixture->seen->str, held);
			if (!done || !fixture->table.store.whole)
				continue;
			expect_held(&fixture->table, held);
			assert_int_equal(tracker_rows(fixture->tracker), g_tree_nnodes(fixture->table.rows));
			assert_int_equal(tracker_bad_rows(fixture->tracker), count_bad(&fixture->table));
			assert_int_equal(
				tracker_disabled_rows(fixture->tracker), count_disabled(&fixture->table));
			expect_changes(fixture, "");
		}
		teardown(state);
		setup(state);
	}
}

static int open_zones(void **state G_GNUC_UNUSED)
{
	zones = zone_cache_new(tzfile_read);
	return 0;
}

static int close_zones(void **state G_GNUC_UNUSED)
{
	zone_cache_free(zones);
	return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(unchanged_rows_are_no_changes),
		TEST(single_rows),
		TEST(bad_rows_are_reported_once_a_change),
		TEST(disabled_rows_are_reported_where_they_were_known),
		TEST(seeded_rows_are_known),
		TEST(seeds_that_do_not_build),
		TEST(other_defaults_change_every_row),
		TEST(failed_read_forgets_nothing),
		TEST(stopped_read_goes_on_the_next_time),
		TEST(random_edits),
	};
	return cmocka_run_group_tests(tests, open_zones, close_zones);
}
