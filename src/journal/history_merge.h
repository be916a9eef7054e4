/* Purpose: the history as it is read: rows come by when their last fire ended, newest first, and are merged,
 * as the fires of one row may have ended among those of others. Only rows that overlap in time are in memory
 * together. Whatever the database; one thread. */
#pragma once

#include "journal/journal.h"

/* What is asked for, read once. */
struct history_filter {
	const struct history_query *query;
	const int64_t *action_id; /* NULL: all; rows without this action need not be given */
	bool one_fire;
	int64_t fire_action;
	time_us fire_nominal;
	char fire_manual[FIRE_MANUAL_MAX];
	char failed_fire[FIRE_ID_MAX]; /* not empty: the rows of this failed fire alone */
};
/* The query is borrowed, and the filter must stay where it is. AS_ERROR_INVALID: no fire id. */
bool history_filter_parse(const struct history_query *query, struct history_filter *out, GError **error);

/* The columns of a stored row as they are, to be judged by the merge. */
struct history_stored {
	int64_t id, kind, status, reason, attempts;
	time_us finished;
	const void *body;
	size_t length;
	const char *manual, *detail;
};

/* A backend's rows: those ended at `since` or later, of the action, of the status, notes where wanted, by
 * `finished` descending. */
struct history_reader {
	const char *place; /* for messages */
	/* The next row, borrowed until the next call; *found is false at the end. */
	bool (*next)(struct history_reader *reader, struct history_stored *row, bool *found, GError **error);
};

bool history_merge(struct history_reader *reader, const struct history_filter *filter, history_fn each,
	void *context, GError **error);
