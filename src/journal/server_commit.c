/* Commits: the whole of one is a batch of statements behind a guard. */
#include "journal/blocks.h"
#include "journal/members.h"
#include "journal/server.h"

#include <string.h>

static void add_position(struct server_batch *batch, struct position position)
{
	batch_int(batch, position.due_at);
	batch_int(batch, position.action_id);
	batch_int(batch, position.nominal);
}

static void add_lanes(struct server_batch *batch, const GArray *lanes)
{
	for (guint i = 0; i < lanes->len; i++) {
		const struct lane_progress *lane = &g_array_index(lanes, struct lane_progress, i);
		batch_add(batch, SERVER_LANE_PUT);
		batch_text(batch, lane->name);
		batch_int(batch, lane->clock_epoch);
		add_position(batch, lane->watermark);
	}
}

/* Members are written where the record brings them, and kept where it does not. */
static void add_record(struct server_batch *batch, const struct backlog_record *record)
{
	batch_add(batch, SERVER_BACKLOG_PUT);
	batch_int(batch, (int64_t)record->id);
	batch_text(batch, record->lane);
	add_position(batch, record->from);
	add_position(batch, record->to);
	batch_int(batch, record->decided_now);
	batch_int(batch, record->drop_before);
	batch_int(batch, record->settled_id);
	add_position(batch, record->cursor);
	g_autoptr(GByteArray) members = record->members ? members_pack(record) : NULL;
	if (members)
		batch_blob(batch, members->data, members->len);
	else
		batch_null(batch);
	batch_int(batch, record->fire_until);
	batch_int(batch, record->drop_reason);
	batch_int(batch, record->skip_before);
	batch_int(batch, record->held);
}

static void add_backlog(struct server_batch *batch, const struct commit *commit)
{
	for (guint i = 0; i < commit->backlog->len; i++)
		add_record(batch, &g_array_index(commit->backlog, struct backlog_record, i));
	for (guint i = 0; i < commit->backlog_done->len; i++) {
		batch_add(batch, SERVER_BACKLOG_DELETE);
		batch_int(batch, (int64_t)g_array_index(commit->backlog_done, uint64_t, i));
	}
}

static void add_hold(struct server_batch *batch, const struct commit *commit)
{
	if (!commit->hold_changed)
		return;
	batch_add(batch, SERVER_HOLD_PUT);
	batch_int(batch, commit->hold.since);
	batch_int(batch, commit->hold.skip_until);
	batch_text(batch, commit->hold.reason);
}

static void add_open_key(struct server_batch *batch, enum server_sql sql, const struct open_fire *open)
{
	batch_add(batch, sql);
	batch_text(batch, open->lane);
	batch_int(batch, open->action_id);
	batch_int(batch, open->nominal);
	batch_text(batch, open->manual);
}

/* What is both put and done in one commit is done. */
static void add_open(struct server_batch *batch, const struct commit *commit)
{
	for (guint i = 0; i < commit->open->len; i++) {
		const struct open_fire *open = &g_array_index(commit->open, struct open_fire, i);
		add_open_key(batch, SERVER_OPEN_PUT, open);
		batch_int(batch, open->due_at);
		batch_int(batch, open->backlog);
		batch_int(batch, open->attempts);
		batch_int(batch, open->next_attempt_at);
		batch_int(batch, open->started);
		batch_int(batch, open->attempts_before);
	}
	for (guint i = 0; i < commit->open_done->len; i++)
		add_open_key(
			batch, SERVER_OPEN_DELETE, &g_array_index(commit->open_done, struct open_fire, i));
}

/* --- definitions: the stored blocks are read, merged, and written back. Nobody else writes them meanwhile:
 * the guard refuses a commit of anyone but the owner. --- */

static void free_bytes(void *bytes)
{
	g_bytes_unref(bytes);
}

static bool take_block(void *context, enum server_sql sql, const struct server_value *row, GError **error)
{
	(void)sql;
	(void)error;
	int64_t *key = g_memdup2(&row[0].integer, sizeof row[0].integer);
	g_hash_table_replace(context, key, g_bytes_new(row[1].bytes, row[1].length));
	return true;
}

/* The stored blocks that the definitions change, by number. */
static GHashTable *read_blocks(struct server *server, const GArray *definitions, GError **error)
{
	g_autoptr(server_batch) batch = batch_new();
	g_autoptr(GHashTable) blocks = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, free_bytes);
	for (guint i = 0; i < definitions->len; i = block_run_end(definitions, i)) {
		batch_add(batch, SERVER_BLOCK_GET);
		batch_int(batch, block_number(g_array_index(definitions, struct definition, i).action_id));
	}
	if (batch->statements->len > 0 && !server_run(server, batch, take_block, blocks, error))
		return NULL;
	return g_steal_pointer(&blocks);
}

static bool add_definitions(
	struct server *server, struct server_batch *batch, const GArray *definitions, GError **error)
{
	const struct definition *list = (const struct definition *)(void *)definitions->data;
	g_autoptr(GHashTable) blocks = read_blocks(server, definitions, error);
	g_autoptr(GByteArray) body = g_byte_array_new();
	if (!blocks)
		return false;
	for (guint i = 0, end; i < definitions->len; i = end) {
		int64_t number = block_number(list[i].action_id);
		GBytes *stored = g_hash_table_lookup(blocks, &number);
		gsize length = 0;
		const void *bytes = stored ? g_bytes_get_data(stored, &length) : NULL;
		end = block_run_end(definitions, i);
		if (!block_merge(number, bytes, length, list + i, end - i, body))
			return server_corrupt(server, "a block of scheduler_definition", error);
		batch_add(batch, body->len > 0 ? SERVER_BLOCK_PUT : SERVER_BLOCK_DELETE);
		batch_int(batch, number);
		if (body->len > 0)
			batch_blob(batch, body->data, body->len);
	}
	return true;
}

/* --- the whole --- */

/* Places of the columns of SERVER_HISTORY_INSERT. */
enum { HISTORY_COLUMN_BODY = 9, HISTORY_COLUMN_FAILED_FIRE = 12 };

struct history_writer {
	struct server_batch *batch;
	int64_t mended; /* bytes that texts grew by when they were made valid */
};

static bool add_history(void *context, const struct history_row *row, GError **error)
{
	struct history_writer *writer = context;
	struct server_batch *batch = writer->batch;
	(void)error;
	batch_add(batch, SERVER_HISTORY_INSERT);
	batch_int(batch, row->kind);
	for (int i = 0; i < 3; i++)
		row->body ? batch_int(batch, i == 0   ? row->status
					     : i == 1 ? row->reason
						      : row->attempts)
			  : batch_null(batch);
	batch_int(batch, (int64_t)MIN(row->fires, (uint64_t)INT64_MAX));
	batch_int(batch, row->finished);
	batch_int(batch, row->span);
	if (row->body) {
		batch_int(batch, row->min_id);
		batch_int(batch, row->max_id);
		batch_blob(batch, row->body->data, row->body->len);
	} else {
		for (int i = 0; i < 3; i++)
			batch_null(batch);
	}
	batch_text(batch, row->manual);
	batch_text(batch, row->detail);
	const struct server_value *detail =
		&g_array_index(batch->values, struct server_value, batch->values->len - 1);
	writer->mended += row->detail ? (int64_t)detail->length - (int64_t)strlen(row->detail) : 0;
	batch_text(batch, row->failed_fire);
	return true;
}

static bool add_replacement(void *context, const char *failed_fire, GError **error)
{
	struct history_writer *writer = context;
	(void)error;
	batch_add(writer->batch, SERVER_FAILED_DELETE);
	batch_text(writer->batch, failed_fire);
	return true;
}

static bool take_bytes(void *context, enum server_sql sql, const struct server_value *row, GError **error)
{
	(void)sql;
	(void)error;
	*(int64_t *)context += row[0].integer;
	return true;
}

static const char *value_bytes(const struct server_batch *batch, const struct server_statement *of, guint i)
{
	return g_array_index(batch->values, struct server_value, of->first + i).bytes;
}

/* As history_rows_make counts it, of the texts as they are sent. */
static int64_t row_bytes(const struct server_batch *batch, const struct server_statement *insert)
{
	int64_t bytes = HISTORY_ROW_BASE;
	for (guint i = HISTORY_COLUMN_BODY; i <= HISTORY_COLUMN_FAILED_FIRE; i++)
		bytes += (int64_t)g_array_index(batch->values, struct server_value, insert->first + i).length;
	return bytes;
}

/* What the rows cost that the commit replaces: those that are there, which nobody else writes meanwhile (as
 * with the blocks), and its own of fires that were run again more than once. */
static bool read_replaced(
	struct server *server, const struct server_batch *commit, int64_t *bytes, GError **error)
{
	g_autoptr(server_batch) batch = batch_new();
	/* Fire id → bytes of its rows that the commit has written so far. */
	g_autoptr(GHashTable) fires = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, g_free);
	*bytes = 0;
	for (guint i = 0; i < commit->statements->len; i++) {
		const struct server_statement *each =
			&g_array_index(commit->statements, struct server_statement, i);
		bool deleted = each->sql == SERVER_FAILED_DELETE;
		if (!deleted && each->sql != SERVER_HISTORY_INSERT)
			continue;
		const char *fire = value_bytes(commit, each, deleted ? 0 : HISTORY_COLUMN_FAILED_FIRE);
		int64_t *written = fire ? g_hash_table_lookup(fires, fire) : NULL;
		if (!deleted && written)
			*written += row_bytes(commit, each);
		if (!deleted)
			continue;
		if (written) {
			*bytes += *written;
			*written = 0;
			continue;
		}
		batch_add(batch, SERVER_FAILED_BYTES);
		batch_text(batch, fire);
		g_hash_table_insert(fires, (gpointer)fire, g_new0(int64_t, 1));
	}
	return batch->statements->len == 0 || server_run(server, batch, take_bytes, bytes, error);
}

static void add_guard(struct server *server, struct server_batch *batch, uint64_t sequence)
{
	batch_add(batch, SERVER_GUARD_COMMIT);
	batch_int(batch, (int64_t)sequence);
	batch_int(batch, 0);
	batch_int(batch, server->owner_epoch);
	if (server->has_sequence)
		batch_int(batch, (int64_t)server->last_sequence);
	else
		batch_null(batch);
}

static bool fill(
	struct server *server, struct server_batch *batch, const struct commit *commit, GError **error)
{
	struct history_writer writer = {batch, 0};
	struct history_sink sink = {add_history, add_replacement, &writer};
	int64_t bytes = 0, replaced;
	add_guard(server, batch, commit->sequence);
	add_lanes(batch, commit->lanes);
	add_backlog(batch, commit);
	add_hold(batch, commit);
	add_open(batch, commit);
	if (!add_definitions(server, batch, commit->definitions, error) ||
		!history_rows_make(commit, server->history_level, &sink, &bytes, error) ||
		!read_replaced(server, batch, &replaced, error))
		return false;
	/* The guard comes first, and what it counts is known last. */
	g_array_index(batch->values, struct server_value, 1).integer = bytes + writer.mended - replaced;
	return true;
}

bool server_commit(struct journal *journal, const struct commit *commit, GError **error)
{
	struct server *server = server_of(journal);
	if (server->target.read_only) {
		g_set_error(error, AS_ERROR, AS_ERROR_INVALID, "%s is open for reading only", server->place);
		return false;
	}
	if (server->has_sequence && server->last_sequence == commit->sequence)
		return true;
	g_autoptr(server_batch) batch = batch_new();
	if (!fill(server, batch, commit, error) || !server_transact(server, batch, &commit->sequence, error))
		return false;
	server->has_sequence = true;
	server->last_sequence = commit->sequence;
	return true;
}
