/* Purpose: what the contract suite needs of a database that it runs against: a fresh place, and a second
 * client that does to it what people do. One row of test_backends a database. */
#pragma once

#include "store/store.h"

struct place; /* a database of its own for one test */

struct test_backend {
	const char *name;
	/* Makes the server ready; false where this machine has none. NULL: there is nothing to start. */
	bool (*start)(void);
	struct place *(*place_new)(void);
	void (*place_free)(struct place *place);
	/* Options to open it with; strings live as long as the place. */
	struct store_options (*options)(struct place *place);
	/* Runs SQL as another client. */
	void (*run)(struct place *place, const char *sql);
	/* The first value of the first row as text, "NULL" for NULL, as another client; free with g_free. */
	char *(*query)(struct place *place, const char *sql);
	/* Another client takes a lock that keeps others from writing, or even from reading; and frees it. */
	void (*lock)(struct place *place, bool readers_too);
	void (*unlock)(struct place *place);
	/* The database goes away, and comes back as it was. */
	void (*vanish)(struct place *place);
	void (*come_back)(struct place *place);
	int gone;                /* the error (enum as_error) while it is away */
	const char *select_mark; /* what is in the one statement that reads the rows */
	const char *
		create_table; /* as the Python program makes it, to be compared with what query_table gives */
	const char *query_table;
	const char *optional_columns; /* adds every optional column by hand */
};

extern const struct test_backend *const test_backends[];
extern const size_t test_backend_count;
