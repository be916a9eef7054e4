/* Fuzz target: a schedule document. The first byte chooses dialect and dst policy. */
#include "fuzz_cron.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size)
		return 0;
	struct schedule_context context = fuzz_context(*data);
	g_autoptr(GError) error = NULL;
	struct schedule *schedule = schedule_parse((const char *)data + 1, size - 1, &context, &error);
	if (!schedule && !error)
		abort();
	if (schedule)
		fuzz_check(schedule, &context);
	schedule_unref(schedule);
	return 0;
}
