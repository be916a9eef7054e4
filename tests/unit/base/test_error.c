/* What libraries say becomes one line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/error.h"

static void lines_are_joined_without_what_is_blank(void **state)
{
	static const char *const texts[][2] = {
		{"connection failed: Connection refused\n\tIs the server running?\n",
			"connection failed: Connection refused; Is the server running?"},
		{"one line", "one line"},
		{"\r\n  \n", ""},
		{"not \xff valid", "not \xef\xbf\xbd valid"},
		{NULL, ""},
	};
	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
		g_autofree char *line = error_one_line(texts[i][0]);
		assert_string_equal(line, texts[i][1]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_joined_without_what_is_blank),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
