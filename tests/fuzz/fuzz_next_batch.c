/* Fuzz target: a line of `next --batch`. Every line has one answer, which has an id and either fires or an
 * error. */
#include "fuzz_cron.h"

#include "cli/next_batch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct schedule_context parsing = fuzz_context(0);
	struct next_batch_context context = {parsing.zones, parsing.timezone, parsing.dialect, parsing.dst,
		INT64_C(1710000000) * US_PER_SECOND};
	bool failed = false;
	g_autoptr(json_t) answer = next_batch_line((const char *)data, size, &context, &failed);
	bool has_error = json_is_string(json_object_get(answer, "error"));
	if (!json_object_get(answer, "id") || has_error != failed ||
		json_is_array(json_object_get(answer, "fires")) == has_error)
		abort();
	return 0;
}
