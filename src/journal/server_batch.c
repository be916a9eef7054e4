#include "journal/server.h"

#include <string.h>

struct server_batch *batch_new(void)
{
	struct server_batch *batch = g_new0(struct server_batch, 1);
	batch->statements = g_array_new(FALSE, FALSE, sizeof(struct server_statement));
	batch->values = g_array_new(FALSE, FALSE, sizeof(struct server_value));
	batch->bytes = g_string_chunk_new(4096);
	return batch;
}

void batch_free(struct server_batch *batch)
{
	if (!batch)
		return;
	g_array_unref(batch->statements);
	g_array_unref(batch->values);
	g_string_chunk_free(batch->bytes);
	g_free(batch);
}

void batch_add(struct server_batch *batch, enum server_sql sql)
{
	struct server_statement statement = {sql, batch->values->len, 0};
	g_array_append_val(batch->statements, statement);
}

static void add_value(struct server_batch *batch, struct server_value value)
{
	g_array_append_val(batch->values, value);
	g_array_index(batch->statements, struct server_statement, batch->statements->len - 1).count++;
}

void batch_null(struct server_batch *batch)
{
	add_value(batch, (struct server_value){.kind = SERVER_NULL});
}

void batch_int(struct server_batch *batch, int64_t value)
{
	add_value(batch, (struct server_value){.kind = SERVER_INT, .integer = value});
}

static void add_bytes(struct server_batch *batch, enum server_kind kind, const char *bytes, size_t length)
{
	add_value(batch, (struct server_value){.kind = kind,
				 .bytes = g_string_chunk_insert_len(batch->bytes, bytes, (gssize)length),
				 .length = length});
}

void batch_text(struct server_batch *batch, const char *text)
{
	if (!text) {
		batch_null(batch);
		return;
	}
	/* A server refuses a whole commit for one bad byte in the output of a program. */
	g_autofree char *valid = g_utf8_validate(text, -1, NULL) ? NULL : g_utf8_make_valid(text, -1);
	const char *use = valid ? valid : text;
	add_bytes(batch, SERVER_TEXT, use, strlen(use));
}

void batch_blob(struct server_batch *batch, const void *bytes, size_t length)
{
	add_bytes(batch, SERVER_BLOB, length ? bytes : "", length);
}
