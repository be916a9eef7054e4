/* A schedule document on a short line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "cli/action_view.h"

static void expect(const char *document, const char *expected)
{
	g_autoptr(json_t) value = json_read(document, strlen(document), NULL);
	assert_non_null(value);
	g_autofree char *text = schedule_short_text(value);
	if (expected)
		assert_string_equal(text, expected);
	else
		assert_null(text);
}

static void schedules_in_short(void **state)
{
	(void)state;
	expect("{\"format\": \"unix\", \"params\": {\"value\": \"*/5 * * * *\"}}", "*/5 * * * *");
	expect("{\"format\": \"apscheduler\", \"params\": {\"second\": \"*/20\", \"hour\": 5, \"year\": "
	       "null}}",
		"second=*/20 hour=5");
	expect("{\"format\": \"apscheduler\", \"params\": {\"day\": \"2nd fri\", \"jitter\": 1.5}}",
		"day=\"2nd fri\" jitter=1.5");
	expect("{\"format\": \"interval\", \"params\": {\"minutes\": 5}}", "interval minutes=5");
	expect("{\"format\": \"date\", \"params\": {\"run_date\": \"2050-05-05 10:00:00\"}}",
		"date run_date=\"2050-05-05 10:00:00\"");
	expect("{\"format\": \"apscheduler\", \"params\": {}}", "");
}

static void other_documents_have_none(void **state)
{
	(void)state;
	expect("5", NULL);
	expect("{}", NULL);
	expect("[]", NULL);
	expect("null", NULL);
	expect("{\"format\": 5, \"params\": {}}", NULL);
	expect("{\"format\": \"unix\"}", NULL);
	expect("{\"format\": \"unix\", \"params\": []}", NULL);
	expect("{\"format\": \"unix\", \"params\": {\"value\": 5}}", "unix value=5");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(schedules_in_short),
		cmocka_unit_test(other_documents_have_none),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
