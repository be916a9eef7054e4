#include "cli/history_follow.h"

/* Commits of one lane after the other: an entry may turn up so long after others that ended later. */
#define OVERLAP (10 * US_PER_SECOND)

struct history_follow {
	struct history_query query;
	history_fn each;
	void *context;
	time_us newest;   /* the latest end of an entry seen */
	GHashTable *seen; /* keys of the entries of the overlap */
	bool first;
};

/* An entry that outlives the call of the journal. */
struct kept {
	struct history_entry entry;
	char *manual, *detail, *note;
};

static void kept_free(gpointer data)
{
	struct kept *kept = data;
	g_free(kept->manual);
	g_free(kept->detail);
	g_free(kept->note);
	g_free(kept);
}

struct reading {
	struct history_follow *follow;
	GHashTable *seen; /* of this reading */
	GPtrArray *fresh; /* struct kept, newest first */
	time_us newest;
	uint64_t count;
};

static char *key_of(const struct history_entry *entry)
{
	return g_strdup_printf("%" G_GINT64_FORMAT " %" G_GINT64_FORMAT " %s %d %" G_GINT64_FORMAT
			       " %" G_GINT64_FORMAT " %s",
		entry->action_id, entry->scheduled_at, entry->manual ? entry->manual : "", (int)entry->status,
		entry->finished_at, entry->last, entry->note ? entry->note : "");
}

static struct kept *kept_new(const struct history_entry *entry)
{
	struct kept *kept = g_new0(struct kept, 1);
	kept->entry = *entry;
	kept->entry.manual = kept->manual = g_strdup(entry->manual);
	kept->entry.detail = kept->detail = g_strdup(entry->detail);
	kept->entry.note = kept->note = g_strdup(entry->note);
	return kept;
}

/* The first time the limit bounds what is shown; the entries of the overlap count as seen all the same. */
static bool read_entry(void *context, const struct history_entry *entry)
{
	struct reading *reading = context;
	const struct history_follow *follow = reading->follow;
	bool beyond = follow->first && follow->query.limit && reading->count++ >= follow->query.limit;
	char *key = key_of(entry);
	reading->newest = MAX(reading->newest, entry->finished_at);
	if (!beyond && !g_hash_table_contains(follow->seen, key) &&
		!g_hash_table_contains(reading->seen, key))
		g_ptr_array_add(reading->fresh, kept_new(entry));
	g_hash_table_add(reading->seen, key);
	return !beyond || entry->finished_at >= reading->newest - OVERLAP;
}

struct history_follow *history_follow_new(const struct history_query *query, history_fn each, void *context)
{
	struct history_follow *follow = g_new0(struct history_follow, 1);
	follow->query = *query;
	follow->each = each;
	follow->context = context;
	follow->newest = TIME_US_MIN;
	follow->seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	follow->first = true;
	return follow;
}

void history_follow_free(struct history_follow *follow)
{
	g_hash_table_unref(follow->seen);
	g_free(follow);
}

static struct history_query next_query(const struct history_follow *follow)
{
	struct history_query query = follow->query;
	query.limit = 0;
	if (follow->newest != TIME_US_MIN)
		query.since = MAX(query.since, follow->newest - OVERLAP);
	return query;
}

bool history_follow_poll(struct history_follow *follow, struct journal *journal, GError **error)
{
	struct history_query query = next_query(follow);
	g_autoptr(GPtrArray) fresh = g_ptr_array_new_with_free_func(kept_free);
	struct reading reading = {.follow = follow, .fresh = fresh, .newest = follow->newest};
	reading.seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	if (!journal_history(journal, &query, read_entry, &reading, error)) {
		g_hash_table_unref(reading.seen);
		return false;
	}
	for (guint i = fresh->len; i > 0; i--) {
		const struct kept *kept = g_ptr_array_index(fresh, i - 1);
		follow->each(follow->context, &kept->entry);
	}
	g_hash_table_unref(follow->seen);
	follow->seen = reading.seen;
	follow->newest = reading.newest;
	follow->first = false;
	return true;
}
