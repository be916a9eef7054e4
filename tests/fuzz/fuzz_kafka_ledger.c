/* Fuzz target: records of the ledger of kafka.exactly_once. What can be unpacked at all comes back the same
 * when it is packed again; what cannot leaves the array as it was. */
#include <stdlib.h>
#include <string.h>

#include "callback/kafka_ledger.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool same(const struct ledger_fire *a, const struct ledger_fire *b)
{
	return a->action_id == b->action_id && a->nominal == b->nominal && a->due_at == b->due_at &&
	       strcmp(a->manual, b->manual) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autoptr(GArray) fires = g_array_new(FALSE, FALSE, sizeof(struct ledger_fire));
	g_autoptr(GArray) again = g_array_new(FALSE, FALSE, sizeof(struct ledger_fire));
	g_autoptr(GByteArray) packed = g_byte_array_new();
	if (!ledger_unpack(data, size, fires)) {
		if (fires->len)
			abort();
		return 0;
	}
	ledger_pack((const struct ledger_fire *)(void *)fires->data, fires->len, packed);
	if (!ledger_unpack(packed->data, packed->len, again) || again->len != fires->len)
		abort();
	for (guint i = 0; i < fires->len; i++)
		if (!same(&g_array_index(fires, struct ledger_fire, i),
			    &g_array_index(again, struct ledger_fire, i)))
			abort();
	return 0;
}
