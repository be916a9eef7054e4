#include "journal/sqlite.h"

#include "base/clock.h"

/* How long SQLite itself waits for a lock before the connection is let go for a moment, so that
 * jdb_foreign_version is not held up for the whole deadline. */
#define BUSY_STEP_MS 20

#define COLUMNS_POSITION(name) name "_due_us, " name "_action_id, " name "_nominal_us"
/* What a row costs, as it was counted when it was written. */
#define ROW_BYTES                                                                                          \
	"(" G_STRINGIFY(HISTORY_ROW_BASE) " + coalesce(length(body), 0) + coalesce(length(CAST(detail AS " \
					  "BLOB)), 0) + "                                                  \
					  "coalesce(length(manual), 0) + coalesce(length(failed_fire), 0))"

static const char *const sql_texts[SQL_COUNT] = {
	[SQL_META] = "SELECT owner_epoch, last_sequence, commits, history_bytes FROM scheduler_meta",
	[SQL_META_COMMIT] = "UPDATE scheduler_meta SET last_sequence = ?1, commits = commits + 1, "
			    "history_bytes = history_bytes + ?2 WHERE owner_epoch = ?3",
	[SQL_META_TRIM] = "UPDATE scheduler_meta SET history_bytes = max(0, history_bytes - ?1) "
			  "WHERE owner_epoch = ?2",
	[SQL_LANE_PUT] = "INSERT INTO scheduler_lane (name, clock_epoch, due_us, action_id, nominal_us) "
			 "VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (name) DO UPDATE SET "
			 "clock_epoch = ?2, due_us = ?3, action_id = ?4, nominal_us = ?5",
	[SQL_LANES] = "SELECT name, clock_epoch, due_us, action_id, nominal_us FROM scheduler_lane "
		      "ORDER BY name",
	/* clang-format off */
	[SQL_BACKLOG_PUT] =
		"INSERT INTO scheduler_backlog (id, lane, " COLUMNS_POSITION("from") ", " COLUMNS_POSITION("to")
		", decided_us, drop_before_us, settled_id, " COLUMNS_POSITION("cursor") ", members, "
		"fire_until_us, drop_reason, skip_before_us, held) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, "
		"?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19) "
		"ON CONFLICT (id) DO UPDATE SET lane = ?2, from_due_us = ?3, from_action_id = ?4, "
		"from_nominal_us = ?5, to_due_us = ?6, to_action_id = ?7, to_nominal_us = ?8, decided_us = ?9, "
		"drop_before_us = ?10, settled_id = ?11, cursor_due_us = ?12, cursor_action_id = ?13, "
		"cursor_nominal_us = ?14, members = coalesce(?15, members), fire_until_us = ?16, drop_reason = ?17, "
		"skip_before_us = ?18, held = ?19",
	/* clang-format on */
	[SQL_BACKLOG_DELETE] = "DELETE FROM scheduler_backlog WHERE id = ?1",
	/* clang-format off */
	[SQL_BACKLOGS] =
		"SELECT id, lane, " COLUMNS_POSITION("from") ", " COLUMNS_POSITION("to")
		", decided_us, drop_before_us, settled_id, " COLUMNS_POSITION("cursor") ", members, "
		"fire_until_us, drop_reason, skip_before_us, held FROM scheduler_backlog ORDER BY id",
	/* clang-format on */
	[SQL_HOLD_PUT] = "INSERT INTO scheduler_hold (one, since_us, skip_until_us, reason) "
			 "VALUES (1, ?1, ?2, ?3) ON CONFLICT (one) DO UPDATE SET "
			 "since_us = ?1, skip_until_us = ?2, reason = ?3",
	[SQL_HOLD] = "SELECT since_us, skip_until_us, reason FROM scheduler_hold",
	[SQL_OPEN_PUT] = "INSERT INTO scheduler_open (lane, action_id, nominal_us, manual, due_us, backlog, "
			 "attempts, next_attempt_us, started, attempts_before) "
			 "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) "
			 "ON CONFLICT (lane, action_id, nominal_us, manual) DO UPDATE SET "
			 "due_us = ?5, backlog = ?6, attempts = ?7, next_attempt_us = ?8, "
			 "started = ?9, attempts_before = ?10",
	[SQL_OPEN_DELETE] = "DELETE FROM scheduler_open WHERE lane = ?1 AND action_id = ?2 AND "
			    "nominal_us = ?3 AND manual = ?4",
	[SQL_OPENS] = "SELECT lane, action_id, nominal_us, manual, due_us, backlog, attempts, "
		      "next_attempt_us, started, attempts_before FROM scheduler_open "
		      "ORDER BY lane, action_id, nominal_us, manual",
	[SQL_BLOCK_GET] = "SELECT body FROM scheduler_definition WHERE block = ?1",
	[SQL_BLOCK_PUT] = "INSERT INTO scheduler_definition (block, body) VALUES (?1, ?2) "
			  "ON CONFLICT (block) DO UPDATE SET body = ?2",
	[SQL_BLOCK_DELETE] = "DELETE FROM scheduler_definition WHERE block = ?1",
	[SQL_BLOCKS] = "SELECT block, body FROM scheduler_definition ORDER BY block",
	[SQL_HISTORY_INSERT] =
		"INSERT INTO scheduler_history (kind, status, reason, attempts, fires, finished_us, span_us, "
		"min_id, max_id, body, manual, detail, failed_fire) "
		"VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
	[SQL_HISTORY_OLDEST] = "SELECT id, finished_us, " ROW_BYTES " FROM scheduler_history "
			       "ORDER BY finished_us LIMIT ?1",
	[SQL_HISTORY_DELETE] = "DELETE FROM scheduler_history WHERE id = ?1",
	[SQL_HISTORY_FAILED_BYTES] = "SELECT coalesce(sum(" ROW_BYTES "), 0) FROM scheduler_history "
				     "WHERE failed_fire = ?1",
	[SQL_HISTORY_FAILED_DELETE] = "DELETE FROM scheduler_history WHERE failed_fire = ?1",
	[SQL_HISTORY_FAILED] = "SELECT id, kind, status, reason, attempts, finished_us, body, manual, detail "
			       "FROM scheduler_history WHERE finished_us >= ?1 AND failed_fire = ?2 "
			       "ORDER BY finished_us DESC, id DESC",
	/* ?1 since, ?2 action or NULL, ?3 status or NULL, ?4 whether notes too */
	[SQL_HISTORY] = "SELECT id, kind, status, reason, attempts, finished_us, body, manual, detail "
			"FROM scheduler_history INDEXED BY scheduler_history_finished "
			"WHERE finished_us >= ?1 AND (?2 IS NULL OR min_id IS NULL OR "
			"min_id <= ?2 AND max_id >= ?2) AND "
			"CASE kind WHEN 2 THEN ?4 ELSE ?3 IS NULL OR status = ?3 END "
			"ORDER BY finished_us DESC",
	[SQL_DATA_VERSION] = "PRAGMA data_version",
};

bool jdb_fail(struct jdb *jdb, int code, const char *doing, GError **error)
{
	sqlite_fail(jdb->db, code, error);
	g_prefix_error(error, "cannot %s: ", doing);
	return false;
}

bool jdb_corrupt(struct jdb *jdb, const char *what, GError **error)
{
	g_set_error(error, AS_ERROR, AS_ERROR_CORRUPT,
		"%s is damaged: %s is not what was written; restore it from a backup", jdb->path, what);
	return false;
}

sqlite3_stmt *jdb_statement(struct jdb *jdb, enum jdb_sql sql, GError **error)
{
	if (!jdb->statements[sql])
		jdb->statements[sql] = sqlite_prepare(jdb->db, sql_texts[sql], error);
	return jdb->statements[sql];
}

bool jdb_run(struct jdb *jdb, sqlite3_stmt *statement, const char *doing, GError **error)
{
	int code = sqlite3_step(statement);
	if (code != SQLITE_DONE)
		jdb_fail(jdb, code, doing, error);
	sqlite3_reset(statement);
	return code == SQLITE_DONE;
}

bool jdb_exec(struct jdb *jdb, const char *sql, const char *doing, GError **error)
{
	int code = sqlite3_exec(jdb->db, sql, NULL, NULL, NULL);
	return code == SQLITE_OK || jdb_fail(jdb, code, doing, error);
}

static bool begin(struct jdb *jdb, const char *sql, const char *doing, GError **error)
{
	time_us deadline = clock_monotonic() + jdb->busy_deadline;
	for (;;) {
		sqlite3_busy_timeout(jdb->db, BUSY_STEP_MS);
		int code = sqlite3_exec(jdb->db, sql, NULL, NULL, NULL);
		sqlite3_busy_timeout(jdb->db, (int)(jdb->busy_deadline / US_PER_MS));
		if (code == SQLITE_OK)
			return true;
		if ((code & 0xff) != SQLITE_BUSY || clock_monotonic() >= deadline)
			return jdb_fail(jdb, code, doing, error);
		g_usleep(US_PER_MS);
	}
}

bool jdb_begin_write(struct jdb *jdb, GError **error)
{
	return begin(jdb, "BEGIN IMMEDIATE", "begin to write", error);
}

bool jdb_begin_read(struct jdb *jdb, GError **error)
{
	/* The snapshot is taken by the first read; its lock may be held during a recovery only. */
	return begin(jdb, "BEGIN", "begin to read", error);
}

bool jdb_end(struct jdb *jdb, GError **error)
{
	return jdb_exec(jdb, "COMMIT", "commit", error);
}

void jdb_rollback(struct jdb *jdb)
{
	/* After a full disk or an I/O error SQLite may have rolled back by itself. */
	if (!sqlite3_get_autocommit(jdb->db))
		sqlite3_exec(jdb->db, "ROLLBACK", NULL, NULL, NULL);
}

bool jdb_read_meta(struct jdb *jdb, struct jdb_meta *out, GError **error)
{
	sqlite3_stmt *meta = jdb_statement(jdb, SQL_META, error);
	if (!meta)
		return false;
	int code = sqlite3_step(meta);
	if (code == SQLITE_ROW)
		*out = (struct jdb_meta){
			.owner_epoch = sqlite3_column_int64(meta, 0),
			.has_sequence = sqlite3_column_type(meta, 1) != SQLITE_NULL,
			.last_sequence = (uint64_t)sqlite3_column_int64(meta, 1),
			.commits = sqlite3_column_int64(meta, 2),
			.history_bytes = sqlite3_column_int64(meta, 3),
		};
	else if (code == SQLITE_DONE)
		jdb_corrupt(jdb, "the table scheduler_meta", error);
	else
		jdb_fail(jdb, code, "read scheduler_meta", error);
	sqlite3_reset(meta);
	return code == SQLITE_ROW;
}

bool jdb_check_owner(struct jdb *jdb, const struct jdb_meta *meta, GError **error)
{
	if (meta->owner_epoch == jdb->owner_epoch)
		return true;
	g_set_error(error, AS_ERROR, AS_ERROR_FENCED,
		"%s was taken over by another scheduler (owner epoch %" G_GINT64_FORMAT
		", ours is %" G_GINT64_FORMAT "): this one must stop",
		jdb->path, meta->owner_epoch, jdb->owner_epoch);
	return false;
}

static int64_t jdb_foreign_version(struct journal *journal)
{
	struct jdb *jdb = jdb_of(journal);
	int64_t version = -1;
	/* Held over the whole use of the statement, so that it is one step to every other thread. */
	sqlite3_mutex *mutex = sqlite3_db_mutex(jdb->db);
	sqlite3_mutex_enter(mutex);
	sqlite3_stmt *statement = jdb_statement(jdb, SQL_DATA_VERSION, NULL);
	if (statement) {
		if (sqlite3_step(statement) == SQLITE_ROW)
			version = sqlite3_column_int64(statement, 0);
		sqlite3_reset(statement);
	}
	sqlite3_mutex_leave(mutex);
	return version;
}

static const char *jdb_path(const struct journal *journal)
{
	return ((const struct jdb *)journal)->path;
}

static bool jdb_owner(struct journal *journal, struct journal_owner *out, GError **error)
{
	(void)error;
	out->who = owner_lock_look(jdb_path(journal), &out->holds);
	return true;
}

const struct journal_backend journal_sqlite = {
	.dialect = "sqlite",
	.open = jdb_open,
	.inspect = jdb_inspect,
	.close = jdb_close,
	.load = jdb_load,
	.commit = jdb_commit,
	.trim = jdb_trim,
	.foreign_version = jdb_foreign_version,
	.path = jdb_path,
	.owner = jdb_owner,
	.history = jdb_history,
};
