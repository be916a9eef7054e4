/* The rows of the history, one after the other. */
#include "journal/history_merge.h"
#include "journal/sqlite.h"

struct row_reader {
	struct history_reader base;
	struct jdb *jdb;
	sqlite3_stmt *rows;
};

static bool next_row(struct history_reader *base, struct history_stored *row, bool *found, GError **error)
{
	struct row_reader *reader = (struct row_reader *)base;
	int code = sqlite3_step(reader->rows);
	*found = code == SQLITE_ROW;
	if (code == SQLITE_DONE)
		return true;
	if (code != SQLITE_ROW)
		return jdb_fail(reader->jdb, code, "read history", error);
	*row = (struct history_stored){
		.id = sqlite3_column_int64(reader->rows, 0),
		.kind = sqlite3_column_int64(reader->rows, 1),
		.status = sqlite3_column_int64(reader->rows, 2),
		.reason = sqlite3_column_int64(reader->rows, 3),
		.attempts = sqlite3_column_int64(reader->rows, 4),
		.finished = sqlite3_column_int64(reader->rows, 5),
		.body = sqlite3_column_blob(reader->rows, 6),
		.length = (size_t)sqlite3_column_bytes(reader->rows, 6),
		.manual = (const char *)sqlite3_column_text(reader->rows, 7),
		.detail = (const char *)sqlite3_column_text(reader->rows, 8),
	};
	return true;
}

static sqlite3_stmt *query_rows(struct jdb *jdb, const struct history_filter *filter, GError **error)
{
	const struct history_query *query = filter->query;
	bool failed = filter->failed_fire[0] != '\0';
	sqlite3_stmt *rows = jdb_statement(jdb, failed ? SQL_HISTORY_FAILED : SQL_HISTORY, error);
	if (!rows)
		return NULL;
	sqlite3_clear_bindings(rows);
	sqlite3_bind_int64(rows, 1, query->since);
	if (failed) {
		sqlite3_bind_text(rows, 2, filter->failed_fire, -1, SQLITE_STATIC);
		return rows;
	}
	if (filter->action_id)
		sqlite3_bind_int64(rows, 2, *filter->action_id);
	if (query->status)
		sqlite3_bind_int(rows, 3, (int)*query->status);
	sqlite3_bind_int(rows, 4, query->notes);
	return rows;
}

bool jdb_history(struct journal *journal, const struct history_query *query, history_fn each, void *context,
	GError **error)
{
	struct jdb *jdb = jdb_of(journal);
	struct history_filter filter;
	if (!history_filter_parse(query, &filter, error))
		return false;
	sqlite3_stmt *rows = query_rows(jdb, &filter, error);
	if (!rows)
		return false;
	struct row_reader reader = {{jdb->path, next_row}, jdb, rows};
	bool done = history_merge(&reader.base, &filter, each, context, error);
	sqlite3_reset(rows);
	return done;
}
