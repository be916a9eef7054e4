#include "store/tracker.h"

#include <string.h>

#include "store/backend.h"

/* Changes handed on at a time. */
#define BATCH       1024
/* ... or less, where texts are long. */
#define BATCH_BYTES (1u << 20)

/* A row as it was last seen. The digest's lowest bits hold the rest: the state, and the read that saw it. */
struct entry {
	int64_t id;
	uint64_t mark;
};
#define MARK_STATE  UINT64_C(3) /* enum action_state */
#define MARK_SEEN   UINT64_C(4) /* equal to tracker.seen: seen by the read under way */
#define MARK_DIGEST (~UINT64_C(7))
#define MARK_OTHER  UINT64_C(8) /* added: a digest that the same row does not have */

struct tracker {
	struct action_defaults defaults;
	char *timezone, *callback; /* of defaults */
	const struct lane_names *lanes;
	struct schedule_cache *cache;
	GArray *entries; /* struct entry, ascending by id */
	uint64_t seen;   /* MARK_SEEN or 0, as the last whole read left it in all entries */
	size_t bad, disabled;
	GByteArray *packed;
};

struct tracker *tracker_new(
	const struct action_defaults *defaults, const struct lane_names *lanes, struct schedule_cache *cache)
{
	struct tracker *tracker = g_new0(struct tracker, 1);
	tracker->lanes = lanes;
	tracker->cache = cache;
	tracker->entries = g_array_new(FALSE, FALSE, sizeof(struct entry));
	tracker->packed = g_byte_array_new();
	tracker_set_defaults(tracker, defaults);
	return tracker;
}

void tracker_free(struct tracker *tracker)
{
	if (!tracker)
		return;
	g_free(tracker->timezone);
	g_free(tracker->callback);
	g_array_unref(tracker->entries);
	g_byte_array_unref(tracker->packed);
	g_free(tracker);
}

static struct entry *entry_at(const struct tracker *tracker, guint i)
{
	return &g_array_index(tracker->entries, struct entry, i);
}

static enum action_state entry_state(const struct entry *entry)
{
	return (enum action_state)(entry->mark & MARK_STATE);
}

void tracker_set_defaults(struct tracker *tracker, const struct action_defaults *defaults)
{
	char *timezone_name = g_strdup(defaults->timezone);
	char *callback = g_strdup(defaults->callback);
	g_free(tracker->timezone);
	g_free(tracker->callback);
	tracker->defaults = *defaults;
	tracker->defaults.timezone = tracker->timezone = timezone_name;
	tracker->defaults.callback = tracker->callback = callback;
	/* A digest says nothing of the policies that a row leaves to the defaults. */
	for (guint i = 0; i < tracker->entries->len; i++)
		entry_at(tracker, i)->mark += MARK_OTHER;
}

size_t tracker_rows(const struct tracker *tracker)
{
	return tracker->entries->len;
}

size_t tracker_bad_rows(const struct tracker *tracker)
{
	return tracker->bad;
}

size_t tracker_disabled_rows(const struct tracker *tracker)
{
	return tracker->disabled;
}

static void state_count(struct tracker *tracker, enum action_state state, int by)
{
	if (state == ACTION_BAD)
		tracker->bad += (size_t)by;
	else if (state == ACTION_DISABLED)
		tracker->disabled += (size_t)by;
}

static bool seed_is_in_order(
	const struct tracker *tracker, const struct definition *definition, GError **error)
{
	guint count = tracker->entries->len;
	if (count == 0 || entry_at(tracker, count - 1)->id < definition->action_id)
		return true;
	g_set_error(error, AS_ERROR, AS_ERROR_CORRUPT,
		"definition of action %" G_GINT64_FORMAT " is out of order", definition->action_id);
	return false;
}

struct action *tracker_seed(struct tracker *tracker, const struct definition *definition, GError **error)
{
	if (!seed_is_in_order(tracker, definition, error))
		return NULL;
	struct action *action = NULL;
	enum action_state state = action_build(definition->packed, definition->length, &tracker->defaults,
		tracker->lanes, tracker->cache, &action, error);
	/* One that does not build any more counts as active, and as changed: the next read says what became
	 * of it. */
	uint64_t digest = action_digest(definition->packed, definition->length) + (action ? 0 : MARK_OTHER);
	struct entry entry = {definition->action_id, (digest & MARK_DIGEST) | ACTION_ACTIVE | tracker->seen};
	g_array_append_val(tracker->entries, entry);
	if (state == ACTION_DISABLED)
		g_set_error_literal(
			error, AS_ERROR, AS_ERROR_INVALID, "the definition is that of a disabled row");
	return action;
}

/* --- a read --- */

struct walk {
	struct tracker *tracker;
	tracker_fn each;
	void *context;
	guint next;    /* the first old entry not passed yet */
	GArray *added; /* struct entry, ascending: rows that were not known */
	struct action_change *batch;
	size_t count;
	GByteArray *block; /* the packed definitions of the batch, one after the other */
	bool stopped;
};

/* Definitions of a batch are one allocation: they are many, and go all together once they are written down.
 */
static void share_block(struct walk *walk, size_t count)
{
	g_autoptr(GBytes) block = g_byte_array_free_to_bytes(walk->block);
	uint8_t *at = (uint8_t *)(uintptr_t)g_bytes_get_data(block, NULL);
	for (size_t i = 0; i < count; i++) {
		struct action_change *change = &walk->batch[i];
		if (change->packed_length == 0)
			continue;
		change->block = g_bytes_ref(block);
		change->packed = at;
		at += change->packed_length;
	}
	walk->block = g_byte_array_new();
}

static bool flush(struct walk *walk)
{
	size_t count = walk->count;
	walk->count = 0;
	share_block(walk, count);
	if (count && !walk->stopped)
		walk->stopped = !walk->each(walk->context, walk->batch, count);
	return !walk->stopped;
}

/* Takes over what the change holds. */
static bool report(struct walk *walk, struct action_change change)
{
	walk->batch[walk->count++] = change;
	return (walk->count < BATCH && walk->block->len < BATCH_BYTES) || flush(walk);
}

/* The same, with the packed definition of the row. */
static bool report_packed(struct walk *walk, struct action_change change)
{
	const GByteArray *packed = walk->tracker->packed;
	g_byte_array_append(walk->block, packed->data, packed->len);
	change.packed_length = packed->len;
	return report(walk, change);
}

static bool report_removal(struct walk *walk, int64_t id, enum fire_reason reason)
{
	return report(walk, (struct action_change){.kind = CHANGE_REMOVE, .id = id, .reason = reason});
}

static bool report_bad(struct walk *walk, int64_t id, const GError *why)
{
	return report_packed(walk, (struct action_change){.kind = CHANGE_REMOVE,
					   .id = id,
					   .reason = REASON_BAD_ROW,
					   .error = g_strdup(why->message)});
}

static bool report_upsert(struct walk *walk, struct action *action)
{
	return report_packed(
		walk, (struct action_change){.kind = CHANGE_UPSERT, .id = action->id, .action = action});
}

/* The entry of a row, if it is known; those before it are passed over, they are gone. */
static struct entry *find_entry(struct walk *walk, int64_t id)
{
	struct tracker *tracker = walk->tracker;
	while (walk->next < tracker->entries->len && entry_at(tracker, walk->next)->id < id)
		walk->next++;
	if (walk->next == tracker->entries->len || entry_at(tracker, walk->next)->id != id)
		return NULL;
	return entry_at(tracker, walk->next++);
}

/* A row that is new or not what it was: remembers it, and reports what that means. */
static bool row_changed(struct walk *walk, int64_t id, uint64_t digest, struct entry *entry)
{
	struct tracker *tracker = walk->tracker;
	g_autoptr(GError) why = NULL;
	struct action *action = NULL;
	enum action_state state = action_build(tracker->packed->data, tracker->packed->len,
		&tracker->defaults, tracker->lanes, tracker->cache, &action, &why);
	bool was_active = entry && entry_state(entry) == ACTION_ACTIVE;
	if (entry)
		state_count(tracker, entry_state(entry), -1);
	state_count(tracker, state, 1);
	struct entry fresh = {id, (digest & MARK_DIGEST) | (uint64_t)state | tracker->seen};
	if (entry)
		*entry = fresh;
	else
		g_array_append_val(walk->added, fresh);
	if (state == ACTION_ACTIVE)
		return report_upsert(walk, action);
	if (state == ACTION_BAD)
		return report_bad(walk, id, why);
	return !was_active || report_removal(walk, id, REASON_DISABLED);
}

static bool each_row(void *context, const struct action_row *row)
{
	struct walk *walk = context;
	struct tracker *tracker = walk->tracker;
	g_byte_array_set_size(tracker->packed, 0);
	action_pack(row, &tracker->defaults, tracker->packed);
	uint64_t digest = action_digest(tracker->packed->data, tracker->packed->len);
	struct entry *entry = find_entry(walk, row->id);
	if (!entry || (entry->mark ^ digest) & MARK_DIGEST)
		return row_changed(walk, row->id, digest, entry);
	entry->mark = (entry->mark & ~MARK_SEEN) | tracker->seen;
	return true;
}

/* Drops the entries that no row was seen of. Where the callee stops, the rest stays for the next read. */
static void drop_gone(struct walk *walk)
{
	struct tracker *tracker = walk->tracker;
	guint kept = 0;
	for (guint i = 0; i < tracker->entries->len; i++) {
		struct entry entry = *entry_at(tracker, i);
		if ((entry.mark & MARK_SEEN) == tracker->seen || walk->stopped) {
			*entry_at(tracker, kept++) = entry;
			continue;
		}
		state_count(tracker, entry_state(&entry), -1);
		if (entry_state(&entry) == ACTION_ACTIVE)
			report_removal(walk, entry.id, REASON_REMOVED);
	}
	g_array_set_size(tracker->entries, kept);
}

/* Puts the new entries among the old ones, from the back, so that no third array is needed. */
static void merge_added(struct tracker *tracker, GArray *added)
{
	guint old = tracker->entries->len, fresh = added->len, at = old + fresh;
	g_array_set_size(tracker->entries, at);
	while (fresh) {
		const struct entry *last = &g_array_index(added, struct entry, fresh - 1);
		bool old_goes = old && entry_at(tracker, old - 1)->id > last->id;
		*entry_at(tracker, --at) = old_goes ? *entry_at(tracker, old - 1) : *last;
		old -= old_goes;
		fresh -= !old_goes;
	}
}

static void added_keep(struct walk *walk)
{
	struct tracker *tracker = walk->tracker;
	if (tracker->entries->len == 0) {
		g_array_unref(tracker->entries);
		tracker->entries = g_steal_pointer(&walk->added);
	} else {
		merge_added(tracker, walk->added);
		g_array_unref(walk->added);
	}
}

static void walk_free(struct walk *walk)
{
	schedule_cache_trim(walk->tracker->cache);
	g_free(walk->batch);
	g_byte_array_unref(walk->block);
}

static void walk_finish(struct walk *walk)
{
	struct tracker *tracker = walk->tracker;
	added_keep(walk);
	/* After a read that did not see everything, all count as seen: nothing is taken for gone. */
	for (guint i = 0; i < tracker->entries->len; i++)
		entry_at(tracker, i)->mark = (entry_at(tracker, i)->mark & ~MARK_SEEN) | tracker->seen;
	walk_free(walk);
}

static void walk_begin(struct walk *walk)
{
	walk->added = g_array_new(FALSE, FALSE, sizeof(struct entry));
	walk->batch = g_new(struct action_change, BATCH);
	walk->block = g_byte_array_new();
}

bool tracker_read(
	struct tracker *tracker, struct store *store, tracker_fn each, void *context, GError **error)
{
	struct walk walk = {.tracker = tracker, .each = each, .context = context};
	walk_begin(&walk);
	tracker->seen ^= MARK_SEEN;
	bool done = store_read(store, each_row, &walk, error);
	flush(&walk);
	if (done && !walk.stopped) {
		drop_gone(&walk);
		flush(&walk);
	}
	if (walk.stopped)
		store_forget(store);
	walk_finish(&walk);
	return done;
}

/* --- a read of single rows --- */

struct pick {
	struct walk walk;
	const int64_t *ids; /* asked for */
	size_t count, next; /* the first of them that no row has passed */
	GArray *gone;       /* int64_t, ascending: those that have no row */
};

/* The place of the first entry whose id is not below. */
static guint entry_search(const struct tracker *tracker, int64_t id)
{
	guint low = 0, high = tracker->entries->len;
	while (low < high) {
		guint middle = low + (high - low) / 2;
		if (entry_at(tracker, middle)->id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Rows come in the order of the ids: what stands before this one is not there. */
static void id_seen(struct pick *pick, int64_t id)
{
	while (pick->next < pick->count && pick->ids[pick->next] < id)
		g_array_append_val(pick->gone, pick->ids[pick->next++]);
	if (pick->next < pick->count && pick->ids[pick->next] == id)
		pick->next++;
}

static bool each_picked(void *context, const struct action_row *row)
{
	struct pick *pick = context;
	id_seen(pick, row->id);
	pick->walk.next = entry_search(pick->walk.tracker, row->id);
	return each_row(&pick->walk, row);
}

static void drop_picked(struct pick *pick)
{
	struct tracker *tracker = pick->walk.tracker;
	for (guint i = 0; i < pick->gone->len && !pick->walk.stopped; i++) {
		int64_t id = g_array_index(pick->gone, int64_t, i);
		guint place = entry_search(tracker, id);
		if (place == tracker->entries->len || entry_at(tracker, place)->id != id)
			continue;
		struct entry entry = *entry_at(tracker, place);
		g_array_remove_index(tracker->entries, place);
		state_count(tracker, entry_state(&entry), -1);
		if (entry_state(&entry) == ACTION_ACTIVE)
			report_removal(&pick->walk, id, REASON_REMOVED);
	}
}

bool tracker_read_ids(struct tracker *tracker, struct store *store, const int64_t *ids, size_t count,
	tracker_fn each, void *context, GError **error)
{
	/* They may be the store's, and gone with the read. */
	g_autofree int64_t *copy = g_memdup2(ids, count * sizeof *ids);
	struct pick pick = {
		.walk = {.tracker = tracker, .each = each, .context = context}, .ids = copy, .count = count};
	struct walk *walk = &pick.walk;
	if (count == 0)
		return true;
	walk_begin(walk);
	pick.gone = g_array_new(FALSE, FALSE, sizeof *ids);
	bool done = store_read_ids(store, ids, count, each_picked, &pick, error);
	flush(walk);
	if (done && !walk->stopped) {
		g_array_append_vals(pick.gone, pick.ids + pick.next, (guint)(pick.count - pick.next));
		drop_picked(&pick);
		flush(walk);
	}
	if (!done || walk->stopped)
		store_forget(store);
	added_keep(walk);
	walk_free(walk);
	g_array_unref(pick.gone);
	return done;
}
