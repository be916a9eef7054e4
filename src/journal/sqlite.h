/* Purpose: the parts of the SQLite backend among themselves: its struct, transactions, statements, errors.
 * One connection; prepared statements are kept. One thread at a time, but for jdb_foreign_version.
 * Invariant: between calls there is no transaction, and no statement is in use. */
#pragma once

#include "base/sqlite.h"
#include "journal/backend.h"
#include "journal/history_rows.h"
#include "journal/owner_lock.h"

enum jdb_sql {
	SQL_META,
	SQL_META_COMMIT,
	SQL_META_TRIM,
	SQL_LANE_PUT,
	SQL_LANES,
	SQL_BACKLOG_PUT,
	SQL_BACKLOG_DELETE,
	SQL_BACKLOGS,
	SQL_HOLD_PUT,
	SQL_HOLD,
	SQL_OPEN_PUT,
	SQL_OPEN_DELETE,
	SQL_OPENS,
	SQL_BLOCK_GET,
	SQL_BLOCK_PUT,
	SQL_BLOCK_DELETE,
	SQL_BLOCKS,
	SQL_HISTORY_INSERT,
	SQL_HISTORY_OLDEST,
	SQL_HISTORY_DELETE,
	SQL_HISTORY_FAILED_BYTES,
	SQL_HISTORY_FAILED_DELETE,
	SQL_HISTORY_FAILED,
	SQL_HISTORY,
	SQL_DATA_VERSION,
	SQL_COUNT,
};

struct jdb {
	struct journal base;
	sqlite3 *db;
	char *path; /* real path */
	struct owner_lock *lock;
	int64_t owner_epoch;
	bool read_only;
	enum history_level history_level;
	dur_us history_max_age;
	int64_t history_max_bytes;
	dur_us busy_deadline;
	sqlite3_stmt *statements[SQL_COUNT];
};

static inline struct jdb *jdb_of(struct journal *journal)
{
	return (struct jdb *)journal;
}

/* --- sqlite.c --- */

/* Sets the error of a result code; `doing` is a phrase: "write progress". Returns false. The code is given,
 * as another thread may have used the connection since. */
bool jdb_fail(struct jdb *jdb, int code, const char *doing, GError **error);
/* Stored bytes that cannot be what was written. Returns false. */
bool jdb_corrupt(struct jdb *jdb, const char *what, GError **error);
/* The kept statement, ready for binding; NULL with an error. */
sqlite3_stmt *jdb_statement(struct jdb *jdb, enum jdb_sql sql, GError **error);
/* Runs a statement that gives no rows, and resets it. */
bool jdb_run(struct jdb *jdb, sqlite3_stmt *statement, const char *doing, GError **error);
bool jdb_exec(struct jdb *jdb, const char *sql, const char *doing, GError **error);

/* A write transaction; waits for the lock until the deadline, then AS_ERROR_UNAVAILABLE. */
bool jdb_begin_write(struct jdb *jdb, GError **error);
/* A transaction that reads one snapshot. */
bool jdb_begin_read(struct jdb *jdb, GError **error);
bool jdb_end(struct jdb *jdb, GError **error);
/* Undoes the transaction, if there is still one. */
void jdb_rollback(struct jdb *jdb);

/* What scheduler_meta holds. */
struct jdb_meta {
	int64_t owner_epoch;
	bool has_sequence;
	uint64_t last_sequence;
	int64_t commits;
	int64_t history_bytes;
};
bool jdb_read_meta(struct jdb *jdb, struct jdb_meta *out, GError **error);
/* Whether this process still owns the database, inside a write transaction; else AS_ERROR_FENCED. */
bool jdb_check_owner(struct jdb *jdb, const struct jdb_meta *meta, GError **error);

/* --- sqlite_blocks.c: definitions --- */
bool jdb_write_definitions(struct jdb *jdb, const GArray *definitions, GError **error);
bool jdb_load_definitions(struct jdb *jdb, journal_definition_fn each, void *context, GError **error);

/* --- sqlite_history.c --- */

/* Writes the history of a commit; *bytes grows by its size. */
bool jdb_write_history(struct jdb *jdb, const struct commit *commit, int64_t *bytes, GError **error);
bool jdb_trim(struct journal *journal, time_us now, bool *more, GError **error);

/* --- the rest of the vtable, each in the file of its name --- */
struct journal *jdb_open(const struct journal_options *options, GError **error);
bool jdb_inspect(const struct journal_options *options, struct journal_state *state, GError **error);
void jdb_close(struct journal *journal);
struct progress *jdb_load(struct journal *journal, journal_definition_fn each, void *context, GError **error);
bool jdb_commit(struct journal *journal, const struct commit *commit, GError **error);
bool jdb_history(struct journal *journal, const struct history_query *query, history_fn each, void *context,
	GError **error);
