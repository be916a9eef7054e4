/* What a mistyped name was meant to be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/verb.h"

static const char *const names[] = {"run", "init", "list", "show", "next", "check", "history", NULL};

static void near_names_are_found(void **state)
{
	(void)state;
	assert_string_equal(cli_nearest("lst", names), "list");
	assert_string_equal(cli_nearest("lsit", names), "list");
	assert_string_equal(cli_nearest("histroy", names), "history");
	assert_string_equal(cli_nearest("hist", names), "history");
	assert_string_equal(cli_nearest("checkk", names), "check");
	assert_string_equal(cli_nearest("ruun", names), "run");
	assert_string_equal(cli_nearest("ne", names), "next");
	assert_string_equal(cli_nearest("list", names), "list");
}

static void far_names_are_not(void **state)
{
	(void)state;
	assert_null(cli_nearest("frobnicate", names));
	assert_null(cli_nearest("xyz", names));
	assert_null(cli_nearest("", names));
	assert_null(cli_nearest("q", names));
	assert_null(cli_nearest("остановить", names));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(near_names_are_found),
		cmocka_unit_test(far_names_are_not),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
