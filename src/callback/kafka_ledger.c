#include "callback/kafka_ledger.h"

#include <string.h>

#include "base/varint.h"

/* The layout of a value; others are refused. */
#define VERSION   1
/* A transaction has no more fires than an engine hands out. */
#define FIRES_MAX 1000000

/* Of its fires the first are settled. */
struct record {
	uint64_t number;
	size_t settled, count;
	struct ledger_fire fires[];
};

struct ledger {
	GHashTable *fires; /* a set of those of the records that are not settled */
	GQueue records;    /* struct record, in the order in which they came */
	uint64_t next;
};

struct ledger_fire ledger_fire_of(const struct fire *fire)
{
	struct ledger_fire out = {
		.action_id = fire->action->id, .nominal = fire->nominal, .due_at = fire->due_at};
	if (fire->manual)
		g_strlcpy(out.manual, fire->manual, sizeof out.manual);
	return out;
}

static guint fire_hash(gconstpointer key)
{
	const struct ledger_fire *fire = key;
	uint64_t x = (uint64_t)fire->action_id * UINT64_C(0x9e3779b97f4a7c15) ^ (uint64_t)fire->nominal;
	x *= UINT64_C(0xff51afd7ed558ccd);
	return (guint)(x >> 32) ^ (fire->manual[0] ? g_str_hash(fire->manual) : 0);
}

static gboolean fire_equal(gconstpointer a, gconstpointer b)
{
	const struct ledger_fire *x = a, *y = b;
	return x->action_id == y->action_id && x->nominal == y->nominal && strcmp(x->manual, y->manual) == 0;
}

struct ledger *ledger_new(void)
{
	struct ledger *ledger = g_new0(struct ledger, 1);
	ledger->fires = g_hash_table_new(fire_hash, fire_equal);
	g_queue_init(&ledger->records);
	ledger->next = 1;
	return ledger;
}

void ledger_free(struct ledger *ledger)
{
	if (!ledger)
		return;
	g_hash_table_unref(ledger->fires);
	g_queue_clear_full(&ledger->records, g_free);
	g_free(ledger);
}

uint64_t ledger_next(const struct ledger *ledger)
{
	return ledger->next;
}

void ledger_reserve(struct ledger *ledger, uint64_t number)
{
	ledger->next = MAX(ledger->next, number + 1);
}

void ledger_add(struct ledger *ledger, uint64_t number, const struct ledger_fire *fires, size_t count)
{
	ledger_reserve(ledger, number);
	struct record *record = g_malloc(sizeof *record + count * sizeof *fires);
	*record = (struct record){.number = number};
	for (size_t i = 0; i < count; i++) {
		if (g_hash_table_contains(ledger->fires, &fires[i]))
			continue;
		record->fires[record->count] = fires[i];
		g_hash_table_add(ledger->fires, &record->fires[record->count++]);
	}
	/* Kept even where it is empty: its tombstone is still to be written. */
	g_queue_push_tail(&ledger->records, record);
}

bool ledger_has(const struct ledger *ledger, const struct ledger_fire *fire)
{
	return g_hash_table_contains(ledger->fires, fire);
}

size_t ledger_count(const struct ledger *ledger)
{
	return g_hash_table_size(ledger->fires);
}

size_t ledger_record_count(const struct ledger *ledger)
{
	return ledger->records.length;
}

/* Fires settle in about the order in which they were delivered: the first that is not ends the search. So it
 * costs as much as there is settled, not as much as there is. */
static bool record_settle(
	struct ledger *ledger, struct record *record, ledger_settled_fn is_settled, void *context)
{
	while (record->settled < record->count && is_settled(context, &record->fires[record->settled]))
		g_hash_table_remove(ledger->fires, &record->fires[record->settled++]);
	return record->settled == record->count;
}

void ledger_settle(struct ledger *ledger, ledger_settled_fn is_settled, void *context, GArray *done)
{
	for (GList *link = ledger->records.head, *next; link; link = next) {
		struct record *record = link->data;
		next = link->next;
		if (!record_settle(ledger, record, is_settled, context))
			continue;
		g_array_append_val(done, record->number);
		g_queue_delete_link(&ledger->records, link);
		g_free(record);
	}
}

/* --- the value of a record: differences to the fire before --- */

void ledger_pack(const struct ledger_fire *fires, size_t count, GByteArray *out)
{
	struct ledger_fire before = {0};
	varint_put(out, VERSION);
	varint_put(out, count);
	for (size_t i = 0; i < count; i++) {
		const struct ledger_fire *fire = &fires[i];
		size_t manual = strlen(fire->manual);
		varint_put_signed(out, wrap_sub(fire->action_id, before.action_id));
		varint_put_signed(out, wrap_sub(fire->nominal, before.nominal));
		varint_put_signed(out, wrap_sub(fire->due_at, fire->nominal));
		varint_put(out, manual);
		g_byte_array_append(out, (const guint8 *)fire->manual, (guint)manual);
		before = *fire;
	}
}

static bool unpack_fire(struct varint_reader *reader, struct ledger_fire *fire)
{
	struct ledger_fire before = *fire;
	*fire = (struct ledger_fire){0};
	fire->action_id = wrap_add(before.action_id, varint_get_signed(reader));
	fire->nominal = wrap_add(before.nominal, varint_get_signed(reader));
	fire->due_at = wrap_add(fire->nominal, varint_get_signed(reader));
	uint64_t length = varint_get(reader);
	const uint8_t *manual = length < FIRE_MANUAL_MAX ? varint_get_bytes(reader, length) : NULL;
	if (reader->bad || !manual || memchr(manual, '\0', length))
		return false;
	memcpy(fire->manual, manual, length);
	return true;
}

bool ledger_unpack(const void *bytes, size_t length, GArray *fires)
{
	struct varint_reader reader = varint_reader_of(bytes, length);
	guint before = fires->len;
	uint64_t version = varint_get(&reader), count = varint_get(&reader);
	struct ledger_fire fire = {0};
	bool ok = !reader.bad && version == VERSION && count <= FIRES_MAX;
	for (uint64_t i = 0; ok && i < count; i++) {
		ok = unpack_fire(&reader, &fire);
		if (ok)
			g_array_append_val(fires, fire);
	}
	if (ok && reader.at == reader.end)
		return true;
	g_array_set_size(fires, before);
	return false;
}
