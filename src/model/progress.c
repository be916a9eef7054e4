#include "model/change.h"
#include "model/progress.h"

void action_change_clear(struct action_change *change)
{
	action_unref(change->action);
	g_free(change->packed);
	g_free(change->error);
	*change = (struct action_change){0};
}

static void lane_clear(void *data)
{
	struct lane_progress *lane = data;
	g_free(lane->name);
}

static void record_clear(void *data)
{
	struct backlog_record *record = data;
	for (uint32_t i = 0; i < record->member_count; i++) {
		schedule_unref(record->members[i].schedule);
		g_free(record->members[i].packed);
	}
	g_free(record->members);
	g_free(record->lane);
}

static void open_clear(void *data)
{
	struct open_fire *open = data;
	g_free(open->lane);
}

static void definition_clear(void *data)
{
	struct definition *definition = data;
	g_free(definition->packed);
}

static void outcome_clear(void *data)
{
	struct outcome *outcome = data;
	g_free(outcome->manual);
	g_free(outcome->detail);
}

static void range_clear(void *data)
{
	struct outcome_range *range = data;
	g_free(range->ids);
}

static void note_clear(void *data)
{
	struct history_note *note = data;
	g_free(note->text);
}

static GArray *list_new(size_t size, GDestroyNotify clear)
{
	GArray *list = g_array_new(FALSE, FALSE, (guint)size);
	if (clear)
		g_array_set_clear_func(list, clear);
	return list;
}

struct commit *commit_new(void)
{
	struct commit *commit = g_new0(struct commit, 1);
	commit->lanes = list_new(sizeof(struct lane_progress), lane_clear);
	commit->backlog = list_new(sizeof(struct backlog_record), record_clear);
	commit->backlog_done = list_new(sizeof(uint64_t), NULL);
	commit->open = list_new(sizeof(struct open_fire), open_clear);
	commit->open_done = list_new(sizeof(struct open_fire), open_clear);
	commit->definitions = list_new(sizeof(struct definition), definition_clear);
	commit->outcomes = list_new(sizeof(struct outcome), outcome_clear);
	commit->ranges = list_new(sizeof(struct outcome_range), range_clear);
	commit->notes = list_new(sizeof(struct history_note), note_clear);
	return commit;
}

void commit_free(struct commit *commit)
{
	if (!commit)
		return;
	g_array_unref(commit->lanes);
	g_array_unref(commit->backlog);
	g_array_unref(commit->backlog_done);
	g_array_unref(commit->open);
	g_array_unref(commit->open_done);
	g_array_unref(commit->definitions);
	g_array_unref(commit->outcomes);
	g_array_unref(commit->ranges);
	g_array_unref(commit->notes);
	g_free(commit);
}

bool commit_is_empty(const struct commit *commit)
{
	return commit->lanes->len + commit->backlog->len + commit->backlog_done->len + commit->open->len +
		       commit->open_done->len + commit->definitions->len + commit->outcomes->len +
		       commit->ranges->len + commit->notes->len ==
	       0;
}

struct progress *progress_new(void)
{
	struct progress *progress = g_new0(struct progress, 1);
	progress->lanes = list_new(sizeof(struct lane_progress), lane_clear);
	progress->backlog = list_new(sizeof(struct backlog_record), record_clear);
	progress->open = list_new(sizeof(struct open_fire), open_clear);
	return progress;
}

void progress_free(struct progress *progress)
{
	if (!progress)
		return;
	g_array_unref(progress->lanes);
	g_array_unref(progress->backlog);
	g_array_unref(progress->open);
	g_free(progress);
}
