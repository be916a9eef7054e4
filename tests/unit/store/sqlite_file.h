/* Purpose: a SQLite file with the table `action`, a store on it and a second client, for the tests of that
 * backend. */
#pragma once

#include "base/sqlite.h"
#include "expect.h"

#define CREATE                                                                                        \
	"CREATE TABLE action (id INTEGER NOT NULL, name VARCHAR NOT NULL, command VARCHAR NOT NULL, " \
	"cron JSON NOT NULL, merge_missed BOOLEAN, actuality_time INTEGER, PRIMARY KEY (id))"

struct fixture {
	char *directory, *path;
	sqlite3 *db;         /* the other client; NULL: not connected */
	struct store *store; /* NULL: not open yet */
	int asked;           /* how often something was asked for, for tests that count */
};

/* Of cmocka: an empty directory, and the end of it. */
int sqlite_setup(void **state);
int sqlite_teardown(void **state);
/* The path of a name in it; free with g_free. */
char *in_directory(const struct fixture *fixture, const char *name);
/* Runs SQL as the other client, which connects if need be. */
void run(struct fixture *fixture, const char *sql);
void forget_client(struct fixture *fixture);
/* Opens the store; the file is that of the fixture where the options name none. */
void open_store_with(struct fixture *fixture, struct store_options options);
void open_store(struct fixture *fixture);
