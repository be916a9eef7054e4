/* The callback `python`: its workers come, share the fires, die and are replaced. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "python_rig.h"

/* note(name, text) writes a line into a file of the directory; wait(name) waits until it is there. */
#define HELPERS                                                                            \
	"import os, signal, subprocess, sys, time\n"                                       \
	"HERE = os.path.dirname(__file__)\n"                                               \
	"def note(name, text):\n"                                                          \
	"    with open(os.path.join(HERE, name), 'a') as file: file.write(f'{text}\\n')\n" \
	"def wait(name):\n"                                                                \
	"    while not os.path.exists(os.path.join(HERE, name)): time.sleep(0.002)\n"

/* A function that is called with Python to run. */
#define RUNS HELPERS "def send(command): exec(command, globals())\n"

/* Whether such a process is there and not dead. */
static bool lives(pid_t pid)
{
	g_autofree char *path = g_strdup_printf("/proc/%d/stat", (int)pid), *stat = NULL;
	if (!g_file_get_contents(path, &stat, NULL, NULL))
		return false;
	return !strstr(stat, ") Z") && !strstr(stat, ") X");
}

static void wait_dead(pid_t pid)
{
	time_us until = clock_monotonic() + US_PER_MINUTE;
	while (lives(pid)) {
		if (clock_monotonic() > until)
			fail_msg("%d lives", (int)pid);
		usleep(2000);
	}
}

/* The number in a file, which is waited for. */
static pid_t pid_of(struct rig *rig, const char *name)
{
	rig_wait_file(rig, name, "\n");
	g_autofree char *text = rig_read(rig, name);
	return atoi(text);
}

static void test_as_many_calls_at_a_time_as_workers(void **state)
{
	(void)state;
	struct rig *rig = rig_new(RUNS, 3);
	rig_open(rig, "jobs:send");
	uint64_t tickets[5];
	for (int i = 0; i < 5; i++)
		tickets[i] = rig_submit(rig, i, "note('begun', os.getpid()); wait('go'); note('ended', '')");
	time_us until = clock_monotonic() + US_PER_MINUTE;
	g_auto(GStrv) lines = NULL;
	while (!lines || g_strv_length(lines) < 4) {
		assert_true(clock_monotonic() < until);
		g_autofree char *begun = rig_read(rig, "begun");
		g_strfreev(lines);
		lines = g_strsplit(begun, "\n", -1);
	}
	assert_string_not_equal(lines[0], lines[1]);
	assert_string_not_equal(lines[1], lines[2]);
	assert_string_not_equal(lines[0], lines[2]);
	/* None of them is ended, so the others are not begun. */
	assert_int_equal(g_strv_length(lines), 4);
	rig_write(rig, "go", "");
	for (int i = 0; i < 5; i++)
		rig_assert_delivered(rig, tickets[i]);
	rig_free(rig);
}

static void test_workers_come_as_they_are_needed(void **state)
{
	(void)state;
	struct rig *rig = rig_new(HELPERS "note('pids', os.getpid())\ndef send(command): pass\n", 8);
	rig_open(rig, "jobs:send");
	for (int i = 0; i < 50; i++)
		rig_assert_delivered(rig, rig_submit(rig, 1, ""));
	g_autofree char *pids = rig_read(rig, "pids");
	g_auto(GStrv) lines = g_strsplit(g_strchomp(pids), "\n", -1);
	assert_in_range(g_strv_length(lines), 1, 2);
	rig_free(rig);
}

static void test_fires_of_an_action_keep_their_order(void **state)
{
	(void)state;
	struct rig *rig = rig_new(RUNS, 4);
	rig_open(rig, "jobs:send");
	uint64_t last = 0;
	for (int i = 0; i < 300; i++) {
		g_autofree char *command =
			g_strdup_printf("time.sleep(%d / 10000); note('%d', %d)", (i * 7) % 5, i % 3, i / 3);
		last = rig_submit(rig, i % 3, command);
	}
	rig_assert_delivered(rig, last);
	for (uint64_t i = 0; i < last; i++)
		rig_assert_delivered(rig, i);
	GString *expected = g_string_new(NULL);
	for (int i = 0; i < 100; i++)
		g_string_append_printf(expected, "%d\n", i);
	for (int i = 0; i < 3; i++) {
		g_autofree char *name = g_strdup_printf("%d", i), *seen = rig_read(rig, name);
		assert_string_equal(seen, expected->str);
	}
	g_string_free(expected, true);
	rig_free(rig);
}

/* Short calls are handed over in numbers; when one of them is long, those behind it go to another worker. */
static void test_long_call_holds_up_no_others(void **state)
{
	(void)state;
	struct rig *rig = rig_new(RUNS, 2);
	rig_open(rig, "jobs:send");
	for (int i = 0; i < 200; i++)
		rig_assert_delivered(rig, rig_submit(rig, i % 10, ""));
	uint64_t lengthy = rig_submit(rig, 1000, "wait('go')");
	for (int i = 0; i < 200; i++)
		rig_submit(rig, i, "");
	for (int i = 0; i < 200; i++)
		rig_assert_delivered(rig, lengthy + 1 + (uint64_t)i);
	assert_false(rig_is_answered(rig, lengthy));
	rig_write(rig, "go", "");
	rig_assert_delivered(rig, lengthy);
	rig_free(rig);
}

static void test_timeout_ends_the_call_and_what_it_started(void **state)
{
	(void)state;
	struct rig *rig = rig_new(RUNS, 1);
	rig_open(rig, "jobs:send");
	for (int i = 0; i < 50; i++)
		rig_assert_delivered(rig, rig_submit(rig, 1, ""));
	rig->timeout_s = 1;
	uint64_t hangs = rig_submit(rig, 1,
		"note('worker', os.getpid()); note('child', subprocess.Popen(['sleep', '1000']).pid); "
		"wait('never')");
	uint64_t stubborn = rig_submit(rig, 1,
		"signal.signal(signal.SIGTERM, signal.SIG_IGN); note('stubborn', os.getpid()); "
		"wait('never')");
	rig->timeout_s = 60;
	uint64_t others[20];
	for (int i = 0; i < 20; i++)
		others[i] = rig_submit(rig, 2 + i, "");
	rig_assert_answer(rig, hangs, FIRE_REJECTED, "timed out after 1 s");
	const struct fire_result *result = rig_answer(rig, hangs);
	assert_true(result->finished_at - result->started_at >= US_PER_SECOND);
	wait_dead(pid_of(rig, "worker"));
	wait_dead(pid_of(rig, "child"));
	for (int i = 0; i < 20; i++)
		rig_assert_delivered(rig, others[i]);
	/* It ignores SIGTERM, so SIGKILL follows. */
	rig_assert_answer(rig, stubborn, FIRE_REJECTED, "timed out after 1 s");
	wait_dead(pid_of(rig, "stubborn"));
	assert_int_equal(rig->troubles, 0);
	rig_free(rig);
}

static void test_timeout_reaches_a_worker_out_of_its_group(void **state)
{
	(void)state;
	struct rig *rig = rig_new(RUNS, 1);
	rig_open(rig, "jobs:send");
	rig->timeout_s = 1;
	rig_assert_answer(rig, rig_submit(rig, 1, "os.setpgid(0, os.getpgid(os.getppid())); wait('never')"),
		FIRE_REJECTED, "timed out after 1 s");
	rig_free(rig);
}

static void test_fire_of_a_dead_worker_is_repeated_once(void **state)
{
	(void)state;
	struct rig *rig = rig_new(RUNS, 2);
	rig_open(rig, "jobs:send");
	uint64_t once = rig_submit(rig, 1,
		"first = not os.path.exists(HERE + '/once'); note('once', '')\n"
		"if first: os.kill(os.getpid(), signal.SIGKILL)");
	uint64_t after = rig_submit(rig, 1, "note('after', open(HERE + '/once').read().count('\\n'))");
	rig_assert_delivered(rig, once);
	rig_assert_delivered(rig, after);
	/* The order is kept: the repeat came first. */
	rig_wait_file(rig, "after", "2\n");
	rig_wait_said(rig, "was killed by signal 9 (Killed) while it called the function for "
			   "1@2024-01-01T00:05:00Z, which is repeated");
	rig_free(rig);
}

static void test_fire_that_kills_workers_is_refused(void **state)
{
	(void)state;
	struct rig *rig = rig_new(RUNS, 2);
	rig_open(rig, "jobs:send");
	for (int i = 0; i < 50; i++)
		rig_assert_delivered(rig, rig_submit(rig, i % 5, ""));
	uint64_t segfault = rig_submit(rig, 1, "note('deaths', ''); import ctypes; ctypes.string_at(0)");
	uint64_t ends = rig_submit(rig, 2, "note('ends', ''); os._exit(3)");
	uint64_t others[50];
	for (int i = 0; i < 50; i++)
		others[i] = rig_submit(rig, 3 + i, "note('others', '')");
	rig_assert_answer(
		rig, segfault, FIRE_REJECTED, "the worker was killed by signal 11 (Segmentation fault)");
	rig_assert_answer(rig, ends, FIRE_REJECTED, "the worker ended with status 3");
	for (int i = 0; i < 50; i++)
		rig_assert_delivered(rig, others[i]);
	g_autofree char *deaths = rig_read(rig, "deaths"), *end = rig_read(rig, "ends"),
			*seen = rig_read(rig, "others");
	assert_string_equal(deaths, "\n\n");
	assert_string_equal(end, "\n\n");
	/* What had not begun is not repeated. */
	assert_int_equal(strlen(seen), 50);
	/* faulthandler tells where. */
	rig_wait_said(rig, "Fatal Python error: Segmentation fault");
	rig_free(rig);
}

static void test_worker_that_died_idle_is_replaced(void **state)
{
	(void)state;
	struct rig *rig = rig_new(RUNS, 1);
	rig_open(rig, "jobs:send");
	rig_assert_delivered(rig, rig_submit(rig, 1, "note('pid', os.getpid())"));
	/* So that it is not taken for one that cannot live. */
	usleep(1100000);
	kill(pid_of(rig, "pid"), SIGTERM);
	rig_wait_said(rig, "was killed by signal 15 (Terminated)");
	rig_assert_delivered(rig, rig_submit(rig, 1, ""));
	assert_int_equal(rig->troubles, 0);
	rig_free(rig);
}

static void test_module_that_is_not_there_is_waited_for(void **state)
{
	(void)state;
	struct rig *rig = rig_new(NULL, 4);
	rig_open(rig, "jobs:send");
	rig_submit_in_vain(rig, "the function cannot be loaded: ModuleNotFoundError: No module named 'jobs'");
	rig_write(rig, "jobs.py", HELPERS "import nonsense\n");
	rig_wait_said(rig, "No module named 'nonsense'");
	rig_write(rig, "jobs.py", HELPERS "def sent(command): pass\n");
	rig_wait_said(rig, "module 'jobs' has no attribute 'send'");
	rig_write(rig, "jobs.py", HELPERS "send = 3\n");
	rig_wait_said(rig, "TypeError: jobs:send is a int, not a function");
	rig_write(rig, "jobs.py", HELPERS "def send(command): note('seen', command)\n");
	rig_wait_count(rig, &rig->troubles_over, 1);
	rig_assert_delivered(rig, rig_submit(rig, 1, "at last"));
	rig_wait_file(rig, "seen", "at last");
	/* It was one outage. */
	assert_int_equal(rig->troubles, 1);
	rig_free(rig);
}

static void test_death_on_import_is_waited_out(void **state)
{
	(void)state;
	struct rig *rig = rig_new("import os\nos._exit(7)\n", 2);
	rig_open(rig, "jobs:send");
	rig_submit_in_vain(rig, "the worker ended with status 7");
	rig_write(rig, "jobs.py", "import sys\nsys.exit('not today')\n");
	rig_wait_said(rig, "the function cannot be loaded: SystemExit: not today");
	rig_close(rig, US_PER_MINUTE);
	rig_free(rig);
}

/* Others that work go on, and a worker that is missing is tried for. */
static void test_module_that_breaks_spares_workers_that_have_it(void **state)
{
	(void)state;
	struct rig *rig = rig_new(RUNS, 2);
	rig_open(rig, "jobs:send");
	uint64_t lengthy = rig_submit(rig, 1, "wait('go')");
	rig_assert_delivered(rig, rig_submit(rig, 2, ""));
	rig_write(rig, "jobs.py", "syntax error\n");
	uint64_t kills = rig_submit(rig, 2, "note('killed', ''); os._exit(1)");
	rig_wait_said(rig, "a worker: the function cannot be loaded: SyntaxError");
	assert_false(rig_is_answered(rig, kills));
	assert_int_equal(rig->troubles, 0);
	rig_write(rig, "go", "");
	rig_assert_delivered(rig, lengthy);
	/* The one that is left takes it, and dies of it; nobody is there then. */
	rig_assert_answer(rig, kills, FIRE_REJECTED, "the worker ended with status 1");
	rig_submit_in_vain(rig, "SyntaxError");
	rig_free(rig);
}

static void test_interpreter_that_is_no_python(void **state)
{
	(void)state;
	struct rig *rig = rig_new(RUNS, 2);
	rig->settings.python.interpreter = (char *)"/bin/false";
	rig_open(rig, "jobs:send");
	rig_submit_in_vain(rig, "the worker ended with status 1");
	rig_free(rig);
}

/* Something else on descriptor 3: it is not believed. */
static void test_worker_that_breaks_the_protocol_is_killed(void **state)
{
	(void)state;
	struct rig *rig = rig_new(RUNS, 1);
	rig_open(rig, "jobs:send");
	rig_assert_answer(rig, rig_submit(rig, 1, "os.write(3, b'.{\"id\": 12345}'); wait('never')"),
		FIRE_REJECTED, "was killed by signal 9");
	rig_wait_said(rig, "answered what was not asked, and is killed");
	rig_assert_answer(rig, rig_submit(rig, 1, "os.write(3, b'nonsense'); wait('never')"), FIRE_REJECTED,
		"signal 9");
	rig_wait_said(rig, "said what is no frame, and is killed");
	rig_assert_delivered(rig, rig_submit(rig, 1, ""));
	rig_free(rig);
}

static void test_forked_child_answers_nothing(void **state)
{
	(void)state;
	struct rig *rig = rig_new(RUNS, 1);
	rig_open(rig, "jobs:send");
	for (int i = 0; i < 20; i++)
		rig_assert_delivered(rig, rig_submit(rig, 1, "os.fork()"));
	rig_assert_delivered(rig, rig_submit(rig, 1, "os.fork() or os._exit(0)"));
	/* Children that went on as if they were the worker have ended by then, and closed their output. */
	rig_wait_said(rig, "Bad file descriptor");
	rig_close(rig, US_PER_MINUTE);
	assert_false(rig_has_said(rig, "answered what was not asked"));
	rig_free(rig);
}

static void test_closed_streams_harm_nothing(void **state)
{
	(void)state;
	struct rig *rig = rig_new(RUNS, 1);
	rig_open(rig, "jobs:send");
	rig_assert_delivered(rig, rig_submit(rig, 1, "os.close(1); os.close(2); sys.stdout = None"));
	rig_assert_delivered(rig, rig_submit(rig, 1, "note('pid', os.getpid())"));
	rig_free(rig);
}

static void test_close_lets_workers_end_in_good_order(void **state)
{
	(void)state;
	struct rig *rig =
		rig_new(RUNS "import atexit\natexit.register(lambda: note('atexit', 'ended'))\n", 1);
	rig_open(rig, "jobs:send");
	uint64_t ticket = rig_submit(rig, 1, "time.sleep(0.1); note('pid', os.getpid())");
	rig_close(rig, US_PER_MINUTE);
	rig_assert_delivered(rig, ticket);
	rig_wait_file(rig, "atexit", "ended");
	assert_false(lives(pid_of(rig, "pid")));
	rig_free(rig);
}

static void test_close_kills_what_runs_past_the_deadline(void **state)
{
	(void)state;
	struct rig *rig = rig_new(RUNS, 2);
	rig_open(rig, "jobs:send");
	uint64_t ticket = rig_submit(rig, 1,
		"note('pid', os.getpid()); note('child', subprocess.Popen(['sleep', '1000']).pid); "
		"wait('never')");
	uint64_t behind = rig_submit(rig, 1, "");
	pid_t pid = pid_of(rig, "pid"), child = pid_of(rig, "child");
	rig_close(rig, US_PER_SECOND / 10);
	assert_false(rig_is_answered(rig, ticket));
	assert_false(rig_is_answered(rig, behind));
	assert_false(lives(pid));
	wait_dead(child);
	rig_free(rig);
}

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	setenv("PYTHONDONTWRITEBYTECODE", "1", 1);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_as_many_calls_at_a_time_as_workers),
		cmocka_unit_test(test_workers_come_as_they_are_needed),
		cmocka_unit_test(test_fires_of_an_action_keep_their_order),
		cmocka_unit_test(test_long_call_holds_up_no_others),
		cmocka_unit_test(test_timeout_ends_the_call_and_what_it_started),
		cmocka_unit_test(test_timeout_reaches_a_worker_out_of_its_group),
		cmocka_unit_test(test_fire_of_a_dead_worker_is_repeated_once),
		cmocka_unit_test(test_fire_that_kills_workers_is_refused),
		cmocka_unit_test(test_worker_that_died_idle_is_replaced),
		cmocka_unit_test(test_module_that_is_not_there_is_waited_for),
		cmocka_unit_test(test_death_on_import_is_waited_out),
		cmocka_unit_test(test_module_that_breaks_spares_workers_that_have_it),
		cmocka_unit_test(test_interpreter_that_is_no_python),
		cmocka_unit_test(test_worker_that_breaks_the_protocol_is_killed),
		cmocka_unit_test(test_forked_child_answers_nothing),
		cmocka_unit_test(test_closed_streams_harm_nothing),
		cmocka_unit_test(test_close_lets_workers_end_in_good_order),
		cmocka_unit_test(test_close_kills_what_runs_past_the_deadline),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
