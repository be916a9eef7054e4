/* Purpose: the options of a connection to MySQL or MariaDB as users name them, for actions_db and internal_db
 * alike. Pure but for the handle that it sets options of; any thread. */
#pragma once

#include <glib.h>
#include <mysql.h>
#include <stdbool.h>

/* Applies the settings (name, value, name, value…; borrowed) before the connection is made. *socket is set
 * where they name one; without TLS a connection is not to be used where *tls_required: the library goes on
 * without it where the server has none. Errors: AS_ERROR_INVALID. */
bool mysql_settings_apply(
	const GPtrArray *settings, MYSQL *link, const char **socket, bool *tls_required, GError **error);
