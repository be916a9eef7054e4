#include "journal/mysql.h"

#include <mysqld_error.h>
#include <string.h>
#include <sys/socket.h>

#include "base/host_lookup.h"
#include "base/mysql_settings.h"

/* The lock goes with the session, so the server must not end it because it is idle. */
#define SESSION                                                                                              \
	"SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_BACKSLASH_ESCAPES', SESSION wait_timeout = 31536000, " \
	"SESSION innodb_lock_wait_timeout = %u, SESSION lock_wait_timeout = %u, SESSION autocommit = 1; "    \
	"SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ"

/* The connection is lost or of no use. 3169, 4031: ended by an operator, or as idle, on MySQL. */
static bool is_lost(unsigned number)
{
	bool of_client = (number >= 2000 && number < 3000) || (number >= 5000 && number < 6000);
	return of_client || number == ER_SERVER_SHUTDOWN || number == ER_CONNECTION_KILLED ||
	       number == 3169 || number == 4031 ||
	       (number >= ER_NET_READ_ERROR && number <= ER_NET_WRITE_INTERRUPTED);
}

static enum as_error kind_of(unsigned number)
{
	switch (number) {
	case ER_LOCK_WAIT_TIMEOUT:
	case ER_LOCK_DEADLOCK:
	case ER_CON_COUNT_ERROR:
	case ER_DISK_FULL:
	case ER_RECORD_FILE_FULL:
	case ER_OUTOFMEMORY:
	case ER_OUT_OF_RESOURCES:
	case ER_QUERY_INTERRUPTED:
	case ER_OPTION_PREVENTS_STATEMENT: /* a server that only reads */
	case ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION: return AS_ERROR_UNAVAILABLE;
	case ER_NOT_KEYFILE:
	case ER_CRASHED_ON_USAGE: return AS_ERROR_CORRUPT;
	case ER_TABLEACCESS_DENIED_ERROR:
	case ER_COLUMNACCESS_DENIED_ERROR:
	case ER_SPECIFIC_ACCESS_DENIED_ERROR:
	case ER_DBACCESS_DENIED_ERROR: return AS_ERROR_INVALID;
	default: return is_lost(number) ? AS_ERROR_UNAVAILABLE : AS_ERROR_FAILED;
	}
}

bool jmy_fail(struct jmy_link *link, GError **error)
{
	unsigned number = mysql_errno(link->mysql);
	g_set_error(error, AS_ERROR, (gint)kind_of(number), "%s (%u)", mysql_error(link->mysql), number);
	if (is_lost(number))
		link->base.broken = true;
	return false;
}

/* --- connecting --- */

/* Applied to `mysql`, or only checked. The settings are borrowed by the array. */
static bool apply_settings(MYSQL *mysql, const struct server_target *target, const char **socket,
	bool *tls_required, GError **error)
{
	g_autoptr(GPtrArray) settings = g_ptr_array_new();
	for (size_t i = 0; i < target->setting_count; i++) {
		g_ptr_array_add(settings, (char *)target->settings[i].name);
		g_ptr_array_add(settings, (char *)target->settings[i].value);
	}
	*socket = target->host && *target->host == '/' ? target->host : NULL;
	if (mysql_settings_apply(settings, mysql, socket, tls_required, error))
		return true;
	g_prefix_error(error, "internal_db.");
	return false;
}

static MYSQL *make_handle(void)
{
	static gsize ready;
	if (g_once_init_enter(&ready)) {
		mysql_library_init(0, NULL, NULL);
		g_once_init_leave(&ready, 1);
	}
	MYSQL *mysql = mysql_init(NULL);
	g_assert(mysql); /* out of memory */
	return mysql;
}

bool jmy_check_target(const struct server_target *target, GError **error)
{
	MYSQL *mysql = make_handle();
	const char *socket;
	bool tls_required;
	bool sound = apply_settings(mysql, target, &socket, &tls_required, error);
	mysql_close(mysql);
	return sound;
}

static bool connect_to(struct jmy_link *link, const struct server_target *target, GError **error)
{
	MYSQL *mysql = link->mysql;
	unsigned seconds = (unsigned)((target->deadline + US_PER_SECOND - 1) / US_PER_SECOND);
	unsigned local_files = 0, tcp = MYSQL_PROTOCOL_TCP;
	const char *socket;
	bool tls_required;
	mysql_optionsv(mysql, MYSQL_OPT_CONNECT_TIMEOUT, &seconds);
	mysql_optionsv(mysql, MYSQL_OPT_READ_TIMEOUT, &seconds);
	mysql_optionsv(mysql, MYSQL_OPT_WRITE_TIMEOUT, &seconds);
	mysql_optionsv(mysql, MYSQL_OPT_LOCAL_INFILE, &local_files);
	mysql_optionsv(mysql, MYSQL_SET_CHARSET_NAME, "utf8mb4");
	mysql_optionsv(mysql, MYSQL_OPT_CONNECT_ATTR_ADD, "program_name", target->program);
	if (!apply_settings(mysql, target, &socket, &tls_required, error))
		return false;
	/* By itself the library takes the socket whatever the port is. */
	if (target->port && !socket)
		mysql_optionsv(mysql, MYSQL_OPT_PROTOCOL, &tcp);
	if (!socket && !host_lookup(target->host, target->deadline, 0, error))
		return false;
	if (!mysql_real_connect(mysql, socket ? NULL : target->host, target->username, target->password,
		    target->database, (unsigned)target->port, socket,
		    CLIENT_MULTI_STATEMENTS | CLIENT_FOUND_ROWS)) {
		/* Whatever it is, an administrator can mend it while we try again. */
		g_set_error(error, AS_ERROR, AS_ERROR_UNAVAILABLE, "%s (%u)", mysql_error(mysql),
			mysql_errno(mysql));
		return false;
	}
	if (tls_required && !mysql_get_ssl_cipher(mysql)) {
		g_set_error(error, AS_ERROR, AS_ERROR_UNAVAILABLE, "the server has no TLS");
		return false;
	}
	link->base.session = (int64_t)mysql_thread_id(mysql);
	g_autofree char *session = g_strdup_printf(SESSION, seconds, seconds);
	return jmy_script(&link->base, session, error);
}

struct server_link *jmy_connect(const struct server_target *target, GError **error)
{
	struct jmy_link *link = g_new0(struct jmy_link, 1);
	link->mysql = make_handle();
	if (connect_to(link, target, error))
		return &link->base;
	jmy_close(&link->base);
	return NULL;
}

void jmy_close(struct server_link *link)
{
	MYSQL *mysql = jmy_link(link)->mysql;
	my_socket handle = mysql_get_socket(mysql);
	/* Else it would wait for what is left of an answer, or for a goodbye. */
	if (link->broken && handle != MARIADB_INVALID_SOCKET)
		shutdown(handle, SHUT_RDWR);
	mysql_close(mysql);
	g_free(link);
}

/* --- statements whose rows nobody wants --- */

bool jmy_send(struct jmy_link *link, const char *sql, size_t length, uint64_t *found, GError **error)
{
	if (mysql_real_query(link->mysql, sql, length) != 0)
		return jmy_fail(link, error);
	int more = 0;
	while (more == 0) {
		MYSQL_RES *result = mysql_store_result(link->mysql);
		if (!result && mysql_field_count(link->mysql) > 0)
			return jmy_fail(link, error);
		if (!result && found)
			*found = mysql_affected_rows(link->mysql);
		mysql_free_result(result);
		more = mysql_next_result(link->mysql);
	}
	return more < 0 || jmy_fail(link, error);
}

bool jmy_script(struct server_link *link, const char *sql, GError **error)
{
	return jmy_send(jmy_link(link), sql, strlen(sql), NULL, error);
}
