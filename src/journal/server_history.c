/* The history: read back page by page, so that a listing holds nothing on the server, and trimmed. */
#include "journal/history_merge.h"
#include "journal/server.h"

#define PAGE_ROWS 256

struct page_row {
	struct history_stored stored;
	GBytes *body;
	char *manual, *detail;
};

struct row_reader {
	struct history_reader base;
	struct server *server;
	const struct history_filter *filter;
	GArray *page; /* struct page_row */
	guint at;
	bool last; /* there is no page after this one */
	int64_t before_finished, before_id;
};

static void clear_row(void *data)
{
	struct page_row *row = data;
	g_bytes_unref(row->body);
	g_free(row->manual);
	g_free(row->detail);
}

static bool take_row(void *context, enum server_sql sql, const struct server_value *row, GError **error)
{
	struct row_reader *reader = context;
	(void)sql;
	(void)error;
	struct page_row copy = {
		.stored = {.id = row[0].integer,
			.kind = row[1].integer,
			.status = row[2].integer,
			.reason = row[3].integer,
			.attempts = row[4].integer,
			.finished = row[5].integer},
		.body = g_bytes_new(row[6].bytes, row[6].length),
		.manual = g_strdup(row[7].bytes),
		.detail = g_strdup(row[8].bytes),
	};
	copy.stored.body = g_bytes_get_data(copy.body, &copy.stored.length);
	copy.stored.manual = copy.manual;
	copy.stored.detail = copy.detail;
	g_array_append_val(reader->page, copy);
	return true;
}

/* They are few. */
static bool read_failed(struct row_reader *reader, GError **error)
{
	g_autoptr(server_batch) batch = batch_new();
	batch_add(batch, SERVER_HISTORY_FAILED);
	batch_int(batch, reader->filter->query->since);
	batch_text(batch, reader->filter->failed_fire);
	reader->last = true;
	return server_run(reader->server, batch, take_row, reader, error);
}

static bool read_page(struct row_reader *reader, GError **error)
{
	const struct history_query *query = reader->filter->query;
	if (reader->filter->failed_fire[0])
		return read_failed(reader, error);
	g_autoptr(server_batch) batch = batch_new();
	batch_add(batch, SERVER_HISTORY);
	batch_int(batch, query->since);
	reader->filter->action_id ? batch_int(batch, *reader->filter->action_id) : batch_null(batch);
	query->status ? batch_int(batch, *query->status) : batch_null(batch);
	batch_int(batch, query->notes);
	batch_int(batch, reader->before_finished);
	batch_int(batch, reader->before_id);
	batch_int(batch, PAGE_ROWS);
	g_array_set_size(reader->page, 0);
	reader->at = 0;
	if (!server_run(reader->server, batch, take_row, reader, error))
		return false;
	reader->last = reader->page->len < PAGE_ROWS;
	if (!reader->last) {
		const struct page_row *end = &g_array_index(reader->page, struct page_row, PAGE_ROWS - 1);
		reader->before_finished = end->stored.finished;
		reader->before_id = end->stored.id;
	}
	return true;
}

static bool next_row(struct history_reader *base, struct history_stored *row, bool *found, GError **error)
{
	struct row_reader *reader = (struct row_reader *)base;
	if (reader->at == reader->page->len && !reader->last && !read_page(reader, error))
		return false;
	*found = reader->at < reader->page->len;
	if (*found)
		*row = g_array_index(reader->page, struct page_row, reader->at++).stored;
	return true;
}

bool server_history(struct journal *journal, const struct history_query *query, history_fn each,
	void *context, GError **error)
{
	struct server *server = server_of(journal);
	struct history_filter filter;
	if (!history_filter_parse(query, &filter, error))
		return false;
	struct row_reader reader = {
		.base = {server->place, next_row},
		.server = server,
		.filter = &filter,
		.page = g_array_new(FALSE, FALSE, sizeof(struct page_row)),
		.before_finished = INT64_MAX,
		.before_id = INT64_MAX,
	};
	g_array_set_clear_func(reader.page, clear_row);
	bool done = history_merge(&reader.base, &filter, each, context, error);
	g_array_unref(reader.page);
	return done;
}

/* --- trimming --- */

/* The oldest rows that are too old or too much. */
struct excess {
	time_us before;
	int64_t too_much;
	bool over;   /* the rest is kept */
	GArray *ids; /* int64_t */
	int64_t bytes;
};

static bool take_oldest(void *context, enum server_sql sql, const struct server_value *row, GError **error)
{
	struct excess *excess = context;
	(void)sql;
	(void)error;
	excess->over =
		excess->over || (row[1].integer >= excess->before && excess->bytes >= excess->too_much);
	if (excess->over)
		return true;
	g_array_append_val(excess->ids, row[0].integer);
	excess->bytes += row[2].integer;
	return true;
}

static bool delete_excess(struct server *server, const struct excess *excess, GError **error)
{
	g_autoptr(server_batch) batch = batch_new();
	batch_add(batch, SERVER_GUARD_TRIM);
	batch_int(batch, excess->bytes);
	batch_int(batch, server->owner_epoch);
	for (guint i = 0; i < excess->ids->len; i++) {
		batch_add(batch, SERVER_HISTORY_DELETE);
		batch_int(batch, g_array_index(excess->ids, int64_t, i));
	}
	return server_transact(server, batch, NULL, error);
}

bool server_trim(struct journal *journal, time_us now, bool *more, GError **error)
{
	struct server *server = server_of(journal);
	struct server_meta meta;
	if (!server_read_meta(server, &meta, error))
		return false;
	g_free(meta.owner);
	int64_t limit = server->history_max_bytes;
	g_autoptr(GArray) ids = g_array_new(FALSE, FALSE, sizeof(int64_t));
	struct excess excess = {.before = history_oldest_kept(now, server->history_max_age),
		.too_much = limit > 0 ? meta.history_bytes - limit : 0,
		.ids = ids};
	g_autoptr(server_batch) batch = batch_new();
	batch_add(batch, SERVER_HISTORY_OLDEST);
	batch_int(batch, HISTORY_TRIM_ROWS);
	if (!server_run(server, batch, take_oldest, &excess, error) ||
		(ids->len > 0 && !delete_excess(server, &excess, error)))
		return false;
	*more = ids->len == HISTORY_TRIM_ROWS;
	return true;
}
