/* Purpose: the parts of the PostgreSQL driver among themselves: a connection that never blocks past its
 * deadline, and errors by SQLSTATE. One thread at a time. */
#pragma once

#include <libpq-fe.h>

#include "base/time_us.h"
#include "journal/server.h"

struct pgj_link {
	struct server_link base;
	PGconn *conn;
	dur_us deadline; /* of each piece of an answer, or of what is sent */
	bool prepared[SERVER_SQL_COUNT];
};

static inline struct pgj_link *pgj_link(struct server_link *link)
{
	return (struct pgj_link *)link;
}

/* --- postgresql_connect.c --- */
bool pgj_check_target(const struct server_target *target, GError **error);
struct server_link *pgj_connect(const struct server_target *target, GError **error);
void pgj_close(struct server_link *link);
/* Sends what is to be sent and waits until a result is there; false where the server does not answer in time
 * or the connection is lost, which is `broken` then. */
bool pgj_wait(struct pgj_link *link, GError **error);
/* Sends all that is to be sent; errors as above. */
bool pgj_flush(struct pgj_link *link, GError **error);
/* What went wrong, by the result (NULL: the connection itself). Returns false. */
bool pgj_fail(struct pgj_link *link, const PGresult *result, GError **error);
/* A script outside of a pipeline. */
bool pgj_script(struct server_link *link, const char *sql, GError **error);
/* The first value of a query, NULL where there is none or it is null. Free with g_free. */
bool pgj_ask(struct pgj_link *link, const char *sql, char **value, GError **error);

/* --- postgresql_lacking.c --- */
/* As `lacking` of the driver. */
bool pgj_lacking(struct server_link *link, bool there, bool older, char **out, GError **error);
