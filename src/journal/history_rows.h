/* Purpose: the history as it is written: fires that ended alike, one after the other, share a row. What a row
 * is, for every database. Pure; any thread. */
#pragma once

#include "journal/journal.h"

enum history_kind { KIND_FIRES, KIND_RANGE, KIND_NOTE };

/* What a row costs beside its body and texts, with its keys and its entry of the index: about. */
#define HISTORY_ROW_BASE 52

/* Rows that one call of journal_trim deletes. */
#define HISTORY_TRIM_ROWS 512

/* The columns of a row; a note has kind, finished and detail only (the rest is 0 and NULL). */
struct history_row {
	enum history_kind kind;
	int status, reason, attempts;
	uint64_t fires;
	time_us finished, span;
	int64_t min_id, max_id;
	const GByteArray *body;
	const char *manual, *detail;
	const char *failed_fire; /* the fire id, where the row is a fire that failed */
};

/* Takes a row, borrowed during the call; false with an error to stop. */
typedef bool (*history_row_fn)(void *context, const struct history_row *row, GError **error);

/* The rows of this failed fire are to go: another run of it has ended, whose row follows where the level
 * keeps it. False with an error to stop. */
typedef bool (*history_replace_fn)(void *context, const char *failed_fire, GError **error);

struct history_sink {
	history_row_fn put;
	history_replace_fn replace;
	void *context;
};

/* Gives the rows of a commit that the level keeps, and what they replace whatever the level, in the order in
 * which they are to be written; *bytes grows by what the rows cost. */
bool history_rows_make(const struct commit *commit, enum history_level level, const struct history_sink *sink,
	int64_t *bytes, GError **error);

/* What ended before is too old; TIME_US_MIN where there is no limit (max_age 0). */
time_us history_oldest_kept(time_us now, dur_us max_age);
