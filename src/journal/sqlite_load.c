#include "journal/members.h"
#include "journal/sqlite.h"

#include <string.h>

static struct position column_position(sqlite3_stmt *row, int column)
{
	return (struct position){sqlite3_column_int64(row, column), sqlite3_column_int64(row, column + 1),
		sqlite3_column_int64(row, column + 2)};
}

static char *column_text(sqlite3_stmt *row, int column)
{
	const char *text = (const char *)sqlite3_column_text(row, column);
	return g_strdup(text ? text : "");
}

static bool read_lane(struct jdb *jdb, sqlite3_stmt *row, struct progress *progress, GError **error)
{
	struct lane_progress lane = {
		.name = column_text(row, 0),
		.clock_epoch = (uint32_t)sqlite3_column_int64(row, 1),
		.watermark = column_position(row, 2),
	};
	(void)jdb;
	(void)error;
	g_array_append_val(progress->lanes, lane);
	return true;
}

static bool read_backlog(struct jdb *jdb, sqlite3_stmt *row, struct progress *progress, GError **error)
{
	struct backlog_record record = {
		.id = (uint64_t)sqlite3_column_int64(row, 0),
		.lane = column_text(row, 1),
		.from = column_position(row, 2),
		.to = column_position(row, 5),
		.decided_now = sqlite3_column_int64(row, 8),
		.drop_before = sqlite3_column_int64(row, 9),
		.settled_id = sqlite3_column_int64(row, 10),
		.cursor = column_position(row, 11),
		.fire_until = sqlite3_column_int64(row, 15),
		.drop_reason = (uint8_t)sqlite3_column_int(row, 16),
		.skip_before = sqlite3_column_int64(row, 17),
		.held = sqlite3_column_int(row, 18) != 0,
	};
	bool sound = true;
	if (sqlite3_column_type(row, 14) != SQLITE_NULL) {
		const void *bytes = sqlite3_column_blob(row, 14);
		sound = members_unpack(bytes, (size_t)sqlite3_column_bytes(row, 14), &record);
	}
	g_array_append_val(progress->backlog, record);
	return sound || jdb_corrupt(jdb, "a row of scheduler_backlog", error);
}

static bool read_hold(struct jdb *jdb, sqlite3_stmt *row, struct progress *progress, GError **error)
{
	(void)jdb;
	(void)error;
	progress->hold.since = sqlite3_column_int64(row, 0);
	progress->hold.skip_until = sqlite3_column_int64(row, 1);
	g_free(progress->hold.reason);
	progress->hold.reason = sqlite3_column_type(row, 2) == SQLITE_NULL ? NULL : column_text(row, 2);
	return true;
}

static bool read_open(struct jdb *jdb, sqlite3_stmt *row, struct progress *progress, GError **error)
{
	const char *manual = (const char *)sqlite3_column_text(row, 3);
	int64_t attempts = sqlite3_column_int64(row, 6), before = sqlite3_column_int64(row, 9);
	if (!manual || strlen(manual) >= FIRE_MANUAL_MAX || attempts < 0 || attempts > UINT16_MAX ||
		before < 0 || before > UINT16_MAX)
		return jdb_corrupt(jdb, "a row of scheduler_open", error);
	struct open_fire open = {
		.lane = column_text(row, 0),
		.action_id = sqlite3_column_int64(row, 1),
		.nominal = sqlite3_column_int64(row, 2),
		.due_at = sqlite3_column_int64(row, 4),
		.backlog = sqlite3_column_int64(row, 5) != 0,
		.started = sqlite3_column_int64(row, 8) != 0,
		.attempts = (uint16_t)attempts,
		.attempts_before = (uint16_t)before,
		.next_attempt_at = sqlite3_column_int64(row, 7),
	};
	g_strlcpy(open.manual, manual, sizeof open.manual);
	g_array_append_val(progress->open, open);
	return true;
}

typedef bool (*row_fn)(struct jdb *jdb, sqlite3_stmt *row, struct progress *progress, GError **error);

static bool read_rows(
	struct jdb *jdb, enum jdb_sql sql, row_fn read, struct progress *progress, GError **error)
{
	sqlite3_stmt *statement = jdb_statement(jdb, sql, error);
	if (!statement)
		return false;
	int code = SQLITE_DONE;
	bool sound = true;
	while (sound && (code = sqlite3_step(statement)) == SQLITE_ROW)
		sound = read(jdb, statement, progress, error);
	if (sound && code != SQLITE_DONE)
		jdb_fail(jdb, code, "read progress", error);
	sqlite3_reset(statement);
	return sound && code == SQLITE_DONE;
}

struct progress *jdb_load(struct journal *journal, journal_definition_fn each, void *context, GError **error)
{
	struct jdb *jdb = jdb_of(journal);
	struct jdb_meta meta;
	if (!jdb_begin_read(jdb, error))
		return NULL;
	struct progress *progress = progress_new();
	bool done = jdb_read_meta(jdb, &meta, error) &&
		    read_rows(jdb, SQL_LANES, read_lane, progress, error) &&
		    read_rows(jdb, SQL_BACKLOGS, read_backlog, progress, error) &&
		    read_rows(jdb, SQL_HOLD, read_hold, progress, error) &&
		    read_rows(jdb, SQL_OPENS, read_open, progress, error) &&
		    (!each || jdb_load_definitions(jdb, each, context, error));
	jdb_rollback(jdb);
	if (!done) {
		progress_free(progress);
		return NULL;
	}
	progress->known = meta.commits > 0;
	return progress;
}
