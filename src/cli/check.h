/* Purpose: the parts of `check` among themselves. What is found goes into the listing; what is merely so is
 * said above it, in tables only. One thread. */
#pragma once

#include "cli/check_history.h"
#include "cli/row_check.h"

struct checking {
	struct cli *cli;
	bool fix, no_trigger;
	time_us since; /* runs that ended before are not looked at */
	struct problems problems;
	struct row_check rows;
	struct check_history *history; /* NULL until internal_db was read */
	uint64_t known_actions;        /* that internal_db remembers */
	struct store *store;           /* actions_db, NULL where it cannot be opened; store_error says why */
	GError *store_error;
	bool table_read;
	unsigned columns;
};

/* A line above the listing; without a name it goes on with the one before. */
void check_fact(const struct checking *checking, const char *name, const char *format, ...)
	G_GNUC_PRINTF(3, 4);
/* Takes the error. */
void check_problem(struct checking *checking, const char *place, const char *field, GError *error);

/* --- check_actions_db.c --- */

/* Opens it, mends what is to be mended, and says what the role may do. */
void check_actions_db(struct checking *checking);
/* Every row; what keeps them from being read is a problem. */
void check_rows(struct checking *checking);

/* --- check_internal_db.c --- */

/* What stands there, what the role may do; reads what is needed of its history. */
void check_internal_db(struct checking *checking);

/* A file can be made only where its directory is. */
bool check_directory(struct checking *checking, const char *place, const struct config_database *database);
