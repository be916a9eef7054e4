#include "journal/members.h"
#include "journal/sqlite.h"

static void bind_text(sqlite3_stmt *statement, int column, const char *text)
{
	sqlite3_bind_text(statement, column, text, -1, SQLITE_STATIC);
}

static void bind_position(sqlite3_stmt *statement, int column, struct position position)
{
	sqlite3_bind_int64(statement, column, position.due_at);
	sqlite3_bind_int64(statement, column + 1, position.action_id);
	sqlite3_bind_int64(statement, column + 2, position.nominal);
}

static bool write_lanes(struct jdb *jdb, const GArray *lanes, GError **error)
{
	sqlite3_stmt *put = jdb_statement(jdb, SQL_LANE_PUT, error);
	if (!put)
		return false;
	for (guint i = 0; i < lanes->len; i++) {
		const struct lane_progress *lane = &g_array_index(lanes, struct lane_progress, i);
		bind_text(put, 1, lane->name);
		sqlite3_bind_int64(put, 2, lane->clock_epoch);
		bind_position(put, 3, lane->watermark);
		if (!jdb_run(jdb, put, "write a watermark", error))
			return false;
	}
	return true;
}

static void bind_record(sqlite3_stmt *statement, const struct backlog_record *record)
{
	sqlite3_bind_int64(statement, 1, (int64_t)record->id);
	bind_text(statement, 2, record->lane);
	bind_position(statement, 3, record->from);
	bind_position(statement, 6, record->to);
	sqlite3_bind_int64(statement, 9, record->decided_now);
	sqlite3_bind_int64(statement, 10, record->drop_before);
	sqlite3_bind_int64(statement, 11, record->settled_id);
	bind_position(statement, 12, record->cursor);
	sqlite3_bind_int64(statement, 16, record->fire_until);
	sqlite3_bind_int(statement, 17, record->drop_reason);
	sqlite3_bind_int64(statement, 18, record->skip_before);
	sqlite3_bind_int(statement, 19, record->held);
}

/* Members are written where the record brings them, and kept where it does not. */
static bool write_backlog(struct jdb *jdb, const GArray *records, GError **error)
{
	sqlite3_stmt *put = jdb_statement(jdb, SQL_BACKLOG_PUT, error);
	if (!put)
		return false;
	for (guint i = 0; i < records->len; i++) {
		const struct backlog_record *record = &g_array_index(records, struct backlog_record, i);
		g_autoptr(GByteArray) members = record->members ? members_pack(record) : NULL;
		bind_record(put, record);
		if (members)
			sqlite3_bind_blob64(put, 15, members->data, members->len, SQLITE_STATIC);
		else
			sqlite3_bind_null(put, 15);
		if (!jdb_run(jdb, put, "write a backlog record", error))
			return false;
	}
	return true;
}

static bool delete_backlog(struct jdb *jdb, const GArray *ids, GError **error)
{
	sqlite3_stmt *delete = jdb_statement(jdb, SQL_BACKLOG_DELETE, error);
	if (!delete)
		return false;
	for (guint i = 0; i < ids->len; i++) {
		sqlite3_bind_int64(delete, 1, (int64_t)g_array_index(ids, uint64_t, i));
		if (!jdb_run(jdb, delete, "delete a backlog record", error))
			return false;
	}
	return true;
}

static bool write_hold(struct jdb *jdb, const struct commit *commit, GError **error)
{
	sqlite3_stmt *put = commit->hold_changed ? jdb_statement(jdb, SQL_HOLD_PUT, error) : NULL;
	if (!put)
		return !commit->hold_changed;
	sqlite3_bind_int64(put, 1, commit->hold.since);
	sqlite3_bind_int64(put, 2, commit->hold.skip_until);
	bind_text(put, 3, commit->hold.reason);
	return jdb_run(jdb, put, "write the hold", error);
}

static void bind_open_key(sqlite3_stmt *statement, const struct open_fire *open)
{
	bind_text(statement, 1, open->lane);
	sqlite3_bind_int64(statement, 2, open->action_id);
	sqlite3_bind_int64(statement, 3, open->nominal);
	bind_text(statement, 4, open->manual);
}

static bool write_open(struct jdb *jdb, const GArray *fires, GError **error)
{
	sqlite3_stmt *put = jdb_statement(jdb, SQL_OPEN_PUT, error);
	if (!put)
		return false;
	for (guint i = 0; i < fires->len; i++) {
		const struct open_fire *open = &g_array_index(fires, struct open_fire, i);
		bind_open_key(put, open);
		sqlite3_bind_int64(put, 5, open->due_at);
		sqlite3_bind_int(put, 6, open->backlog);
		sqlite3_bind_int(put, 7, open->attempts);
		sqlite3_bind_int64(put, 8, open->next_attempt_at);
		sqlite3_bind_int(put, 9, open->started);
		sqlite3_bind_int(put, 10, open->attempts_before);
		if (!jdb_run(jdb, put, "write an open fire", error))
			return false;
	}
	return true;
}

static bool delete_open(struct jdb *jdb, const GArray *fires, GError **error)
{
	sqlite3_stmt *delete = jdb_statement(jdb, SQL_OPEN_DELETE, error);
	if (!delete)
		return false;
	for (guint i = 0; i < fires->len; i++) {
		bind_open_key(delete, &g_array_index(fires, struct open_fire, i));
		if (!jdb_run(jdb, delete, "delete an open fire", error))
			return false;
	}
	return true;
}

static bool write_meta(struct jdb *jdb, uint64_t sequence, int64_t history_bytes, GError **error)
{
	sqlite3_stmt *update = jdb_statement(jdb, SQL_META_COMMIT, error);
	if (!update)
		return false;
	sqlite3_bind_int64(update, 1, (int64_t)sequence);
	sqlite3_bind_int64(update, 2, history_bytes);
	sqlite3_bind_int64(update, 3, jdb->owner_epoch);
	return jdb_run(jdb, update, "write the commit's number", error);
}

/* What is both put and done in one commit is done. */
static bool write_all(struct jdb *jdb, const struct commit *commit, GError **error)
{
	int64_t history_bytes = 0;
	return write_lanes(jdb, commit->lanes, error) && write_backlog(jdb, commit->backlog, error) &&
	       delete_backlog(jdb, commit->backlog_done, error) && write_hold(jdb, commit, error) &&
	       write_open(jdb, commit->open, error) && delete_open(jdb, commit->open_done, error) &&
	       jdb_write_definitions(jdb, commit->definitions, error) &&
	       jdb_write_history(jdb, commit, &history_bytes, error) &&
	       write_meta(jdb, commit->sequence, history_bytes, error) && jdb_end(jdb, error);
}

/* A commit into a file that was moved away, or replaced by a backup, is a commit into nothing. */
static bool check_file(struct jdb *jdb, GError **error)
{
	if (!sqlite_file_moved(jdb->db))
		return true;
	g_set_error(error, AS_ERROR, AS_ERROR_FENCED,
		"%s was moved or replaced while in use: this scheduler must stop", jdb->path);
	return false;
}

bool jdb_commit(struct journal *journal, const struct commit *commit, GError **error)
{
	struct jdb *jdb = jdb_of(journal);
	struct jdb_meta meta;
	if (jdb->read_only) {
		g_set_error(error, AS_ERROR, AS_ERROR_INVALID, "%s is open for reading only", jdb->path);
		return false;
	}
	if (!check_file(jdb, error) || !jdb_begin_write(jdb, error))
		return false;
	bool done = jdb_read_meta(jdb, &meta, error) && jdb_check_owner(jdb, &meta, error);
	/* The same once more: the answer to the first try was lost, not its work. */
	bool repeated = done && meta.has_sequence && meta.last_sequence == commit->sequence;
	if (done && !repeated)
		done = write_all(jdb, commit, error);
	jdb_rollback(jdb);
	return done;
}
