/* Purpose: the columns of the table `action`, in one place: the name, what it holds, and where it lies in
 * struct action_row. Constant data. */
#pragma once

#include "model/action.h"

/* Bits, so that sets of columns are numbers. */
enum row_column {
	COLUMN_ENABLED = 1 << 0,
	COLUMN_TIMEZONE = 1 << 1,
	COLUMN_CALLBACK = 1 << 2,
	COLUMN_MAX_INSTANCES = 1 << 3,
	COLUMN_TIMEOUT = 1 << 4,
	COLUMN_MAX_ATTEMPTS = 1 << 5,
	COLUMN_DST = 1 << 6,
	COLUMN_CATCH_UP_LIMIT = 1 << 7,
	COLUMN_TOPIC = 1 << 8,
	COLUMN_ERROR = 1 << 9,
	COLUMNS_OPTIONAL = (1 << 10) - 1, /* the optional ones */
	COLUMN_NAME = 1 << 10,
	COLUMN_COMMAND = 1 << 11,
	COLUMN_CRON = 1 << 12,
	COLUMN_MERGE_MISSED = 1 << 13,
	COLUMN_ACTUALITY_TIME = 1 << 14,
	COLUMNS_OF_ROW = ((1 << 15) - 1) & ~COLUMN_ERROR, /* those of struct action_row */
};

enum column_kind { COLUMN_TEXT, COLUMN_INTEGER, COLUMN_BOOLEAN };

struct column {
	const char *name;
	enum column_kind kind;
	size_t offset; /* in struct action_row; NOT_IN_ROW for what is only written */
	unsigned bit;  /* enum row_column */
	bool required;
};

#define NOT_IN_ROW SIZE_MAX

/* Without id. */
#define ROW_COLUMN_COUNT 15
extern const struct column row_columns[ROW_COLUMN_COUNT];

static inline bool column_is_optional(const struct column *column)
{
	return column->bit & COLUMNS_OPTIONAL;
}

static inline struct text *column_text(const struct column *column, struct action_row *row)
{
	return G_STRUCT_MEMBER_P(row, column->offset);
}
static inline struct maybe_int *column_int(const struct column *column, struct action_row *row)
{
	return G_STRUCT_MEMBER_P(row, column->offset);
}

/* An integer or a boolean that a database holds as text: sets *out (`bad` where it is neither). The text must
 * end in a NUL. Booleans are also true/false, yes/no, on/off, t/f, y/n, in any case. */
void column_parse(enum column_kind kind, struct text text, struct maybe_int *out);
