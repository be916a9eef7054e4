/* Purpose: what a backend of store.h provides, and the part of a store that all backends have.
 * Seen by the files of src/store only. */
#pragma once

#include "store/store.h"

struct apscheduler_jobs;
struct change_slice;

struct store_backend {
	const char *dialect;
	bool tells_after_commit;
	/* Sets place; the rest of struct store is filled in by store_open. */
	struct store *(*open)(const struct store_options *options, GError **error);
	void (*close)(struct store *store);
	bool (*create_table)(struct store *store, GError **error);
	bool (*complete_table)(struct store *store, unsigned *added, GError **error);
	/* Whether the table has no row; the columns are known then. */
	bool (*is_empty)(struct store *store, bool *empty, GError **error);
	/* What store_write is made of, see change.h. Begins a transaction that writes; *present is the
	 * columns that the table has, of COLUMNS_OF_ROW. */
	bool (*write_begin)(struct store *store, unsigned *present, GError **error);
	/* *written is how many rows there were to insert, update or delete. After an error, or where a row
	 * was lacking, some may have been written: the caller goes back to a savepoint. */
	bool (*write_rows)(
		struct store *store, const struct change_slice *slice, size_t *written, GError **error);
	bool (*write_run)(struct store *store, const char *sql, GError **error);
	bool (*write_commit)(struct store *store, GError **error);
	/* Leaves the transaction where there is one, with nothing written. */
	void (*write_end)(struct store *store);
	bool (*read)(struct store *store, store_row_fn each, void *context, GError **error);
	/* These three may be NULL: rows are read one by one; nothing is told; there is no trigger. */
	bool (*read_ids)(struct store *store, const int64_t *ids, size_t count, store_row_fn each,
		void *context, GError **error);
	bool (*changed_ids)(struct store *store, const int64_t **ids, size_t *count);
	bool (*install_trigger)(struct store *store, bool *installed, GError **error);
	bool (*read_one)(struct store *store, int64_t id, store_row_fn each, void *context, bool *found,
		GError **error);
	bool (*changed)(struct store *store, bool *changed, GError **error);
	int (*watch_fd)(struct store *store);
	bool (*watch_drain)(struct store *store);
	/* Reads the table apscheduler_jobs; *there tells whether it is one of APScheduler's. NULL: it is read
	 * otherwise, see apscheduler_jobs.c. */
	bool (*read_jobs)(struct store *store, struct apscheduler_jobs *jobs, bool *there, GError **error);
	/* Into a state of zeros. */
	bool (*inspect)(struct store *store, struct store_state *state, GError **error);
	bool (*write_errors)(
		struct store *store, const struct store_row_error *errors, size_t count, GError **error);
};

extern const struct store_backend store_sqlite;
extern const struct store_backend store_postgresql;
extern const struct store_backend store_backend_mysql, store_backend_mariadb;

struct store {
	const struct store_backend *backend;
	char *place;
	unsigned columns;
	size_t nameless_rows;
	bool whole; /* the last read came to its end, so `changed` can compare with it */
};

/* Makes the next store_changed say true. */
void store_forget(struct store *store);
