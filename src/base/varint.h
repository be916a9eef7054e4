/* Purpose: integers in as few bytes as they need, for packed columns and records. Pure; any thread.
 * Every value of 64 bits comes back as it went in; differences wrap, so the sentinels of time_us are fine. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* The most bytes of one integer. */
#define VARINT_MAX 10

/* Reads from borrowed bytes; once something does not fit, `bad` is set and all that is read is 0. */
struct varint_reader {
	const uint8_t *at, *end;
	bool bad;
};

struct varint_reader varint_reader_of(const void *bytes, size_t length);

/* 7 bits a byte, the lowest first, the top bit says that more follow. */
void varint_put(GByteArray *out, uint64_t value);
uint64_t varint_get(struct varint_reader *reader);

/* Small numbers of either sign are short. */
void varint_put_signed(GByteArray *out, int64_t value);
int64_t varint_get_signed(struct varint_reader *reader);

/* Borrows `length` bytes; NULL where there are fewer left. */
const uint8_t *varint_get_bytes(struct varint_reader *reader, uint64_t length);

/* a - b and a + b, wrapping. */
static inline int64_t wrap_sub(int64_t a, int64_t b)
{
	return (int64_t)((uint64_t)a - (uint64_t)b);
}
static inline int64_t wrap_add(int64_t a, int64_t b)
{
	return (int64_t)((uint64_t)a + (uint64_t)b);
}
