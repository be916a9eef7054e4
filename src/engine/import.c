#include "engine/internal.h"

#include <string.h>

/* Records of an import, told from those that edits leave. */
#define IMPORT_DERIVED     UINT64_MAX
/* A record takes in no more members than this, so that writing it down stays cheap. */
#define IMPORT_MEMBERS_MAX 16384

struct import {
	GArray *jobs;        /* struct import_job, ascending by id */
	GByteArray *seen;    /* one for each job: its action was seen */
	time_us decided_now; /* when the first action was seen; TIME_US_MIN: none was yet */
	struct import_result result;
};

void engine_import(struct engine *engine, const struct import_job *jobs, size_t count)
{
	struct import *import = g_new0(struct import, 1);
	import->jobs = g_array_sized_new(FALSE, FALSE, sizeof(*jobs), (guint)count);
	g_array_append_vals(import->jobs, jobs, (guint)count);
	import->seen = g_byte_array_sized_new((guint)count);
	g_byte_array_set_size(import->seen, (guint)count);
	memset(import->seen->data, 0, count);
	import->decided_now = TIME_US_MIN;
	import->result.first_due = TIME_US_MAX;
	engine->import = import;
}

void import_free(struct import *import)
{
	if (!import)
		return;
	g_array_unref(import->jobs);
	g_byte_array_unref(import->seen);
	g_free(import);
}

void engine_import_end(struct engine *engine, struct import_result *out)
{
	*out = engine->import->result;
	g_clear_pointer(&engine->import, import_free);
}

static struct record *import_record(struct lane *lane, time_us to)
{
	struct import *import = lane->engine->import;
	for (guint i = lane->records->len; i > 0; i--) {
		struct record *record = lane->records->pdata[i - 1];
		if (record->derived_from == IMPORT_DERIVED && record->phase == RECORD_WAITING &&
			record->data.member_count < IMPORT_MEMBERS_MAX && record->data.to.due_at == to)
			return record;
	}
	struct position end = position_end_of(to);
	struct record *record = record_new(lane, end, end, import->decided_now);
	record->data.drop_before = engine_drop_before(lane->engine);
	record->derived = true;
	record->derived_from = IMPORT_DERIVED;
	return record;
}

/* What is due after `after` up to `to` goes into a record. */
static void import_owe(struct lane *lane, const struct action *action, time_us after, time_us to)
{
	struct import_result *result = &lane->engine->import->result;
	struct position next;
	if (!fire_next(action->schedule, action->id, position_end_of(after), &next) || next.due_at > to)
		return;
	struct record *record = import_record(lane, to);
	record_add_member(record, action->id, action->schedule, after);
	if (position_compare(position_end_of(after), record->data.from) < 0)
		record->data.from = record->data.cursor = position_end_of(after);
	result->owing++;
	result->first_due = MIN(result->first_due, next.due_at);
}

time_us import_since(struct engine *engine, const struct action *action)
{
	struct import *import = engine->import;
	const struct import_job *job = import ? import_jobs_find(import->jobs, action->id) : NULL;
	uint8_t *seen =
		job ? &import->seen->data[job - (struct import_job *)(void *)import->jobs->data] : NULL;
	/* An id that comes back is a new action. */
	if (!job || *seen)
		return engine->now;
	*seen = 1;
	import->result.seen++;
	if (import->decided_now == TIME_US_MIN)
		import->decided_now = engine->now;
	if (job->next_run == TIME_US_MAX)
		return engine->now;
	struct lane *lane = engine->lanes[action->lane];
	time_us since = lane_since(lane, action);
	time_us after = import_owed_after(action->schedule, action->id, job->next_run);
	import_owe(lane, action, after, since);
	return MIN(engine->now, MAX(since, after));
}
