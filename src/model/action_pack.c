#include "model/action.h"

#include <string.h>
#include <xxhash.h>

/* The packed form, in this order (integers are varints of 7 bits, least first; signed ones zigzag):
 *   version, flags (bit 0 dialect, bits 1-2 dst, bit 3 topic), kinds (two bits an integer column, 16 bits,
 * least byte first), nulls (a bit a text column); id; the integer columns that are not NULL, bad ones as a
 * text; name, command, cron unless NULL; timezone and callback with a NUL behind them; dst where it is
 * DST_OTHER; topic where it is not NULL. A text is its length and its bytes. */
#define PACK_VERSION 1
#define PACK_HEADER  5

enum int_kind { INT_NULL, INT_VALUE, INT_BAD };

enum { DST_OTHER = 2 };
#define DST_SHIFT 1
#define DST_MASK  3
#define HAS_TOPIC (1u << 3)
#define FLAGS_ALL (HAS_TOPIC | DST_MASK << DST_SHIFT | 1)

static const char *const dst_names[] = {[DST_WALL_CLOCK] = "wall_clock", [DST_VIXIE] = "vixie"};

static const size_t int_columns[] = {
	offsetof(struct action_row, merge_missed),
	offsetof(struct action_row, actuality_time),
	offsetof(struct action_row, enabled),
	offsetof(struct action_row, max_instances),
	offsetof(struct action_row, timeout),
	offsetof(struct action_row, max_attempts),
	offsetof(struct action_row, catch_up_limit),
};

/* The most bytes of an integer. */
#define VARINT_MAX 10

/* Each put writes to where there is room, see pack_most, and returns where it ended. */
static uint8_t *put_varint(uint8_t *at, uint64_t value)
{
	for (; value >= 0x80; value >>= 7)
		*at++ = (uint8_t)(value | 0x80);
	*at++ = (uint8_t)value;
	return at;
}

static uint8_t *put_signed(uint8_t *at, int64_t value)
{
	return put_varint(at, ((uint64_t)value << 1) ^ (value < 0 ? UINT64_MAX : 0));
}

static size_t text_length(struct text text)
{
	return MIN(text.length, (size_t)ACTION_TEXT_MAX + 1);
}

static uint8_t *put_text(uint8_t *at, struct text text)
{
	size_t length = text_length(text);
	at = put_varint(at, length);
	memcpy(at, text.data, length);
	return at + length;
}

static uint8_t *put_string(uint8_t *at, struct text text)
{
	at = put_text(at, text);
	*at = '\0';
	return at + 1;
}

static uint8_t *put_ints(uint8_t *at, const struct action_row *row, unsigned *kinds)
{
	*kinds = 0;
	for (size_t i = 0; i < G_N_ELEMENTS(int_columns); i++) {
		const struct maybe_int *column = G_STRUCT_MEMBER_P(row, int_columns[i]);
		unsigned kind = column->set ? INT_VALUE : column->bad.data ? INT_BAD : INT_NULL;
		if (kind == INT_VALUE)
			at = put_signed(at, column->value);
		else if (kind == INT_BAD)
			at = put_text(at, column->bad);
		*kinds |= kind << (2 * i);
	}
	return at;
}

static unsigned dst_code(struct text dst, const struct action_defaults *defaults)
{
	if (!dst.data)
		return defaults->dst;
	for (unsigned i = 0; i < G_N_ELEMENTS(dst_names); i++)
		if (dst.length == strlen(dst_names[i]) && memcmp(dst.data, dst_names[i], dst.length) == 0)
			return i;
	return DST_OTHER;
}

static struct text text_or(struct text text, const char *otherwise)
{
	return text.data ? text : (struct text){otherwise, strlen(otherwise)};
}

/* The most bytes that these texts and all integers take. */
static size_t pack_most(const struct action_row *row, const struct text *texts, size_t count)
{
	size_t most = PACK_HEADER + VARINT_MAX;
	for (size_t i = 0; i < G_N_ELEMENTS(int_columns); i++) {
		const struct maybe_int *column = G_STRUCT_MEMBER_P(row, int_columns[i]);
		most += VARINT_MAX + (column->bad.data ? text_length(column->bad) : 0);
	}
	for (size_t i = 0; i < count; i++)
		most += VARINT_MAX + text_length(texts[i]) + 1;
	return most;
}

void action_pack(const struct action_row *row, const struct action_defaults *defaults, GByteArray *out)
{
	enum { NULLABLE = 3 };
	const struct text texts[] = {row->name, row->command, row->cron,
		text_or(row->timezone, defaults->timezone), text_or(row->callback, defaults->callback),
		row->dst, row->topic};
	guint start = out->len;
	g_byte_array_set_size(out, (guint)(start + pack_most(row, texts, G_N_ELEMENTS(texts))));
	uint8_t *header = out->data + start;
	unsigned kinds, nulls = 0, dst = dst_code(row->dst, defaults);
	uint8_t *at = put_ints(put_signed(header + PACK_HEADER, row->id), row, &kinds);
	for (unsigned i = 0; i < NULLABLE; i++)
		if (texts[i].data)
			at = put_text(at, texts[i]);
		else
			nulls |= 1u << i;
	at = put_string(put_string(at, texts[NULLABLE]), texts[NULLABLE + 1]);
	if (dst == DST_OTHER)
		at = put_text(at, row->dst);
	if (row->topic.data)
		at = put_text(at, row->topic);
	header[0] = PACK_VERSION;
	header[1] = (uint8_t)(defaults->dialect | dst << DST_SHIFT | (row->topic.data ? HAS_TOPIC : 0));
	header[2] = (uint8_t)kinds;
	header[3] = (uint8_t)(kinds >> 8);
	header[4] = (uint8_t)nulls;
	g_byte_array_set_size(out, (guint)(at - out->data));
}

uint64_t action_digest(const uint8_t *packed, size_t length)
{
	return XXH3_64bits(packed, length);
}

/* Bytes not read yet; `ok` falls at the first that is not as it must be. */
struct reader {
	const uint8_t *at, *end;
	bool ok;
};

static uint64_t take_varint(struct reader *in)
{
	uint64_t value = 0;
	for (unsigned shift = 0; shift < 64 && in->at < in->end; shift += 7) {
		uint8_t byte = *in->at++;
		value |= (uint64_t)(byte & 0x7f) << shift;
		if (byte < 0x80)
			return value;
	}
	in->ok = false;
	return 0;
}

static int64_t take_signed(struct reader *in)
{
	uint64_t value = take_varint(in);
	return (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
}

static struct text take_text(struct reader *in)
{
	uint64_t length = take_varint(in);
	if (!in->ok || length > (uint64_t)(in->end - in->at)) {
		in->ok = false;
		return (struct text){0};
	}
	struct text text = {(const char *)in->at, (size_t)length};
	in->at += length;
	return text;
}

static struct text take_string(struct reader *in)
{
	struct text text = take_text(in);
	if (in->ok && in->at < in->end && *in->at == '\0')
		in->at++;
	else
		in->ok = false;
	return text;
}

static void unpack_ints(struct reader *in, unsigned kinds, struct action_row *row)
{
	for (size_t i = 0; i < G_N_ELEMENTS(int_columns); i++) {
		struct maybe_int *column = G_STRUCT_MEMBER_P(row, int_columns[i]);
		switch (kinds >> (2 * i) & 3) {
		case INT_NULL: break;
		case INT_VALUE:
			column->set = true;
			column->value = take_signed(in);
			break;
		case INT_BAD: column->bad = take_text(in); break;
		default: in->ok = false;
		}
	}
}

bool action_unpack(const uint8_t *packed, size_t length, struct action_row *row, enum unix_dialect *dialect)
{
	if (length < PACK_HEADER || packed[0] != PACK_VERSION || (packed[1] & ~FLAGS_ALL) || packed[4] >> 3)
		return false;
	struct reader in = {packed + PACK_HEADER, packed + length, true};
	struct action_row fresh = {.id = take_signed(&in)};
	unpack_ints(&in, packed[2] | (unsigned)packed[3] << 8, &fresh);
	struct text *texts[] = {&fresh.name, &fresh.command, &fresh.cron};
	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
		if (!(packed[4] >> i & 1))
			*texts[i] = take_text(&in);
	fresh.timezone = take_string(&in);
	fresh.callback = take_string(&in);
	unsigned dst = packed[1] >> DST_SHIFT & DST_MASK;
	fresh.dst = dst < DST_OTHER ? (struct text){dst_names[dst], strlen(dst_names[dst])} : take_text(&in);
	if (packed[1] & HAS_TOPIC)
		fresh.topic = take_text(&in);
	if (!in.ok || in.at != in.end || dst > DST_OTHER)
		return false;
	*row = fresh;
	*dialect = (enum unix_dialect)(packed[1] & 1);
	return true;
}
