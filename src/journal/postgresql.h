/* Purpose: the parts of the PostgreSQL driver among themselves: a connection that never blocks past its
 * deadline, and errors by SQLSTATE. One thread at a time. */
#pragma once

#include <libpq-fe.h>

#include "base/time_us.h"
#include "journal/server.h"

struct pg_link {
	struct server_link base;
	PGconn *conn;
	dur_us deadline; /* of each answer */
	bool prepared[SERVER_SQL_COUNT];
};

static inline struct pg_link *pg_link(struct server_link *link)
{
	return (struct pg_link *)link;
}

/* --- postgresql_connect.c --- */
bool pg_check_target(const struct server_target *target, GError **error);
struct server_link *pg_connect(const struct server_target *target, GError **error);
void pg_close(struct server_link *link);
/* Sends what is to be sent and waits until a result is there; false where the server does not answer in time
 * or the connection is lost, which is `broken` then. */
bool pg_wait(struct pg_link *link, GError **error);
/* What went wrong, by the result (NULL: the connection itself). Returns false. */
bool pg_fail(struct pg_link *link, const PGresult *result, GError **error);
/* A script outside of a pipeline. */
bool pg_script(struct server_link *link, const char *sql, GError **error);
