#include "base/varint.h"

struct varint_reader varint_reader_of(const void *bytes, size_t length)
{
	const uint8_t *start = length > 0 ? bytes : (const uint8_t *)"";
	return (struct varint_reader){start, start + length, false};
}

void varint_put(GByteArray *out, uint64_t value)
{
	uint8_t bytes[VARINT_MAX];
	guint n = 0;
	while (value >= 0x80) {
		bytes[n++] = (uint8_t)(value | 0x80);
		value >>= 7;
	}
	bytes[n++] = (uint8_t)value;
	g_byte_array_append(out, bytes, n);
}

uint64_t varint_get(struct varint_reader *reader)
{
	uint64_t value = 0;
	for (unsigned shift = 0; !reader->bad && reader->at < reader->end && shift < 64; shift += 7) {
		uint8_t byte = *reader->at++;
		uint64_t part = byte & 0x7f;
		if (shift == 63 && part > 1)
			break;
		value |= part << shift;
		if (!(byte & 0x80))
			return value;
	}
	reader->bad = true;
	return 0;
}

void varint_put_signed(GByteArray *out, int64_t value)
{
	varint_put(out, ((uint64_t)value << 1) ^ (value < 0 ? UINT64_MAX : 0));
}

int64_t varint_get_signed(struct varint_reader *reader)
{
	uint64_t value = varint_get(reader);
	return (int64_t)((value >> 1) ^ (value & 1 ? UINT64_MAX : 0));
}

const uint8_t *varint_get_bytes(struct varint_reader *reader, uint64_t length)
{
	if (reader->bad || length > (uint64_t)(reader->end - reader->at)) {
		reader->bad = true;
		return NULL;
	}
	const uint8_t *bytes = reader->at;
	reader->at += length;
	return bytes;
}
