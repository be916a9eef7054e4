/* Fuzz target: an expression of five fields. The first byte chooses dialect and dst policy. */
#include "fuzz_cron.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *value = size ? json_stringn((const char *)data + 1, size - 1) : NULL;
	if (!value || memchr(data + 1, '\0', size - 1)) { /* no JSON text gives these */
		json_decref(value);
		return 0;
	}
	struct schedule_context context = fuzz_context(*data);
	g_autoptr(GError) error = NULL;
	g_autoptr(json_t) document = json_pack("{s:s, s:{s:o}}", "format", "unix", "params", "value", value);
	struct schedule *schedule = schedule_parse_json(document, &context, &error);
	if (!schedule && (!error || !g_utf8_validate(error->message, -1, NULL)))
		abort();
	if (schedule)
		fuzz_check(schedule, &context);
	schedule_unref(schedule);
	return 0;
}
