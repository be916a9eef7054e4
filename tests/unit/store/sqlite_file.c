#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sqlite_file.h"

#include <glib/gstdio.h>

char *in_directory(const struct fixture *fixture, const char *name)
{
	return g_build_filename(fixture->directory, name, NULL);
}

int sqlite_setup(void **state)
{
	struct fixture *fixture = g_new0(struct fixture, 1);
	fixture->directory = g_dir_make_tmp("store-XXXXXX", NULL);
	fixture->path = in_directory(fixture, "actions.db");
	*state = fixture;
	return 0;
}

static void remove_tree(const char *path)
{
	g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
	for (const char *name; dir && (name = g_dir_read_name(dir));) {
		g_autofree char *inner = g_build_filename(path, name, NULL);
		remove_tree(inner);
	}
	g_remove(path);
}

int sqlite_teardown(void **state)
{
	struct fixture *fixture = *state;
	store_close(fixture->store);
	sqlite_close(fixture->db);
	remove_tree(fixture->directory);
	g_free(fixture->directory);
	g_free(fixture->path);
	g_free(fixture);
	return 0;
}

void run(struct fixture *fixture, const char *sql)
{
	g_autoptr(GError) error = NULL;
	if (!fixture->db)
		fixture->db = sqlite_open(fixture->path, SQLITE_MODE_CREATE, 1000, &error);
	if (!fixture->db || !sqlite_exec(fixture->db, sql, &error))
		fail_msg("%s: %s", sql, error->message);
}

void forget_client(struct fixture *fixture)
{
	sqlite_close(fixture->db);
	fixture->db = NULL;
}

void open_store_with(struct fixture *fixture, struct store_options options)
{
	g_autoptr(GError) error = NULL;
	options.dialect = "sqlite";
	options.wait_ms = 30;
	if (!options.database)
		options.database = fixture->path;
	fixture->store = store_open(&options, &error);
	if (!fixture->store)
		fail_msg("%s", error->message);
}

void open_store(struct fixture *fixture)
{
	open_store_with(fixture, (struct store_options){0});
}
