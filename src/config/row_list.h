/* Purpose: rows of the table `action` held in memory with their texts: those of a file, and a copy of the
 * table. One thread; the set owns rows and texts. */
#pragma once

#include "model/row_columns.h"

/* Texts and rows of a set are bounded, so that a file of aliases cannot grow without end. */
#define ROW_LIST_BYTES_MAX ((size_t)2 << 30)

struct list_row {
	struct action_row row; /* texts are the set's; id is 0 where has_id is false */
	bool has_id;
	uint32_t given; /* bit i: column i of row_columns is known; the others are NULL */
	unsigned line;  /* in the file, from 1; 0 for a row of the table */
};

struct row_list {
	GArray *rows; /* struct list_row */
	GStringChunk *texts;
	size_t bytes; /* what it takes, about */
};

/* All columns of struct action_row. */
uint32_t row_list_all_columns(void);

struct row_list *row_list_new(void);
void row_list_free(struct row_list *set); /* NULL is fine */

static inline const struct list_row *row_list_at(const struct row_list *set, guint i)
{
	return &g_array_index(set->rows, struct list_row, i);
}

/* Appends the row, whose texts are the set's already. */
void row_list_add(struct row_list *set, const struct list_row *row);
/* Appends a copy of a row of the table. */
void row_list_copy(struct row_list *set, const struct action_row *row);
bool row_list_is_full(const struct row_list *set);

/* A copy that lives as long as the set; NULL stays NULL. */
struct text row_list_text(struct row_list *set, const char *data, size_t length);
/* Gives a column of `row`, a row that may be added to the set, this value; data is NULL for SQL NULL. What is
 * no integer or boolean where it should be one stands in `bad`, as in a row that was read. */
void row_list_column(
	struct row_list *set, struct list_row *row, unsigned column, const char *data, size_t length);
/* The index in row_columns, or ROW_COLUMN_COUNT. */
unsigned row_list_column_named(const char *name);
