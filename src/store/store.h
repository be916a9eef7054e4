/* Purpose: actions_db: the table `action`. A vtable with one backend a database.
 * One thread at a time for each store (the daemon's store thread; the CLI opens its own). Calls block, each
 * with a deadline. Only bound parameters go into SQL. */
#pragma once

#include "base/error.h"
#include "model/action.h"

struct store;

/* Where it is. Strings are borrowed during the open. */
struct store_options {
	const char *dialect;
	const char *database; /* a path for sqlite, relative to the working directory */
	bool create;          /* make the file where there is none */
	bool read_only;
	int wait_ms; /* how long a call waits for the lock of another process; 0: 5 s */
	/* Logs every statement; NULL: nobody listens. */
	void (*echo)(void *context, const char *sql);
	/* For a SQLite file that internal_db shares: a number that changes when someone else wrote
	 * (journal.h), so that own commits do not look like changes of the table. NULL: not shared. */
	int64_t (*foreign_version)(void *context);
	void *context;
};

/* Errors: AS_ERROR_INVALID for a dialect that this build has not (the message lists those it has),
 * AS_ERROR_MISSING where the file is not there and create is false, AS_ERROR_UNAVAILABLE where a later try
 * may help. */
struct store *store_open(const struct store_options *options, GError **error);
void store_close(struct store *store); /* NULL is fine */

/* Creates the table where it is absent, exactly as the Python program does. */
bool store_create_table(struct store *store, GError **error);
/* Adds the optional columns that the table lacks; *added is how many. */
bool store_complete_table(struct store *store, unsigned *added, GError **error);
/* Writes rows in the order of the array, the ids given by the database, where the table is empty; used by
 * test.write_sample_actions_to_db. */
bool store_add_samples(struct store *store, const struct action_row *rows, size_t count, GError **error);

/* Returns false to stop. The row is borrowed. */
typedef bool (*store_row_fn)(void *context, const struct action_row *row);

/* Reads every row, ascending by id, in one snapshot; each id comes once. Stopping is no error; the table then
 * counts as changed. Errors: AS_ERROR_MISSING where there is no table or file, AS_ERROR_UNAVAILABLE (locked
 * past the deadline, I/O), AS_ERROR_CORRUPT. */
bool store_read(struct store *store, store_row_fn each, void *context, GError **error);
/* How many rows the last read passed over because their id is no integer, or is one that came before. */
size_t store_nameless_rows(const struct store *store);
/* One row by id; *found tells whether it is there. */
bool store_read_one(
	struct store *store, int64_t id, store_row_fn each, void *context, bool *found, GError **error);

/* Whether the table may have changed since the last store_read, cheaply; true where it cannot be told.
 * Notices a file that was replaced. */
bool store_changed(struct store *store, bool *changed, GError **error);
/* Readable when something may have changed (then call store_watch_drain and store_changed); -1 where the
 * database does not tell. */
int store_watch_fd(struct store *store);
/* True where it was about this database, and not about a neighbour of its file. */
bool store_watch_drain(struct store *store);

/* The path or host of the database, for messages. Borrowed. */
const char *store_place(const struct store *store);
/* The optional columns that the table has, as a bit set of enum store_column; known after a read. */
enum store_column {
	STORE_ENABLED = 1 << 0,
	STORE_TIMEZONE = 1 << 1,
	STORE_CALLBACK = 1 << 2,
	STORE_MAX_INSTANCES = 1 << 3,
	STORE_TIMEOUT = 1 << 4,
	STORE_MAX_ATTEMPTS = 1 << 5,
	STORE_DST = 1 << 6,
	STORE_CATCH_UP_LIMIT = 1 << 7,
	STORE_ERROR = 1 << 8,
	STORE_COLUMNS_ALL = (1 << 9) - 1,
};
unsigned store_columns(const struct store *store);

/* Makes the column `error` say why these rows (ascending by id) do not fire, and NULL in every other row;
 * nothing where the table has no such column (known after a read). It is no change in the sense of
 * store_changed. Errors: AS_ERROR_UNAVAILABLE, AS_ERROR_FAILED (the role may not). */
struct store_row_error {
	int64_t id;
	const char *text;
};
bool store_write_errors(
	struct store *store, const struct store_row_error *errors, size_t count, GError **error);
