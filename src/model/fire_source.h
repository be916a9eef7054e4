/* Purpose: the fires of many actions in their order (position_compare), computed as they are asked for: a
 * cursor for each distinct schedule, and a heap of cursors. Pure; one thread. Cursors, members and schedules
 * are borrowed. */
#pragma once

#include "model/action_list.h"
#include "model/fire.h"

/* Walks the fires of actions that share a schedule, in order. With jitter there is one action to a cursor. */
struct cursor {
	const struct schedule *schedule;
	const struct action_list *members;
	struct position head; /* the next fire */
	time_us clear_from;   /* the schedule has no instant after this and before the head's */
	uint32_t index;       /* of its action among the members */
	uint32_t heap_index;  /* UINT32_MAX while it is in no source */
	uint32_t counted;     /* its members, as far as the source counts them */
};

/* Cursors of many schedules, merged: a heap by their heads. */
struct source {
	struct cursor **heap;
	uint32_t count, capacity;
	uint32_t members; /* of the cursors in it, as of when each was put at its place */
};

/* Moves to the first fire later than `after`; false where there is none. */
bool cursor_seek(struct cursor *cursor, struct position after);
static inline struct action *cursor_action(const struct cursor *cursor)
{
	return cursor->members->items[cursor->index];
}

/* Puts a cursor at its place (in, or out where it has no more fires) after a seek. */
void source_seek(struct source *source, struct cursor *cursor, struct position after);
void source_remove(struct source *source, struct cursor *cursor);
/* The cursor with the earliest fire, NULL where there is none. */
static inline struct cursor *source_top(const struct source *source)
{
	return source->count ? source->heap[0] : NULL;
}
/* The top moves on to its next fire. */
void source_advance(struct source *source);
/* Every cursor whose fire is not later than `after` moves to its first one that is. */
void source_skip(struct source *source, struct position after);
void source_clear(struct source *source);
