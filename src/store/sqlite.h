/* Purpose: the SQLite backend's own parts, shared by its files. */
#pragma once

#include <sys/stat.h>

#include "base/sqlite.h"
#include "store/backend.h"
#include "store/change.h"
#include "store/columns.h"
#include "store/file_watch.h"

struct store_file {
	struct store base; /* place is the absolute path */
	struct store_options options;
	sqlite3 *db; /* NULL: not open, the next call tries again */
	dev_t device;
	ino_t inode;
	int64_t version; /* of the data as of the last read; means something while base.whole is set */
	struct file_watch *watch;
};

static inline struct store_file *store_file(struct store *store)
{
	return (struct store_file *)store;
}

/* Opens the file if it is not open, or has become another one. Never creates it. */
bool store_file_open(struct store_file *file, GError **error);
/* Lets go of a damaged file, so that the next call looks at it afresh. Always false. */
bool store_file_failed(struct store_file *file, GError **error);
/* The number that changes when others wrote; *version is -1 where that cannot be told. */
bool store_file_version(struct store_file *file, int64_t *version, GError **error);

/* Leaves the transaction, if there is one. Keeps the error that a caller is about to return. */
void store_file_rollback(struct store_file *file);

/* Runs `work` as one transaction that writes. */
bool store_file_write(struct store_file *file, bool (*work)(struct store_file *, void *, GError **),
	void *context, GError **error);

/* The columns that the table has. */
struct table_shape {
	const struct column *columns[ROW_COLUMN_COUNT]; /* those that it has, in the order of row_columns */
	unsigned count;
	unsigned bits;      /* enum row_column */
	bool id_is_integer; /* ids are stored and ordered as integers */
};
/* Errors: AS_ERROR_MISSING where there is no table, AS_ERROR_INVALID where it lacks a column that must be. */
bool store_file_shape(struct store_file *file, struct table_shape *shape, GError **error);

bool store_file_create_table(struct store *store, GError **error);
bool store_file_complete_table(struct store *store, unsigned *added, GError **error);
bool store_file_is_empty(struct store *store, bool *empty, GError **error);
bool store_file_write_begin(struct store *store, unsigned *present, GError **error);
bool store_file_write_rows(
	struct store *store, const struct change_slice *slice, size_t *written, GError **error);
bool store_file_write_run(struct store *store, const char *sql, GError **error);
bool store_file_write_commit(struct store *store, GError **error);
void store_file_write_end(struct store *store);
bool store_file_inspect(struct store *store, struct store_state *state, GError **error);
bool store_file_write_errors(
	struct store *store, const struct store_row_error *errors, size_t count, GError **error);
bool store_file_read(struct store *store, store_row_fn each, void *context, GError **error);
bool store_file_read_one(
	struct store *store, int64_t id, store_row_fn each, void *context, bool *found, GError **error);
