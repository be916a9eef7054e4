#include "journal/history_codec.h"
#include "base/varint.h"

/* A column is a sequence of tokens: an even header is a run (length, the one difference), an odd one a
 * literal (length, that many differences). A run is worth its token from this length on. */
#define RUN_MIN 3

/* The columns of struct history_fire, as numbers that are alike from fire to fire. */
enum column { COLUMN_ID, COLUMN_NOMINAL, COLUMN_STARTED, COLUMN_LASTED, COLUMN_COUNT };

static void put_literal(GByteArray *out, const int64_t *deltas, size_t count)
{
	if (count == 0)
		return;
	varint_put(out, (uint64_t)count << 1 | 1);
	for (size_t i = 0; i < count; i++)
		varint_put_signed(out, deltas[i]);
}

static void put_column(GByteArray *out, const int64_t *deltas, size_t count)
{
	size_t literal = 0;
	for (size_t i = 0; i < count;) {
		size_t end = i + 1;
		while (end < count && deltas[end] == deltas[i])
			end++;
		if (end - i >= RUN_MIN) {
			put_literal(out, deltas + literal, i - literal);
			varint_put(out, (uint64_t)(end - i) << 1);
			varint_put_signed(out, deltas[i]);
			literal = end;
		}
		i = end;
	}
	put_literal(out, deltas + literal, count - literal);
}

/* Reads `count` differences; false where the tokens do not add up to exactly that. */
static bool get_column(struct varint_reader *reader, int64_t *deltas, size_t count)
{
	size_t at = 0;
	while (at < count) {
		uint64_t header = varint_get(reader);
		uint64_t length = header >> 1;
		if (length == 0 || length > count - at)
			return false;
		size_t end = at + (size_t)length;
		bool literal = header & 1;
		int64_t delta = literal ? 0 : varint_get_signed(reader);
		for (; at < end; at++)
			deltas[at] = literal ? varint_get_signed(reader) : delta;
		if (reader->bad)
			return false;
	}
	return true;
}

static int64_t fire_column(const struct history_fire *fire, enum column column)
{
	switch (column) {
	case COLUMN_ID: return fire->action_id;
	case COLUMN_NOMINAL: return fire->nominal;
	case COLUMN_STARTED: return fire->started_at;
	default: return wrap_sub(fire->finished_at, fire->started_at);
	}
}

static void fire_set_column(struct history_fire *fire, enum column column, int64_t value)
{
	switch (column) {
	case COLUMN_ID: fire->action_id = value; break;
	case COLUMN_NOMINAL: fire->nominal = value; break;
	case COLUMN_STARTED: fire->started_at = value; break;
	default: fire->finished_at = wrap_add(fire->started_at, value);
	}
}

/* The start of a run is close to its nominal time, everything else starts from 0. */
static int64_t column_base(const struct history_fire *first, enum column column)
{
	return column == COLUMN_STARTED ? first->nominal : 0;
}

void history_fires_encode(const struct history_fire *fires, size_t count, GByteArray *out)
{
	g_assert(count >= 1 && count <= HISTORY_ROW_MAX);
	int64_t deltas[HISTORY_ROW_MAX];
	varint_put(out, count);
	for (enum column column = 0; column < COLUMN_COUNT; column++) {
		int64_t previous = column_base(&fires[0], column);
		for (size_t i = 0; i < count; i++) {
			int64_t value = fire_column(&fires[i], column);
			deltas[i] = wrap_sub(value, previous);
			previous = value;
		}
		put_column(out, deltas, count);
	}
}

bool history_fires_decode(const void *bytes, size_t length, GArray *fires)
{
	struct varint_reader reader = varint_reader_of(bytes, length);
	int64_t deltas[HISTORY_ROW_MAX];
	g_array_set_size(fires, 0);
	uint64_t count = varint_get(&reader);
	if (count < 1 || count > HISTORY_ROW_MAX)
		return false;
	g_array_set_size(fires, (guint)count);
	struct history_fire *list = (struct history_fire *)(void *)fires->data;
	for (enum column column = 0; column < COLUMN_COUNT; column++) {
		if (!get_column(&reader, deltas, (size_t)count))
			return false;
		int64_t value = column_base(&list[0], column);
		for (size_t i = 0; i < count; i++) {
			value = wrap_add(value, deltas[i]);
			fire_set_column(&list[i], column, value);
		}
	}
	return reader.at == reader.end;
}

void history_range_encode(
	const struct history_range *range, const int64_t *ids, size_t count, GByteArray *out)
{
	g_assert(count >= 1 && count <= HISTORY_ROW_MAX);
	int64_t deltas[HISTORY_ROW_MAX];
	varint_put(out, count);
	varint_put_signed(out, range->first);
	varint_put_signed(out, wrap_sub(range->last, range->first));
	varint_put(out, range->count);
	varint_put_signed(out, wrap_sub(range->merged_into, range->last));
	int64_t previous = 0;
	for (size_t i = 0; i < count; i++) {
		deltas[i] = wrap_sub(ids[i], previous);
		previous = ids[i];
	}
	put_column(out, deltas, count);
}

bool history_range_decode(const void *bytes, size_t length, struct history_range *range, GArray *ids)
{
	struct varint_reader reader = varint_reader_of(bytes, length);
	int64_t deltas[HISTORY_ROW_MAX];
	g_array_set_size(ids, 0);
	uint64_t count = varint_get(&reader);
	range->first = varint_get_signed(&reader);
	range->last = wrap_add(range->first, varint_get_signed(&reader));
	range->count = varint_get(&reader);
	range->merged_into = wrap_add(range->last, varint_get_signed(&reader));
	if (count < 1 || count > HISTORY_ROW_MAX || !get_column(&reader, deltas, (size_t)count))
		return false;
	int64_t id = 0;
	for (size_t i = 0; i < count; i++) {
		id = wrap_add(id, deltas[i]);
		g_array_append_val(ids, id);
	}
	return reader.at == reader.end;
}
