#include "store/mysql.h"

#include <string.h>
#include <sys/stat.h>

/* host is a name or an address; one that begins with / is the Unix socket, or the directory of it. */
static char *socket_of(const char *host)
{
	struct stat status;
	if (!host || host[0] != '/')
		return NULL;
	if (stat(host, &status) == 0 && S_ISDIR(status.st_mode))
		return g_build_filename(host, "mysqld.sock", NULL);
	return g_strdup(host);
}

static char *place_of(const struct store_mysql *m)
{
	const struct store_options *options = &m->options;
	const char *host = options->host && options->host[0] ? options->host : "localhost";
	if (m->socket)
		return g_strdup_printf("%s, database %s", m->socket, options->database);
	if (!options->port)
		return g_strdup_printf("%s, database %s", host, options->database);
	return g_strdup_printf(strchr(host, ':') ? "[%s]:%d, database %s" : "%s:%d, database %s", host,
		(int)options->port, options->database);
}

static void options_copy(struct store_mysql *m, const struct store_options *options)
{
	m->options = *options;
	m->options.dialect = NULL;
	m->options.settings = NULL;
	m->options.database = g_strdup(options->database ? options->database : "");
	m->options.host = g_strdup(options->host);
	m->options.username = g_strdup(options->username);
	m->options.password = g_strdup(options->password);
	m->socket = socket_of(options->host);
	m->settings = g_ptr_array_new_with_free_func(g_free);
	for (size_t i = 0; i < options->setting_count; i++) {
		g_ptr_array_add(m->settings, g_strdup(options->settings[i].name));
		g_ptr_array_add(m->settings, g_strdup(options->settings[i].value));
	}
	m->base.place = place_of(m);
}

static void close_store(struct store *store)
{
	struct store_mysql *m = store_mysql(store);
	store_mysql_drop(m);
	g_free((char *)m->options.database);
	g_free((char *)m->options.host);
	g_free((char *)m->options.username);
	g_free((char *)m->options.password);
	g_free(m->socket);
	g_ptr_array_unref(m->settings);
	g_free(m);
}

static struct store *open_store(const struct store_options *options, GError **error)
{
	struct store_mysql *m = g_new0(struct store_mysql, 1);
	options_copy(m, options);
	if (store_mysql_connect(m, error))
		return &m->base;
	g_free(m->base.place);
	close_store(&m->base);
	return NULL;
}

static int no_watch(struct store *store G_GNUC_UNUSED)
{
	return -1;
}

static bool no_drain(struct store *store G_GNUC_UNUSED)
{
	return false;
}

#define BACKEND(name)                                                                                       \
	{                                                                                                   \
		.dialect = name, .open = open_store, .close = close_store,                                  \
		.create_table = store_mysql_create_table, .complete_table = store_mysql_complete_table,     \
		.is_empty = store_mysql_is_empty, .write_begin = store_mysql_write_begin,                   \
		.write_rows = store_mysql_write_rows, .write_run = store_mysql_write_run,                   \
		.write_commit = store_mysql_write_commit, .write_end = store_mysql_write_end,               \
		.read = store_mysql_read, .read_one = store_mysql_read_one, .changed = store_mysql_changed, \
		.watch_fd = no_watch, .watch_drain = no_drain, .read_jobs = store_mysql_read_jobs,          \
		.inspect = store_mysql_inspect, .write_errors = store_mysql_write_errors,                   \
	}

const struct store_backend store_backend_mysql = BACKEND("mysql");
const struct store_backend store_backend_mariadb = BACKEND("mariadb");
