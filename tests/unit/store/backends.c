#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "backend_postgresql.h"
#include "mariadb.h"

#include <glib/gstdio.h>

#include "base/sqlite.h"

struct place {
	char *directory, *path, *away;
	sqlite3 *other;
};

static sqlite3 *other_client(struct place *place)
{
	g_autoptr(GError) error = NULL;
	if (!place->other)
		place->other = sqlite_open(place->path, SQLITE_MODE_CREATE, 1000, &error);
	if (!place->other)
		fail_msg("%s", error->message);
	return place->other;
}

static struct place *file_new(void)
{
	struct place *place = g_new0(struct place, 1);
	place->directory = g_dir_make_tmp("store-XXXXXX", NULL);
	assert_non_null(place->directory);
	place->path = g_build_filename(place->directory, "actions.db", NULL);
	place->away = g_build_filename(place->directory, "away", NULL);
	return place;
}

static void file_free(struct place *place)
{
	sqlite_close(place->other);
	g_autoptr(GDir) dir = g_dir_open(place->directory, 0, NULL);
	for (const char *name; (name = g_dir_read_name(dir));) {
		g_autofree char *path = g_build_filename(place->directory, name, NULL);
		g_unlink(path);
	}
	g_rmdir(place->directory);
	g_free(place->directory);
	g_free(place->path);
	g_free(place->away);
	g_free(place);
}

static struct store_options file_options(struct place *place)
{
	return (struct store_options){.dialect = "sqlite", .database = place->path, .wait_ms = 30};
}

static void file_run(struct place *place, const char *sql)
{
	g_autoptr(GError) error = NULL;
	if (!sqlite_exec(other_client(place), sql, &error))
		fail_msg("%s: %s", sql, error->message);
}

static char *file_query(struct place *place, const char *sql)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(sqlite3_stmt) statement = sqlite_prepare(other_client(place), sql, &error);
	bool row = false;
	if (!statement || !sqlite_step(statement, &row, &error))
		fail_msg("%s: %s", sql, error->message);
	const char *text = row ? (const char *)sqlite3_column_text(statement, 0) : "no row";
	return g_strdup(text ? text : "NULL");
}

static void file_lock(struct place *place, bool readers_too)
{
	file_run(place, readers_too ? "BEGIN EXCLUSIVE" : "BEGIN IMMEDIATE");
}

static void file_unlock(struct place *place)
{
	file_run(place, "ROLLBACK");
}

static void file_vanish(struct place *place)
{
	sqlite_close(place->other);
	place->other = NULL;
	assert_int_equal(g_rename(place->path, place->away), 0);
}

static void file_come_back(struct place *place)
{
	assert_int_equal(g_rename(place->away, place->path), 0);
}

static const struct test_backend sqlite_file = {
	.name = "sqlite",
	.place_new = file_new,
	.place_free = file_free,
	.options = file_options,
	.run = file_run,
	.query = file_query,
	.lock = file_lock,
	.unlock = file_unlock,
	.vanish = file_vanish,
	.come_back = file_come_back,
	.gone = AS_ERROR_MISSING,
	.select_mark = "FROM main.action",
	/* What SQLAlchemy 1.4 and 2.0 leave in the schema. */
	.create_table = "CREATE TABLE action (\n\tid INTEGER NOT NULL, \n\tname VARCHAR NOT NULL, \n"
			"\tcommand VARCHAR NOT NULL, \n\tcron JSON NOT NULL, \n\tmerge_missed BOOLEAN, \n"
			"\tactuality_time INTEGER, \n\tPRIMARY KEY (id)\n)",
	.query_table = "SELECT sql FROM sqlite_master WHERE name = 'action'",
	.optional_columns = "ALTER TABLE action ADD enabled BOOLEAN; ALTER TABLE action ADD timezone TEXT;"
			    "ALTER TABLE action ADD callback TEXT; ALTER TABLE action ADD max_instances INT;"
			    "ALTER TABLE action ADD timeout INT; ALTER TABLE action ADD max_attempts INT;"
			    "ALTER TABLE action ADD dst TEXT; ALTER TABLE action ADD catch_up_limit INT;"
			    "ALTER TABLE action ADD topic TEXT; ALTER TABLE action ADD error TEXT",
};

const struct test_backend *const test_backends[] = {&sqlite_file, &test_backend_postgresql, &mariadb_server};
const size_t test_backend_count = G_N_ELEMENTS(test_backends);
