/* Comparing a journal with the model. */
#include "fixture.h"

static void check_position(struct position a, struct position b)
{
	assert_int_equal(a.due_at, b.due_at);
	assert_int_equal(a.action_id, b.action_id);
	assert_int_equal(a.nominal, b.nominal);
}

static void check_lanes(const struct model *model, const struct progress *progress)
{
	assert_int_equal(progress->lanes->len, model->lanes->len);
	for (guint i = 0; i < model->lanes->len; i++) {
		const struct lane_progress *want = &g_array_index(model->lanes, struct lane_progress, i);
		bool found = false;
		for (guint k = 0; k < progress->lanes->len; k++) {
			const struct lane_progress *got =
				&g_array_index(progress->lanes, struct lane_progress, k);
			if (strcmp(got->name, want->name) != 0)
				continue;
			found = true;
			assert_int_equal(got->clock_epoch, want->clock_epoch);
			check_position(got->watermark, want->watermark);
		}
		assert_true(found);
	}
}

static void check_record(const struct backlog_record *got, const struct backlog_record *want)
{
	assert_string_equal(got->lane, want->lane);
	check_position(got->from, want->from);
	check_position(got->to, want->to);
	check_position(got->cursor, want->cursor);
	assert_int_equal(got->decided_now, want->decided_now);
	assert_int_equal(got->drop_before, want->drop_before);
	assert_int_equal(got->fire_until, want->fire_until);
	assert_int_equal(got->drop_reason, want->drop_reason);
	assert_int_equal(got->skip_before, want->skip_before);
	assert_int_equal(got->held, want->held);
	assert_int_equal(got->settled_id, want->settled_id);
	assert_int_equal(!got->members, !want->members);
	assert_int_equal(got->member_count, want->member_count);
	for (uint32_t i = 0; i < got->member_count; i++) {
		const struct backlog_member *a = &got->members[i], *b = &want->members[i];
		assert_int_equal(a->action_id, b->action_id);
		assert_int_equal(a->since, b->since);
		assert_null(a->schedule);
		assert_int_equal(a->packed_length, b->packed_length);
		if (a->packed_length > 0)
			assert_memory_equal(a->packed, b->packed, a->packed_length);
	}
}

static void check_backlog(const struct model *model, const struct progress *progress)
{
	assert_int_equal(progress->backlog->len, model->backlog->len);
	uint64_t last = 0;
	for (guint i = 0; i < progress->backlog->len; i++) {
		const struct backlog_record *got =
			&g_array_index(progress->backlog, struct backlog_record, i);
		bool found = false;
		assert_true(i == 0 || got->id > last);
		last = got->id;
		for (guint k = 0; k < model->backlog->len; k++) {
			const struct backlog_record *want =
				&g_array_index(model->backlog, struct backlog_record, k);
			if (want->id == got->id) {
				check_record(got, want);
				found = true;
			}
		}
		assert_true(found);
	}
}

static void check_open(const struct model *model, const struct progress *progress)
{
	assert_int_equal(progress->open->len, model->open->len);
	for (guint i = 0; i < model->open->len; i++) {
		const struct open_fire *want = &g_array_index(model->open, struct open_fire, i);
		bool found = false;
		for (guint k = 0; k < progress->open->len; k++) {
			const struct open_fire *got = &g_array_index(progress->open, struct open_fire, k);
			if (strcmp(got->lane, want->lane) != 0 || got->action_id != want->action_id ||
				got->nominal != want->nominal || strcmp(got->manual, want->manual) != 0)
				continue;
			found = true;
			assert_int_equal(got->due_at, want->due_at);
			assert_int_equal(got->backlog, want->backlog);
			assert_int_equal(got->started, want->started);
			assert_int_equal(got->attempts, want->attempts);
			assert_int_equal(got->attempts_before, want->attempts_before);
			assert_int_equal(got->next_attempt_at, want->next_attempt_at);
		}
		assert_true(found);
	}
}

struct definition_check {
	const struct model *model;
	guint count;
	int64_t last;
};

static void check_definition(void *context, const struct definition *got)
{
	struct definition_check *check = context;
	bool found = false;
	assert_true(check->count == 0 || got->action_id > check->last);
	check->last = got->action_id;
	check->count++;
	for (guint i = 0; i < check->model->definitions->len; i++) {
		const struct definition *want =
			&g_array_index(check->model->definitions, struct definition, i);
		if (want->action_id != got->action_id)
			continue;
		found = true;
		assert_int_equal(got->since, want->since);
		assert_int_equal(got->length, want->length);
		assert_non_null(got->packed);
		if (got->length > 0)
			assert_memory_equal(got->packed, want->packed, got->length);
	}
	assert_true(found);
}

void model_check_progress(const struct model *model, struct journal *journal)
{
	struct definition_check check = {.model = model};
	struct progress *progress;
	assert_ok((progress = journal_load(journal, check_definition, &check, error)));
	assert_int_equal(check.count, model->definitions->len);
	check_lanes(model, progress);
	check_backlog(model, progress);
	check_open(model, progress);
	assert_int_equal(progress->hold.since, model->hold.since);
	assert_int_equal(progress->hold.skip_until, model->hold.skip_until);
	assert_int_equal(g_strcmp0(progress->hold.reason, model->hold.reason), 0);
	progress_free(progress);
}

/* --- history --- */

static bool matches_fire_id(const struct history_entry *entry, const char *fire_id)
{
	int64_t id;
	time_us nominal;
	char manual[FIRE_MANUAL_MAX];
	assert_true(fire_id_parse(fire_id, &id, &nominal, manual));
	if (entry->note || entry->action_id != id)
		return false;
	if (*manual || entry->manual)
		return g_strcmp0(*manual ? manual : NULL, entry->manual) == 0;
	return entry->scheduled_at <= nominal && nominal <= entry->last;
}

static bool is_failed_fire(const struct model_entry *entry, const char *fire_id)
{
	int64_t id;
	time_us nominal;
	char manual[FIRE_MANUAL_MAX], canonical[FIRE_ID_MAX];
	assert_true(fire_id_parse(fire_id, &id, &nominal, manual));
	return strcmp(entry->failed, fire_id_format(id, nominal, manual, canonical)) == 0;
}

static bool matches(const struct model_entry *of, const struct history_query *query)
{
	const struct history_entry *entry = &of->entry;
	if (entry->finished_at < query->since)
		return false;
	if (query->failed_fire)
		return (!query->action_id || entry->action_id == *query->action_id) &&
		       is_failed_fire(of, query->fire_id);
	if (entry->note)
		return query->notes;
	return (!query->action_id || entry->action_id == *query->action_id) &&
	       (!query->status || entry->status == *query->status) &&
	       (!query->fire_id || matches_fire_id(entry, query->fire_id));
}

static gint newest_first(gconstpointer a, gconstpointer b)
{
	const struct model_entry *left = a, *right = b;
	if (left->entry.finished_at != right->entry.finished_at)
		return left->entry.finished_at < right->entry.finished_at ? 1 : -1;
	return left->order < right->order ? 1 : -1;
}

struct history_check {
	GArray *want;
	guint count;
};

static bool check_entry(void *context, const struct history_entry *got)
{
	struct history_check *check = context;
	assert_true(check->count < check->want->len);
	const struct history_entry *want =
		&g_array_index(check->want, struct model_entry, check->count++).entry;
	assert_int_equal(got->finished_at, want->finished_at);
	assert_int_equal(got->action_id, want->action_id);
	assert_int_equal(got->status, want->status);
	assert_int_equal(got->reason, want->reason);
	assert_int_equal(got->scheduled_at, want->scheduled_at);
	assert_int_equal(got->last, want->last);
	assert_int_equal(got->count, want->count);
	assert_int_equal(got->merged_into, want->merged_into);
	assert_int_equal(got->started_at, want->started_at);
	assert_int_equal(got->attempts, want->attempts);
	assert_int_equal(g_strcmp0(got->manual, want->manual), 0);
	assert_int_equal(g_strcmp0(got->detail, want->detail), 0);
	assert_int_equal(g_strcmp0(got->note, want->note), 0);
	return true;
}

void model_check_history(
	const struct model *model, struct journal *journal, const struct history_query *query)
{
	struct history_check check = {.want = g_array_new(FALSE, FALSE, sizeof(struct model_entry))};
	for (guint i = 0; i < model->history->len; i++) {
		struct model_entry entry = g_array_index(model->history, struct model_entry, i);
		if (matches(&entry, query))
			g_array_append_val(check.want, entry);
	}
	g_array_sort(check.want, newest_first);
	if (query->limit > 0 && check.want->len > query->limit)
		g_array_set_size(check.want, (guint)query->limit);
	assert_ok(journal_history(journal, query, check_entry, &check, error));
	assert_int_equal(check.count, check.want->len);
	g_array_unref(check.want);
}
