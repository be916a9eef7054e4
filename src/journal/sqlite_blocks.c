/* Definitions are kept in blocks of 512 action ids: a load of a million rows writes some thousand blobs, and
 * an edit rewrites one. A block is a list of (id within the block, since as a difference, length, packed
 * bytes). */
#include "journal/sqlite.h"

#include "journal/varint.h"

#define BLOCK_BITS 9
#define BLOCK_MASK ((1 << BLOCK_BITS) - 1)

struct block_reader {
	struct varint_reader reader;
	int64_t block;
	int64_t last_slot;
	time_us since;
};

static struct block_reader block_open(int64_t block, const void *bytes, size_t length)
{
	return (struct block_reader){varint_reader_of(bytes, length), block, -1, 0};
}

/* The next definition, its bytes borrowed from the block; false at the end, or where `bad` is set. */
static bool block_next(struct block_reader *block, struct definition *out)
{
	struct varint_reader *reader = &block->reader;
	if (reader->bad || reader->at == reader->end)
		return false;
	uint64_t slot = varint_get(reader);
	time_us since = wrap_add(block->since, varint_get_signed(reader));
	uint64_t length = varint_get(reader);
	const uint8_t *packed = varint_get_bytes(reader, length);
	if (!packed || slot > BLOCK_MASK || (int64_t)slot <= block->last_slot || length > UINT32_MAX) {
		reader->bad = true;
		return false;
	}
	block->last_slot = (int64_t)slot;
	block->since = since;
	*out = (struct definition){
		.action_id = (int64_t)((uint64_t)block->block << BLOCK_BITS | slot),
		.since = since,
		.packed = (uint8_t *)packed,
		.length = (uint32_t)length,
	};
	return true;
}

static void block_put(GByteArray *out, time_us *since, const struct definition *definition)
{
	varint_put(out, (uint64_t)definition->action_id & BLOCK_MASK);
	varint_put_signed(out, wrap_sub(definition->since, *since));
	varint_put(out, definition->length);
	g_byte_array_append(out, definition->packed, definition->length);
	*since = definition->since;
}

/* Merges the stored block with its changes, both ascending; false where the stored one is damaged. */
static bool merge_block(
	struct block_reader *stored, const struct definition *changes, guint count, GByteArray *out)
{
	struct definition old;
	bool has_old = block_next(stored, &old);
	time_us since = 0;
	guint i = 0;
	while (has_old || i < count) {
		bool use_old = has_old && (i == count || old.action_id < changes[i].action_id);
		const struct definition *take = use_old ? &old : &changes[i];
		struct definition moved = old;
		moved.since = take->since;
		bool moves = !use_old && has_old && !take->packed && take->since != TIME_US_MIN &&
			     old.action_id == take->action_id;
		if (take->packed || moves)
			block_put(out, &since, moves ? &moved : take);
		if (has_old && (use_old || old.action_id == changes[i].action_id)) {
			i += !use_old;
			has_old = block_next(stored, &old);
		} else {
			i++;
		}
	}
	return !stored->reader.bad;
}

static bool store_block(struct jdb *jdb, int64_t number, const GByteArray *body, GError **error)
{
	sqlite3_stmt *write = jdb_statement(jdb, body->len ? SQL_BLOCK_PUT : SQL_BLOCK_DELETE, error);
	if (!write)
		return false;
	sqlite3_bind_int64(write, 1, number);
	if (body->len)
		sqlite3_bind_blob64(write, 2, body->data, body->len, SQLITE_STATIC);
	return jdb_run(jdb, write, "write definitions", error);
}

static bool write_block(struct jdb *jdb, int64_t number, const struct definition *changes, guint count,
	GByteArray *body, GError **error)
{
	sqlite3_stmt *read = jdb_statement(jdb, SQL_BLOCK_GET, error);
	if (!read)
		return false;
	sqlite3_bind_int64(read, 1, number);
	int code = sqlite3_step(read);
	if (code != SQLITE_ROW && code != SQLITE_DONE) {
		jdb_fail(jdb, code, "read definitions", error);
		sqlite3_reset(read);
		return false;
	}
	const void *bytes = code == SQLITE_ROW ? sqlite3_column_blob(read, 0) : NULL;
	size_t length = code == SQLITE_ROW ? (size_t)sqlite3_column_bytes(read, 0) : 0;
	struct block_reader stored = block_open(number, bytes, length);
	g_byte_array_set_size(body, 0);
	bool sound = merge_block(&stored, changes, count, body);
	sqlite3_reset(read);
	return sound ? store_block(jdb, number, body, error)
		     : jdb_corrupt(jdb, "a block of scheduler_definition", error);
}

bool jdb_write_definitions(struct jdb *jdb, const GArray *definitions, GError **error)
{
	const struct definition *list = (const struct definition *)(void *)definitions->data;
	g_autoptr(GByteArray) body = g_byte_array_new();
	for (guint i = 0; i < definitions->len;) {
		int64_t number = list[i].action_id >> BLOCK_BITS;
		guint end = i + 1;
		while (end < definitions->len && list[end].action_id >> BLOCK_BITS == number) {
			g_assert(list[end - 1].action_id < list[end].action_id);
			end++;
		}
		if (!write_block(jdb, number, list + i, end - i, body, error))
			return false;
		i = end;
	}
	return true;
}

bool jdb_load_definitions(struct jdb *jdb, journal_definition_fn each, void *context, GError **error)
{
	sqlite3_stmt *read = jdb_statement(jdb, SQL_BLOCKS, error);
	if (!read)
		return false;
	int code;
	bool sound = true;
	while (sound && (code = sqlite3_step(read)) == SQLITE_ROW) {
		const void *bytes = sqlite3_column_blob(read, 1);
		struct block_reader block = block_open(
			sqlite3_column_int64(read, 0), bytes, (size_t)sqlite3_column_bytes(read, 1));
		struct definition definition;
		while (block_next(&block, &definition))
			each(context, &definition);
		sound = !block.reader.bad;
	}
	if (!sound)
		jdb_corrupt(jdb, "a block of scheduler_definition", error);
	else if (code != SQLITE_DONE)
		jdb_fail(jdb, code, "read definitions", error);
	sqlite3_reset(read);
	return sound && code == SQLITE_DONE;
}
