/* Purpose: the parts of the MySQL and MariaDB driver among themselves: a connection with deadlines, and
 * errors by number. One thread at a time. */
#pragma once

#include <mysql.h>

#include "base/time_us.h"
#include "journal/server.h"

struct jmy_link {
	struct server_link base;
	MYSQL *mysql;
};

static inline struct jmy_link *jmy_link(struct server_link *link)
{
	return (struct jmy_link *)link;
}

/* --- mysql_connect.c --- */
bool jmy_check_target(const struct server_target *target, GError **error);
struct server_link *jmy_connect(const struct server_target *target, GError **error);
void jmy_close(struct server_link *link);
/* What the last call of the client library says. Returns false. */
bool jmy_fail(struct jmy_link *link, GError **error);
/* Statements without values; what they give is passed over. */
bool jmy_script(struct server_link *link, const char *sql, GError **error);
/* As above; *found is how many rows the last of them found. */
bool jmy_send(struct jmy_link *link, const char *sql, size_t length, uint64_t *found, GError **error);

/* --- mysql_lacking.c --- */
/* As `lacking` of the driver. */
bool jmy_lacking(struct server_link *link, bool there, bool older, char **out, GError **error);
