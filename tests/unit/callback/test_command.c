/* Placeholders in commands, and names of callbacks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "callback/callback.h"
#include "callback/command.h"

static struct action *action_make(const char *name)
{
	struct action *action = g_malloc0(sizeof(*action) + strlen(name) + 2);
	action->id = 17;
	action->name_length = (uint32_t)strlen(name);
	strcpy(action->text, name);
	return action;
}

static void check(const char *text, enum command_quoting quoting, const char *expected)
{
	g_autofree struct action *action = action_make("a 'b' \"c\"");
	const struct command_extra extra = {"command", "<{name}>"};
	struct fire fire = {.action = action, .nominal = INT64_C(1704067500) * US_PER_SECOND, .attempt = 2};
	g_autofree char *expanded = command_expand(text, &fire, quoting, &extra, 1);
	assert_string_equal(expanded, expected);
}

static void placeholders_are_replaced(void **state)
{
	(void)state;
	check("", COMMAND_PLAIN, "");
	check("x", COMMAND_PLAIN, "x");
	check("{fire_id}", COMMAND_PLAIN, "17@2024-01-01T00:05:00Z");
	check("a{action_id}b{attempt}c", COMMAND_PLAIN, "a17b2c");
	check("{scheduled_at}{scheduled_at}", COMMAND_PLAIN, "2024-01-01T00:05:00Z2024-01-01T00:05:00Z");
	check("-{name}-", COMMAND_PLAIN, "-a 'b' \"c\"-");
}

static void other_braces_stay(void **state)
{
	(void)state;
	check("{", COMMAND_PLAIN, "{");
	check("{}", COMMAND_PLAIN, "{}");
	check("{names} {NAME} {name", COMMAND_PLAIN, "{names} {NAME} {name");
	check("{{attempt}}", COMMAND_PLAIN, "{2}");
	check("{\"a\": {attempt}}", COMMAND_PLAIN, "{\"a\": 2}");
	check("${attempt}", COMMAND_PLAIN, "$2");
}

static void values_are_quoted_for_their_place(void **state)
{
	(void)state;
	check("echo {name}", COMMAND_SHELL, "echo 'a '\\''b'\\'' \"c\"'");
	check("{\"n\":{name}}", COMMAND_JSON, "{\"n\":\"a 'b' \\\"c\\\"\"}");
	check("/run?id={fire_id}", COMMAND_URL, "/run?id=17%402024-01-01T00%3A05%3A00Z");
}

static void an_extra_one_is_put_in_once_and_as_it_is(void **state)
{
	(void)state;
	check("{command}{commands}", COMMAND_JSON, "<{name}>{commands}");
}

static void the_list_of_names_is_in_the_error(void **state)
{
	(void)state;
	g_autoptr(GError) error = NULL;
	g_autofree char *canonical = NULL;
	assert_non_null(callback_find("action_scheduler.callbacks:print_command", &canonical, NULL));
	assert_string_equal(canonical, "print");
	assert_null(callback_find("printer", NULL, &error));
	assert_non_null(strstr(error->message, "print, none"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(placeholders_are_replaced),
		cmocka_unit_test(other_braces_stay),
		cmocka_unit_test(values_are_quoted_for_their_place),
		cmocka_unit_test(an_extra_one_is_put_in_once_and_as_it_is),
		cmocka_unit_test(the_list_of_names_is_in_the_error),
	};
	return cmocka_run_group_tests_name("command", tests, NULL, NULL);
}
