/* Where `import` reads from: internal_db, a file, or a URL as SQLAlchemy writes it. */
#include "cli/verb_import.h"

#include <string.h>

/* As there, only user, password and query are decoded. */
#define URL_FLAGS                                                                          \
	(G_URI_FLAGS_HAS_PASSWORD | G_URI_FLAGS_ENCODED_QUERY | G_URI_FLAGS_ENCODED_PATH | \
		G_URI_FLAGS_PARSE_RELAXED)

static void add_setting(struct import_source *source, const char *name, const char *value)
{
	struct store_setting setting = {g_strdup(name), g_strdup(value)};
	g_array_append_val(source->settings, setting);
}

static void clear_setting(gpointer data)
{
	struct store_setting *setting = data;
	g_free((char *)setting->name);
	g_free((char *)setting->value);
}

static void of_config(struct import_source *source, const struct config_database *database)
{
	GHashTableIter iter;
	gpointer name, value;
	source->dialect = g_strdup(config_dialect_name(database->dialect));
	source->database = g_strdup(database->database);
	source->host = g_strdup(database->host);
	source->username = g_strdup(database->username);
	source->password = g_strdup(database->password);
	source->port = database->port;
	g_hash_table_iter_init(&iter, database->options);
	while (g_hash_table_iter_next(&iter, &name, &value))
		add_setting(source, name, value);
}

/* A Unix socket comes as ?host=DIRECTORY; the rest are options of the client library. */
static bool take_query(struct import_source *source, const char *query, GError **error)
{
	GUriParamsIter iter;
	char *name, *value;
	bool more = query && *query;
	g_autoptr(GError) reason = NULL;
	g_uri_params_iter_init(&iter, query ? query : "", -1, "&", G_URI_PARAMS_NONE);
	while (more && g_uri_params_iter_next(&iter, &name, &value, &reason)) {
		if (!strcmp(name, "host")) {
			g_free(source->host);
			source->host = g_strdup(value);
		} else {
			add_setting(source, name, value);
		}
		g_free(name);
		g_free(value);
	}
	if (reason)
		g_propagate_error(error, g_steal_pointer(&reason));
	return !reason;
}

static bool of_server_url(struct import_source *source, const char *url, GError **error)
{
	g_autofree char *path = NULL, *query = NULL;
	g_autoptr(GError) reason = NULL;
	int port = -1;
	if (!g_uri_split_with_user(url, URL_FLAGS, NULL, &source->username, &source->password, NULL,
		    &source->host, &port, &path, &query, NULL, &reason) ||
		!take_query(source, query, &reason)) {
		g_set_error(error, AS_ERROR, AS_ERROR_INVALID, "it is no URL: %s", reason->message);
		return false;
	}
	source->port = MAX(port, 0);
	source->database = g_strdup(path && *path == '/' ? path + 1 : path);
	if (source->host && !*source->host)
		g_clear_pointer(&source->host, g_free);
	return true;
}

/* sqlite:///FILE, sqlite:////ABSOLUTE; postgresql+psycopg2://USER:PASSWORD@HOST:PORT/DATABASE. */
static bool of_url(struct import_source *source, const char *url, GError **error)
{
	const char *rest = strstr(url, "://") + 3;
	source->dialect = g_strndup(url, strcspn(url, "+:"));
	if (strcmp(source->dialect, "sqlite") != 0)
		return of_server_url(source, url, error);
	source->database = g_strdup(*rest == '/' ? rest + 1 : rest);
	return true;
}

bool import_source_find(const struct cli *cli, const char *from, struct import_source *source, GError **error)
{
	*source = (struct import_source){.settings = g_array_new(FALSE, FALSE, sizeof(struct store_setting))};
	g_array_set_clear_func(source->settings, clear_setting);
	if (!from) {
		of_config(source, &cli->config->internal_db);
	} else if (!strstr(from, "://")) {
		source->dialect = g_strdup("sqlite");
		source->database = g_strdup(from);
	} else if (!of_url(source, from, error)) {
		return false;
	}
	source->where = (struct store_options){
		.dialect = source->dialect,
		.database = source->database,
		.host = source->host,
		.port = source->port,
		.username = source->username,
		.password = source->password,
		.settings = (const struct store_setting *)(void *)source->settings->data,
		.setting_count = source->settings->len,
		.read_only = true,
	};
	return true;
}

void import_source_clear(struct import_source *source)
{
	g_free(source->dialect);
	g_free(source->database);
	g_free(source->host);
	g_free(source->username);
	g_free(source->password);
	g_clear_pointer(&source->settings, g_array_unref);
}
