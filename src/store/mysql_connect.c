#include "store/mysql.h"

#include <errmsg.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/host_lookup.h"
#include "base/mysql_settings.h"

#define CONNECT_MS   5000
#define STATEMENT_MS 10000
#define LOCK_MS      5000
#define PATIENCE     6

/* The client library's hook for waiting bears no context. */
static _Thread_local struct store_mysql *waiting;

/* > 0 where the socket is ready. */
static int wait_for_server(my_socket handle, my_bool is_read, int timeout G_GNUC_UNUSED)
{
	struct store_mysql *m = waiting;
	struct pollfd fds[2] = {{.fd = handle, .events = is_read ? POLLIN : POLLOUT},
		{.fd = m->options.stop_fd > 0 ? m->options.stop_fd : -1, .events = POLLIN}};
	if (!m->until)
		m->until = clock_monotonic() + m->wait;
	for (;;) {
		dur_us left = m->until - clock_monotonic();
		int ready = left > 0 ? poll(fds, 2, (int)MIN((left + 999) / 1000, INT64_C(3600000))) : 0;
		if (ready < 0 && errno == EINTR)
			continue;
		if (ready > 0 && !fds[1].revents)
			return 1;
		if (ready == 0 && m->until > clock_monotonic())
			continue;
		m->wait_end = ready > 0 ? MYSQL_WAIT_STOPPED : MYSQL_WAIT_TIMED_OUT;
		errno = ETIMEDOUT;
		return -1;
	}
}

int store_mysql_statement_ms(const struct store_mysql *m)
{
	int ms = m->options.statement_ms ? m->options.statement_ms : STATEMENT_MS;
	return m->patient ? ms * PATIENCE : ms;
}

void store_mysql_wait(struct store_mysql *m, int ms)
{
	waiting = m;
	m->wait_end = MYSQL_WAIT_DONE;
	m->wait = ms * US_PER_MS;
	m->until = 0;
}

void store_mysql_drop(struct store_mysql *m)
{
	if (!m->link)
		return;
	/* Else it would read what is left of a large result. */
	my_socket handle = mysql_get_socket(m->link);
	if (handle != MARIADB_INVALID_SOCKET)
		shutdown(handle, SHUT_RDWR);
	waiting = m;
	m->wait = m->until = 0;
	mysql_close(m->link);
	m->link = NULL;
}

/* --- connecting --- */

static bool options_set(
	struct store_mysql *m, MYSQL *link, const char **socket, bool *tls_required, GError **error)
{
	unsigned connect_s =
		(unsigned)(m->options.connect_ms ? m->options.connect_ms : CONNECT_MS) / 1000 + 1;
	unsigned statement_s = (unsigned)store_mysql_statement_ms(m) / 1000 + 1;
	unsigned off = 0;
	mysql_optionsv(link, MYSQL_OPT_CONNECT_TIMEOUT, &connect_s);
	mysql_optionsv(link, MYSQL_OPT_READ_TIMEOUT, &statement_s);
	mysql_optionsv(link, MYSQL_OPT_WRITE_TIMEOUT, &statement_s);
	mysql_optionsv(link, MYSQL_OPT_LOCAL_INFILE, &off);
	mysql_optionsv(link, MYSQL_SET_CHARSET_NAME, "utf8mb4");
	mysql_optionsv(link, MYSQL_OPT_CONNECT_ATTR_ADD, "program_name", "action-scheduler");
	mysql_optionsv(link, MARIADB_OPT_IO_WAIT, wait_for_server);
	if (!mysql_settings_apply(m->settings, link, socket, tls_required, error))
		return false;
	/* By itself the library takes the socket whatever the port is. */
	unsigned tcp = MYSQL_PROTOCOL_TCP;
	if (m->options.port && !*socket)
		mysql_optionsv(link, MYSQL_OPT_PROTOCOL, &tcp);
	return true;
}

/* CRC32C is there since MariaDB 10.8. */
static bool server_has_crc32c(MYSQL *link)
{
	const char *version = mysql_get_server_info(link);
	return version && strstr(version, "MariaDB") && mysql_get_server_version(link) >= 100800;
}

static bool session_prepare(struct store_mysql *m, GError **error)
{
	int lock_s = ((m->options.wait_ms ? m->options.wait_ms : LOCK_MS) + 999) / 1000;
	g_autofree char *sql = g_strdup_printf(
		"SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,NO_AUTO_VALUE_ON_ZERO', "
		"autocommit = 1,"
		" lock_wait_timeout = %d, innodb_lock_wait_timeout = %d, net_write_timeout = 600",
		lock_s, lock_s);
	return store_mysql_run(m, sql, error) &&
	       (!m->options.read_only || store_mysql_run(m, "SET SESSION TRANSACTION READ ONLY", error));
}

static bool link_make(struct store_mysql *m, GError **error)
{
	const struct store_options *options = &m->options;
	const char *socket = m->socket;
	int connect_ms = options->connect_ms ? options->connect_ms : CONNECT_MS;
	MYSQL *link = mysql_init(NULL);
	if (!link)
		g_error("out of memory");
	bool tls_required;
	if (!options_set(m, link, &socket, &tls_required, error)) {
		mysql_close(link);
		return false;
	}
	if (!socket && !host_lookup(options->host, connect_ms * US_PER_MS, options->stop_fd, error)) {
		g_prefix_error(error, "%s: ", m->base.place);
		mysql_close(link);
		return false;
	}
	store_mysql_wait(m, connect_ms);
	if (!mysql_real_connect(link, socket ? NULL : options->host, options->username, options->password,
		    options->database, (unsigned)options->port, socket, CLIENT_FOUND_ROWS)) {
		store_mysql_failed(m, mysql_errno(link), mysql_error(link), error);
		mysql_close(link);
		return false;
	}
	m->link = link;
	/* The library goes on without, where the server has no TLS. */
	if (tls_required && !mysql_get_ssl_cipher(link))
		return store_mysql_failed(m, CR_SSL_CONNECTION_ERROR, "the server has no TLS", error);
	m->has_crc32c = server_has_crc32c(link);
	if (session_prepare(m, error))
		return true;
	store_mysql_drop(m);
	return false;
}

bool store_mysql_connect(struct store_mysql *m, GError **error)
{
	static gsize ready;
	if (g_once_init_enter(&ready)) {
		mysql_library_init(0, NULL, NULL);
		g_once_init_leave(&ready, 1);
	}
	if (m->link) {
		store_mysql_wait(m, store_mysql_statement_ms(m));
		if (mysql_ping(m->link) == 0)
			return true;
		/* A server that does not answer would not answer another connection either. */
		if (m->wait_end != MYSQL_WAIT_DONE)
			return store_mysql_failed(m, mysql_errno(m->link), mysql_error(m->link), error);
		store_mysql_drop(m);
	}
	return link_make(m, error);
}
