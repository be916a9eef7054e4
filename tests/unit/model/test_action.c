/* Rows packed, unpacked, told apart and built; every value that makes a row bad. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/tzfile.h"
#include "cron/zone_cache.h"
#include "model/action.h"

#define GOOD_CRON "{\"format\": \"unix\", \"params\": {\"value\": \"*/5 * * * *\"}}"

static const struct action_defaults defaults = {.timezone = "UTC",
	.callback = "print",
	.merge_missed = true,
	.actuality_s = 77,
	.catch_up_limit = -1,
	.timeout_s = 9,
	.max_instances = 3,
	.max_attempts = 2};

static struct zone_cache *zones;
static struct schedule_cache *cache;

static bool find_lane(void *context G_GNUC_UNUSED, const char *callback, uint16_t *lane, GError **error)
{
	bool print = strcmp(callback, "print") == 0;
	if (!print && strcmp(callback, "exec") != 0) {
		g_set_error(error, AS_ERROR, AS_ERROR_INVALID, "no callback “%s”", callback);
		return false;
	}
	*lane = print ? 4 : 5;
	return true;
}
static const struct lane_names lanes = {find_lane, NULL};

static struct text text_of(const char *string)
{
	return (struct text){string, strlen(string)};
}

static struct maybe_int number(int64_t value)
{
	return (struct maybe_int){.set = true, .value = value};
}

static struct action_row good_row(void)
{
	return (struct action_row){
		.id = 17, .name = text_of("Name"), .command = text_of("do it"), .cron = text_of(GOOD_CRON)};
}

static GByteArray *pack(const struct action_row *row)
{
	GByteArray *out = g_byte_array_new();
	action_pack(row, &defaults, out);
	return out;
}

static enum action_state build(const struct action_row *row, struct action **out, GError **error)
{
	g_autoptr(GByteArray) packed = pack(row);
	return action_build(packed->data, packed->len, &defaults, &lanes, cache, out, error);
}

/* The row is bad, and the message opens with the column. */
static void expect_bad(const struct action_row *row, const char *message)
{
	g_autoptr(GError) error = NULL;
	struct action *action = NULL;
	assert_int_equal(build(row, &action, &error), ACTION_BAD);
	assert_null(action);
	assert_non_null(error);
	assert_int_equal(error->code, AS_ERROR_INVALID);
	if (!g_str_has_prefix(error->message, message))
		fail_msg("“%s” does not open with “%s”", error->message, message);
}

static struct action *expect_active(const struct action_row *row)
{
	g_autoptr(GError) error = NULL;
	struct action *action = NULL;
	if (build(row, &action, &error) != ACTION_ACTIVE)
		fail_msg("%s", error ? error->message : "disabled");
	return action;
}

static void nulls_take_the_defaults(void **state G_GNUC_UNUSED)
{
	struct action_row row = good_row();
	struct action *action = expect_active(&row);
	assert_int_equal(action->id, 17);
	assert_int_equal(action->refs, 1);
	assert_string_equal(action_name(action), "Name");
	assert_string_equal(action_command(action), "do it");
	assert_int_equal(action->name_length, 4);
	assert_int_equal(action->command_length, 5);
	assert_true(action->merge_missed);
	assert_int_equal(action->actuality_s, 77);
	assert_int_equal(action->catch_up_limit, -1);
	assert_int_equal(action->timeout_s, 9);
	assert_int_equal(action->max_instances, 3);
	assert_int_equal(action->max_attempts, 2);
	assert_int_equal(action->lane, 4);
	assert_int_equal(action->since, 0);
	assert_false(action->stale);
	assert_null(action_topic(action));
	assert_string_equal(zone_name(schedule_zone(action->schedule)), "UTC");
	assert_ptr_equal(action_ref(action), action);
	action_unref(action);
	action_unref(action);
}

static void columns_beat_the_defaults(void **state G_GNUC_UNUSED)
{
	struct action_row row = good_row();
	row.merge_missed = number(0);
	row.actuality_time = number(0);
	row.enabled = number(1);
	row.max_instances = number(UINT16_MAX);
	row.timeout = number(0);
	row.max_attempts = number(1);
	row.catch_up_limit = number(0);
	row.timezone = text_of("Europe/Moscow");
	row.callback = text_of("exec");
	row.dst = text_of("vixie");
	row.topic = text_of("other.topic-1");
	struct action *action = expect_active(&row);
	assert_string_equal(action_command(action), "do it");
	assert_string_equal(action_topic(action), "other.topic-1");
	assert_false(action->merge_missed);
	assert_int_equal(action->actuality_s, 0);
	assert_int_equal(action->max_instances, UINT16_MAX);
	assert_int_equal(action->timeout_s, 0);
	assert_int_equal(action->max_attempts, 1);
	assert_int_equal(action->catch_up_limit, 0);
	assert_int_equal(action->lane, 5);
	assert_string_equal(zone_name(schedule_zone(action->schedule)), "Europe/Moscow");
	action_unref(action);
}

static void actuality_knows_never(void **state G_GNUC_UNUSED)
{
	static const struct {
		int64_t column;
		int32_t actuality_s;
	} cases[] = {{-1, -1}, {INT64_MIN, -1}, {INT64_MAX, -1}, {INT32_MAX, INT32_MAX},
		{(int64_t)INT32_MAX + 1, -1}};
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct action_row row = good_row();
		row.actuality_time = number(cases[i].column);
		struct action *action = expect_active(&row);
		assert_int_equal(action->actuality_s, cases[i].actuality_s);
		action_unref(action);
	}
}

static void empty_texts_are_texts(void **state G_GNUC_UNUSED)
{
	struct action_row row = good_row();
	row.name = row.command = text_of("");
	struct action *action = expect_active(&row);
	assert_string_equal(action_name(action), "");
	assert_string_equal(action_command(action), "");
	action_unref(action);
}

static void disabled_rows_are_not_looked_at(void **state G_GNUC_UNUSED)
{
	struct action_row row = good_row();
	struct action *action = NULL;
	g_autoptr(GError) error = NULL;
	row.enabled = number(0);
	row.cron = text_of("nonsense");
	assert_int_equal(build(&row, &action, &error), ACTION_DISABLED);
	assert_null(action);
	assert_null(error);
}

static void bad_texts(void **state G_GNUC_UNUSED)
{
	static const size_t columns[] = {offsetof(struct action_row, name),
		offsetof(struct action_row, command), offsetof(struct action_row, cron),
		offsetof(struct action_row, timezone), offsetof(struct action_row, callback),
		offsetof(struct action_row, dst), offsetof(struct action_row, topic)};
	static const char *const names[] = {
		"name", "command", "cron", "timezone", "callback", "dst", "topic"};
	g_autofree char *huge = g_malloc(ACTION_TEXT_MAX + 2);
	memset(huge, 'x', ACTION_TEXT_MAX + 2);
	struct {
		struct text text;
		const char *reason;
	} const cases[] = {{{0}, "NULL is not allowed"}, {{"a\0b", 3}, "holds a NUL byte"},
		{{"a\0", 2}, "holds a NUL byte"}, {{"\xff", 1}, "is not valid UTF-8"},
		{{"\xc3", 1}, "is not valid UTF-8"}, {{"\xed\xa0\x80", 3}, "is not valid UTF-8"},
		{{huge, ACTION_TEXT_MAX + 2}, "longer than 16 MiB"}};
	for (size_t i = 0; i < G_N_ELEMENTS(columns); i++) {
		for (size_t j = i < 3 ? 0 : 1; j < G_N_ELEMENTS(cases); j++) {
			struct action_row row = good_row();
			*(struct text *)G_STRUCT_MEMBER_P(&row, columns[i]) = cases[j].text;
			g_autofree char *message = g_strdup_printf("%s: %s", names[i], cases[j].reason);
			expect_bad(&row, message);
		}
	}
}

static void bad_meanings(void **state G_GNUC_UNUSED)
{
	g_autofree char *long_topic = g_strnfill(250, 't');
	const struct {
		size_t column;
		const char *value, *message;
	} cases[] = {{offsetof(struct action_row, cron), "{", "cron: "},
		{offsetof(struct action_row, cron), "null", "cron: "},
		{offsetof(struct action_row, cron), "", "cron: "},
		{offsetof(struct action_row, cron),
			"{\"format\": \"unix\", \"params\": {\"value\": \"61 * * * *\"}}", "cron: "},
		{offsetof(struct action_row, cron),
			"{\"format\": \"apscheduler\", \"params\": {\"timezone\": \"Mars/Base\"}}", "cron: "},
		{offsetof(struct action_row, timezone), "Mars/Base", "timezone: "},
		{offsetof(struct action_row, timezone), "", "timezone: "},
		{offsetof(struct action_row, callback), "teleport", "callback: "},
		{offsetof(struct action_row, callback), "", "callback: "},
		{offsetof(struct action_row, dst), "", "dst: "},
		{offsetof(struct action_row, dst), "VIXIE", "dst: "},
		{offsetof(struct action_row, dst), "wall_clock ", "dst: "},
		{offsetof(struct action_row, topic), "", "topic: "},
		{offsetof(struct action_row, topic), "..", "topic: "},
		{offsetof(struct action_row, topic), "a topic", "topic: "},
		{offsetof(struct action_row, topic), "тема", "topic: "},
		{offsetof(struct action_row, topic), long_topic, "topic: "}};
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct action_row row = good_row();
		*(struct text *)G_STRUCT_MEMBER_P(&row, cases[i].column) = text_of(cases[i].value);
		expect_bad(&row, cases[i].message);
	}
}

static void bad_numbers(void **state G_GNUC_UNUSED)
{
	static const struct {
		size_t column;
		const char *name;
		int64_t values[4];
	} cases[] = {
		{offsetof(struct action_row, merge_missed), "merge_missed", {-1, 2, INT64_MAX, INT64_MIN}},
		{offsetof(struct action_row, enabled), "enabled", {-1, 2, INT64_MAX, INT64_MIN}},
		{offsetof(struct action_row, max_instances), "max_instances", {0, -1, 65536, INT64_MIN}},
		{offsetof(struct action_row, max_attempts), "max_attempts", {0, -1, 65536, INT64_MAX}},
		{offsetof(struct action_row, timeout), "timeout",
			{-1, INT64_C(1) << 31, INT64_MAX, INT64_MIN}},
		{offsetof(struct action_row, catch_up_limit), "catch_up_limit",
			{-1, INT64_C(1) << 31, INT64_MAX, INT64_MIN}}};
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *prefix = g_strdup_printf("%s: ", cases[i].name);
		struct action_row row = good_row();
		struct maybe_int *column = G_STRUCT_MEMBER_P(&row, cases[i].column);
		for (size_t j = 0; j < G_N_ELEMENTS(cases[i].values); j++) {
			*column = number(cases[i].values[j]);
			expect_bad(&row, prefix);
		}
		*column = (struct maybe_int){.bad = text_of("soon")};
		g_autofree char *message = g_strconcat(prefix, "“soon” is not a", NULL);
		expect_bad(&row, message);
	}
	struct action_row row = good_row();
	row.actuality_time.bad = (struct text){"\xff\0", 2};
	expect_bad(&row, "actuality_time: ");
}

static void same_text(struct text a, struct text b)
{
	assert_int_equal(a.data == NULL, b.data == NULL);
	assert_int_equal(a.length, b.length);
	assert_true(a.length == 0 || memcmp(a.data, b.data, a.length) == 0);
}

static void same_number(struct maybe_int a, struct maybe_int b)
{
	assert_int_equal(a.set, b.set);
	assert_int_equal(a.value, b.value);
	same_text(a.bad, b.bad);
}

static void same_row(const struct action_row *a, const struct action_row *b)
{
	assert_int_equal(a->id, b->id);
	same_text(a->name, b->name);
	same_text(a->command, b->command);
	same_text(a->cron, b->cron);
	same_text(a->timezone, b->timezone);
	same_text(a->callback, b->callback);
	same_text(a->dst, b->dst);
	same_text(a->topic, b->topic);
	same_number(a->merge_missed, b->merge_missed);
	same_number(a->actuality_time, b->actuality_time);
	same_number(a->enabled, b->enabled);
	same_number(a->max_instances, b->max_instances);
	same_number(a->timeout, b->timeout);
	same_number(a->max_attempts, b->max_attempts);
	same_number(a->catch_up_limit, b->catch_up_limit);
}

static struct text random_text(GRand *rand, char *buffer, bool may_be_null)
{
	gint32 length = g_rand_int_range(rand, may_be_null ? -1 : 0, 300);
	for (gint32 i = 0; i < length; i++)
		buffer[i] = (char)g_rand_int_range(rand, 0, 256);
	return length < 0 ? (struct text){0} : (struct text){buffer, (size_t)length};
}

static struct maybe_int random_number(GRand *rand)
{
	switch (g_rand_int_range(rand, 0, 5)) {
	case 0: return (struct maybe_int){.bad = text_of("bad")};
	case 1: return (struct maybe_int){0};
	case 2: return number(g_rand_int_range(rand, -300, 300));
	default: return number((int64_t)((uint64_t)g_rand_int(rand) << 32 | g_rand_int(rand)));
	}
}

static struct action_row random_row(GRand *rand, char buffers[7][300])
{
	return (struct action_row){.id = (int64_t)((uint64_t)g_rand_int(rand) << 32 | g_rand_int(rand)) >>
					 g_rand_int_range(rand, 0, 64),
		.name = random_text(rand, buffers[0], true),
		.command = random_text(rand, buffers[1], true),
		.cron = random_text(rand, buffers[2], true),
		.timezone = random_text(rand, buffers[3], false),
		.callback = random_text(rand, buffers[4], false),
		.dst = random_text(rand, buffers[5], false),
		.topic = random_text(rand, buffers[6], true),
		.merge_missed = random_number(rand),
		.actuality_time = random_number(rand),
		.enabled = random_number(rand),
		.max_instances = random_number(rand),
		.timeout = random_number(rand),
		.max_attempts = random_number(rand),
		.catch_up_limit = random_number(rand)};
}

/* Whatever a row holds comes back; whatever was cut off or spoilt is refused or read, never run over. */
static void packing_keeps_every_value(void **state G_GNUC_UNUSED)
{
	g_autoptr(GRand) rand = g_rand_new_with_seed(1);
	static char buffers[7][300];
	for (int round = 0; round < 2000; round++) {
		struct action_row row = random_row(rand, buffers), back;
		enum unix_dialect dialect;
		g_autoptr(GByteArray) packed = pack(&row);
		assert_true(action_unpack(packed->data, packed->len, &back, &dialect));
		same_row(&row, &back);
		assert_int_equal(dialect, UNIX_DIALECT_STANDARD);
		/* A copy of the exact length, so that a sanitizer sees a read past its end. */
		guint cut = (guint)g_rand_int_range(rand, 0, (gint32)packed->len);
		g_autofree uint8_t *part = g_memdup2(packed->data, cut ? cut : 1);
		assert_false(action_unpack(part, cut, &back, &dialect));
		g_autofree uint8_t *spoilt = g_memdup2(packed->data, packed->len);
		spoilt[cut] ^= (uint8_t)g_rand_int_range(rand, 1, 256);
		struct action *action = NULL;
		if (action_build(spoilt, packed->len, &defaults, &lanes, cache, &action, NULL) ==
			ACTION_ACTIVE)
			action_unref(action);
		g_byte_array_append(packed, (const guint8 *)"", 1);
		assert_false(action_unpack(packed->data, packed->len, &back, &dialect));
	}
	schedule_cache_trim(cache);
}

static void unpacked_defaults_are_resolved(void **state G_GNUC_UNUSED)
{
	struct action_defaults other = defaults;
	other.timezone = "Asia/Tokyo";
	other.callback = "exec";
	other.dialect = UNIX_DIALECT_APSCHEDULER;
	other.dst = DST_VIXIE;
	struct action_row row = good_row(), back;
	enum unix_dialect dialect;
	g_autoptr(GByteArray) packed = g_byte_array_new();
	action_pack(&row, &other, packed);
	assert_true(action_unpack(packed->data, packed->len, &back, &dialect));
	assert_string_equal(back.timezone.data, "Asia/Tokyo");
	assert_string_equal(back.callback.data, "exec");
	same_text(back.dst, text_of("vixie"));
	assert_int_equal(dialect, UNIX_DIALECT_APSCHEDULER);
	/* What is built later goes by what was packed, whatever the defaults are then. */
	struct action *action = NULL;
	assert_int_equal(action_build(packed->data, packed->len, &defaults, &lanes, cache, &action, NULL),
		ACTION_ACTIVE);
	assert_string_equal(zone_name(schedule_zone(action->schedule)), "Asia/Tokyo");
	assert_int_equal(action->lane, 5);
	action_unref(action);
}

/* Every column changes the digest, and so does every default that decides what the row means. */
static void digest_tells_rows_apart(void **state G_GNUC_UNUSED)
{
	struct action_row rows[19];
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
		rows[i] = good_row();
	rows[1].id = 18;
	rows[2].name = text_of("Named");
	rows[3].command = text_of("do it!");
	rows[4].cron = text_of("{}");
	rows[5].merge_missed = number(0);
	rows[6].merge_missed = number(1);
	rows[7].actuality_time = number(0);
	rows[8].enabled = number(0);
	rows[9].max_instances = number(1);
	rows[10].timeout = number(1);
	rows[11].max_attempts = number(1);
	rows[12].catch_up_limit = number(1);
	rows[13].timezone = text_of("Europe/Moscow");
	rows[14].callback = text_of("exec");
	rows[15].dst = text_of("vixie");
	rows[16].max_attempts.bad = text_of("1");
	rows[17].name = (struct text){0};
	rows[18].topic = text_of("t");
	uint64_t digests[G_N_ELEMENTS(rows)];
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(GByteArray) packed = pack(&rows[i]);
		digests[i] = action_digest(packed->data, packed->len);
		for (size_t j = 0; j < i; j++)
			assert_int_not_equal(digests[i], digests[j]);
	}
	struct action_defaults other = defaults;
	other.dialect = UNIX_DIALECT_APSCHEDULER;
	g_autoptr(GByteArray) packed = g_byte_array_new();
	action_pack(&rows[0], &other, packed);
	assert_int_not_equal(digests[0], action_digest(packed->data, packed->len));
}

static void appending_leaves_what_is_there(void **state G_GNUC_UNUSED)
{
	struct action_row row = good_row();
	g_autoptr(GByteArray) packed = pack(&row), twice = pack(&row);
	action_pack(&row, &defaults, twice);
	assert_int_equal(twice->len, 2 * packed->len);
	assert_memory_equal(twice->data, packed->data, packed->len);
	assert_memory_equal(twice->data + packed->len, packed->data, packed->len);
}

static void rubbish_is_no_definition(void **state G_GNUC_UNUSED)
{
	struct action *action = NULL;
	g_autoptr(GError) error = NULL;
	assert_int_equal(
		action_build((const uint8_t *)"", 0, &defaults, &lanes, cache, &action, &error), ACTION_BAD);
	assert_int_equal(error->code, AS_ERROR_CORRUPT);
	action_unref(NULL);
}

static int setup(void **state G_GNUC_UNUSED)
{
	zones = zone_cache_new(tzfile_read);
	cache = schedule_cache_new(zone_cache_source(zones));
	return 0;
}

static int teardown(void **state G_GNUC_UNUSED)
{
	schedule_cache_free(cache);
	zone_cache_free(zones);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nulls_take_the_defaults),
		cmocka_unit_test(columns_beat_the_defaults),
		cmocka_unit_test(actuality_knows_never),
		cmocka_unit_test(empty_texts_are_texts),
		cmocka_unit_test(disabled_rows_are_not_looked_at),
		cmocka_unit_test(bad_texts),
		cmocka_unit_test(bad_meanings),
		cmocka_unit_test(bad_numbers),
		cmocka_unit_test(packing_keeps_every_value),
		cmocka_unit_test(unpacked_defaults_are_resolved),
		cmocka_unit_test(digest_tells_rows_apart),
		cmocka_unit_test(appending_leaves_what_is_there),
		cmocka_unit_test(rubbish_is_no_definition),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
