/* Purpose: what would have to be changed in the table so that it holds the rows of a file. Pure; one thread.
 *
 * A row of the file is that of the table with its id, where it has one, else the one of the same name. A
 * column that the file does not name stays as it is. Two JSON texts that hold the same value are the same. */
#pragma once

#include "config/row_list.h"

enum row_change_kind { ROW_ADDED, ROW_CHANGED, ROW_REMOVED };

struct row_change {
	enum row_change_kind kind;
	const struct list_row *before; /* of the table; NULL for ROW_ADDED */
	const struct list_row *after;  /* of the file; NULL for ROW_REMOVED */
	uint32_t columns; /* bit i: column i of row_columns differs (ROW_ADDED, ROW_REMOVED: is not NULL)
			   */
};

struct table_diff {
	GArray *changes; /* struct row_change: those of the file's rows in their order, then what is removed
			  */
	size_t counts[ROW_REMOVED + 1];
	size_t unchanged;
};

/* Compares; `present` are the optional columns of the table (enum row_column), `name` the file in messages,
 * `prune` whether a row that is not in the file is to be removed. What cannot be decided is added to
 * problems. The sets are borrowed and must outlive the result. */
struct table_diff *table_diff_new(const struct row_list *table, unsigned present, const struct row_list *file,
	const char *name, bool prune, GPtrArray *problems);
void table_diff_free(struct table_diff *diff); /* NULL is fine */

/* The row as it is afterwards, or for ROW_REMOVED as it was. Texts are those of the sets. */
struct action_row row_change_result(const struct row_change *change);
