/* docs/cli.md is made from the table of verbs; --help of every verb has all that one looks for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/verb.h"

static void the_reference_is_in_step_with_the_verbs(void **state)
{
	(void)state;
	const char *root = getenv("SOURCE_ROOT");
	assert_non_null(root);
	g_autofree char *path = g_build_filename(root, "docs/cli.md", NULL);
	g_autofree char *kept = NULL;
	g_autofree char *made = cli_reference_markdown();
	assert_true(g_file_get_contents(path, &kept, NULL, NULL));
	assert_string_equal(made, kept);
}

static void every_verb_has_its_help(void **state)
{
	(void)state;
	g_autofree char *all = cli_help(NULL);
	for (size_t i = 0; verbs[i]; i++) {
		g_autofree char *help = cli_help(verbs[i]);
		g_autofree char *usage =
			g_strdup_printf("Usage: action-scheduler [GLOBAL OPTIONS] %s", verbs[i]->name);
		assert_true(g_str_has_prefix(help, usage));
		assert_non_null(strstr(help, "\nExamples:\n  action-scheduler "));
		assert_non_null(strstr(help, "--config FILE"));
		assert_true((strstr(help, "-o, --output") != NULL) == verbs[i]->listing);
		for (const GOptionEntry *entry = verbs[i]->options; entry && entry->long_name; entry++)
			assert_non_null(strstr(help, entry->long_name));
		assert_non_null(strstr(all, verbs[i]->summary));
	}
}

/* GOption says nothing of an option that is there twice. */
static void no_option_has_two_meanings(void **state)
{
	(void)state;
	for (size_t i = 0; verbs[i]; i++) {
		g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
		const GOptionEntry *sets[] = {verbs[i]->options, cli_output_options, cli_global_options};
		for (size_t j = 0; j < G_N_ELEMENTS(sets); j++)
			for (const GOptionEntry *entry = sets[j]; entry && entry->long_name; entry++)
				assert_true(g_hash_table_add(seen, (gpointer)entry->long_name));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_reference_is_in_step_with_the_verbs),
		cmocka_unit_test(every_verb_has_its_help),
		cmocka_unit_test(no_option_has_two_meanings),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
