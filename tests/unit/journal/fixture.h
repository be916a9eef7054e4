/* Purpose: what the tests of the journal share: a scratch folder, random commits, and a model of what a
 * journal must know after them, written as plainly as can be. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <glib.h>

#include "journal/journal.h"

/* cmocka tells of a failed GError call with the message. */
#define assert_ok(call)                                                                       \
	do {                                                                                  \
		GError *error_ = NULL;                                                        \
		GError **error = &error_;                                                     \
		if (!(call))                                                                  \
			fail_msg("%s: %s", #call, error_ ? error_->message : "no error set"); \
		assert_null(error_);                                                          \
	} while (0)
#define assert_fails(call, kind)                                                              \
	do {                                                                                  \
		GError *error_ = NULL;                                                        \
		GError **error = &error_;                                                     \
		if (call)                                                                     \
			fail_msg("%s did not fail", #call);                                   \
		if (!g_error_matches(error_, AS_ERROR, kind))                                 \
			fail_msg("%s: %s", #call, error_ ? error_->message : "no error set"); \
		g_error_free(error_);                                                         \
	} while (0)

struct scratch {
	char *folder;
	char *database;
};
int scratch_setup(void **state);
int scratch_teardown(void **state);

struct journal *open_sqlite(const char *database);
/* As above, with every option in the caller's hands. */
struct journal_options sqlite_options(const char *database);

/* Runs SQL in the file past the journal; the first column of the first row, 0 where there is none. */
int64_t run_sql(const char *database, const char *sql);

/* --- the model --- */

/* A history entry with its strings owned. */
struct model_entry {
	struct history_entry entry;
	uint64_t order;           /* of writing */
	char failed[FIRE_ID_MAX]; /* the fire id of a run that failed, else empty */
};

struct model {
	GArray *lanes;   /* struct lane_progress */
	GArray *backlog; /* struct backlog_record */
	GArray *open;    /* struct open_fire */
	struct hold hold;
	GArray *definitions; /* struct definition */
	GArray *history;     /* struct model_entry */
	uint64_t written;    /* entries ever */
	enum history_level level;
};

struct model *model_new(void);
void model_free(struct model *model);
void model_apply(struct model *model, const struct commit *commit);
/* Asserts that the journal reads back exactly the model. */
void model_check_progress(const struct model *model, struct journal *journal);
/* Asserts that a query gives exactly what the model gives for it. */
void model_check_history(
	const struct model *model, struct journal *journal, const struct history_query *query);

struct commit *random_commit(GRand *random, const struct model *model, uint64_t sequence);
/* An instant among the interesting ones: near a fixed now, sentinels, anything. */
time_us random_time(GRand *random);
int64_t random_id(GRand *random);
