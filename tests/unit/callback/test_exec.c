/* The callback `exec`: what runs, how it ends, what is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "callback/backends.h"
#include "exec_rig.h"

static int setup(void **state)
{
	*state = exec_rig_new();
	return 0;
}

static int teardown(void **state)
{
	exec_rig_free(*state);
	return 0;
}

/* A file for the test, executable, with this text. */
static char *script_new(const char *name, const char *text)
{
	char *path = exec_rig_path(name);
	assert_true(g_file_set_contents(path, text, -1, NULL));
	assert_int_equal(chmod(path, 0755), 0);
	return path;
}

/* --- words, output, ends --- */

static void output_and_status_are_the_answer(void **state)
{
	exec_rig_delivers(*state, "true", NULL);
	exec_rig_delivers(*state, "echo one two", "one two");
	exec_rig_delivers(*state, "/bin/echo 'a  b' $HOME | '*' # comment", "a  b $HOME | *");
	exec_rig_refuses(*state, "false", "exit status 1");
	exec_rig_refuses(*state, "sh -c 'echo out; echo err >&2; exit 3'", "exit status 3\nout\nerr");
	exec_rig_refuses(*state, "sh -c 'kill -SEGV $$'", "killed by SIGSEGV");
	exec_rig_refuses(*state, "sh -c 'echo x; kill -KILL $$'", "killed by SIGKILL\nx");
}

static void times_are_those_of_the_run(void **state)
{
	time_us before = clock_now();
	const struct fire_result *result = exec_rig_run(*state, "sleep 0.2");
	assert_true(result->started_at >= before);
	assert_true(result->finished_at - result->started_at >= 200 * US_PER_MS);
	assert_true(result->finished_at <= clock_now());
}

static void what_cannot_be_started_is_refused_with_its_name(void **state)
{
	g_autofree char *plain = script_new("plain", "echo no line that says what reads it\n");
	g_autofree char *denied = script_new("denied", "#!/bin/sh\n");
	g_autofree char *unread = g_strdup_printf("exec: %s: Exec format error", plain);
	g_autofree char *refused = g_strdup_printf("exec: %s: Permission denied", denied);
	chmod(denied, 0644);
	exec_rig_refuses(*state, "/x/y z", "exec: /x/y: No such file or directory");
	exec_rig_refuses(*state, "no-such-program", "exec: no-such-program: No such file or directory");
	exec_rig_refuses(*state, plain, unread);
	exec_rig_refuses(*state, denied, refused);
	exec_rig_refuses(*state, "", "exec: the command names no program");
	exec_rig_refuses(*state, "'' a", "exec: the command names no program");
	exec_rig_refuses(*state, "echo 'a", "exec: the command has a single quote without an end");
	exec_rig_delivers(*state, "echo after", "after");
}

static void a_command_that_no_kernel_takes_is_refused(void **state)
{
	g_autofree char *word = g_strnfill(9 << 20, 'x'), *command = g_strconcat("echo ", word, NULL);
	exec_rig_refuses(*state, command, "exec: echo: Argument list too long");
	command[5 + (4 << 20)] = '\0';
	exec_rig_refuses(*state, command, "exec: echo: Argument list too long");
	/* A word has 128 KiB. */
	command[5 + 100000] = '\0';
	const struct fire_result *result = exec_rig_run(*state, command);
	assert_int_equal(result->answer, FIRE_DELIVERED);
}

static void a_directory_that_is_missing_is_named(void **state)
{
	exec_rig_set(&exec_rig_settings(*state)->exec.directory, "/no/such/place");
	exec_rig_refuses(*state, "true", "exec: the directory /no/such/place: No such file or directory");
}

static void programs_run_in_the_directory(void **state)
{
	exec_rig_set(&exec_rig_settings(*state)->exec.directory, exec_rig_directory());
	exec_rig_delivers(*state, "pwd", exec_rig_directory());
}

static void a_shell_gets_the_whole_command(void **state)
{
	exec_rig_settings(*state)->exec.shell = true;
	exec_rig_delivers(
		*state, "for i in 1 2; do echo $i$FIRE_ID; done | tail -1", "217@2024-01-01T00:05:00Z");
	exec_rig_delivers(*state, "", NULL);
}

static void placeholders_stay_within_their_word(void **state)
{
	exec_rig_delivers(*state, "echo {name} {attempt}", "{name} {attempt}");
	exec_rig_close(*state, EXEC_RIG_WAIT);
	exec_rig_settings(*state)->placeholders = true;
	exec_rig_delivers(*state, "printf '<%s>' {name} {attempt}-{action_id} {fire_id} {scheduled_at} {x}",
		"<report><2-17><17@2024-01-01T00:05:00Z><2024-01-01T00:05:00Z><{x}>");
	exec_rig_close(*state, EXEC_RIG_WAIT);
	exec_rig_settings(*state)->exec.shell = true;
	exec_rig_delivers(*state, "echo {name}; echo {attempt}", "report\n2");
}

static void program_add(struct exec_rig *rig, const char *name, const char *words)
{
	g_hash_table_insert(exec_rig_settings(rig)->exec.programs, g_strdup(name), g_strdup(words));
}

static void a_list_of_programs_leaves_nothing_else(void **state)
{
	program_add(*state, "show", "/usr/bin/printf '<%s>' 'a b'");
	program_add(*state, "yes", "true");
	exec_rig_delivers(*state, "show c 'd e'", "<a b><c><d e>");
	exec_rig_delivers(*state, "yes", NULL);
	exec_rig_refuses(*state, "echo a", "exec: \"echo\" is not one of exec.programs");
	exec_rig_refuses(
		*state, "/usr/bin/printf a", "exec: \"/usr/bin/printf\" is not one of exec.programs");
}

/* --- output --- */

static void long_output_is_read_to_its_end_and_cut(void **state)
{
	exec_rig_settings(*state)->exec.output_bytes = 20;
	exec_rig_settings(*state)->exec.log_output = false;
	exec_rig_delivers(*state,
		"sh -c 'echo begin; head -c 20000000 /dev/zero | tr \"\\\\0\" x; echo; echo end'",
		"begin\nxxxx\n… 19999991 bytes left out …\nxxxxx\nend");
	exec_rig_close(*state, EXEC_RIG_WAIT);
	exec_rig_settings(*state)->exec.output_bytes = 0;
	exec_rig_delivers(*state, "echo a", NULL);
	exec_rig_refuses(*state, "sh -c 'echo a; exit 1'", "exit status 1");
}

static void what_is_no_text_becomes_text(void **state)
{
	exec_rig_delivers(*state, "printf 'a\\377b\\000c'", "a\357\277\275b\357\277\275c");
	assert_string_equal(exec_rig_told(*state)->lines->pdata[0],
		"17@2024-01-01T00:05:00Z: a\357\277\275b\357\277\275c");
}

static void lines_are_said_with_the_fire(void **state)
{
	exec_rig_delivers(*state, "printf 'one\\n\\ntwo'", "one\n\ntwo");
	const GPtrArray *lines = exec_rig_told(*state)->lines;
	assert_int_equal(lines->len, 2);
	assert_string_equal(lines->pdata[0], "17@2024-01-01T00:05:00Z: one");
	assert_string_equal(lines->pdata[1], "17@2024-01-01T00:05:00Z: two");
	exec_rig_close(*state, EXEC_RIG_WAIT);
	exec_rig_settings(*state)->exec.log_output = false;
	exec_rig_delivers(*state, "echo three", "three");
	assert_int_equal(lines->len, 2);
}

static bool line_is_said(const struct exec_rig_told *told)
{
	return told->lines->len > 0;
}

static void a_line_is_said_as_it_comes(void **state)
{
	g_autofree char *go = exec_rig_path("go-on"),
			*command = g_strdup_printf(
				"sh -c 'echo now; until test -e %s; do sleep 0.01; done'", go);
	size_t fire = exec_rig_submit(*state, command, 0);
	exec_rig_wait(*state, line_is_said, "the line is said");
	assert_false(exec_rig_is_answered(*state, fire));
	assert_true(g_file_set_contents(go, "", 0, NULL));
	assert_int_equal(exec_rig_answer(*state, fire)->answer, FIRE_DELIVERED);
}

static void a_flood_of_lines_gets_through(void **state)
{
	exec_rig_run(*state, "seq 300000");
	assert_int_equal(exec_rig_told(*state)->lines->len, 300000);
	assert_string_equal(exec_rig_told(*state)->lines->pdata[299999], "17@2024-01-01T00:05:00Z: 300000");
}

static void what_a_daemon_holds_open_is_not_waited_for(void **state)
{
	g_autofree char *pid_path = exec_rig_path("daemon"),
			*command = g_strdup_printf(
				"sh -c 'setsid sleep 600 & echo $! >%s.new; mv %s.new %s; echo started'",
				pid_path, pid_path, pid_path);
	exec_rig_delivers(*state, command, "started");
	g_autofree char *text = exec_rig_read(pid_path);
	pid_t pid = atoi(text);
	assert_true(pid > 1);
	assert_false(exec_rig_is_gone(&pid));
	kill(pid, SIGKILL);
}

/* --- time --- */

static void a_timeout_ends_the_group(void **state)
{
	g_autofree char *pid_path = exec_rig_path("child"),
			*command = g_strdup_printf(
				"sh -c 'sleep 600 & echo $! >%s; echo begun; wait'", pid_path);
	const struct fire_result *result = exec_rig_answer(*state, exec_rig_submit(*state, command, 1));
	assert_int_equal(result->answer, FIRE_REJECTED);
	assert_string_equal(result->detail, "timed out after 1 s\nbegun");
	assert_true(result->finished_at - result->started_at >= US_PER_SECOND);
	g_autofree char *text = exec_rig_read(pid_path);
	pid_t pid = atoi(text);
	exec_rig_wait_for(exec_rig_is_gone, &pid, "the child of the program is gone");
}

static void who_does_not_end_is_killed(void **state)
{
	exec_rig_settings(*state)->exec.kill_after = 300 * US_PER_MS;
	const struct fire_result *result = exec_rig_answer(*state,
		exec_rig_submit(*state, "sh -c 'trap \"echo no\" TERM; while :; do sleep 0.1; done'", 1));
	assert_int_equal(result->answer, FIRE_REJECTED);
	assert_non_null(strstr(result->detail, "timed out after 1 s\n"));
	assert_non_null(strstr(result->detail, "no"));
}

/* The program ends at SIGTERM, a child of its does not. */
static void who_is_left_of_a_group_is_killed_before_the_answer(void **state)
{
	exec_rig_settings(*state)->exec.kill_after = 500 * US_PER_MS;
	g_autofree char *pid_path = exec_rig_path("stubborn"),
			*command = g_strdup_printf("sh -c 'sh -c \"trap : TERM; echo \\$\\$ >%s; while :; do "
						   "sleep 0.1; done\" >/dev/null 2>&1 & sleep 600'",
				pid_path);
	const struct fire_result *result = exec_rig_answer(*state, exec_rig_submit(*state, command, 1));
	assert_int_equal(result->answer, FIRE_REJECTED);
	g_autofree char *text = exec_rig_read(pid_path);
	pid_t pid = atoi(text);
	assert_true(pid > 1);
	exec_rig_wait_for(exec_rig_is_gone, &pid, "the child of the program is gone");
}

static void a_stopped_program_ends_too(void **state)
{
	const struct fire_result *result =
		exec_rig_answer(*state, exec_rig_submit(*state, "sh -c 'kill -STOP $$'", 1));
	assert_string_equal(result->detail, "timed out after 1 s");
}

static void close_leaves_nothing_running(void **state)
{
	exec_rig_settings(*state)->exec.kill_after = 300 * US_PER_MS;
	g_autofree char *polite = exec_rig_path("polite"), *rude = exec_rig_path("rude");
	g_autofree char *first =
		g_strdup_printf("sh -c 'trap \"echo >%s.ended; exit\" TERM; echo $$ >%s.new; mv %s.new %s; "
				"while :; do sleep 0.01; done'",
			polite, polite, polite, polite);
	g_autofree char *second = g_strdup_printf(
		"sh -c 'trap : TERM; echo $$ >%s.new; mv %s.new %s; while :; do sleep 0.01; done'", rude,
		rude, rude);
	exec_rig_submit(*state, first, 0);
	exec_rig_submit(*state, second, 0);
	exec_rig_wait_for(exec_rig_is_there, polite, "the first runs");
	exec_rig_wait_for(exec_rig_is_there, rude, "the second runs");
	g_autofree char *first_pid = exec_rig_read(polite), *second_pid = exec_rig_read(rude);
	pid_t first_process = atoi(first_pid), second_process = atoi(second_pid);
	exec_rig_close(*state, 0);
	assert_false(exec_rig_is_answered(*state, 0));
	assert_false(exec_rig_is_answered(*state, 1));
	exec_rig_wait_for(exec_rig_is_gone, &first_process, "the first is gone");
	exec_rig_wait_for(exec_rig_is_gone, &second_process, "the second is gone");
	g_autofree char *ended = g_strconcat(polite, ".ended", NULL);
	assert_true(exec_rig_is_there(ended));
}

/* --- room --- */

static bool is_ready(const struct exec_rig_told *told)
{
	return told->ready > 0;
}

static void no_more_than_concurrency_run(void **state)
{
	exec_rig_settings(*state)->exec.concurrency = 2;
	g_autofree char *go = exec_rig_path("room");
	g_autofree char *command = g_strdup_printf("sh -c 'until test -e %s; do sleep 0.01; done'", go);
	exec_rig_submit(*state, command, 0);
	exec_rig_submit(*state, command, 0);
	assert_false(exec_rig_try(*state, command));
	assert_true(g_file_set_contents(go, "", 0, NULL));
	exec_rig_wait(*state, is_ready, "there is room");
	assert_true(exec_rig_try(*state, "true"));
	exec_rig_answer(*state, 2);
}

static void many_at_a_time(void **state)
{
	exec_rig_settings(*state)->exec.concurrency = 500;
	for (int i = 0; i < 500; i++)
		exec_rig_submit(*state, "sh -c 'sleep 0.2; echo done'", 60);
	for (size_t i = 0; i < 500; i++)
		assert_string_equal(exec_rig_answer(*state, i)->detail, "done");
}

/* --- the helper dies --- */

static bool trouble_is_over(const struct exec_rig_told *told)
{
	return told->trouble_over == 1;
}

static const struct fire_result *helper_kill(struct exec_rig *rig)
{
	g_autofree char *path = exec_rig_path("orphan"),
			*command = g_strdup_printf(
				"sh -c 'echo $$ >%s.new; mv %s.new %s; exec sleep 600'", path, path, path);
	unlink(path);
	size_t fire = exec_rig_submit(rig, command, 0);
	exec_rig_wait_for(exec_rig_is_there, path, "the program runs");
	g_autofree char *text = exec_rig_read(path);
	pid_t program = atoi(text);
	kill(exec_rig_helper(), SIGKILL);
	exec_rig_wait_for(exec_rig_is_gone, &program, "the program dies with the helper");
	return exec_rig_answer(rig, fire);
}

static void another_helper_takes_the_place_of_one_that_died(void **state)
{
	const struct fire_result *result = helper_kill(*state);
	assert_int_equal(result->answer, FIRE_UNAVAILABLE);
	exec_rig_wait(*state, trouble_is_over, "the trouble is over");
	assert_int_equal(exec_rig_told(*state)->trouble, 1);
	exec_rig_delivers(*state, "echo again", "again");
	assert_int_equal(exec_rig_told(*state)->broken, 0);
}

static void at_most_once_what_died_with_the_helper_is_refused(void **state)
{
	exec_rig_settings(*state)->exec.at_most_once = 1;
	assert_int_equal(helper_kill(*state)->answer, FIRE_REJECTED);
}

/* --- what the configuration allows --- */

static void assert_check(struct exec_rig *rig, const char *expected)
{
	g_autoptr(GError) error = NULL;
	bool good = callback_exec.check(exec_rig_settings(rig), NULL, &error);
	assert_true(good == !expected);
	if (expected && !strstr(error->message, expected))
		fail_msg("%s", error->message);
}

static void check_says_what_cannot_be(void **state)
{
	struct exec_settings *exec = &exec_rig_settings(*state)->exec;
	assert_check(*state, NULL);
	program_add(*state, "report", "'/usr/bin/report");
	assert_check(*state, "exec.programs: report: the command has a single quote without an end");
	program_add(*state, "report", "  ");
	assert_check(*state, "exec.programs: report stands for no program");
	program_add(*state, "report", "/usr/bin/report --quiet");
	assert_check(*state, NULL);
	exec->shell = true;
	assert_check(*state, "exec.shell and exec.programs do not go together");
	exec->shell = false;
	g_hash_table_insert(exec->environment, g_strdup("A=B"), g_strdup("c"));
	assert_check(*state, "exec.environment: \"A=B\" cannot be the name of a variable");
	exec->enabled = false;
	assert_check(*state, "exec is off; set exec.enabled: true to let rows run programs");
}

static void begin_max_is_for_at_most_once(void **state)
{
	struct callback_settings *settings = exec_rig_settings(*state);
	assert_int_equal(callback_exec.begin_max(settings), 0);
	settings->exec.at_most_once = 1;
	assert_int_equal(callback_exec.begin_max(settings), settings->exec.concurrency);
}

/* The last one: there is no keeper after it. */
static bool is_broken(const struct exec_rig_told *told)
{
	return told->broken == 1;
}

static void without_keeper_and_helper_the_program_must_end(void **state)
{
	exec_rig_delivers(*state, "true", NULL);
	pid_t keeper = exec_rig_keeper(), helper = exec_rig_helper();
	kill(keeper, SIGKILL);
	exec_rig_wait_for(exec_rig_is_gone, &keeper, "the keeper is gone");
	exec_rig_delivers(*state, "echo still", "still");
	kill(helper, SIGKILL);
	exec_rig_wait(*state, is_broken, "it is broken");
	assert_non_null(strstr(exec_rig_told(*state)->message, "programs cannot be started"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	exec_rig_prepare();
	const struct CMUnitTest tests[] = {
		TEST(output_and_status_are_the_answer),
		TEST(times_are_those_of_the_run),
		TEST(what_cannot_be_started_is_refused_with_its_name),
		TEST(a_command_that_no_kernel_takes_is_refused),
		TEST(a_directory_that_is_missing_is_named),
		TEST(programs_run_in_the_directory),
		TEST(a_shell_gets_the_whole_command),
		TEST(placeholders_stay_within_their_word),
		TEST(a_list_of_programs_leaves_nothing_else),
		TEST(long_output_is_read_to_its_end_and_cut),
		TEST(what_is_no_text_becomes_text),
		TEST(lines_are_said_with_the_fire),
		TEST(a_line_is_said_as_it_comes),
		TEST(a_flood_of_lines_gets_through),
		TEST(what_a_daemon_holds_open_is_not_waited_for),
		TEST(a_timeout_ends_the_group),
		TEST(who_does_not_end_is_killed),
		TEST(who_is_left_of_a_group_is_killed_before_the_answer),
		TEST(a_stopped_program_ends_too),
		TEST(close_leaves_nothing_running),
		TEST(no_more_than_concurrency_run),
		TEST(many_at_a_time),
		TEST(another_helper_takes_the_place_of_one_that_died),
		TEST(at_most_once_what_died_with_the_helper_is_refused),
		TEST(check_says_what_cannot_be),
		TEST(begin_max_is_for_at_most_once),
		TEST(without_keeper_and_helper_the_program_must_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
