/* Purpose: the columns of the table `action`, in one place for all backends: the name in SQL, what it holds,
 * and where it lies in struct action_row. Constant data. */
#pragma once

#include "store/store.h"

enum column_kind { COLUMN_TEXT, COLUMN_INTEGER, COLUMN_BOOLEAN };

struct column {
	const char *name;
	enum column_kind kind;
	size_t offset; /* in struct action_row; NOT_IN_ROW for what is only written */
	unsigned bit;  /* enum store_column */
	bool required;
};

#define NOT_IN_ROW SIZE_MAX

/* Without id. */
#define STORE_COLUMN_COUNT 15
extern const struct column store_table[STORE_COLUMN_COUNT];

static inline bool column_is_optional(const struct column *column)
{
	return column->bit & STORE_COLUMNS_ALL;
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

/* Writes the statement that adds the optional columns which a table with these (enum store_column) lacks, the
 * types by enum column_kind, and returns how many they are. One statement: half of them is never there. */
unsigned columns_alter(unsigned present, const char *const *types, char quote, GString *sql);
