#include "engine/internal.h"

#include <string.h>

/* --- lists --- */

uint32_t action_list_above(const struct action_list *list, int64_t id)
{
	uint32_t low = 0, high = list->count;
	/* Mostly they come in order. */
	if (high == 0 || list->items[high - 1]->id <= id)
		return high;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (list->items[middle]->id <= id)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct action *action_list_find(const struct action_list *list, int64_t id)
{
	uint32_t i = action_list_above(list, id);
	return i > 0 && list->items[i - 1]->id == id ? list->items[i - 1] : NULL;
}

static void list_move(struct action_list *list, uint32_t to, uint32_t from, uint32_t count)
{
	memmove(list->items + to, list->items + from, count * sizeof(list->items[0]));
}

static void list_take_out(struct action_list *list, const int64_t *out, uint32_t out_count)
{
	uint32_t write = 0, read = 0;
	for (uint32_t i = 0; i < out_count; i++) {
		uint32_t at = action_list_above(list, out[i]);
		if (at == 0 || list->items[at - 1]->id != out[i])
			continue;
		/* Ids are looked up in the untouched part: what is behind `read` has not moved yet. */
		list_move(list, write, read, at - 1 - read);
		write += at - 1 - read;
		read = at;
	}
	if (write == read)
		return;
	list_move(list, write, read, list->count - read);
	list->count = write + list->count - read;
}

static void list_put_in(struct action_list *list, struct action **in, uint32_t in_count)
{
	if (list->count + in_count > list->capacity) {
		list->capacity = MAX(list->count + in_count, list->capacity + list->capacity / 2);
		list->items = g_renew(struct action *, list->items, list->capacity);
	}
	uint32_t tail = list->count;
	list->count += in_count;
	for (uint32_t i = in_count; i > 0; i--) {
		struct action_list head = {list->items, tail, 0};
		uint32_t at = action_list_above(&head, in[i - 1]->id);
		list_move(list, at + i, at, tail - at);
		list->items[at + i - 1] = in[i - 1];
		tail = at;
	}
}

void action_list_edit(struct action_list *list, const int64_t *out, uint32_t out_count, struct action **in,
	uint32_t in_count)
{
	if (out_count)
		list_take_out(list, out, out_count);
	if (in_count)
		list_put_in(list, in, in_count);
}

void action_list_clear(struct action_list *list)
{
	g_free(list->items);
	*list = (struct action_list){0};
}

/* --- cursors --- */

static bool seek_jittered(struct cursor *cursor, struct position after)
{
	cursor->index = 0;
	return cursor->members->count > 0 &&
	       fire_next(cursor->schedule, cursor_action(cursor)->id, after, &cursor->head);
}

static void head_set(struct cursor *cursor, time_us instant, uint32_t index)
{
	cursor->index = index;
	cursor->head = (struct position){instant, cursor_action(cursor)->id, instant};
}

/* True where the instant of the head is known to be the first one that counts, whoever the members are. */
static bool head_is_next(const struct cursor *cursor, struct position after)
{
	time_us clear = cursor->clear_from;
	return after.due_at < cursor->head.due_at &&
	       (clear < after.due_at ||
		       (clear == after.due_at && position_compare(after, position_end_of(clear)) == 0));
}

bool cursor_seek(struct cursor *cursor, struct position after)
{
	if (schedule_jitter(cursor->schedule))
		return seek_jittered(cursor, after);
	if (cursor->members->count == 0)
		return false;
	if (head_is_next(cursor, after)) {
		head_set(cursor, cursor->head.due_at, 0);
		return true;
	}
	time_us instant = after.due_at;
	uint32_t index = 0;
	if (instant > TIME_US_MIN && schedule_next(cursor->schedule, after.due_at - 1, &instant) &&
		instant == after.due_at) {
		/* Without jitter nominal and due time are one: a position just before it is before the
		 * action's own. */
		bool own_too = after.nominal < instant && after.action_id > INT64_MIN;
		index = action_list_above(cursor->members, after.action_id - own_too);
		if (index < cursor->members->count) {
			cursor->clear_from = instant - 1;
			head_set(cursor, instant, index);
			return true;
		}
	}
	cursor->clear_from = TIME_US_MAX;
	if (!schedule_next(cursor->schedule, after.due_at, &instant))
		return false;
	cursor->clear_from = after.due_at;
	head_set(cursor, instant, 0);
	return true;
}

static bool cursor_step(struct cursor *cursor)
{
	if (schedule_jitter(cursor->schedule))
		return seek_jittered(cursor, cursor->head);
	if (cursor->index + 1 < cursor->members->count) {
		head_set(cursor, cursor->head.due_at, cursor->index + 1);
		return true;
	}
	time_us instant;
	if (!schedule_next(cursor->schedule, cursor->head.due_at, &instant))
		return false;
	cursor->clear_from = cursor->head.due_at;
	head_set(cursor, instant, 0);
	return true;
}

/* --- sources: binary heaps --- */

static bool earlier(const struct cursor *a, const struct cursor *b)
{
	return position_compare(a->head, b->head) < 0;
}

static void heap_set(struct source *source, uint32_t at, struct cursor *cursor)
{
	source->heap[at] = cursor;
	cursor->heap_index = at;
}

static void heap_up(struct source *source, struct cursor *cursor)
{
	uint32_t at = cursor->heap_index;
	while (at > 0 && earlier(cursor, source->heap[(at - 1) / 2])) {
		heap_set(source, at, source->heap[(at - 1) / 2]);
		at = (at - 1) / 2;
	}
	heap_set(source, at, cursor);
}

static void heap_down(struct source *source, struct cursor *cursor)
{
	uint32_t at = cursor->heap_index;
	for (;;) {
		uint32_t child = 2 * at + 1;
		if (child >= source->count)
			break;
		if (child + 1 < source->count && earlier(source->heap[child + 1], source->heap[child]))
			child++;
		if (!earlier(source->heap[child], cursor))
			break;
		heap_set(source, at, source->heap[child]);
		at = child;
	}
	heap_set(source, at, cursor);
}

void source_remove(struct source *source, struct cursor *cursor)
{
	uint32_t at = cursor->heap_index;
	if (at == UINT32_MAX)
		return;
	cursor->heap_index = UINT32_MAX;
	struct cursor *last = source->heap[--source->count];
	if (last == cursor)
		return;
	heap_set(source, at, last);
	heap_up(source, last);
	heap_down(source, last);
}

void source_seek(struct source *source, struct cursor *cursor, struct position after)
{
	if (!cursor_seek(cursor, after)) {
		source_remove(source, cursor);
		return;
	}
	if (cursor->heap_index == UINT32_MAX) {
		if (source->count == source->capacity) {
			source->capacity = MAX(16, source->capacity * 2);
			source->heap = g_renew(struct cursor *, source->heap, source->capacity);
		}
		heap_set(source, source->count++, cursor);
	}
	heap_up(source, cursor);
	heap_down(source, cursor);
}

void source_advance(struct source *source)
{
	struct cursor *top = source->heap[0];
	if (cursor_step(top))
		heap_down(source, top);
	else
		source_remove(source, top);
}

void source_skip(struct source *source, struct position after)
{
	struct cursor *top;
	while ((top = source_top(source)) && position_compare(top->head, after) <= 0)
		source_seek(source, top, after);
}

void source_clear(struct source *source)
{
	g_free(source->heap);
	*source = (struct source){0};
}

/* --- cohorts --- */

static guint cohort_hash(const void *data)
{
	const struct cohort *cohort = data;
	uint64_t h =
		((uint64_t)(uintptr_t)cohort->schedule >> 4) ^ (uint64_t)cohort->jittered_id * 0x9e3779b1u;
	return (guint)(h ^ (h >> 32));
}

static gboolean cohort_equal(const void *a, const void *b)
{
	const struct cohort *x = a, *y = b;
	return x->schedule == y->schedule && x->jittered_id == y->jittered_id;
}

static void cohort_free(void *data)
{
	struct cohort *cohort = data;
	action_list_clear(&cohort->members);
	if (cohort->out)
		g_array_unref(cohort->out);
	if (cohort->in)
		g_ptr_array_unref(cohort->in);
	schedule_unref(cohort->schedule);
	g_free(cohort);
}

struct cohort *lane_cohort(struct lane *lane, struct schedule *schedule, int64_t id, bool create)
{
	if (!lane->cohorts)
		lane->cohorts = g_hash_table_new_full(cohort_hash, cohort_equal, cohort_free, NULL);
	struct cohort key = {.schedule = schedule, .jittered_id = schedule_jitter(schedule) ? id : 0};
	struct cohort *cohort = g_hash_table_lookup(lane->cohorts, &key);
	if (cohort || !create)
		return cohort;
	cohort = g_new0(struct cohort, 1);
	cohort->schedule = schedule_ref(schedule);
	cohort->jittered_id = key.jittered_id;
	cohort->cursor =
		(struct cursor){.schedule = schedule, .members = &cohort->members, .heap_index = UINT32_MAX};
	g_hash_table_add(lane->cohorts, cohort);
	return cohort;
}

void lane_cohort_drop(struct lane *lane, struct cohort *cohort)
{
	source_remove(&lane->source, &cohort->cursor);
	g_hash_table_remove(lane->cohorts, cohort);
}
