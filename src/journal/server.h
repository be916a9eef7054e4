/* Purpose: internal_db on a database server: what the servers have in common. A driver gives connections and
 * the texts of the statements; commits, ownership, reading back and reconnecting are here.
 * One connection, which holds the owner's session lock and writes the commits: while it lives, the lock is
 * held. After it is lost the lock is taken again before anything is written. One thread at a time.
 * Invariant: between calls there is no transaction. */
#pragma once

#include "journal/backend.h"
#include "journal/history_rows.h"

enum server_sql {
	SERVER_EXISTS,       /* -> how many tables scheduler_meta there are */
	SERVER_VERSION,      /* -> number of the last migration */
	SERVER_META,         /* -> owner_epoch, last_sequence, commits, history_bytes, owner */
	SERVER_LOCK,         /* -> 1 where the session lock was taken */
	SERVER_HOLDER,       /* -> session that holds it, name of its program */
	SERVER_END_SESSION,  /* session */
	SERVER_TAKE_EPOCH,   /* owner */
	SERVER_GUARD_COMMIT, /* sequence, bytes, owner_epoch, last_sequence */
	SERVER_GUARD_TRIM,   /* bytes, owner_epoch */
	SERVER_LANE_PUT,     /* the columns of the table in order, here and in each PUT */
	SERVER_LANES,
	SERVER_BACKLOG_PUT,
	SERVER_BACKLOG_DELETE, /* id */
	SERVER_BACKLOGS,
	SERVER_HOLD_PUT, /* since_us, skip_until_us, reason */
	SERVER_HOLD,     /* -> the same */
	SERVER_OPEN_PUT,
	SERVER_OPEN_DELETE, /* lane, action_id, nominal_us, manual */
	SERVER_OPENS,
	SERVER_BLOCK_GET, /* block -> block, body */
	SERVER_BLOCK_PUT,
	SERVER_BLOCK_DELETE,   /* block */
	SERVER_BLOCKS,         /* after, limit -> block, body */
	SERVER_HISTORY_INSERT, /* the columns but the id */
	SERVER_HISTORY_OLDEST, /* limit -> id, finished_us, bytes */
	SERVER_HISTORY_DELETE, /* id */
	SERVER_FAILED_BYTES,   /* failed_fire -> the bytes of its rows */
	SERVER_FAILED_DELETE,  /* failed_fire */
	SERVER_HISTORY_FAILED, /* since, failed_fire -> as SERVER_HISTORY */
	/* since, action or NULL, status or NULL, notes too, before finished_us and id, limit
	 * -> id, kind, status, reason, attempts, finished_us, body, manual, detail */
	SERVER_HISTORY,
	SERVER_BEGIN_READ, /* a transaction that reads one snapshot */
	SERVER_END_READ,
	SERVER_SQL_COUNT,
};

/* --- values and batches of statements --- */

enum server_kind { SERVER_NULL, SERVER_INT, SERVER_TEXT, SERVER_BLOB };

struct server_value {
	enum server_kind kind;
	int64_t integer;
	const char *bytes; /* of a text or blob; a NUL follows */
	size_t length;
};

struct server_statement {
	enum server_sql sql;
	guint first, count; /* its values */
};

typedef struct server_batch {
	GArray *statements; /* struct server_statement */
	GArray *values;     /* struct server_value; texts and blobs lie in `bytes` */
	GStringChunk *bytes;
} server_batch;

struct server_batch *batch_new(void);
void batch_free(struct server_batch *batch);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(server_batch, batch_free)
/* Begins a statement; its values follow, and are copied. */
void batch_add(struct server_batch *batch, enum server_sql sql);
void batch_null(struct server_batch *batch);
void batch_int(struct server_batch *batch, int64_t value);
void batch_text(struct server_batch *batch, const char *text); /* made valid UTF-8; NULL is null */
void batch_blob(struct server_batch *batch, const void *bytes, size_t length);

/* --- what a driver gives --- */

/* Where the server is; strings are owned. */
struct server_target {
	char *database, *host, *username, *password;
	char *program; /* names this process to the server's administrator */
	int64_t port;
	struct journal_setting *settings;
	size_t setting_count;
	dur_us deadline; /* of a connection, and of each answer */
	bool read_only;
};

/* The head of a driver's connection. */
struct server_link {
	int64_t session; /* the server's name of it */
	bool broken;     /* it is of no use any more */
};

/* A row of a statement, its values borrowed; false with an error to refuse it (the rest is passed over). */
typedef bool (*server_row_fn)(
	void *context, enum server_sql sql, const struct server_value *row, GError **error);

struct server_driver {
	const struct journal_backend *backend;
	const char *name; /* of the product, for messages */
	const char *const *migrations;
	size_t migration_count;
	bool (*check_target)(const struct server_target *target, GError **error);
	/* Errors of these: AS_ERROR_UNAVAILABLE, AS_ERROR_CORRUPT, AS_ERROR_INVALID (the role may not),
	 * AS_ERROR_FAILED. They set `broken` where the connection cannot be used again. */
	struct server_link *(*connect)(const struct server_target *target, GError **error);
	void (*close)(struct server_link *link);
	/* One after the other, up to the first error; the rows of each go to `each` (may be NULL). */
	bool (*run)(struct server_link *link, const struct server_batch *batch, server_row_fn each,
		void *context, GError **error);
	/* As one durable transaction, the first statement of which is a guard: where that changes no row,
	 * nothing is done, and *refused is set instead of the error. */
	bool (*transact)(
		struct server_link *link, const struct server_batch *batch, bool *refused, GError **error);
	/* What the role lacks to run a scheduler here, with the way out; *out is NULL where that is nothing.
	 * The tables are there, and of an older version. */
	bool (*lacking)(struct server_link *link, bool there, bool older, char **out, GError **error);
	/* Statements without values; a transaction where the server can do that. */
	bool (*script)(struct server_link *link, const char *sql, GError **error);
};

/* --- the journal --- */

struct server {
	struct journal base;
	const struct server_driver *driver;
	struct server_target target;
	char *place; /* for messages */
	struct server_link *link;
	bool lost; /* there was a connection, `lost_session`, that the server may still believe in */
	int64_t lost_session;
	bool owned; /* owner_epoch is ours */
	int64_t owner_epoch;
	bool has_sequence;
	uint64_t last_sequence; /* of the last commit that is known to be there */
	enum history_level history_level;
	dur_us history_max_age;
	int64_t history_max_bytes;
};

static inline struct server *server_of(struct journal *journal)
{
	return (struct server *)journal;
}

/* What scheduler_meta holds; owner is owned. */
struct server_meta {
	int64_t owner_epoch;
	bool has_sequence;
	uint64_t last_sequence;
	int64_t commits, history_bytes;
	char *owner;
};

/* --- server.c --- */

/* A connection, the lock taken again where this is the owner; AS_ERROR_FENCED where someone else has it. */
bool server_ready(struct server *server, GError **error);
/* As the driver's, with the place in the message; lets go of a broken connection. */
bool server_run(struct server *server, const struct server_batch *batch, server_row_fn each, void *context,
	GError **error);
/* AS_ERROR_FENCED where the guard refuses, unless the commit of this sequence (NULL: none) is there already:
 * then it is done. */
bool server_transact(
	struct server *server, const struct server_batch *batch, const uint64_t *sequence, GError **error);
bool server_read_meta(struct server *server, struct server_meta *out, GError **error);
/* The process that holds the lock, in words; *out is NULL where none does. */
bool server_find_owner(struct server *server, char **out, GError **error);
/* Stored bytes that cannot be what was written. Returns false. */
bool server_corrupt(const struct server *server, const char *what, GError **error);

/* --- server_inspect.c --- */

/* The names of the tables, NULL-terminated. */
extern const char *const server_tables[];

/* --- server_open.c --- */

/* Not connected yet; free with server_close. */
struct server *server_new(const struct server_driver *driver, const struct journal_options *options);
/* The number of the last migration applied, 0 where there is no table yet. */
bool server_read_version(struct server *server, int64_t *version, GError **error);

/* --- the vtable, each in the file of its name --- */
struct journal *server_open(
	const struct server_driver *driver, const struct journal_options *options, GError **error);
bool server_inspect(const struct server_driver *driver, const struct journal_options *options,
	struct journal_state *state, GError **error);
void server_close(struct journal *journal);
struct progress *server_load(
	struct journal *journal, journal_definition_fn each, void *context, GError **error);
bool server_commit(struct journal *journal, const struct commit *commit, GError **error);
bool server_trim(struct journal *journal, time_us now, bool *more, GError **error);
int64_t server_foreign_version(struct journal *journal);
const char *server_path(const struct journal *journal);
bool server_owner(struct journal *journal, struct journal_owner *out, GError **error);
bool server_history(struct journal *journal, const struct history_query *query, history_fn each,
	void *context, GError **error);
