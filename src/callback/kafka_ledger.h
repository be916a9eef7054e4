/* Purpose: which fires one shard of kafka.exactly_once has delivered that internal_db may not know of yet.
 * Each transaction into Kafka holds, beside its fires, a record that names them; after a crash the records
 * are read back, and a fire that is handed out again and stands in one is answered without being sent. A
 * record is deleted (by a tombstone in a later transaction) once internal_db knows of all its fires, so what
 * is kept is bounded by what may be on its way. Plain data; one thread at a time. */
#pragma once

#include "model/fire.h"

struct ledger;

/* What a fire is known by. */
struct ledger_fire {
	int64_t action_id;
	time_us nominal, due_at;
	char manual[FIRE_MANUAL_MAX]; /* empty for a scheduled one */
};
struct ledger_fire ledger_fire_of(const struct fire *fire);

struct ledger *ledger_new(void);
void ledger_free(struct ledger *ledger); /* NULL is fine */

/* The number of the next record: above all that were ever added. */
uint64_t ledger_next(const struct ledger *ledger);
/* The number was used. */
void ledger_reserve(struct ledger *ledger, uint64_t number);
/* Takes in the fires of a transaction that is committed, as the record of that number. */
void ledger_add(struct ledger *ledger, uint64_t number, const struct ledger_fire *fires, size_t count);
bool ledger_has(const struct ledger *ledger, const struct ledger_fire *fire);
/* Fires that are not settled, and records that hold any. */
size_t ledger_count(const struct ledger *ledger);
size_t ledger_record_count(const struct ledger *ledger);

/* Whether internal_db knows that a fire is delivered. */
typedef bool (*ledger_settled_fn)(void *context, const struct ledger_fire *fire);
/* Drops settled fires; the numbers of records that hold no others are appended to `done` (uint64_t). */
void ledger_settle(struct ledger *ledger, ledger_settled_fn is_settled, void *context, GArray *done);

/* The value of a record, and back: appends struct ledger_fire; false for what is none, `fires` is then as it
 * was. */
void ledger_pack(const struct ledger_fire *fires, size_t count, GByteArray *out);
bool ledger_unpack(const void *bytes, size_t length, GArray *fires);
