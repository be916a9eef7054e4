/* Purpose: the database that a test program runs against: SQLite files, or a server of the tests' own, named
 * by the program's first argument. `database` is a path everywhere; on a server it stands for a schema (a
 * database on MySQL) that is made when it is first asked for. */
#pragma once

#include "fixture.h"

/* 77 where the server is not installed, else 0. At the end the server is stopped. */
int backend_start(int argc, char **argv);
void backend_stop(void);
const char *backend_dialect(void);
bool backend_is_server(void);
/* The TCP port of the server. */
int backend_port(void);
/* Ends the sessions of all schedulers, from the side of the server. */
void backend_kill_sessions(void);

struct journal_options test_options(const char *database);
struct journal *open_journal(const char *database);
/* SQL past the journal; the first column of the first row, 0 where there is none. SQL is that of SQLite as
 * far as the tests need it. */
int64_t run_test_sql(const char *database, const char *sql);
