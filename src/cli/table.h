/* Purpose: the table that a terminal shows: widths, what gives way where it is narrow, colours. Used by
 * output.c alone. One thread. */
#pragma once

#include "cli/output.h"

struct table;

/* Style and columns are borrowed. */
struct table *table_new(const struct output_style *style, const struct output_column *columns, size_t count);
void table_free(struct table *table); /* NULL is fine */
/* A cell for each column: on one line, valid UTF-8, without control characters; NULL where the column has no
 * title. Taken over, as g_strfreev would free them had it the count. */
void table_add(struct table *table, char **cells);
/* Writes out what was held back for the widths. */
void table_flush(struct table *table);
/* The width of the style is another one. */
void table_fit_again(struct table *table);

/* The escape sequence's number for a state; NULL: none. */
const char *table_state_color(const char *state);

/* What becomes of the columns in a terminal: pure. */
struct table_fit {
	size_t width; /* natural in, as shown out */
	bool shown;   /* has a title in, is shown out */
	bool empty;   /* there is nothing in it */
};
void table_fit(const struct output_column *columns, struct table_fit *fits, size_t count, size_t terminal);
