/* Purpose: the packed form of history rows: many fires that ended alike, or a range of fires of many actions.
 * Pure; any thread. Written column by column as differences, and runs of one difference as one pair: a fire
 * of a burst costs a byte or two. Bytes that are no such packing are told, whatever they are. */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "base/time_us.h"

/* The most fires, or actions of a range, of one row. */
#define HISTORY_ROW_MAX 2048

struct history_fire {
	int64_t action_id;
	time_us nominal, started_at, finished_at;
};

/* What the actions of a range have in common. */
struct history_range {
	time_us first, last;
	uint64_t count; /* fires of each action */
	time_us merged_into;
};

/* Appends the packing; 1 <= count <= HISTORY_ROW_MAX. */
void history_fires_encode(const struct history_fire *fires, size_t count, GByteArray *out);
void history_range_encode(
	const struct history_range *range, const int64_t *ids, size_t count, GByteArray *out);

/* Unpacks into arrays that the caller owns (of struct history_fire, of int64_t), which it empties first;
 * false, with the outputs in any state, where the bytes are no packing. */
bool history_fires_decode(const void *bytes, size_t length, GArray *fires);
bool history_range_decode(const void *bytes, size_t length, struct history_range *range, GArray *ids);
