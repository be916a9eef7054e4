/* The history as it is written: fires that ended alike, one after the other, share a row. */
#include "journal/sqlite.h"

#include <string.h>

#include "journal/history_codec.h"
#include "journal/varint.h"

/* Rows that one call of jdb_trim deletes. */
#define TRIM_ROWS 512

/* The columns of a row. */
struct history_row {
	enum history_kind kind;
	int status, reason, attempts;
	uint64_t fires;
	time_us finished, span;
	int64_t min_id, max_id;
	const GByteArray *body;
	const char *manual, *detail;
};

struct writer {
	struct jdb *jdb;
	GByteArray *body;
	int64_t bytes;
};

static void bind_fires(sqlite3_stmt *insert, const struct history_row *row)
{
	sqlite3_bind_int(insert, 2, row->status);
	sqlite3_bind_int(insert, 3, row->reason);
	sqlite3_bind_int(insert, 4, row->attempts);
	sqlite3_bind_int64(insert, 8, row->min_id);
	sqlite3_bind_int64(insert, 9, row->max_id);
	sqlite3_bind_blob64(insert, 10, row->body->data, row->body->len, SQLITE_STATIC);
}

static bool insert_row(struct writer *writer, const struct history_row *row, GError **error)
{
	sqlite3_stmt *insert = jdb_statement(writer->jdb, SQL_HISTORY_INSERT, error);
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
	writer->bytes += JDB_ROW_BASE + (row->kind == KIND_NOTE ? 0 : (int64_t)row->body->len) +
			 (row->manual ? (int64_t)strlen(row->manual) : 0) +
			 (row->detail ? (int64_t)strlen(row->detail) : 0);
	return jdb_run(writer->jdb, insert, "write history", error);
}

static bool is_plain(const struct outcome *outcome)
{
	return !outcome->manual && !outcome->detail;
}

static bool is_alike(const struct outcome *a, const struct outcome *b)
{
	return is_plain(a) && is_plain(b) && a->status == b->status && a->reason == b->reason &&
	       a->attempts == b->attempts;
}

/* Writes `count` outcomes that are alike as one row. */
static bool write_fires(struct writer *writer, const struct outcome *outcomes, guint count, GError **error)
{
	struct history_fire fires[HISTORY_ROW_MAX];
	struct history_row row = {
		.kind = KIND_FIRES,
		.status = outcomes->status,
		.reason = outcomes->reason,
		.attempts = outcomes->attempts,
		.fires = count,
		.min_id = INT64_MAX,
		.max_id = INT64_MIN,
		.body = writer->body,
		.manual = outcomes->manual,
		.detail = outcomes->detail,
	};
	time_us earliest = TIME_US_MAX;
	row.finished = TIME_US_MIN;
	for (guint i = 0; i < count; i++) {
		const struct outcome *from = &outcomes[i];
		fires[i] = (struct history_fire){
			from->action_id, from->nominal, from->started_at, from->finished_at};
		row.min_id = MIN(row.min_id, from->action_id);
		row.max_id = MAX(row.max_id, from->action_id);
		row.finished = MAX(row.finished, from->finished_at);
		earliest = MIN(earliest, from->finished_at);
	}
	row.span = wrap_sub(row.finished, earliest);
	g_byte_array_set_size(writer->body, 0);
	history_fires_encode(fires, count, writer->body);
	return insert_row(writer, &row, error);
}

static bool write_outcomes(struct writer *writer, const GArray *outcomes, GError **error)
{
	const struct outcome *list = (const struct outcome *)(void *)outcomes->data;
	for (guint i = 0; i < outcomes->len;) {
		guint end = i + 1;
		while (end < outcomes->len && end - i < HISTORY_ROW_MAX && is_alike(&list[i], &list[end]))
			end++;
		bool kept = writer->jdb->history_level == HISTORY_ALL || list[i].status != STATUS_DELIVERED;
		if (kept && !write_fires(writer, list + i, end - i, error))
			return false;
		i = end;
	}
	return true;
}

static bool write_range_part(struct writer *writer, const struct outcome_range *range, const int64_t *ids,
	guint count, GError **error)
{
	struct history_range common = {range->first, range->last, range->count, range->merged_into};
	struct history_row row = {
		.kind = KIND_RANGE,
		.status = range->status,
		.reason = range->reason,
		.fires = range->count > (uint64_t)INT64_MAX / count ? INT64_MAX : range->count * count,
		.finished = range->at,
		.min_id = ids[0],
		.max_id = ids[count - 1],
		.body = writer->body,
	};
	g_byte_array_set_size(writer->body, 0);
	history_range_encode(&common, ids, count, writer->body);
	return insert_row(writer, &row, error);
}

static bool write_ranges(struct writer *writer, const GArray *ranges, GError **error)
{
	for (guint i = 0; i < ranges->len; i++) {
		const struct outcome_range *range = &g_array_index(ranges, struct outcome_range, i);
		if (range->status == STATUS_DELIVERED && writer->jdb->history_level != HISTORY_ALL)
			continue;
		for (guint at = 0; at < range->id_count; at += HISTORY_ROW_MAX) {
			guint count = MIN(range->id_count - at, HISTORY_ROW_MAX);
			if (!write_range_part(writer, range, range->ids + at, count, error))
				return false;
		}
	}
	return true;
}

static bool write_notes(struct writer *writer, const GArray *notes, GError **error)
{
	for (guint i = 0; i < notes->len; i++) {
		const struct history_note *note = &g_array_index(notes, struct history_note, i);
		struct history_row row = {.kind = KIND_NOTE, .finished = note->at, .detail = note->text};
		if (!insert_row(writer, &row, error))
			return false;
	}
	return true;
}

bool jdb_write_history(struct jdb *jdb, const struct commit *commit, int64_t *bytes, GError **error)
{
	if (jdb->history_level == HISTORY_OFF)
		return true;
	g_autoptr(GByteArray) body = g_byte_array_new();
	struct writer writer = {jdb, body, 0};
	if (!write_ranges(&writer, commit->ranges, error) ||
		!write_outcomes(&writer, commit->outcomes, error) ||
		!write_notes(&writer, commit->notes, error))
		return false;
	*bytes += writer.bytes;
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
	sqlite3_bind_int(oldest, 1, TRIM_ROWS);
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

static time_us oldest_kept(const struct jdb *jdb, time_us now)
{
	if (jdb->history_max_age <= 0 || now < TIME_US_MIN + jdb->history_max_age)
		return TIME_US_MIN;
	return now - jdb->history_max_age;
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
	bool done = find_excess(jdb, oldest_kept(jdb, now), too_much, &excess, error);
	guint found = excess.ids->len;
	if (done && found > 0) {
		done = jdb_begin_write(jdb, error) && jdb_read_meta(jdb, &meta, error) &&
		       jdb_check_owner(jdb, &meta, error) && delete_excess(jdb, &excess, error) &&
		       jdb_end(jdb, error);
		jdb_rollback(jdb);
	}
	g_array_unref(excess.ids);
	if (done)
		*more = found == TRIM_ROWS;
	return done;
}
