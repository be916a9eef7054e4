#include "journal/blocks.h"

#include "base/varint.h"

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

static bool merge_definitions(
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

int64_t block_number(int64_t action_id)
{
	return action_id >> BLOCK_BITS;
}

guint block_run_end(const GArray *definitions, guint from)
{
	const struct definition *list = (const struct definition *)(void *)definitions->data;
	int64_t number = block_number(list[from].action_id);
	guint end = from + 1;
	while (end < definitions->len && block_number(list[end].action_id) == number) {
		g_assert(list[end - 1].action_id < list[end].action_id);
		end++;
	}
	return end;
}

bool block_merge(int64_t number, const void *stored, size_t length, const struct definition *changes,
	guint count, GByteArray *out)
{
	struct block_reader block = block_open(number, stored, length);
	g_byte_array_set_size(out, 0);
	return merge_definitions(&block, changes, count, out);
}

bool block_each(int64_t number, const void *bytes, size_t length, journal_definition_fn each, void *context)
{
	struct block_reader block = block_open(number, bytes, length);
	struct definition definition;
	while (block_next(&block, &definition))
		each(context, &definition);
	return !block.reader.bad;
}
