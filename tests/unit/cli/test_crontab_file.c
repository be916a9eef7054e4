/* A crontab as cronie reads it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "cli/crontab_file.h"
#include "config/config.h"

static struct crontab *read_text(const char *text, size_t length, bool with_users, GPtrArray *problems)
{
	struct crontab *crontab = crontab_read(text, length, "file", with_users, problems);
	assert_non_null(crontab);
	return crontab;
}

static struct crontab *read_good(const char *text, bool with_users)
{
	g_autoptr(GPtrArray) problems = config_problems_new();
	struct crontab *crontab = read_text(text, strlen(text), with_users, problems);
	if (problems->len) {
		g_autofree char *why = config_problem_text(g_ptr_array_index(problems, 0));
		fail_msg("%s: %s", text, why);
	}
	return crontab;
}

static const struct crontab_entry *entry_at(const struct crontab *crontab, guint i)
{
	assert_true(i < crontab->entries->len);
	return g_ptr_array_index(crontab->entries, i);
}

/* One line that is an entry. */
static void expect_entry(const char *line, const char *schedule, const char *command, const char *input)
{
	struct crontab *crontab = read_good(line, false);
	const struct crontab_entry *entry = entry_at(crontab, 0);
	assert_int_equal(crontab->entries->len, 1);
	assert_string_equal(entry->schedule, schedule);
	assert_string_equal(entry->command, command);
	if (input)
		assert_string_equal(entry->input, input);
	else
		assert_null(entry->input);
	crontab_free(crontab);
}

static void expect_setting(const char *line, const char *name, const char *value)
{
	struct crontab *crontab = read_good(line, false);
	assert_int_equal(crontab->settings->len, 1);
	const struct crontab_setting *setting = g_ptr_array_index(crontab->settings, 0);
	assert_string_equal(setting->name, name);
	assert_string_equal(setting->value, value);
	crontab_free(crontab);
}

/* A text with one bad line, and a part of what is said. */
static void expect_problem(
	const char *text, size_t length, bool with_users, const char *place, const char *part)
{
	g_autoptr(GPtrArray) problems = config_problems_new();
	struct crontab *crontab = read_text(text, length, with_users, problems);
	assert_int_equal(problems->len, 1);
	const struct config_problem *problem = g_ptr_array_index(problems, 0);
	assert_string_equal(problem->place, place);
	if (!strstr(problem->reason, part))
		fail_msg("%s: %s", text, problem->reason);
	crontab_free(crontab);
}

static void expect_bad(const char *text, const char *part)
{
	expect_problem(text, strlen(text), false, "file:1", part);
}

static void entries(void **state)
{
	(void)state;
	expect_entry("*/5 * * * * run it", "*/5 * * * *", "run it", NULL);
	expect_entry(" \t1\t2  3 jan \t fri \t run  it \n", "1 2 3 jan fri", "run  it ", NULL);
	expect_entry("0 0 * * * run # no comment\r\n", "0 0 * * *", "run # no comment", NULL);
	expect_entry("-0 0 * * * quiet", "0 0 * * *", "quiet", NULL);
	expect_entry("@yearly x", "0 0 1 1 *", "x", NULL);
	expect_entry("@annually x", "0 0 1 1 *", "x", NULL);
	expect_entry("@monthly x", "0 0 1 * *", "x", NULL);
	expect_entry("@weekly x", "0 0 * * 0", "x", NULL);
	expect_entry("@daily\tx", "0 0 * * *", "x", NULL);
	expect_entry("@midnight x", "0 0 * * *", "x", NULL);
	expect_entry("@hourly A=1 x", "0 * * * *", "A=1 x", NULL);
	expect_entry("0 0 * * * A=1 x", "0 0 * * *", "A=1 x", NULL);
}

static void percent_signs(void **state)
{
	(void)state;
	expect_entry("@daily x%", "0 0 * * *", "x", "");
	expect_entry("@daily x%a", "0 0 * * *", "x", "a\n");
	expect_entry("@daily x%a%%b%", "0 0 * * *", "x", "a\n\nb\n");
	expect_entry("@daily x\\%y%\\%z", "0 0 * * *", "x%y", "%z\n");
	expect_entry("@daily x\\\\%y \\n\\", "0 0 * * *", "x\\%y \\n\\", NULL);
}

static void settings(void **state)
{
	(void)state;
	expect_setting("SHELL=/bin/bash", "SHELL", "/bin/bash");
	expect_setting(" A  =  b c  ", "A", "b c");
	expect_setting("A=", "A", "");
	expect_setting("MAILTO=\"\"", "MAILTO", "");
	expect_setting("'A B' = \" b \" ", "A B", " b ");
	expect_setting("A=b=\"c\"", "A", "b=\"c\"");
	expect_bad("A=\"b", "1 field");
	expect_bad("A=\"b\" c", "2 fields");
	expect_bad("=b", "1 field");
}

static void zones_hold_for_the_lines_below(void **state)
{
	(void)state;
	struct crontab *crontab =
		read_good("@daily a\nCRON_TZ=Asia/Tokyo\n@daily b\nCRON_TZ=\"\"\n@daily c\n", false);
	assert_null(entry_at(crontab, 0)->timezone);
	assert_string_equal(entry_at(crontab, 1)->timezone, "Asia/Tokyo");
	assert_null(entry_at(crontab, 2)->timezone);
	assert_int_equal(entry_at(crontab, 2)->line, 5);
	crontab_free(crontab);
}

static void comments_right_above_name_an_entry(void **state)
{
	(void)state;
	struct crontab *crontab = read_good("# name: far\n"
					    "\n"
					    "@daily a\n"
					    "# name: near \n"
					    "#columns:  {\"id\": 1}\n"
					    "# something else\n"
					    "@daily b\n"
					    "@daily c\n"
					    "# columns: of the table\n"
					    "# names: no\n"
					    "@daily d\n",
		false);
	assert_null(entry_at(crontab, 0)->name);
	assert_string_equal(entry_at(crontab, 1)->name, "near");
	assert_string_equal(entry_at(crontab, 1)->columns, "{\"id\": 1}");
	assert_int_equal(entry_at(crontab, 1)->columns_line, 5);
	assert_null(entry_at(crontab, 2)->name);
	assert_null(entry_at(crontab, 3)->name);
	assert_null(entry_at(crontab, 3)->columns);
	crontab_free(crontab);
}

static void system_crontabs_name_users(void **state)
{
	(void)state;
	struct crontab *crontab =
		read_good("17 *\t* * *\troot    cd / && run-parts\n@daily nobody x\n", true);
	assert_string_equal(entry_at(crontab, 0)->user, "root");
	assert_string_equal(entry_at(crontab, 0)->command, "cd / && run-parts");
	assert_string_equal(entry_at(crontab, 1)->user, "nobody");
	crontab_free(crontab);
	expect_problem("* * * * * root", 14, true, "file:1", "no command");
	expect_problem("* * * * *", 9, true, "file:1", "no command");
}

static void bad_lines(void **state)
{
	(void)state;
	expect_bad("@reboot x", "@reboot is no time");
	expect_bad("@every x", "'@every' is none of @yearly");
	expect_bad("@DAILY x", "is none of");
	expect_bad("@daily", "no command");
	expect_bad("* * * * *", "no command");
	expect_bad("* * * *", "4 fields");
	expect_bad("* * * * * * x", "more than five fields");
	expect_bad("@daily %x", "no command before the %");
	expect_problem("\n\n@daily \xff", 10, false, "file:3", "UTF-8");
	expect_problem("@daily a\0b", 10, false, "file:1", "NUL");
}

static void what_is_escaped_reads_back(void **state)
{
	static const char *const commands[] = {"date +%F", "a\\%b", "%", "\\", "\\\\%%"};
	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(commands); i++) {
		g_autofree char *escaped = crontab_escape(commands[i]);
		g_autofree char *line = g_strconcat("@daily ", escaped, NULL);
		expect_entry(line, "0 0 * * *", commands[i], NULL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entries),
		cmocka_unit_test(percent_signs),
		cmocka_unit_test(settings),
		cmocka_unit_test(zones_hold_for_the_lines_below),
		cmocka_unit_test(comments_right_above_name_an_entry),
		cmocka_unit_test(system_crontabs_name_users),
		cmocka_unit_test(bad_lines),
		cmocka_unit_test(what_is_escaped_reads_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
