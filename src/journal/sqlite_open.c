#include "journal/sqlite.h"

#include <stdlib.h>

#include "journal/sqlite_migrations.h"

#define BUSY_DEADLINE (5 * US_PER_SECOND)
/* Kept small: the working set is a few rows of each table. */
#define CACHE_PRAGMA  "PRAGMA cache_size = -4096"

static bool fail_open(const char *path, enum as_error kind, const char *reason, GError **error)
{
	g_set_error(error, AS_ERROR, (gint)kind, "%s: %s", path, reason);
	return false;
}

/* Opens the file, or makes it; the pragmas and the tables come later, under the lock. */
static struct jdb *open_file(const struct journal_options *options, GError **error)
{
	dur_us deadline = options->busy_deadline > 0 ? options->busy_deadline : BUSY_DEADLINE;
	sqlite3 *db =
		sqlite_open(options->database, options->read_only ? SQLITE_MODE_READ : SQLITE_MODE_SHARED,
			(int)(deadline / US_PER_MS), error);
	if (!db)
		return NULL;
	char *real = realpath(options->database, NULL);
	struct jdb *jdb = g_new0(struct jdb, 1);
	jdb->base.backend = &journal_sqlite;
	jdb->db = db;
	jdb->path = g_strdup(real ? real : options->database);
	jdb->read_only = options->read_only;
	jdb->history_level = options->history_level;
	jdb->history_max_age = options->history_max_age;
	jdb->history_max_bytes = options->history_max_bytes;
	jdb->busy_deadline = deadline;
	free(real);
	return jdb;
}

/* Own files are in WAL mode: a commit is one fsync, and readers are not in the way. A full sync of each
 * commit is what "durable" means. The WAL is cut back after a large load. */
static bool set_up(struct jdb *jdb, GError **error)
{
	const char *doing = "set up the connection";
	sqlite3_db_config(jdb->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	if (!jdb_exec(jdb, CACHE_PRAGMA, doing, error))
		return false;
	if (jdb->read_only)
		return true;
	return jdb_exec(jdb, "PRAGMA journal_mode = WAL", "switch to write-ahead logging", error) &&
	       jdb_exec(jdb, "PRAGMA synchronous = FULL", doing, error) &&
	       jdb_exec(jdb, "PRAGMA wal_autocheckpoint = 2000", doing, error) &&
	       jdb_exec(jdb, "PRAGMA journal_size_limit = 67108864", doing, error);
}

/* The number of the last migration applied, 0 where there is no table yet. */
static bool read_version(struct jdb *jdb, int64_t *version, GError **error)
{
	int64_t tables = 0;
	*version = 0;
	return sqlite_query_int(jdb->db,
		       "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'scheduler_meta'",
		       &tables, error) &&
	       (tables == 0 || sqlite_query_int(
				       jdb->db, "SELECT schema_version FROM scheduler_meta", version, error));
}

static bool check_version(struct jdb *jdb, int64_t version, GError **error)
{
	int64_t known = (int64_t)G_N_ELEMENTS(migrations);
	if (version == known || (version < known && !jdb->read_only))
		return true;
	if (version > known)
		g_set_error(error, AS_ERROR, AS_ERROR_INVALID,
			"%s has schema version %" G_GINT64_FORMAT
			", this program knows up to %" G_GINT64_FORMAT
			": run the version that wrote it, or a newer one",
			jdb->path, version, known);
	else if (version == 0)
		fail_open(jdb->path, AS_ERROR_MISSING, "no scheduler has used it yet", error);
	else
		fail_open(jdb->path, AS_ERROR_UNAVAILABLE,
			"it is of an older version; start the scheduler once, which updates it", error);
	return false;
}

static bool migrate(struct jdb *jdb, GError **error)
{
	const int64_t known = (int64_t)G_N_ELEMENTS(migrations);
	for (int64_t version = 0; version < known;) {
		if (!jdb_begin_write(jdb, error))
			return false;
		bool done = read_version(jdb, &version, error) && check_version(jdb, version, error);
		if (done && version < known) {
			g_autofree char *number = g_strdup_printf(
				"UPDATE scheduler_meta SET schema_version = %" G_GINT64_FORMAT, version + 1);
			done = jdb_exec(jdb, migrations[version], "update the schema", error) &&
			       jdb_exec(jdb, number, "update the schema", error);
			version++;
		}
		if (!done || !jdb_end(jdb, error)) {
			jdb_rollback(jdb);
			return false;
		}
	}
	return true;
}

/* Opens a new owner epoch: from here on commits of any earlier owner are refused. */
static bool take_epoch(struct jdb *jdb, GError **error)
{
	struct jdb_meta meta;
	if (!jdb_begin_write(jdb, error))
		return false;
	if (jdb_exec(jdb, "UPDATE scheduler_meta SET owner_epoch = owner_epoch + 1, last_sequence = NULL",
		    "take ownership", error) &&
		jdb_read_meta(jdb, &meta, error) && jdb_end(jdb, error)) {
		jdb->owner_epoch = meta.owner_epoch;
		return true;
	}
	jdb_rollback(jdb);
	return false;
}

static bool open_owner(struct jdb *jdb, GError **error)
{
	jdb->lock = owner_lock_take(jdb->path, error);
	return jdb->lock && set_up(jdb, error) && migrate(jdb, error) && take_epoch(jdb, error);
}

static bool open_reader(struct jdb *jdb, GError **error)
{
	int64_t version;
	return set_up(jdb, error) && read_version(jdb, &version, error) && check_version(jdb, version, error);
}

struct journal *jdb_open(const struct journal_options *options, GError **error)
{
	if (!options->database || !*options->database) {
		g_set_error(error, AS_ERROR, AS_ERROR_INVALID, "internal_db.database is not set");
		return NULL;
	}
	struct jdb *jdb = open_file(options, error);
	if (!jdb)
		return NULL;
	if (options->read_only ? open_reader(jdb, error) : open_owner(jdb, error))
		return &jdb->base;
	jdb_close(&jdb->base);
	return NULL;
}

/* Of the file that is there. */
static bool inspect_file(const struct journal_options *options, struct journal_state *state, GError **error)
{
	struct journal_options reading = *options;
	reading.read_only = true;
	struct jdb *jdb = open_file(&reading, error);
	if (!jdb)
		return false;
	bool done = set_up(jdb, error) && read_version(jdb, &state->version, error);
	if (done)
		state->owner = owner_lock_holder(jdb->path);
	jdb_close(&jdb->base);
	return done;
}

bool jdb_inspect(const struct journal_options *options, struct journal_state *state, GError **error)
{
	g_autoptr(GError) missing = NULL, refused = NULL;
	state->newest = (int64_t)G_N_ELEMENTS(migrations);
	if (!inspect_file(options, state, &missing) &&
		!g_error_matches(missing, AS_ERROR, AS_ERROR_MISSING)) {
		g_propagate_error(error, g_steal_pointer(&missing));
		return false;
	}
	if (!sqlite_may_write(options->database, &refused))
		state->lacking = g_strdup(refused->message);
	return true;
}

void jdb_close(struct journal *journal)
{
	struct jdb *jdb = jdb_of(journal);
	for (size_t i = 0; i < SQL_COUNT; i++)
		sqlite3_finalize(jdb->statements[i]);
	sqlite_close(jdb->db);
	owner_lock_free(jdb->lock);
	g_free(jdb->path);
	g_free(jdb);
}
