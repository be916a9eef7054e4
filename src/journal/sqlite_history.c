/* The history: rows written, and deleted again. */
#include "journal/sqlite.h"

static void bind_fires(sqlite3_stmt *insert, const struct history_row *row)
{
	sqlite3_bind_int(insert, 2, row->status);
	sqlite3_bind_int(insert, 3, row->reason);
	sqlite3_bind_int(insert, 4, row->attempts);
	sqlite3_bind_int64(insert, 8, row->min_id);
	sqlite3_bind_int64(insert, 9, row->max_id);
	sqlite3_bind_blob64(insert, 10, row->body->data, row->body->len, SQLITE_STATIC);
}

struct history_writer {
	struct jdb *jdb;
	int64_t replaced; /* bytes of rows that went */
};

static bool insert_row(void *context, const struct history_row *row, GError **error)
{
	struct history_writer *writer = context;
	struct jdb *jdb = writer->jdb;
	sqlite3_stmt *insert = jdb_statement(jdb, SQL_HISTORY_INSERT, error);
	if (!insert)
		return false;
	sqlite3_clear_bindings(insert);
	sqlite3_bind_int(insert, 1, (int)row->kind);
	if (row->kind != KIND_NOTE)
		bind_fires(insert, row);
	sqlite3_bind_int64(insert, 5, (int64_t)MIN(row->fires, (uint64_t)INT64_MAX));
	sqlite3_bind_int64(insert, 6, row->finished);
	sqlite3_bind_int64(insert, 7, row->span);
	sqlite3_bind_text(insert, 11, row->manual, -1, SQLITE_STATIC);
	sqlite3_bind_text(insert, 12, row->detail, -1, SQLITE_STATIC);
	sqlite3_bind_text(insert, 13, row->failed_fire, -1, SQLITE_STATIC);
	return jdb_run(jdb, insert, "write history", error);
}

static bool replace_rows(void *context, const char *failed_fire, GError **error)
{
	struct history_writer *writer = context;
	struct jdb *jdb = writer->jdb;
	sqlite3_stmt *count = jdb_statement(jdb, SQL_HISTORY_FAILED_BYTES, error);
	sqlite3_stmt *delete = count ? jdb_statement(jdb, SQL_HISTORY_FAILED_DELETE, error) : NULL;
	if (!delete)
		return false;
	sqlite3_bind_text(count, 1, failed_fire, -1, SQLITE_STATIC);
	int code = sqlite3_step(count);
	if (code == SQLITE_ROW)
		writer->replaced += sqlite3_column_int64(count, 0);
	else
		jdb_fail(jdb, code, "read history", error);
	sqlite3_reset(count);
	sqlite3_bind_text(delete, 1, failed_fire, -1, SQLITE_STATIC);
	return code == SQLITE_ROW && jdb_run(jdb, delete, "delete history", error);
}

bool jdb_write_history(struct jdb *jdb, const struct commit *commit, int64_t *bytes, GError **error)
{
	struct history_writer writer = {jdb, 0};
	struct history_sink sink = {insert_row, replace_rows, &writer};
	if (!history_rows_make(commit, jdb->history_level, &sink, bytes, error))
		return false;
	*bytes -= writer.replaced;
	return true;
}

/* The oldest rows that are too old or too much. */
struct excess {
	GArray *ids; /* int64_t */
	int64_t bytes;
};

static bool find_excess(
	struct jdb *jdb, time_us before, int64_t too_much, struct excess *excess, GError **error)
{
	sqlite3_stmt *oldest = jdb_statement(jdb, SQL_HISTORY_OLDEST, error);
	if (!oldest)
		return false;
	sqlite3_bind_int(oldest, 1, HISTORY_TRIM_ROWS);
	int code;
	while ((code = sqlite3_step(oldest)) == SQLITE_ROW) {
		int64_t id = sqlite3_column_int64(oldest, 0);
		if (sqlite3_column_int64(oldest, 1) >= before && excess->bytes >= too_much)
			break;
		g_array_append_val(excess->ids, id);
		excess->bytes += sqlite3_column_int64(oldest, 2);
	}
	if (code != SQLITE_ROW && code != SQLITE_DONE)
		jdb_fail(jdb, code, "read history", error);
	sqlite3_reset(oldest);
	return code == SQLITE_ROW || code == SQLITE_DONE;
}

static bool delete_excess(struct jdb *jdb, const struct excess *excess, GError **error)
{
	sqlite3_stmt *delete = jdb_statement(jdb, SQL_HISTORY_DELETE, error);
	sqlite3_stmt *meta = delete ? jdb_statement(jdb, SQL_META_TRIM, error) : NULL;
	if (!meta)
		return false;
	for (guint i = 0; i < excess->ids->len; i++) {
		sqlite3_bind_int64(delete, 1, g_array_index(excess->ids, int64_t, i));
		if (!jdb_run(jdb, delete, "delete history", error))
			return false;
	}
	sqlite3_bind_int64(meta, 1, excess->bytes);
	sqlite3_bind_int64(meta, 2, jdb->owner_epoch);
	return jdb_run(jdb, meta, "count history", error);
}

/* Looks before it locks, so that a call that finds nothing costs no write. */
bool jdb_trim(struct journal *journal, time_us now, bool *more, GError **error)
{
	struct jdb *jdb = jdb_of(journal);
	struct jdb_meta meta;
	if (!jdb_read_meta(jdb, &meta, error))
		return false;
	int64_t too_much = jdb->history_max_bytes > 0 ? meta.history_bytes - jdb->history_max_bytes : 0;
	struct excess excess = {g_array_new(FALSE, FALSE, sizeof(int64_t)), 0};
	bool done =
		find_excess(jdb, history_oldest_kept(now, jdb->history_max_age), too_much, &excess, error);
	guint found = excess.ids->len;
	if (done && found > 0) {
		done = jdb_begin_write(jdb, error) && jdb_read_meta(jdb, &meta, error) &&
		       jdb_check_owner(jdb, &meta, error) && delete_excess(jdb, &excess, error) &&
		       jdb_end(jdb, error);
		jdb_rollback(jdb);
	}
	g_array_unref(excess.ids);
	if (done)
		*more = found == HISTORY_TRIM_ROWS;
	return done;
}
