#include "store/postgresql.h"

#include <string.h>

static void add_setting(struct store_pg *pg, const char *name, const char *value)
{
	if (!value)
		return;
	g_ptr_array_add(pg->names, g_strdup(name));
	g_ptr_array_add(pg->values, g_strdup(value));
}

/* The last of two settings of one name counts. */
static void collect_settings(struct store_pg *pg, const struct store_options *options)
{
	g_autofree char *port = options->port ? g_strdup_printf("%" G_GINT64_FORMAT, options->port) : NULL;
	pg->names = g_ptr_array_new_with_free_func(g_free);
	pg->values = g_ptr_array_new_with_free_func(g_free);
	add_setting(pg, "application_name", "action-scheduler");
	add_setting(pg, "host", options->host);
	add_setting(pg, "port", port);
	add_setting(pg, "user", options->username);
	add_setting(pg, "password", options->password);
	add_setting(pg, "dbname", options->database);
	for (size_t i = 0; i < options->setting_count; i++)
		add_setting(pg, options->settings[i].name, options->settings[i].value);
	add_setting(pg, "client_encoding", "UTF8");
	g_ptr_array_add(pg->names, NULL);
	g_ptr_array_add(pg->values, NULL);
}

static bool setting_is_known(const PQconninfoOption *known, const char *name)
{
	for (; known->keyword; known++)
		if (strcmp(known->keyword, name) == 0)
			return true;
	return false;
}

/* libpq would say it as well, at each try, as if a later one could help. */
static bool check_settings(const struct store_options *options, GError **error)
{
	PQconninfoOption *known = PQconndefaults();
	const char *unknown = NULL;
	for (size_t i = 0; known && i < options->setting_count && !unknown; i++)
		if (!setting_is_known(known, options->settings[i].name))
			unknown = options->settings[i].name;
	PQconninfoFree(known);
	if (unknown)
		g_set_error(error, AS_ERROR, AS_ERROR_INVALID, "options: libpq has no setting “%s”", unknown);
	return !unknown;
}

static char *place_of(const struct store_options *options)
{
	const char *host = options->host ? options->host : "localhost";
	g_autofree char *port =
		options->port ? g_strdup_printf(":%" G_GINT64_FORMAT, options->port) : g_strdup("");
	bool is_ipv6 = strchr(host, ':') != NULL;
	return g_strdup_printf("%s%s%s%s/%s", is_ipv6 ? "[" : "", host, is_ipv6 ? "]" : "", port,
		options->database ? options->database : "");
}

static void pg_close(struct store *store)
{
	struct store_pg *pg = store_pg(store);
	pg_drop(pg);
	g_ptr_array_unref(pg->names);
	g_ptr_array_unref(pg->values);
	g_array_unref(pg->ids);
	pg_state_clear(&pg->state);
	g_free(pg);
}

static struct store *pg_new(const struct store_options *options, GError **error)
{
	if (!check_settings(options, error))
		return NULL;
	struct store_pg *pg = g_new0(struct store_pg, 1);
	pg->options = *options;
	pg->options.settings = NULL;
	pg->options.host = pg->options.username = pg->options.password = NULL;
	pg->options.dialect = pg->options.database = NULL;
	pg->base.place = place_of(options);
	pg->ids = g_array_new(FALSE, FALSE, sizeof(int64_t));
	collect_settings(pg, options);
	if (pg_open(pg, error))
		return &pg->base;
	g_free(pg->base.place);
	pg_close(&pg->base);
	return NULL;
}

const struct store_backend store_postgresql = {
	.dialect = "postgresql",
	.tells_after_commit = true,
	.open = pg_new,
	.close = pg_close,
	.create_table = pg_create_table,
	.complete_table = pg_complete_table,
	.is_empty = pg_is_empty,
	.write_begin = pg_write_begin,
	.write_rows = pg_write_rows,
	.write_run = pg_write_run,
	.write_commit = pg_write_commit,
	.write_end = pg_write_end,
	.read = pg_read,
	.read_ids = pg_read_ids,
	.read_one = pg_read_one,
	.changed = pg_changed,
	.changed_ids = pg_changed_ids,
	.install_trigger = pg_install_trigger,
	.watch_fd = pg_watch_fd,
	.watch_drain = pg_watch_drain,
	.read_jobs = pg_read_jobs,
	.inspect = pg_inspect,
	.write_errors = pg_write_errors,
};
