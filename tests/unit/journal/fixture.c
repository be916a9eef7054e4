#include "fixture.h"

#include <glib/gstdio.h>
#include <sqlite3.h>
#include <unistd.h>

#define NOW INT64_C(1700000000000000)

int scratch_setup(void **state)
{
	struct scratch *scratch = g_new0(struct scratch, 1);
	scratch->folder = g_dir_make_tmp("journal-test-XXXXXX", NULL);
	assert_non_null(scratch->folder);
	scratch->database = g_build_filename(scratch->folder, "internal.db", NULL);
	*state = scratch;
	return 0;
}

int scratch_teardown(void **state)
{
	struct scratch *scratch = *state;
	GDir *folder = g_dir_open(scratch->folder, 0, NULL);
	const char *name;
	while ((name = g_dir_read_name(folder))) {
		g_autofree char *path = g_build_filename(scratch->folder, name, NULL);
		g_remove(path);
	}
	g_dir_close(folder);
	g_rmdir(scratch->folder);
	g_free(scratch->folder);
	g_free(scratch->database);
	g_free(scratch);
	return 0;
}

struct journal_options sqlite_options(const char *database)
{
	return (struct journal_options){
		.dialect = "sqlite", .database = database, .busy_deadline = 100 * US_PER_MS};
}

struct journal *open_sqlite(const char *database)
{
	struct journal_options options = sqlite_options(database);
	struct journal *journal;
	assert_ok((journal = journal_open(&options, error)));
	return journal;
}

int64_t run_sql(const char *database, const char *sql)
{
	sqlite3 *db = NULL;
	int64_t value = 0;
	assert_int_equal(sqlite3_open(database, &db), SQLITE_OK);
	const char *rest = sql;
	while (*rest) {
		sqlite3_stmt *statement = NULL;
		if (sqlite3_prepare_v2(db, rest, -1, &statement, &rest) != SQLITE_OK)
			fail_msg("%s: %s", sql, sqlite3_errmsg(db));
		if (sqlite3_step(statement) == SQLITE_ROW)
			value = sqlite3_column_int64(statement, 0);
		if (sqlite3_finalize(statement) != SQLITE_OK)
			fail_msg("%s: %s", sql, sqlite3_errmsg(db));
	}
	sqlite3_close(db);
	return value;
}

/* --- random data --- */

static int64_t random_int64(GRand *random)
{
	return (int64_t)((uint64_t)g_rand_int(random) << 32 | g_rand_int(random));
}

time_us random_time(GRand *random)
{
	switch (g_rand_int_range(random, 0, 12)) {
	case 0: return TIME_US_MIN;
	case 1: return TIME_US_MAX;
	case 2: return random_int64(random);
	case 3: return 0;
	default: return NOW + g_rand_int_range(random, -1000, 1000) * US_PER_MS;
	}
}

int64_t random_id(GRand *random)
{
	switch (g_rand_int_range(random, 0, 10)) {
	case 0: return random_int64(random);
	case 1: return -g_rand_int_range(random, 0, 1000);
	default: return g_rand_int_range(random, 1, 3000);
	}
}

static struct position random_position(GRand *random)
{
	return (struct position){random_time(random), random_id(random), random_time(random)};
}

static char *random_text(GRand *random, const char *what)
{
	return g_strdup_printf("%s %d \xd1\x8f 'quoted'", what, g_rand_int_range(random, 0, 5));
}

static uint8_t *random_bytes(GRand *random, uint32_t *length)
{
	*length = (uint32_t)g_rand_int_range(random, 0, 300);
	uint8_t *bytes = g_malloc(*length + 1);
	for (uint32_t i = 0; i < *length; i++)
		bytes[i] = (uint8_t)g_rand_int(random);
	return bytes;
}

static gint compare_ids(gconstpointer a, gconstpointer b)
{
	const int64_t *left = a, *right = b;
	return (*left > *right) - (*left < *right);
}

/* Different ids, ascending. */
static GArray *random_ids(GRand *random, int most)
{
	GArray *ids = g_array_new(FALSE, FALSE, sizeof(int64_t));
	int count = g_rand_int_range(random, 0, most);
	for (int i = 0; i < count; i++) {
		int64_t id = random_id(random);
		g_array_append_val(ids, id);
	}
	g_array_sort(ids, compare_ids);
	guint kept = 0;
	int64_t *list = (int64_t *)(void *)ids->data;
	for (guint i = 0; i < ids->len; i++)
		if (kept == 0 || list[kept - 1] != list[i])
			list[kept++] = list[i];
	g_array_set_size(ids, kept);
	return ids;
}

static void add_lanes(GRand *random, struct commit *commit)
{
	for (int i = g_rand_int_range(random, 0, 3); i > 0; i--) {
		struct lane_progress lane = {.name = random_text(random, "lane"),
			.clock_epoch = g_rand_int(random),
			.watermark = random_position(random)};
		g_array_append_val(commit->lanes, lane);
	}
}

static void add_members(GRand *random, struct backlog_record *record)
{
	GArray *ids = random_ids(random, 6);
	record->members = g_new0(struct backlog_member, ids->len + 1);
	record->member_count = ids->len;
	for (guint i = 0; i < ids->len; i++) {
		struct backlog_member *member = &record->members[i];
		member->action_id = g_array_index(ids, int64_t, i);
		member->since = random_time(random);
		member->packed = random_bytes(random, &member->packed_length);
	}
	g_array_unref(ids);
}

static void add_backlog(GRand *random, struct commit *commit, uint64_t sequence)
{
	for (int i = g_rand_int_range(random, 0, 3); i > 0; i--) {
		struct backlog_record record = {
			.id = sequence / 2 + (uint64_t)g_rand_int_range(random, 1, 4),
			.lane = random_text(random, "lane"),
			.from = random_position(random),
			.to = random_position(random),
			.decided_now = random_time(random),
			.drop_before = random_time(random),
			.fire_until = random_time(random),
			.drop_reason = (uint8_t)g_rand_int_range(random, 0, 256),
			.skip_before = random_time(random),
			.held = g_rand_boolean(random),
			.settled_id = random_id(random),
			.cursor = random_position(random),
		};
		if (g_rand_boolean(random))
			add_members(random, &record);
		g_array_append_val(commit->backlog, record);
	}
}

static void add_hold(GRand *random, struct commit *commit)
{
	commit->hold_changed = g_rand_int_range(random, 0, 3) == 0;
	if (!commit->hold_changed)
		return;
	commit->hold.since = random_time(random);
	commit->hold.skip_until = random_time(random);
	commit->hold.reason = g_rand_boolean(random) ? random_text(random, "why") : NULL;
}

static char *random_manual(GRand *random, char buf[static FIRE_MANUAL_MAX])
{
	g_snprintf(buf, FIRE_MANUAL_MAX, "00000000-0000-4000-8000-%012d", g_rand_int_range(random, 0, 3));
	return buf;
}

static struct open_fire random_open(GRand *random)
{
	struct open_fire open = {
		.lane = random_text(random, "lane"),
		.action_id = g_rand_int_range(random, 1, 4),
		.nominal = NOW + g_rand_int_range(random, 0, 3),
		.due_at = random_time(random),
		.backlog = g_rand_boolean(random),
		.started = g_rand_boolean(random),
		.attempts = (uint16_t)g_rand_int_range(random, 0, 65536),
		.attempts_before = (uint16_t)g_rand_int_range(random, 0, 65536),
		.next_attempt_at = random_time(random),
	};
	if (g_rand_int_range(random, 0, 4) == 0)
		random_manual(random, open.manual);
	return open;
}

static void add_open(GRand *random, struct commit *commit, const struct model *model)
{
	for (int i = g_rand_int_range(random, 0, 6); i > 0; i--) {
		struct open_fire open = random_open(random);
		g_array_append_val(commit->open, open);
	}
	if (model->open->len > 0 && g_rand_boolean(random)) {
		struct open_fire done = g_array_index(
			model->open, struct open_fire, g_rand_int_range(random, 0, (int)model->open->len));
		done.lane = g_strdup(done.lane);
		g_array_append_val(commit->open_done, done);
	}
	if (model->backlog->len > 0 && g_rand_boolean(random)) {
		guint i = (guint)g_rand_int_range(random, 0, (int)model->backlog->len);
		g_array_append_val(
			commit->backlog_done, g_array_index(model->backlog, struct backlog_record, i).id);
	}
}

static void add_definitions(GRand *random, struct commit *commit)
{
	GArray *ids = random_ids(random, 40);
	for (guint i = 0; i < ids->len; i++) {
		struct definition definition = {
			.action_id = g_array_index(ids, int64_t, i), .since = random_time(random)};
		int kind = g_rand_int_range(random, 0, 8);
		if (kind == 0)
			definition.since = TIME_US_MIN; /* goes; of kind 1 only `since` is another */
		else if (kind > 1)
			definition.packed = random_bytes(random, &definition.length);
		g_array_append_val(commit->definitions, definition);
	}
	g_array_unref(ids);
}

/* Another run of a fire that failed, in this commit or in one before. */
static void add_again(GRand *random, struct commit *commit, const struct model *model)
{
	static const uint8_t statuses[] = {STATUS_DELIVERED, STATUS_FAILED, STATUS_SKIPPED};
	const struct model_entry *entry = NULL;
	if (model->history->len > 0)
		entry = &g_array_index(model->history, struct model_entry,
			g_rand_int_range(random, 0, (int)model->history->len));
	if (!entry || !entry->failed[0])
		return;
	for (int i = g_rand_int_range(random, 1, 3); i > 0; i--) {
		struct outcome outcome = {
			.action_id = entry->entry.action_id,
			.nominal = entry->entry.scheduled_at,
			.started_at = random_time(random),
			.finished_at = random_time(random),
			.status = statuses[g_rand_int_range(random, 0, G_N_ELEMENTS(statuses))],
			.attempts = (uint16_t)(entry->entry.attempts + 1),
			.manual = g_strdup(entry->entry.manual),
			.detail = g_rand_boolean(random) ? random_text(random, "again") : NULL,
			.again = true,
		};
		g_array_append_val(commit->outcomes, outcome);
	}
}

static void add_outcomes(GRand *random, struct commit *commit)
{
	char manual[FIRE_MANUAL_MAX];
	uint8_t status = STATUS_DELIVERED;
	for (int i = g_rand_int_range(random, 0, 30); i > 0; i--) {
		if (g_rand_int_range(random, 0, 5) == 0)
			status = (uint8_t)g_rand_int_range(random, 0, STATUS_SKIPPED + 1);
		bool odd = g_rand_int_range(random, 0, 8) == 0;
		struct outcome outcome = {
			.action_id = random_id(random),
			.nominal = random_time(random),
			.started_at = random_time(random),
			.finished_at = random_time(random),
			.status = status,
			.reason = status == STATUS_DELIVERED ? REASON_NONE : REASON_REFUSED,
			.attempts = odd ? 65535 : 1,
			.manual = odd && g_rand_boolean(random) ? g_strdup(random_manual(random, manual))
								: NULL,
			.detail = odd && g_rand_boolean(random) ? random_text(random, "detail") : NULL,
		};
		g_array_append_val(commit->outcomes, outcome);
	}
}

static void add_ranges(GRand *random, struct commit *commit)
{
	for (int i = g_rand_int_range(random, 0, 3); i > 0; i--) {
		GArray *ids = random_ids(random, 10);
		struct outcome_range range = {
			.status = (uint8_t)g_rand_int_range(random, 0, STATUS_SKIPPED + 1),
			.reason = REASON_TOO_OLD,
			.at = random_time(random),
			.first = random_time(random),
			.last = random_time(random),
			.count = g_rand_int(random),
			.merged_into = random_time(random),
			.id_count = ids->len,
			.ids = g_memdup2(ids->data, ids->len * sizeof(int64_t)),
		};
		g_array_unref(ids);
		g_array_append_val(commit->ranges, range);
	}
	if (g_rand_int_range(random, 0, 4) == 0) {
		struct history_note note = {random_time(random), random_text(random, "note")};
		g_array_append_val(commit->notes, note);
	}
}

struct commit *random_commit(GRand *random, const struct model *model, uint64_t sequence)
{
	struct commit *commit = commit_new();
	commit->sequence = sequence;
	add_lanes(random, commit);
	add_backlog(random, commit, sequence);
	add_hold(random, commit);
	add_open(random, commit, model);
	add_definitions(random, commit);
	add_outcomes(random, commit);
	for (int i = 0; i < 4; i++)
		add_again(random, commit, model);
	add_ranges(random, commit);
	return commit;
}
