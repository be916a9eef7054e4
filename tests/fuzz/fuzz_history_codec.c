/* Fuzz target: packed history. What can be unpacked at all comes back the same when it is packed again. */
#include <stdlib.h>
#include <string.h>

#include "journal/history_codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_fires(const uint8_t *data, size_t size)
{
	g_autoptr(GArray) fires = g_array_new(FALSE, FALSE, sizeof(struct history_fire));
	g_autoptr(GArray) again = g_array_new(FALSE, FALSE, sizeof(struct history_fire));
	g_autoptr(GByteArray) packed = g_byte_array_new();
	if (!history_fires_decode(data, size, fires))
		return;
	history_fires_encode((const struct history_fire *)(void *)fires->data, fires->len, packed);
	if (!history_fires_decode(packed->data, packed->len, again) || again->len != fires->len ||
		memcmp(again->data, fires->data, fires->len * sizeof(struct history_fire)) != 0)
		abort();
}

static void check_range(const uint8_t *data, size_t size)
{
	g_autoptr(GArray) ids = g_array_new(FALSE, FALSE, sizeof(int64_t));
	g_autoptr(GArray) again = g_array_new(FALSE, FALSE, sizeof(int64_t));
	g_autoptr(GByteArray) packed = g_byte_array_new();
	struct history_range range, range_again;
	if (!history_range_decode(data, size, &range, ids))
		return;
	history_range_encode(&range, (const int64_t *)(void *)ids->data, ids->len, packed);
	if (!history_range_decode(packed->data, packed->len, &range_again, again) ||
		memcmp(&range, &range_again, sizeof range) != 0 || again->len != ids->len ||
		memcmp(again->data, ids->data, ids->len * sizeof(int64_t)) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check_fires(data, size);
	check_range(data, size);
	return 0;
}
