/* Opening: options, schema, ownership. */
#include "journal/server.h"

#include <unistd.h>

#include "base/clock.h"

#define DEADLINE (5 * US_PER_SECOND)

static char *this_host(void)
{
	char host[256] = "";
	if (gethostname(host, sizeof host - 1) != 0)
		host[0] = '\0';
	return g_utf8_make_valid(host, -1);
}

/* As the administrator reads it in messages: `PostgreSQL database x on db1:5432`. */
static char *place_of(const struct server_driver *driver, const struct journal_options *options)
{
	g_autofree char *port =
		options->port ? g_strdup_printf(":%" G_GINT64_FORMAT, options->port) : g_strdup("");
	return g_strdup_printf("%s database %s on %s%s", driver->name, options->database,
		options->host && *options->host ? options->host : "this machine", port);
}

struct server *server_new(const struct server_driver *driver, const struct journal_options *options)
{
	struct server *server = g_new0(struct server, 1);
	g_autofree char *host = this_host();
	server->base.backend = driver->backend;
	server->driver = driver;
	server->place = place_of(driver, options);
	server->history_level = options->history_level;
	server->history_max_age = options->history_max_age;
	server->history_max_bytes = options->history_max_bytes;
	server->target = (struct server_target){
		.database = g_strdup(options->database),
		.host = g_strdup(options->host),
		.username = g_strdup(options->username),
		.password = g_strdup(options->password),
		.program = g_strdup_printf("action-scheduler pid %d on %s", (int)getpid(), host),
		.port = options->port,
		.settings = g_new0(struct journal_setting, options->setting_count + 1),
		.setting_count = options->setting_count,
		.deadline = options->busy_deadline > 0 ? options->busy_deadline : DEADLINE,
		.read_only = options->read_only,
	};
	for (size_t i = 0; i < options->setting_count; i++)
		server->target.settings[i] = (struct journal_setting){
			g_strdup(options->settings[i].name), g_strdup(options->settings[i].value)};
	return server;
}

void server_close(struct journal *journal)
{
	struct server *server = server_of(journal);
	struct server_target *target = &server->target;
	if (server->link)
		server->driver->close(server->link);
	for (size_t i = 0; i < target->setting_count; i++) {
		g_free((char *)target->settings[i].name);
		g_free((char *)target->settings[i].value);
	}
	g_free(target->settings);
	g_free(target->database);
	g_free(target->host);
	g_free(target->username);
	g_free(target->password);
	g_free(target->program);
	g_free(server->place);
	g_free(server);
}

/* --- the schema --- */

static bool take_number(void *context, enum server_sql sql, const struct server_value *row, GError **error)
{
	(void)sql;
	(void)error;
	*(int64_t *)context = row[0].integer;
	return true;
}

static bool query_int(struct server *server, enum server_sql sql, int64_t *out, GError **error)
{
	g_autoptr(server_batch) batch = batch_new();
	batch_add(batch, sql);
	return server_run(server, batch, take_number, out, error);
}

bool server_read_version(struct server *server, int64_t *version, GError **error)
{
	int64_t tables = 0;
	*version = 0;
	return query_int(server, SERVER_EXISTS, &tables, error) &&
	       (tables == 0 || query_int(server, SERVER_VERSION, version, error));
}

static bool check_version(const struct server *server, int64_t version, GError **error)
{
	int64_t known = (int64_t)server->driver->migration_count;
	if (version == known || (version < known && !server->target.read_only))
		return true;
	if (version > known)
		g_set_error(error, AS_ERROR, AS_ERROR_INVALID,
			"%s has schema version %" G_GINT64_FORMAT
			", this program knows up to %" G_GINT64_FORMAT
			": run the version that wrote it, or a newer one",
			server->place, version, known);
	else if (version == 0)
		g_set_error(
			error, AS_ERROR, AS_ERROR_MISSING, "%s: no scheduler has used it yet", server->place);
	else
		g_set_error(error, AS_ERROR, AS_ERROR_UNAVAILABLE,
			"%s: it is of an older version; start the scheduler once, which updates it",
			server->place);
	return false;
}

static bool run_script(struct server *server, const char *sql, GError **error)
{
	if (server->driver->script(server->link, sql, error))
		return true;
	g_prefix_error(error, "%s: cannot update the schema: ", server->place);
	return false;
}

static bool migrate(struct server *server, GError **error)
{
	int64_t version;
	if (!server_read_version(server, &version, error) || !check_version(server, version, error))
		return false;
	for (; version < (int64_t)server->driver->migration_count; version++) {
		g_autofree char *sql =
			g_strdup_printf("%s\nUPDATE scheduler_meta SET schema_version = %" G_GINT64_FORMAT,
				server->driver->migrations[version], version + 1);
		if (!run_script(server, sql, error))
			return false;
	}
	return true;
}

/* Opens a new owner epoch: from here on commits of any earlier owner are refused. */
static bool take_epoch(struct server *server, GError **error)
{
	struct server_meta meta;
	char started[TIME_TEXT_MAX];
	g_autofree char *host = this_host();
	g_autofree char *owner = g_strdup_printf(
		"pid %d, host %s, since %s", (int)getpid(), host, time_format_utc(clock_now(), started));
	g_autoptr(server_batch) batch = batch_new();
	batch_add(batch, SERVER_TAKE_EPOCH);
	batch_text(batch, owner);
	if (!server_run(server, batch, NULL, NULL, error) || !server_read_meta(server, &meta, error))
		return false;
	g_free(meta.owner);
	server->owner_epoch = meta.owner_epoch;
	server->owned = true;
	return true;
}

static bool open_owner(struct server *server, GError **error)
{
	return server_ready(server, error) && migrate(server, error) && take_epoch(server, error);
}

static bool open_reader(struct server *server, GError **error)
{
	int64_t version;
	return server_read_version(server, &version, error) && check_version(server, version, error);
}

struct journal *server_open(
	const struct server_driver *driver, const struct journal_options *options, GError **error)
{
	if (!options->database || !*options->database) {
		g_set_error(error, AS_ERROR, AS_ERROR_INVALID, "internal_db.database is not set");
		return NULL;
	}
	struct server *server = server_new(driver, options);
	if ((!driver->check_target || driver->check_target(&server->target, error)) &&
		(options->read_only ? open_reader(server, error) : open_owner(server, error)))
		return &server->base;
	server_close(&server->base);
	return NULL;
}

int64_t server_foreign_version(struct journal *journal)
{
	(void)journal;
	return -1;
}

const char *server_path(const struct journal *journal)
{
	(void)journal;
	return NULL;
}
