#include "journal/history_merge.h"

#include <string.h>

#include "journal/history_codec.h"
#include "journal/history_rows.h"

/* A row whose entries are not all given yet; entries that do not match are dropped at once. */
struct source {
	int64_t row_id;
	enum history_kind kind;
	enum fire_status status;
	enum fire_reason reason;
	uint16_t attempts;
	time_us finished; /* of the next entry */
	char *manual, *detail;
	struct history_range range;
	GArray *fires; /* struct history_fire, by when they ended */
	GArray *ids;   /* int64_t, of a range */
	guint left;
};

static void source_free(void *data)
{
	struct source *source = data;
	g_free(source->manual);
	g_free(source->detail);
	g_array_unref(source->fires);
	g_array_unref(source->ids);
	g_free(source);
}

bool history_filter_parse(const struct history_query *query, struct history_filter *out, GError **error)
{
	*out = (struct history_filter){.query = query, .action_id = query->action_id};
	if (!query->fire_id)
		return true;
	if (!fire_id_parse(query->fire_id, &out->fire_action, &out->fire_nominal, out->fire_manual)) {
		g_set_error(error, AS_ERROR, AS_ERROR_INVALID,
			"%s is no fire id: it is ACTION_ID@TIME or ACTION_ID!UUID", query->fire_id);
		return false;
	}
	out->one_fire = true;
	if (!out->action_id)
		out->action_id = &out->fire_action;
	/* As it is written, whatever offset the time was asked for in. */
	if (query->failed_fire)
		fire_id_format(out->fire_action, out->fire_nominal, out->fire_manual, out->failed_fire);
	return true;
}

static bool matches_action(const struct history_filter *filter, int64_t action_id)
{
	return (!filter->action_id || *filter->action_id == action_id) &&
	       (!filter->one_fire || filter->fire_action == action_id);
}

static bool matches_manual(const struct history_filter *filter, const char *manual)
{
	return !filter->one_fire || strcmp(filter->fire_manual, manual ? manual : "") == 0;
}

static bool matches_fire(
	const struct history_filter *filter, const struct source *source, const struct history_fire *fire)
{
	return fire->finished_at >= filter->query->since && matches_action(filter, fire->action_id) &&
	       (!filter->one_fire || source->manual || fire->nominal == filter->fire_nominal);
}

static gint compare_finished(gconstpointer a, gconstpointer b)
{
	const struct history_fire *left = a, *right = b;
	return (left->finished_at > right->finished_at) - (left->finished_at < right->finished_at);
}

static bool load_fires(
	const struct history_filter *filter, const void *bytes, size_t length, struct source *source)
{
	if (!history_fires_decode(bytes, length, source->fires))
		return false;
	guint kept = 0;
	struct history_fire *list = (struct history_fire *)(void *)source->fires->data;
	for (guint i = 0; i < source->fires->len; i++)
		if (matches_manual(filter, source->manual) && matches_fire(filter, source, &list[i]))
			list[kept++] = list[i];
	g_array_set_size(source->fires, kept);
	/* Stable, so that fires of one instant keep the order in which they ended. */
	g_array_sort(source->fires, compare_finished);
	source->left = kept;
	return true;
}

static bool load_range(
	const struct history_filter *filter, const void *bytes, size_t length, struct source *source)
{
	if (!history_range_decode(bytes, length, &source->range, source->ids))
		return false;
	bool within = !filter->one_fire ||
		      (*filter->fire_manual == '\0' && source->range.first <= filter->fire_nominal &&
			      filter->fire_nominal <= source->range.last);
	guint kept = 0;
	int64_t *ids = (int64_t *)(void *)source->ids->data;
	for (guint i = 0; within && i < source->ids->len; i++)
		if (matches_action(filter, ids[i]))
			ids[kept++] = ids[i];
	source->left = kept;
	return true;
}

static void source_advance(struct source *source)
{
	if (source->kind == KIND_FIRES && source->left > 0)
		source->finished =
			g_array_index(source->fires, struct history_fire, source->left - 1).finished_at;
}

/* NULL where the columns cannot be what was written. */
static struct source *source_load(const struct history_stored *row, const struct history_filter *filter)
{
	struct source *source = g_new0(struct source, 1);
	source->row_id = row->id;
	source->kind = (enum history_kind)row->kind;
	source->status = (enum fire_status)row->status;
	source->reason = (enum fire_reason)row->reason;
	source->attempts = (uint16_t)row->attempts;
	source->finished = row->finished;
	source->manual = g_strdup(row->manual);
	source->detail = g_strdup(row->detail);
	source->fires = g_array_new(FALSE, FALSE, sizeof(struct history_fire));
	source->ids = g_array_new(FALSE, FALSE, sizeof(int64_t));
	bool sound = row->status >= 0 && row->status <= STATUS_SKIPPED && row->reason >= 0 &&
		     row->reason <= UINT8_MAX && row->attempts >= 0 && row->attempts <= UINT16_MAX;
	switch (row->kind) {
	case KIND_FIRES: sound = sound && load_fires(filter, row->body, row->length, source); break;
	case KIND_RANGE: sound = sound && load_range(filter, row->body, row->length, source); break;
	case KIND_NOTE: source->left = 1; break;
	default: sound = false;
	}
	if (sound) {
		source_advance(source);
		return source;
	}
	source_free(source);
	return NULL;
}

/* Gives the newest entry of the source and takes it off. */
static bool source_give(struct source *source, history_fn each, void *context)
{
	struct history_entry entry = {
		.status = source->status,
		.reason = source->reason,
		.attempts = source->attempts,
		.started_at = TIME_US_MIN,
		.merged_into = TIME_US_MIN,
		.finished_at = source->finished,
		.count = 1,
	};
	source->left--;
	if (source->kind == KIND_NOTE) {
		entry.note = source->detail ? source->detail : "";
		entry.count = 0;
	} else if (source->kind == KIND_RANGE) {
		entry.action_id = g_array_index(source->ids, int64_t, source->left);
		entry.scheduled_at = source->range.first;
		entry.last = source->range.last;
		entry.count = source->range.count;
		entry.merged_into = source->range.merged_into;
		entry.detail = source->detail;
	} else {
		const struct history_fire *fire =
			&g_array_index(source->fires, struct history_fire, source->left);
		entry.action_id = fire->action_id;
		entry.scheduled_at = entry.last = fire->nominal;
		entry.started_at = fire->started_at;
		entry.manual = source->manual;
		entry.detail = source->detail;
	}
	source_advance(source);
	return each(context, &entry);
}

/* Whether the next entry of a comes before that of b. */
static bool is_newer(const struct source *a, const struct source *b)
{
	return a->finished != b->finished ? a->finished > b->finished : a->row_id > b->row_id;
}

/* The index of the source with the newest entry, and the one after it (NULL where there is none). */
static guint find_newest(const GPtrArray *sources, const struct source **second)
{
	guint best = 0;
	*second = NULL;
	for (guint i = 1; i < sources->len; i++) {
		const struct source *source = sources->pdata[i];
		if (is_newer(source, sources->pdata[best])) {
			*second = sources->pdata[best];
			best = i;
		} else if (!*second || is_newer(source, *second)) {
			*second = source;
		}
	}
	return best;
}

struct merge {
	struct history_reader *reader;
	struct history_stored row; /* waits to be loaded where `waiting` is set */
	bool waiting;
	GPtrArray *sources;
	uint64_t left; /* entries still wanted */
};

static bool merge_next(struct merge *merge, GError **error)
{
	return merge->reader->next(merge->reader, &merge->row, &merge->waiting, error);
}

/* Loads every row that may hold an entry as new as the newest at hand. */
static bool merge_load(struct merge *merge, const struct history_filter *filter, GError **error)
{
	const struct source *second;
	while (merge->waiting) {
		if (merge->sources->len > 0) {
			const struct source *newest =
				merge->sources->pdata[find_newest(merge->sources, &second)];
			if (merge->row.finished < newest->finished)
				return true;
		}
		struct source *source = source_load(&merge->row, filter);
		if (!source) {
			g_set_error(error, AS_ERROR, AS_ERROR_CORRUPT,
				"%s is damaged: a row of scheduler_history is not what was written; restore "
				"it from a backup",
				merge->reader->place);
			return false;
		}
		if (source->left > 0)
			g_ptr_array_add(merge->sources, source);
		else
			source_free(source);
		if (!merge_next(merge, error))
			return false;
	}
	return true;
}

/* Gives entries of the newest source until another one, or a row not loaded, is newer; false to stop. */
static bool merge_give(struct merge *merge, history_fn each, void *context)
{
	const struct source *second;
	guint index = find_newest(merge->sources, &second);
	struct source *newest = merge->sources->pdata[index];
	while (newest->left > 0 && (!second || is_newer(newest, second)) &&
		(!merge->waiting || newest->finished > merge->row.finished)) {
		if (merge->left-- == 0 || !source_give(newest, each, context))
			return false;
	}
	if (newest->left == 0)
		g_ptr_array_remove_index_fast(merge->sources, index);
	return true;
}

static bool merge_run(struct merge *merge, const struct history_filter *filter, history_fn each,
	void *context, GError **error)
{
	if (!merge_next(merge, error))
		return false;
	for (;;) {
		if (!merge_load(merge, filter, error))
			return false;
		if (merge->sources->len == 0 || !merge_give(merge, each, context))
			return true;
	}
}

bool history_merge(struct history_reader *reader, const struct history_filter *filter, history_fn each,
	void *context, GError **error)
{
	uint64_t limit = filter->query->limit;
	struct merge merge = {.reader = reader,
		.sources = g_ptr_array_new_with_free_func(source_free),
		.left = limit > 0 ? limit : UINT64_MAX};
	bool done = merge_run(&merge, filter, each, context, error);
	g_ptr_array_unref(merge.sources);
	return done;
}
