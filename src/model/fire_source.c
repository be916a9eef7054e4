#include "model/fire_source.h"

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
	source->members -= cursor->counted;
	cursor->counted = 0;
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
	source->members += cursor->members->count - cursor->counted;
	cursor->counted = cursor->members->count;
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
