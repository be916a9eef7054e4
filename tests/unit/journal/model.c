/* The model: arrays that are searched from end to end. */
#include "fixture.h"

struct model *model_new(void)
{
	struct model *model = g_new0(struct model, 1);
	model->lanes = g_array_new(FALSE, FALSE, sizeof(struct lane_progress));
	model->backlog = g_array_new(FALSE, FALSE, sizeof(struct backlog_record));
	model->open = g_array_new(FALSE, FALSE, sizeof(struct open_fire));
	model->definitions = g_array_new(FALSE, FALSE, sizeof(struct definition));
	model->history = g_array_new(FALSE, FALSE, sizeof(struct model_entry));
	model->hold = HOLD_NONE;
	return model;
}

static void free_record(struct backlog_record *record)
{
	for (uint32_t i = 0; i < record->member_count; i++)
		g_free(record->members[i].packed);
	g_free(record->members);
	g_free(record->lane);
}

static void clear_entry(struct model_entry *entry)
{
	g_free((char *)entry->entry.manual);
	g_free((char *)entry->entry.detail);
	g_free((char *)entry->entry.note);
}

void model_free(struct model *model)
{
	hold_clear(&model->hold);
	for (guint i = 0; i < model->lanes->len; i++)
		g_free(g_array_index(model->lanes, struct lane_progress, i).name);
	for (guint i = 0; i < model->backlog->len; i++)
		free_record(&g_array_index(model->backlog, struct backlog_record, i));
	for (guint i = 0; i < model->open->len; i++)
		g_free(g_array_index(model->open, struct open_fire, i).lane);
	for (guint i = 0; i < model->definitions->len; i++)
		g_free(g_array_index(model->definitions, struct definition, i).packed);
	for (guint i = 0; i < model->history->len; i++)
		clear_entry(&g_array_index(model->history, struct model_entry, i));
	g_array_unref(model->lanes);
	g_array_unref(model->backlog);
	g_array_unref(model->open);
	g_array_unref(model->definitions);
	g_array_unref(model->history);
	g_free(model);
}

static void put_lane(struct model *model, const struct lane_progress *lane)
{
	for (guint i = 0; i < model->lanes->len; i++) {
		struct lane_progress *known = &g_array_index(model->lanes, struct lane_progress, i);
		if (strcmp(known->name, lane->name) == 0) {
			known->clock_epoch = lane->clock_epoch;
			known->watermark = lane->watermark;
			return;
		}
	}
	struct lane_progress copy = *lane;
	copy.name = g_strdup(lane->name);
	g_array_append_val(model->lanes, copy);
}

static struct backlog_record *find_record(struct model *model, uint64_t id, guint *index)
{
	for (*index = 0; *index < model->backlog->len; (*index)++) {
		struct backlog_record *record = &g_array_index(model->backlog, struct backlog_record, *index);
		if (record->id == id)
			return record;
	}
	return NULL;
}

static void put_record(struct model *model, const struct backlog_record *record)
{
	guint index;
	struct backlog_record copy = *record;
	struct backlog_record *known = find_record(model, record->id, &index);
	copy.lane = g_strdup(record->lane);
	if (record->members) {
		copy.members = g_new0(struct backlog_member, record->member_count + 1);
		for (uint32_t i = 0; i < record->member_count; i++) {
			const struct backlog_member *from = &record->members[i];
			copy.members[i] = *from;
			copy.members[i].packed = g_memdup2(from->packed, from->packed_length);
		}
	}
	if (known) {
		/* Members that are not brought along are kept. */
		if (!record->members) {
			copy.members = g_steal_pointer(&known->members);
			copy.member_count = known->member_count;
			known->member_count = 0;
		}
		backlog_record_clear(known);
		*known = copy;
		return;
	}
	g_array_append_val(model->backlog, copy);
}

static bool same_open(const struct open_fire *a, const struct open_fire *b)
{
	return strcmp(a->lane, b->lane) == 0 && a->action_id == b->action_id && a->nominal == b->nominal &&
	       strcmp(a->manual, b->manual) == 0;
}

static void delete_open(struct model *model, const struct open_fire *open)
{
	for (guint i = 0; i < model->open->len; i++) {
		struct open_fire *known = &g_array_index(model->open, struct open_fire, i);
		if (same_open(known, open)) {
			g_free(known->lane);
			g_array_remove_index(model->open, i);
			return;
		}
	}
}

static void put_open(struct model *model, const struct open_fire *open)
{
	struct open_fire copy = *open;
	copy.lane = g_strdup(open->lane);
	delete_open(model, open);
	g_array_append_val(model->open, copy);
}

static void put_definition(struct model *model, const struct definition *definition)
{
	for (guint i = 0; i < model->definitions->len; i++) {
		struct definition *known = &g_array_index(model->definitions, struct definition, i);
		if (known->action_id == definition->action_id && !definition->packed &&
			definition->since != TIME_US_MIN) {
			known->since = definition->since;
			return;
		}
		if (known->action_id == definition->action_id) {
			g_free(known->packed);
			g_array_remove_index(model->definitions, i);
			break;
		}
	}
	if (definition->packed) {
		struct definition copy = *definition;
		copy.packed = g_memdup2(definition->packed, definition->length);
		g_array_append_val(model->definitions, copy);
	}
}

/* failed: the fire id of a run that failed, else NULL. */
static void add_entry(struct model *model, struct history_entry entry, const char *failed)
{
	if (model->level == HISTORY_OFF ||
		(model->level == HISTORY_EXCEPTIONS && !entry.note && entry.status == STATUS_DELIVERED))
		return;
	entry.manual = g_strdup(entry.manual);
	entry.detail = g_strdup(entry.detail);
	entry.note = g_strdup(entry.note);
	struct model_entry added = {.entry = entry, .order = model->written++};
	g_strlcpy(added.failed, failed ? failed : "", sizeof added.failed);
	g_array_append_val(model->history, added);
}

static void remove_failed(struct model *model, const char *fire_id)
{
	for (guint i = model->history->len; i-- > 0;) {
		struct model_entry *entry = &g_array_index(model->history, struct model_entry, i);
		if (strcmp(entry->failed, fire_id) != 0)
			continue;
		clear_entry(entry);
		g_array_remove_index(model->history, i);
	}
}

static void add_outcome(struct model *model, const struct outcome *o)
{
	char id[FIRE_ID_MAX];
	fire_id_format(o->action_id, o->nominal, o->manual, id);
	if (o->again)
		remove_failed(model, id);
	add_entry(model,
		(struct history_entry){.action_id = o->action_id,
			.status = (enum fire_status)o->status,
			.reason = (enum fire_reason)o->reason,
			.scheduled_at = o->nominal,
			.last = o->nominal,
			.count = 1,
			.merged_into = TIME_US_MIN,
			.started_at = o->started_at,
			.finished_at = o->finished_at,
			.attempts = o->attempts,
			.manual = o->manual,
			.detail = o->detail},
		o->status == STATUS_FAILED ? id : NULL);
}

static void add_history(struct model *model, const struct commit *commit)
{
	for (guint i = 0; i < commit->ranges->len; i++) {
		const struct outcome_range *range = &g_array_index(commit->ranges, struct outcome_range, i);
		for (uint32_t k = 0; k < range->id_count; k++)
			add_entry(model,
				(struct history_entry){.action_id = range->ids[k],
					.status = (enum fire_status)range->status,
					.reason = (enum fire_reason)range->reason,
					.scheduled_at = range->first,
					.last = range->last,
					.count = range->count,
					.merged_into = range->merged_into,
					.started_at = TIME_US_MIN,
					.finished_at = range->at},
				NULL);
	}
	for (guint i = 0; i < commit->outcomes->len; i++)
		add_outcome(model, &g_array_index(commit->outcomes, struct outcome, i));
	for (guint i = 0; i < commit->notes->len; i++) {
		const struct history_note *note = &g_array_index(commit->notes, struct history_note, i);
		add_entry(model,
			(struct history_entry){.merged_into = TIME_US_MIN,
				.started_at = TIME_US_MIN,
				.finished_at = note->at,
				.note = note->text},
			NULL);
	}
}

void model_apply(struct model *model, const struct commit *commit)
{
	guint index;
	if (commit->hold_changed) {
		hold_clear(&model->hold);
		model->hold = hold_copy(&commit->hold);
	}
	for (guint i = 0; i < commit->lanes->len; i++)
		put_lane(model, &g_array_index(commit->lanes, struct lane_progress, i));
	for (guint i = 0; i < commit->backlog->len; i++)
		put_record(model, &g_array_index(commit->backlog, struct backlog_record, i));
	for (guint i = 0; i < commit->backlog_done->len; i++) {
		struct backlog_record *done =
			find_record(model, g_array_index(commit->backlog_done, uint64_t, i), &index);
		if (done) {
			free_record(done);
			g_array_remove_index(model->backlog, index);
		}
	}
	for (guint i = 0; i < commit->open->len; i++)
		put_open(model, &g_array_index(commit->open, struct open_fire, i));
	for (guint i = 0; i < commit->open_done->len; i++)
		delete_open(model, &g_array_index(commit->open_done, struct open_fire, i));
	for (guint i = 0; i < commit->definitions->len; i++)
		put_definition(model, &g_array_index(commit->definitions, struct definition, i));
	add_history(model, commit);
}
