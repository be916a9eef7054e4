/* Purpose: the PostgreSQL backend's own parts, shared by its files. No call waits for the server beyond its
 * deadlines: libpq is used without blocking, and a connection that missed one is closed. The next call opens
 * it again. Every operation is a transaction with its own settings, so that poolers are no harm. */
#pragma once

#include <libpq-fe.h>

#include "store/backend.h"
#include "store/change.h"
#include "store/columns.h"

#define PG_TABLE_NAME "action"

/* What the server says of the table, to be compared between two looks. */
struct pg_state {
	char *print;    /* its identity, columns and triggers */
	char *snapshot; /* of transactions: while it is the same, nobody has changed anything */
	char *oid;
	bool exact;       /* every change comes as a notification to this connection */
	bool has_rows_id; /* rows have versions to make a digest of: it is no view */
};

struct store_pg {
	struct store base; /* place is host:port/database */
	struct store_options options;
	GPtrArray *names, *values; /* of the connection, NULL-terminated; owned strings */
	PGconn *db;                /* NULL: not open, the next call tries again */
	char *heard;               /* the oid of the table whose notifications are listened to */
	/* Since the last read. */
	GArray *ids; /* int64_t, unsorted */
	bool all;    /* more than the ids */
	/* As of the last read; means something while base.whole is set. */
	struct pg_state state;
	int64_t digest;
	/* While changes are written: the types of the columns, by name. */
	GHashTable *types;
};

static inline struct store_pg *store_pg(struct store *store)
{
	return (struct store_pg *)store;
}

/* --- postgresql_link.c --- */

/* Opens the connection if it is not open. */
bool pg_open(struct store_pg *pg, GError **error);
/* Closes it; the table counts as changed. */
void pg_drop(struct store_pg *pg);
/* Sends one statement and waits for its result; `values` may hold NULL. `need` is what the role needs for it,
 * and how it gets it, for the message; NULL: nothing special. Free the result with PQclear. */
PGresult *pg_query(struct store_pg *pg, const char *need, const char *sql, int count,
	const char *const *values, GError **error);
/* The same without a result. */
bool pg_run(struct store_pg *pg, const char *need, const char *sql, GError **error);
/* Begins a transaction with the deadlines, one snapshot for all of it if it only reads. */
bool pg_begin(struct store_pg *pg, bool reads, GError **error);
bool pg_commit(struct store_pg *pg, GError **error);
/* Leaves the transaction, if there is one. */
void pg_rollback(struct store_pg *pg);
/* A row of COPY in its binary form: its length, 0 at the end, -1 on error. Free with PQfreemem. */
int pg_copy_row(struct store_pg *pg, char **data, GError **error);
/* Sets the error from what the server has said, and returns false. `result` may be NULL. */
bool pg_fail(struct store_pg *pg, const char *need, const PGresult *result, GError **error);

/* What the role needs to read. */
#define PG_NEED_SELECT "SELECT on the table: GRANT SELECT ON action TO %s"

G_DEFINE_AUTOPTR_CLEANUP_FUNC(PGresult, PQclear)

/* --- postgresql_jobs.c --- */

bool pg_read_jobs(struct store *store, struct apscheduler_jobs *jobs, bool *there, GError **error);

/* --- postgresql_read.c --- */

struct pg_shape {
	const struct column *columns[ROW_COLUMN_COUNT]; /* those that it has, in the order of row_columns */
	unsigned count;
	unsigned bits;  /* enum row_column */
	unsigned texts; /* bits by place in row_columns: no cast makes these texts */
	const char *id; /* an expression that gives the id as int8, NULL where it is none */
};
/* Errors: AS_ERROR_MISSING where there is no table, AS_ERROR_INVALID where it lacks a column that must be. */
bool pg_shape(struct store_pg *pg, struct pg_shape *shape, GError **error);

bool pg_read(struct store *store, store_row_fn each, void *context, GError **error);
bool pg_read_ids(struct store *store, const int64_t *ids, size_t count, store_row_fn each, void *context,
	GError **error);
bool pg_read_one(
	struct store *store, int64_t id, store_row_fn each, void *context, bool *found, GError **error);

/* --- postgresql_watch.c --- */

void pg_state_clear(struct pg_state *state);
/* Errors: AS_ERROR_MISSING where there is no table. */
bool pg_state_ask(struct store_pg *pg, struct pg_state *state, GError **error);
/* Listens to what the trigger of the table tells, and forgets what was told before. */
bool pg_listen(struct store_pg *pg, GError **error);
/* The digest of the rows as the transaction sees them. */
bool pg_digest(struct store_pg *pg, int64_t *digest, GError **error);
/* The version of a row of `action a`, as an expression to be summed up. */
#define PG_ROW_DIGEST "(pg_catalog.hashtextextended(a.id::text, a.xmin::text::bigint) >> 20)"

bool pg_changed(struct store *store, bool *changed, GError **error);
bool pg_changed_ids(struct store *store, const int64_t **ids, size_t *count);
int pg_watch_fd(struct store *store);
bool pg_watch_drain(struct store *store);

/* --- postgresql_inspect.c --- */

bool pg_inspect(struct store *store, struct store_state *state, GError **error);
/* STORE_TRIGGER_NONE where `action` is no plain table. */
bool pg_trigger_state(struct store_pg *pg, enum store_trigger *out, GError **error);

/* --- postgresql_write.c --- */

bool pg_create_table(struct store *store, GError **error);
bool pg_complete_table(struct store *store, unsigned *added, GError **error);
bool pg_install_trigger(struct store *store, bool *installed, GError **error);
bool pg_write_errors(struct store *store, const struct store_row_error *errors, size_t count, GError **error);

/* --- postgresql_change.c --- */

bool pg_is_empty(struct store *store, bool *empty, GError **error);
bool pg_write_begin(struct store *store, unsigned *present, GError **error);
bool pg_write_rows(struct store *store, const struct change_slice *slice, size_t *written, GError **error);
bool pg_write_run(struct store *store, const char *sql, GError **error);
bool pg_write_commit(struct store *store, GError **error);
void pg_write_end(struct store *store);
