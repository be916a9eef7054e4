#include "model/change.h"
#include "model/progress.h"

#include "base/error.h"
#include "base/json.h"

#include <stdlib.h>
#include <string.h>

static void packed_free(uint8_t *packed, GBytes *block)
{
	if (block)
		g_bytes_unref(block);
	else
		g_free(packed);
}

void action_change_clear(struct action_change *change)
{
	action_unref(change->action);
	packed_free(change->packed, change->block);
	g_free(change->error);
	*change = (struct action_change){0};
}

static void lane_clear(void *data)
{
	struct lane_progress *lane = data;
	g_free(lane->name);
}

void backlog_record_clear(struct backlog_record *record)
{
	for (uint32_t i = 0; i < record->member_count; i++) {
		schedule_unref(record->members[i].schedule);
		g_free(record->members[i].packed);
	}
	g_free(record->members);
	g_free(record->lane);
	*record = (struct backlog_record){0};
}

static void record_clear(void *data)
{
	backlog_record_clear(data);
}

static void member_pack(struct backlog_member *member, const char *cron, GByteArray *packed)
{
	const char *zone = zone_name(schedule_zone(member->schedule));
	const char *dst = schedule_dst(member->schedule) == DST_VIXIE ? "vixie" : "wall_clock";
	struct action_row row = {
		.id = member->action_id,
		.cron = {cron, strlen(cron)},
		.timezone = {zone, strlen(zone)},
		.callback = {"", 0},
		.dst = {dst, strlen(dst)},
	};
	struct action_defaults defaults = {.dialect = schedule_dialect(member->schedule)};
	g_byte_array_set_size(packed, 0);
	action_pack(&row, &defaults, packed);
	member->packed = g_memdup2(packed->data, packed->len);
	member->packed_length = packed->len;
}

void backlog_members_pack(struct backlog_member *members, uint32_t count)
{
	/* Many actions share a schedule. */
	g_autoptr(GHashTable) texts = g_hash_table_new_full(NULL, NULL, NULL, free);
	g_autoptr(GByteArray) packed = g_byte_array_new();
	for (uint32_t i = 0; i < count; i++) {
		char *cron = g_hash_table_lookup(texts, members[i].schedule);
		if (!cron) {
			g_autoptr(json_t) document = schedule_print(members[i].schedule);
			cron = json_write(document);
			g_hash_table_insert(texts, members[i].schedule, cron);
		}
		member_pack(&members[i], cron, packed);
	}
}

bool backlog_member_resolve(struct backlog_member *member, struct schedule_cache *cache, GError **error)
{
	struct action_row row;
	enum unix_dialect dialect;
	if (!action_unpack(member->packed, member->packed_length, &row, &dialect)) {
		g_set_error(error, AS_ERROR, AS_ERROR_CORRUPT,
			"the backlog of action %" G_GINT64_FORMAT " cannot be read", member->action_id);
		return false;
	}
	g_autofree char *zone = g_strndup(row.timezone.data, row.timezone.length);
	enum dst_policy dst = row.dst.length == strlen("vixie") ? DST_VIXIE : DST_WALL_CLOCK;
	member->schedule =
		schedule_cache_get(cache, row.cron.data, row.cron.length, zone, dialect, dst, error);
	return member->schedule != NULL;
}

struct hold hold_copy(const struct hold *hold)
{
	struct hold copy = *hold;
	copy.reason = g_strdup(hold->reason);
	return copy;
}

void hold_clear(struct hold *hold)
{
	g_free(hold->reason);
	*hold = HOLD_NONE;
}

static void open_clear(void *data)
{
	struct open_fire *open = data;
	g_free(open->lane);
}

void definition_clear(struct definition *definition)
{
	packed_free(definition->packed, definition->block);
	*definition = (struct definition){0};
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
	commit->definitions = list_new(sizeof(struct definition), (GDestroyNotify)definition_clear);
	commit->outcomes = list_new(sizeof(struct outcome), outcome_clear);
	commit->ranges = list_new(sizeof(struct outcome_range), range_clear);
	commit->notes = list_new(sizeof(struct history_note), note_clear);
	commit->hold = HOLD_NONE;
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
	hold_clear(&commit->hold);
	g_free(commit);
}

bool commit_is_empty(const struct commit *commit)
{
	return commit->lanes->len + commit->backlog->len + commit->backlog_done->len + commit->open->len +
		       commit->open_done->len + commit->definitions->len + commit->outcomes->len +
		       commit->ranges->len + commit->notes->len + commit->hold_changed ==
	       0;
}

struct progress *progress_new(void)
{
	struct progress *progress = g_new0(struct progress, 1);
	progress->lanes = list_new(sizeof(struct lane_progress), lane_clear);
	progress->backlog = list_new(sizeof(struct backlog_record), record_clear);
	progress->open = list_new(sizeof(struct open_fire), open_clear);
	progress->hold = HOLD_NONE;
	return progress;
}

void progress_free(struct progress *progress)
{
	if (!progress)
		return;
	g_array_unref(progress->lanes);
	g_array_unref(progress->backlog);
	g_array_unref(progress->open);
	hold_clear(&progress->hold);
	g_free(progress);
}
