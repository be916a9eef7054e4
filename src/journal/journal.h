/* Purpose: internal_db: what must survive a restart. A vtable with one backend a database, and one in memory.
 * One thread at a time for each journal (the daemon's journal thread; the CLI opens its own, read-only).
 * Invariant: a commit is durable as a whole before journal_commit returns true. */
#pragma once

#include "base/error.h"
#include "model/progress.h"

struct journal;

enum history_level { HISTORY_ALL, HISTORY_EXCEPTIONS, HISTORY_OFF };

/* An option of a server's client library, as that names it: sslmode, ssl_ca, options. */
struct journal_setting {
	const char *name, *value;
};

/* Where it is and how it is kept. Strings and settings are borrowed during the open. */
struct journal_options {
	const char *dialect;  /* NULL: in memory */
	const char *database; /* a path for sqlite; ":memory:": in memory; a name for a server */
	/* For a server; NULL and 0: the client library's default. The driver is accepted and has no effect.
	 */
	const char *driver;
	const char *username, *password;
	const char *host; /* name, address, or the directory of a Unix socket */
	int64_t port;
	const struct journal_setting *settings;
	size_t setting_count;
	enum history_level history_level;
	dur_us history_max_age;    /* older entries are deleted */
	int64_t history_max_bytes; /* the oldest go first above it */
	dur_us busy_deadline; /* how long to wait for a lock of someone else, and for each answer of a server;
				 0: 5 s */
	bool read_only;       /* for listings beside a running scheduler: no lock, no migration */
};

/* Opens, migrates by number, and takes ownership (not when read_only). Errors: AS_ERROR_BUSY with the
 * holder's process where another scheduler owns it; AS_ERROR_UNAVAILABLE where a later try may help;
 * AS_ERROR_MISSING for a read_only open of what is not there; AS_ERROR_INVALID for options that name nothing,
 * a newer schema, or a role that lacks a privilege. */
struct journal *journal_open(const struct journal_options *options, GError **error);
void journal_close(struct journal *journal); /* NULL is fine; frees the ownership */

/* What stands there, and what this role may do. */
struct journal_state {
	int64_t version; /* of the schema; 0: no scheduler has used it yet */
	int64_t newest;  /* that this program knows */
	char *owner;     /* the process that runs on it, in words; NULL: none */
	char *lacking;   /* why no scheduler can run on it, with the way out; NULL: one can */
};
/* Looks, changes nothing and takes no lock. What is not there yet is no error. A lacking privilege is one
 * only where nothing can be told. Errors as journal_open. Free the state with journal_state_clear. */
bool journal_inspect(const struct journal_options *options, struct journal_state *out, GError **error);
void journal_state_clear(struct journal_state *state);

typedef void (*journal_definition_fn)(void *context, const struct definition *definition);

/* Reads everything back; definitions ascending by id, borrowed during the call of `each`. The caller owns the
 * result. */
struct progress *journal_load(
	struct journal *journal, journal_definition_fn each, void *context, GError **error);

/* Writes a group commit. On error nothing of it is there: AS_ERROR_UNAVAILABLE (disk full, locked: try the
 * same commit again), AS_ERROR_FENCED (another owner: stop). A commit whose sequence was the last one written
 * is taken as done: where the connection to a server is lost during a commit its outcome is unknown, which is
 * AS_ERROR_UNAVAILABLE as well, and the next try finds out. */
bool journal_commit(struct journal *journal, const struct commit *commit, GError **error);

/* Deletes history beyond age and size, a bounded amount a call; *more tells whether to call again. */
bool journal_trim(struct journal *journal, time_us now, bool *more, GError **error);

/* A number that changes when someone else wrote to the same SQLite file; for a store that shares it (any
 * thread). -1 where it cannot be told. */
int64_t journal_foreign_version(struct journal *journal);
/* The path of the file, NULL where there is none. Borrowed. */
const char *journal_path(const struct journal *journal);

/* Who holds it, or held it last. */
struct journal_owner {
	char *who;  /* `pid 4711, host db1, since 2024-01-01T00:05:00Z`; NULL: not known. Free with g_free. */
	bool holds; /* its process is there */
};
/* Of one that was opened to be read. */
bool journal_read_owner(struct journal *journal, struct journal_owner *out, GError **error);

/* --- history, read back --- */

struct history_query {
	const int64_t *action_id;       /* NULL: all */
	const enum fire_status *status; /* NULL: all */
	const char *fire_id;            /* NULL: all */
	bool failed_fire; /* the fire of fire_id where it failed, found at once by an index; status
			     has no effect */
	time_us since;    /* by the time it ended; TIME_US_MIN: all */
	uint64_t limit;   /* newest first; 0: all */
	bool notes;       /* notes too */
};

/* One entry as it is shown: a run, a range of fires of one action that ended alike, or a note. */
struct history_entry {
	int64_t action_id;
	enum fire_status status;
	enum fire_reason reason;
	time_us scheduled_at;            /* nominal; for a range its first */
	time_us last;                    /* for a range */
	uint64_t count;                  /* 1 for a run */
	time_us merged_into;             /* TIME_US_MIN for none */
	time_us started_at, finished_at; /* started_at is TIME_US_MIN where it never started */
	uint16_t attempts;
	const char *manual; /* NULL for a scheduled one */
	const char *detail; /* NULL mostly */
	const char *note;   /* not NULL: a note, the rest but finished_at is empty */
};
/* Returns false to stop. The entry is borrowed. */
typedef bool (*history_fn)(void *context, const struct history_entry *entry);

/* Newest first, by the time it ended. */
bool journal_history(struct journal *journal, const struct history_query *query, history_fn each,
	void *context, GError **error);
