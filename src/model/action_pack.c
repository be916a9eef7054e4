#include "model/action.h"

#include <string.h>
#include <xxhash.h>

/* The packed form, in this order (integers are varints of 7 bits, least first; signed ones zigzag):
 *   version, flags (bit 0 dialect, bits 1-2 dst), kinds (two bits an integer column, 16 bits, least byte
 * first), nulls (a bit a text column); id; the integer columns that are not NULL, bad ones as a text; name,
 * command, cron unless NULL; timezone and callback with a NUL behind them; dst where it is DST_OTHER. A text
 * is its length and its bytes. */
#define PACK_VERSION 1
#define PACK_HEADER  5

enum int_kind { INT_NULL, INT_VALUE, INT_BAD };

enum { DST_OTHER = 2 };
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

static void put_varint(GByteArray *out, uint64_t value)
{
	uint8_t bytes[10];
	guint n = 0;
	for (; value >= 0x80; value >>= 7)
		bytes[n++] = (uint8_t)(value | 0x80);
	bytes[n++] = (uint8_t)value;
	g_byte_array_append(out, bytes, n);
}

static void put_signed(GByteArray *out, int64_t value)
{
	put_varint(out, ((uint64_t)value << 1) ^ (value < 0 ? UINT64_MAX : 0));
}

static void put_text(GByteArray *out, struct text text)
{
	size_t length = MIN(text.length, (size_t)ACTION_TEXT_MAX + 1);
	put_varint(out, length);
	g_byte_array_append(out, (const guint8 *)text.data, (guint)length);
}

static void put_string(GByteArray *out, struct text text)
{
	put_text(out, text);
	g_byte_array_append(out, (const guint8 *)"", 1);
}

static unsigned pack_ints(const struct action_row *row, GByteArray *out)
{
	unsigned kinds = 0;
	for (size_t i = 0; i < G_N_ELEMENTS(int_columns); i++) {
		const struct maybe_int *column = G_STRUCT_MEMBER_P(row, int_columns[i]);
		unsigned kind = column->set ? INT_VALUE : column->bad.data ? INT_BAD : INT_NULL;
		if (kind == INT_VALUE)
			put_signed(out, column->value);
		else if (kind == INT_BAD)
			put_text(out, column->bad);
		kinds |= kind << (2 * i);
	}
	return kinds;
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

void action_pack(const struct action_row *row, const struct action_defaults *defaults, GByteArray *out)
{
	const struct text texts[] = {row->name, row->command, row->cron};
	guint start = out->len;
	uint8_t header[PACK_HEADER] = {PACK_VERSION};
	g_byte_array_append(out, header, PACK_HEADER);
	put_signed(out, row->id);
	unsigned kinds = pack_ints(row, out);
	unsigned nulls = 0;
	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
		if (texts[i].data)
			put_text(out, texts[i]);
		else
			nulls |= 1u << i;
	put_string(out, text_or(row->timezone, defaults->timezone));
	put_string(out, text_or(row->callback, defaults->callback));
	unsigned dst = dst_code(row->dst, defaults);
	if (dst == DST_OTHER)
		put_text(out, row->dst);
	header[1] = (uint8_t)(defaults->dialect | dst << 1);
	header[2] = (uint8_t)kinds;
	header[3] = (uint8_t)(kinds >> 8);
	header[4] = (uint8_t)nulls;
	memcpy(out->data + start, header, PACK_HEADER);
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
	if (length < PACK_HEADER || packed[0] != PACK_VERSION || packed[1] >> 3 || packed[4] >> 3)
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
	unsigned dst = packed[1] >> 1;
	fresh.dst = dst < DST_OTHER ? (struct text){dst_names[dst], strlen(dst_names[dst])} : take_text(&in);
	if (!in.ok || in.at != in.end || dst > DST_OTHER)
		return false;
	*row = fresh;
	*dialect = (enum unix_dialect)(packed[1] & 1);
	return true;
}
