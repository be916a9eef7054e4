#include "store/mysql.h"

#include <errmsg.h>
#include <mysqld_error.h>
#include <string.h>

enum kind {
	KIND_OTHER,
	KIND_LOST,   /* the connection is gone */
	KIND_LATER,  /* the same call may succeed later */
	KIND_LOCKED, /* by somebody else */
	KIND_READ_ONLY,
	KIND_NO_DATABASE,
	KIND_NO_TABLE,
	KIND_NO_LOGIN,
	KIND_NO_PRIVILEGE,
	KIND_DAMAGED,
};

/* Numbers without a name in the library's headers are of MySQL 8 alone. */
static const struct {
	unsigned code;
	enum kind kind;
} kinds[] = {
	{CR_SOCKET_CREATE_ERROR, KIND_LOST},
	{CR_CONNECTION_ERROR, KIND_LOST},
	{CR_CONN_HOST_ERROR, KIND_LOST},
	{CR_IPSOCK_ERROR, KIND_LOST},
	{CR_UNKNOWN_HOST, KIND_LOST},
	{CR_SERVER_GONE_ERROR, KIND_LOST},
	{CR_SERVER_HANDSHAKE_ERR, KIND_LOST},
	{CR_SERVER_LOST, KIND_LOST},
	{CR_COMMANDS_OUT_OF_SYNC, KIND_LOST},
	{CR_SSL_CONNECTION_ERROR, KIND_LOST},
	{CR_MALFORMED_PACKET, KIND_LOST},
	{CR_SERVER_LOST_EXTENDED, KIND_LOST},
	{CR_STMT_CLOSED, KIND_LOST},
	{CR_ERR_NET_READ, KIND_LOST},
	{CR_ERR_NET_WRITE, KIND_LOST},
	{ER_CON_COUNT_ERROR, KIND_LOST},
	{ER_SERVER_SHUTDOWN, KIND_LOST},
	{ER_NORMAL_SHUTDOWN, KIND_LOST},
	{ER_FORCING_CLOSE, KIND_LOST},
	{ER_NET_READ_ERROR, KIND_LOST},
	{ER_NET_READ_INTERRUPTED, KIND_LOST},
	{ER_NET_ERROR_ON_WRITE, KIND_LOST},
	{ER_NET_WRITE_INTERRUPTED, KIND_LOST},
	{ER_NEW_ABORTING_CONNECTION, KIND_LOST},
	{ER_TOO_MANY_USER_CONNECTIONS, KIND_LOST},
	{ER_USER_LIMIT_REACHED, KIND_LOST},
	{ER_CONNECTION_KILLED, KIND_LOST},
	{4031, KIND_LOST}, /* idle for too long */
	{ER_DISK_FULL, KIND_LATER},
	{ER_RECORD_FILE_FULL, KIND_LATER},
	{ER_QUERY_INTERRUPTED, KIND_LATER},
	{ER_TABLE_DEF_CHANGED, KIND_LATER},
	{ER_NEED_REPREPARE, KIND_LATER},
	{ER_STATEMENT_TIMEOUT, KIND_LATER},
	{3024, KIND_LATER}, /* max_execution_time */
	{ER_LOCK_WAIT_TIMEOUT, KIND_LOCKED},
	{ER_LOCK_DEADLOCK, KIND_LOCKED},
	{3572, KIND_LOCKED}, /* NOWAIT */
	{ER_OPTION_PREVENTS_STATEMENT, KIND_READ_ONLY},
	{ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION, KIND_READ_ONLY},
	{ER_READ_ONLY_MODE, KIND_READ_ONLY},
	{ER_BAD_DB_ERROR, KIND_NO_DATABASE},
	{ER_NO_SUCH_TABLE, KIND_NO_TABLE},
	{ER_NO_SUCH_TABLE_IN_ENGINE, KIND_NO_TABLE},
	{ER_ACCESS_DENIED_ERROR, KIND_NO_LOGIN},
	{ER_ACCESS_DENIED_NO_PASSWORD_ERROR, KIND_NO_LOGIN},
	{ER_HOST_NOT_PRIVILEGED, KIND_NO_LOGIN},
	{ER_HOST_IS_BLOCKED, KIND_NO_LOGIN},
	{ER_DBACCESS_DENIED_ERROR, KIND_NO_PRIVILEGE},
	{ER_TABLEACCESS_DENIED_ERROR, KIND_NO_PRIVILEGE},
	{ER_COLUMNACCESS_DENIED_ERROR, KIND_NO_PRIVILEGE},
	{ER_SPECIFIC_ACCESS_DENIED_ERROR, KIND_NO_PRIVILEGE},
	{ER_CRASHED_ON_USAGE, KIND_DAMAGED},
	{ER_CRASHED_ON_REPAIR, KIND_DAMAGED},
	{ER_NOT_KEYFILE, KIND_DAMAGED},
};

static enum kind kind_of(unsigned code)
{
	for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++)
		if (kinds[i].code == code)
			return kinds[i].kind;
	return KIND_OTHER;
}

/* “SELECT command denied to user 'u'@'h' for table `d`.`action`” → GRANT SELECT ON d.action TO 'u'@'h'. */
static char *grant_of(const struct store_mysql *m, const char *message)
{
	const char *command = strstr(message, " command denied to user ");
	const char *user =
		command ? command + strlen(" command denied to user ") : strstr(message, "for user ");
	g_autofree char *privilege = command ? g_strndup(message, (gsize)(command - message)) : NULL;
	if (!user)
		return g_strdup("the privilege is lacking");
	if (!command)
		user += strlen("for user ");
	const char *end = strchr(user, '@');
	end = end ? strchr(end, ' ') : NULL;
	g_autofree char *who = end ? g_strndup(user, (gsize)(end - user)) : g_strdup(user);
	return g_strdup_printf("the role lacks a privilege: GRANT %s ON `%s`.action TO %s",
		privilege && privilege[0] ? privilege : "SELECT", m->options.database, who);
}

static bool set(const struct store_mysql *m, enum as_error code, const char *what, const char *message,
	GError **error)
{
	g_set_error(error, AS_ERROR, (int)code, "%s: %s%s%s%s", m->base.place, what ? what : "",
		what ? " (" : "", message, what ? ")" : "");
	return false;
}

static bool lost(struct store_mysql *m, const char *message, GError **error)
{
	const char *what = m->wait_end == MYSQL_WAIT_TIMED_OUT ? "the server does not answer"
			   : m->wait_end == MYSQL_WAIT_STOPPED ? "the wait for the server was ended"
							       : NULL;
	return set(m, AS_ERROR_UNAVAILABLE, what, message, error);
}

bool store_mysql_failed(struct store_mysql *m, unsigned code, const char *text, GError **error)
{
	enum kind kind = m->wait_end == MYSQL_WAIT_DONE ? kind_of(code) : KIND_LOST;
	g_autofree char *message = g_utf8_make_valid(text, -1);
	g_autofree char *grant = NULL;
	switch (kind) {
	case KIND_LOST: store_mysql_drop(m); return lost(m, message, error);
	case KIND_LATER: return set(m, AS_ERROR_UNAVAILABLE, NULL, message, error);
	case KIND_LOCKED: return set(m, AS_ERROR_UNAVAILABLE, "locked by another process", message, error);
	case KIND_READ_ONLY:
		/* After a failover the address may lead to another server. */
		store_mysql_drop(m);
		return set(m, AS_ERROR_UNAVAILABLE, "the database may only be read", message, error);
	case KIND_NO_DATABASE:
		return set(m, AS_ERROR_MISSING,
			"there is no such database; it is made with CREATE DATABASE … "
			"CHARACTER SET utf8mb4",
			message, error);
	case KIND_NO_TABLE: return set(m, AS_ERROR_MISSING, "there is no table “action”", message, error);
	case KIND_NO_LOGIN: return set(m, AS_ERROR_INVALID, "the server does not let us in", message, error);
	case KIND_NO_PRIVILEGE:
		grant = grant_of(m, message);
		return set(m, AS_ERROR_INVALID, grant, message, error);
	case KIND_DAMAGED: return set(m, AS_ERROR_CORRUPT, "the table is damaged", message, error);
	case KIND_OTHER: break;
	}
	return set(m, AS_ERROR_FAILED, NULL, message, error);
}
