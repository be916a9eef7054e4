#include "config/control_path.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* So many digits of a SHA-256 tell the configurations of a machine apart. */
#define HASH_DIGITS 16

/* Absolute, symbolic links resolved; where the file is not there, those of its folder. */
static char *real_path(const char *path)
{
	char *real = realpath(path, NULL);
	if (real) {
		char *copy = g_strdup(real);
		free(real);
		return copy;
	}
	g_autofree char *folder = g_path_get_dirname(path);
	g_autofree char *name = g_path_get_basename(path);
	real = realpath(folder, NULL);
	char *result = real ? g_build_filename(real, name, NULL) : g_canonicalize_filename(path, NULL);
	free(real);
	return result;
}

static bool is_file(const struct config_database *database)
{
	return database->set && database->dialect == CONFIG_SQLITE && database->database &&
	       strcmp(database->database, ":memory:") != 0;
}

char *config_identity(const struct config *config)
{
	const struct config_database *database =
		config->internal_db.set ? &config->internal_db : &config->actions_db;
	const char *dialect = config_dialect_name(database->dialect);
	if (database->dialect != CONFIG_SQLITE)
		return g_strdup_printf("%s %s:%" G_GINT64_FORMAT "/%s", dialect,
			database->host ? database->host : "localhost", database->port, database->database);
	g_autofree char *path = real_path(database->database ? database->database : "");
	return g_strdup_printf("%s %s", dialect, path);
}

char *config_runtime_directory(void)
{
	const char *given = g_getenv("XDG_RUNTIME_DIR");
	if (geteuid() == 0)
		return g_strdup("/run/action-scheduler");
	if (given && g_path_is_absolute(given))
		return g_strdup(given);
	return g_strdup_printf("/tmp/action-scheduler-%u", (unsigned)geteuid());
}

char *config_control_path(const struct config *config)
{
	if (config->server.socket)
		return g_canonicalize_filename(config->server.socket, NULL);
	if (is_file(&config->internal_db)) {
		g_autofree char *path = real_path(config->internal_db.database);
		g_autofree char *folder = g_path_get_dirname(path);
		return g_build_filename(folder, "control.sock", NULL);
	}
	/* Without a file everything comes from the environment, and the databases are what is left. */
	g_autofree char *of = config->path ? real_path(config->path) : config_identity(config);
	g_autofree char *hash = g_compute_checksum_for_string(G_CHECKSUM_SHA256, of, -1);
	g_autofree char *folder = config_runtime_directory();
	return g_strdup_printf("%s/action-scheduler-%.*s.sock", folder, HASH_DIGITS, hash);
}
