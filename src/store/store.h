/* Purpose: actions_db: the table `action`. A vtable with one backend a database.
 * One thread at a time for each store (the daemon's store thread; the CLI opens its own). Calls block, each
 * with a deadline. Only bound parameters go into SQL. */
#pragma once

#include "base/error.h"
#include "model/action.h"
#include "model/row_columns.h"

struct store;

/* An option of the client library, as it names it: sslmode, ssl_ca, search_path's `options`. */
struct store_setting {
	const char *name, *value;
};

/* Where it is. Strings and settings are borrowed during the open. */
struct store_options {
	const char *dialect;
	const char *database; /* a path for sqlite, relative to the working directory; a name for a server */
	/* For a server; NULL and 0: the client library's default. */
	const char *host; /* name, address (IPv6 as well), or the directory of a Unix socket */
	int64_t port;
	const char *username, *password;
	const struct store_setting *settings;
	size_t setting_count;
	int connect_ms;   /* deadline of a connection to a server; 0: 5 s */
	int statement_ms; /* deadline of an answer of a server, of each piece of a long one; 0: 10 s */
	int stop_fd;      /* once it is readable, a wait for a server ends at once, as unavailable; 0: none */
	bool create;      /* make the file where there is none */
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
/* Writes rows in the order of the array where the table is empty; where an id is 0 the database gives one.
 * Used by test.write_sample_actions_to_db. Errors as store_write. */
bool store_add_samples(struct store *store, const struct action_row *rows, size_t count, GError **error);

/* Returns false to stop. The row is borrowed. */
typedef bool (*store_row_fn)(void *context, const struct action_row *row);

/* Reads every row, ascending by id, in one snapshot; each id comes once. Stopping is no error; the table then
 * counts as changed. Errors: AS_ERROR_MISSING where there is no table or file, AS_ERROR_UNAVAILABLE (locked
 * past the deadline, I/O), AS_ERROR_CORRUPT, AS_ERROR_INVALID (a column is lacking; the role may not). */
bool store_read(struct store *store, store_row_fn each, void *context, GError **error);
/* How many rows the last read passed over because their id is no integer, or is one that came before. */
size_t store_nameless_rows(const struct store *store);
/* The rows that there are of these ids (ascending, each once), ascending by id. What
 * store_changed_ids has told before counts as read, unless the callee stops. Errors as store_read. */
bool store_read_ids(struct store *store, const int64_t *ids, size_t count, store_row_fn each, void *context,
	GError **error);
/* One row by id; *found tells whether it is there. */
bool store_read_one(
	struct store *store, int64_t id, store_row_fn each, void *context, bool *found, GError **error);

/* Whether the table may have changed since the last store_read, cheaply; true where it cannot be told.
 * Notices a file that was replaced. */
bool store_changed(struct store *store, bool *changed, GError **error);
/* After store_changed said true: which rows may differ from what was read last, where the database tells.
 * True: only those, ascending, each once, borrowed until the next call; false: everything is to be read. */
bool store_changed_ids(struct store *store, const int64_t **ids, size_t *count);
/* Installs what tells of changes at once (a trigger), or brings it up to date; *installed is false where the
 * database needs or has nothing of the kind. Errors: AS_ERROR_INVALID (the role may not; the message has the
 * way out), and as store_read. */
bool store_install_trigger(struct store *store, bool *installed, GError **error);
/* Readable when something may have changed (then call store_watch_drain and store_changed); -1 where the
 * database does not tell. */
int store_watch_fd(struct store *store);
/* True where it was about this database, and not about a neighbour of its file. */
bool store_watch_drain(struct store *store);
/* False where that may come before the change can be seen, and so is to be followed by more looks. */
bool store_tells_after_commit(const struct store *store);

/* The path or host of the database, for messages. Borrowed. */
const char *store_place(const struct store *store);
/* The optional columns that the table has, as a bit set of enum row_column; known after a read. */
unsigned store_columns(const struct store *store);
/* The name of one of them. Static. */
const char *store_column_name(enum row_column column);

/* What tells of changes at once, in its present state. */
enum store_trigger {
	STORE_TRIGGER_NONE, /* this database needs none, or this table can have none */
	STORE_TRIGGER_MISSING,
	STORE_TRIGGER_OUTDATED, /* disabled in part, or not the one of this program */
	STORE_TRIGGER_CURRENT,
};
/* What a scheduler may do here. */
struct store_state {
	unsigned columns; /* the optional ones that there are, enum row_column */
	enum store_trigger trigger;
	char *role; /* on a server, for messages: “action_scheduler”; else NULL */
	/* Why the column `error` cannot be written, with the way out. NULL: it can, or the table has none. */
	char *errors_refused;
};
/* Looks, changes nothing. Errors as store_read, but for a table that may not be read: that is told by the
 * read. Free the state with store_state_clear. */
bool store_inspect(struct store *store, struct store_state *out, GError **error);
void store_state_clear(struct store_state *state);

enum store_change_kind { STORE_INSERT, STORE_UPDATE, STORE_DELETE };

/* One row to be written. Texts are borrowed. */
struct store_change {
	enum store_change_kind kind;
	/* STORE_INSERT: the row is to have the id that stands in it; else the database gives one. */
	bool keep_id;
	/* What is written of the row, of COLUMNS_OF_ROW; the rest gets the default of the database, or stays.
	 * A column that the table lacks is NULL in every row, so NULL may be written to it. */
	unsigned set;
	struct action_row row;
};

/* So many of the changes are done, none of which anybody sees yet. */
typedef void (*store_progress_fn)(void *context, size_t done);

/* Makes all the changes, in their order, in one transaction, or none; of those that are inserted row.id is
 * set. Neighbours of the same kind that write the same columns go fastest. `progress` may be NULL. It is a
 * change in the sense of store_changed. Errors: AS_ERROR_MISSING (a row to update or to delete is not there;
 * the message has its id), AS_ERROR_INVALID (a text cannot be stored; the table lacks a column; the role may
 * not: the message names the privilege), AS_ERROR_UNAVAILABLE (locked past the deadline, I/O, the server does
 * not answer), AS_ERROR_CORRUPT, AS_ERROR_FAILED (the database refuses a value; the message names its row).
 */
bool store_write(struct store *store, struct store_change *changes, size_t count, store_progress_fn progress,
	void *context, GError **error);

/* Makes the column `error` say why these rows (ascending by id) do not fire, and NULL in every other row;
 * nothing where the table has no such column (known after a read). It is no change in the sense of
 * store_changed. Errors: AS_ERROR_UNAVAILABLE, AS_ERROR_INVALID and
 * AS_ERROR_FAILED (the role may not). */
struct store_row_error {
	int64_t id;
	const char *text;
};
bool store_write_errors(
	struct store *store, const struct store_row_error *errors, size_t count, GError **error);
