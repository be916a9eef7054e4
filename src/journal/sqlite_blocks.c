/* Definitions: the rows of scheduler_definition. */
#include "journal/blocks.h"
#include "journal/sqlite.h"

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
	bool sound = block_merge(number, bytes, length, changes, count, body);
	sqlite3_reset(read);
	return sound ? store_block(jdb, number, body, error)
		     : jdb_corrupt(jdb, "a block of scheduler_definition", error);
}

bool jdb_write_definitions(struct jdb *jdb, const GArray *definitions, GError **error)
{
	const struct definition *list = (const struct definition *)(void *)definitions->data;
	g_autoptr(GByteArray) body = g_byte_array_new();
	for (guint i = 0; i < definitions->len;) {
		guint end = block_run_end(definitions, i);
		if (!write_block(jdb, block_number(list[i].action_id), list + i, end - i, body, error))
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
		sound = block_each(sqlite3_column_int64(read, 0), bytes,
			(size_t)sqlite3_column_bytes(read, 1), each, context);
	}
	if (!sound)
		jdb_corrupt(jdb, "a block of scheduler_definition", error);
	else if (code != SQLITE_DONE)
		jdb_fail(jdb, code, "read definitions", error);
	sqlite3_reset(read);
	return sound && code == SQLITE_DONE;
}
