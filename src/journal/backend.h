/* Purpose: what a backend of the journal gives, for journal.c and the backends only. See journal.h for what
 * each call means. */
#pragma once

#include "journal/journal.h"

struct journal_backend {
	const char *dialect;
	struct journal *(*open)(const struct journal_options *options, GError **error);
	/* Into a state of zeros. */
	bool (*inspect)(const struct journal_options *options, struct journal_state *state, GError **error);
	void (*close)(struct journal *journal);
	struct progress *(*load)(
		struct journal *journal, journal_definition_fn each, void *context, GError **error);
	bool (*commit)(struct journal *journal, const struct commit *commit, GError **error);
	bool (*trim)(struct journal *journal, time_us now, bool *more, GError **error);
	int64_t (*foreign_version)(struct journal *journal);
	const char *(*path)(const struct journal *journal);
	/* NULL: there are no owners. */
	bool (*owner)(struct journal *journal, struct journal_owner *out, GError **error);
	bool (*history)(struct journal *journal, const struct history_query *query, history_fn each,
		void *context, GError **error);
};

/* The head of every backend's own struct. */
struct journal {
	const struct journal_backend *backend;
};

extern const struct journal_backend journal_memory;
extern const struct journal_backend journal_sqlite;
extern const struct journal_backend journal_postgresql;
extern const struct journal_backend journal_mysql;
extern const struct journal_backend journal_mariadb;
