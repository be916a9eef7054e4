/* Purpose: how store_write goes about many changes: in slices, each of neighbours of one kind which write the
 * same columns, so that a backend makes few statements of them. Where a slice fails it is done again row by
 * row to find the one that is at fault. Seen by the files of src/store only. */
#pragma once

#include "store/columns.h"

/* Some changes of one kind, none of them a surprise: the columns are there, the texts can be stored. */
struct change_slice {
	enum store_change_kind kind;
	bool keep_id;
	const struct column *columns[ROW_COLUMN_COUNT]; /* to be written, in the order of row_columns */
	unsigned column_count;
	struct store_change *changes; /* not const for column_text alone */
	size_t count;
	int64_t *ids; /* for STORE_INSERT without keep_id: to be filled in */
};
