/* The callback `python`: what a function finds, and what becomes of what it does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "callback/backends.h"
#include "callback/python_worker.h"
#include "python_rig.h"

/* Beginning of modules: writes a line into a file of their directory. */
#define NOTE                                                         \
	"import os\n"                                                \
	"def note(name, text):\n"                                    \
	"    path = os.path.join(os.path.dirname(__file__), name)\n" \
	"    with open(path, 'a', encoding='utf-8') as file:\n"      \
	"        file.write(f'{text}\\n')\n"

static void test_command_is_the_only_argument(void **state)
{
	(void)state;
	struct rig *rig = rig_new(NOTE "def send(command: str):\n    note('seen', repr(command))\n", 1);
	rig_open(rig, "jobs:send");
	rig_assert_delivered(rig, rig_submit(rig, 1, "it's {\"a\": 1}\t\\ \xd0\xb1\xf0\x9f\x98\x80"));
	g_autofree char *seen = rig_read(rig, "seen");
	assert_string_equal(seen, "'it\\'s {\"a\": 1}\\t\\\\ \xd0\xb1\xf0\x9f\x98\x80'\n");
	rig_free(rig);
}

static void test_fire_is_told(void **state)
{
	(void)state;
	struct rig *rig = rig_new(NOTE "from action_scheduler_fire import current_fire\n"
				       "assert current_fire() is None\n"
				       "def send(command):\n"
				       "    f = current_fire()\n"
				       "    note('seen', [f.fire_id, f.action_id, f.action_name, f.attempt, "
				       "f.scheduled_at.isoformat()])\n",
		1);
	rig_open(rig, "jobs:send");
	rig_assert_delivered(rig, rig_submit(rig, 17, "c"));
	g_autofree char *seen = rig_read(rig, "seen");
	assert_string_equal(
		seen, "['17@2024-01-01T00:05:00Z', 17, 'the name', 2, '2024-01-01T00:05:00+00:00']\n");
	rig_free(rig);
}

static void test_placeholders_are_replaced_where_configured(void **state)
{
	(void)state;
	struct rig *rig = rig_new(NOTE "def send(command):\n    note('seen', command)\n", 1);
	rig_open(rig, "jobs:send");
	rig_assert_delivered(rig, rig_submit(rig, 17, "{name} {fire_id}"));
	rig_close(rig, US_PER_MINUTE);
	rig->settings.placeholders = true;
	rig_open(rig, "jobs:send");
	rig_assert_delivered(rig, rig_submit(rig, 17, "{name} {fire_id}"));
	g_autofree char *seen = rig_read(rig, "seen");
	assert_string_equal(seen, "{name} {fire_id}\nthe name 17@2024-01-01T00:05:00Z\n");
	rig_free(rig);
}

static void test_exception_is_a_refusal_with_its_traceback(void **state)
{
	(void)state;
	struct rig *rig = rig_new("def deep(n):\n"
				  "    if n: deep(n - 1)\n"
				  "    raise ValueError('no such ' + 'thing' * 1000 + ' \\udcff the end')\n"
				  "def send(command):\n"
				  "    if command == 'deep': deep(100)\n"
				  "    raise KeyError(command)\n",
		1);
	rig_open(rig, "jobs:send");
	uint64_t ticket = rig_submit(rig, 1, "a thing");
	rig_assert_answer(rig, ticket, FIRE_REJECTED, "KeyError: 'a thing'");
	const char *detail = rig_answer(rig, ticket)->detail;
	assert_true(g_str_has_prefix(detail, "Traceback (most recent call last):\n  File \""));
	assert_non_null(strstr(detail, "jobs.py\", line 6, in send"));
	assert_null(strstr(detail, "in call"));
	ticket = rig_submit(rig, 1, "deep");
	rig_assert_answer(rig, ticket, FIRE_REJECTED, "thing \\udcff the end");
	size_t length = strlen(rig_answer(rig, ticket)->detail);
	assert_in_range(length, 4000, 4096);
	rig_free(rig);
}

/* And the worker goes on: the process is the same. */
static void test_whatever_is_raised_is_a_refusal(void **state)
{
	(void)state;
	struct rig *rig = rig_new(NOTE "import sys\n"
				       "class Odd(BaseException):\n"
				       "    def __str__(self): raise self\n"
				       "def send(command):\n"
				       "    note('pids', os.getpid())\n"
				       "    if command == 'exit': sys.exit(3)\n"
				       "    if command == 'interrupt': raise KeyboardInterrupt\n"
				       "    if command == 'odd': raise Odd\n"
				       "    if command == 'endless': send2(command)\n"
				       "def send2(command): send2(command)\n"
				       "def none(): pass\n",
		1);
	rig_open(rig, "jobs:send");
	uint64_t tickets[] = {rig_submit(rig, 1, "exit"), rig_submit(rig, 2, "interrupt"),
		rig_submit(rig, 3, "odd"), rig_submit(rig, 4, "endless"), rig_submit(rig, 5, "")};
	rig_assert_answer(rig, tickets[0], FIRE_REJECTED, "SystemExit: 3");
	rig_assert_answer(rig, tickets[1], FIRE_REJECTED, "KeyboardInterrupt");
	rig_assert_answer(rig, tickets[2], FIRE_REJECTED, "Odd");
	rig_assert_answer(rig, tickets[3], FIRE_REJECTED, "RecursionError");
	rig_assert_delivered(rig, tickets[4]);
	g_autofree char *pids = rig_read(rig, "pids");
	g_auto(GStrv) lines = g_strsplit(g_strchomp(pids), "\n", -1);
	assert_int_equal(g_strv_length(lines), 5);
	for (size_t i = 1; i < 5; i++)
		assert_string_equal(lines[i], lines[0]);
	rig_close(rig, US_PER_MINUTE);
	rig_open(rig, "jobs:none");
	rig_assert_answer(
		rig, rig_submit(rig, 1, "c"), FIRE_REJECTED, "TypeError: none() takes 0 positional");
	rig_free(rig);
}

static void test_coroutine_is_run(void **state)
{
	(void)state;
	struct rig *rig = rig_new(NOTE "import asyncio\n"
				       "async def send(command):\n"
				       "    await asyncio.sleep(0)\n"
				       "    if command == 'bad': raise ValueError('in vain')\n"
				       "    note('seen', command)\n",
		1);
	rig_open(rig, "jobs:send");
	rig_assert_delivered(rig, rig_submit(rig, 1, "good"));
	rig_assert_answer(rig, rig_submit(rig, 1, "bad"), FIRE_REJECTED, "ValueError: in vain");
	rig_wait_file(rig, "seen", "good");
	rig_free(rig);
}

static void test_output_is_said_by_lines(void **state)
{
	(void)state;
	struct rig *rig = rig_new("import os, sys\n"
				  "print('on import')\n"
				  "def send(command):\n"
				  "    print('one\\ntwo', command)\n"
				  "    print('no newline \\u0431', end='')\n"
				  "    print('error', file=sys.stderr)\n"
				  "    os.write(1, b'\\xff bytes\\n')\n"
				  "    os.system('echo of a child')\n"
				  "    print('x' * 10000)\n"
				  "    print('last', end='')\n",
		1);
	rig_open(rig, "jobs:send");
	rig_assert_delivered(rig, rig_submit(rig, 1, "c"));
	rig_close(rig, US_PER_MINUTE);
	assert_true(rig_has_said(rig, "on import\n"));
	assert_true(rig_has_said(rig, "one\ntwo c\n"));
	assert_true(rig_has_said(rig, "no newline \xd0\xb1"));
	assert_true(rig_has_said(rig, "error\n"));
	assert_true(rig_has_said(rig, "\xef\xbf\xbd bytes\n"));
	assert_true(rig_has_said(rig, "of a child\n"));
	assert_true(rig_has_said(rig, "last\n"));
	g_autofree char *piece = g_strnfill(4096, 'x');
	g_autofree char *first = g_strconcat("\n", piece, "\n", NULL);
	assert_true(rig_has_said(rig, first));
	rig_free(rig);
}

/* It takes many packets, more than the socket holds; what comes after it waits. */
static void test_large_command(void **state)
{
	(void)state;
	struct rig *rig = rig_new(NOTE
		"import hashlib, time\n"
		"def send(command):\n"
		"    note('seen', f'{len(command)} {hashlib.md5(command.encode()).hexdigest()}')\n",
		1);
	rig_open(rig, "jobs:send");
	for (int i = 0; i < 20; i++)
		rig_assert_delivered(rig, rig_submit(rig, 1, "short"));
	size_t length = 8u << 20;
	g_autofree char *text = g_strnfill(length, '"');
	for (size_t i = 0; i < length; i += 7)
		text[i] = (char)('a' + i % 23);
	uint64_t tickets[20];
	for (int i = 0; i < 20; i++)
		tickets[i] = rig_submit(rig, 100 + i, i % 7 == 3 ? text : "short");
	for (int i = 0; i < 20; i++)
		rig_assert_delivered(rig, tickets[i]);
	g_autofree char *md5 = g_compute_checksum_for_string(G_CHECKSUM_MD5, text, -1);
	g_autofree char *expected = g_strdup_printf("%zu %s\n", length, md5), *seen = rig_read(rig, "seen");
	const char *first = strstr(seen, expected);
	assert_non_null(first);
	assert_non_null(strstr(first + 1, expected));
	rig_free(rig);
}

/* That of the Python program, whose callbacks may import it. */
static void test_own_package_action_scheduler(void **state)
{
	(void)state;
	struct rig *rig = rig_new(NULL, 1);
	rig_write(rig, "action_scheduler/__init__.py", "");
	rig_write(rig, "action_scheduler/callbacks.py",
		NOTE "class Sender:\n"
		     "    @staticmethod\n"
		     "    def send(command): note('seen', command)\n");
	rig_open(rig, "action_scheduler.callbacks:Sender.send");
	rig_assert_delivered(rig, rig_submit(rig, 1, "mine"));
	rig_wait_file(rig, "action_scheduler/seen", "mine\n");
	rig_free(rig);
}

/* Modules of the working directory or of python.path do not take the place of the worker's own. */
static void test_module_named_as_one_of_the_library(void **state)
{
	(void)state;
	struct rig *rig = rig_new(NOTE "def send(command): note('seen', command)\n", 1);
	g_autofree char *before = g_get_current_dir();
	rig_write(rig, "json.py", "raise SystemError('taken')\n");
	rig_write(rig, "os.py", "raise SystemError('taken')\n");
	rig->settings.python.path = NULL;
	assert_int_equal(chdir(rig->directory), 0);
	rig_open(rig, "jobs:send");
	rig_assert_delivered(rig, rig_submit(rig, 1, "c"));
	assert_int_equal(chdir(before), 0);
	rig_wait_file(rig, "seen", "c\n");
	rig_free(rig);
}

static void test_path_is_looked_up_in_its_order(void **state)
{
	(void)state;
	struct rig *rig = rig_new(NOTE "def send(command): note('seen', command)\n", 1);
	rig_write(rig, "other/jobs.py", "raise SystemError('the other')\n");
	rig_write(rig, "other/helper.py", "");
	g_autofree char *path = g_strdup_printf("%s::%s/other", rig->directory, rig->directory);
	rig->settings.python.path = path;
	rig_open(rig, "jobs:send");
	rig_assert_delivered(rig, rig_submit(rig, 1, "c"));
	rig_close(rig, US_PER_MINUTE);
	rig_write(rig, "jobs.py",
		"import helper, sys, os\n"
		"def send(command): assert os.getcwd() not in sys.path\n");
	rig_open(rig, "jobs:send");
	rig_assert_delivered(rig, rig_submit(rig, 1, "c"));
	rig_free(rig);
}

static void test_environment_and_descriptors(void **state)
{
	(void)state;
	struct rig *rig = rig_new(NOTE
		"import signal, sys\n"
		"def send(command):\n"
		"    note('env', dict(os.environ))\n"
		"    note('fds', sorted(int(n) for n in os.listdir('/proc/self/fd')))\n"
		"    note('state', [os.getpgrp() == os.getpid(), sys.stdin.read(), sys.argv[-1],\n"
		"        signal.pthread_sigmask(signal.SIG_BLOCK, []), signal.getsignal(signal.SIGTERM) is "
		"signal.SIG_DFL])\n",
		1);
	setenv("ACTIONS_DB__PASSWORD", "secret-1", 1);
	setenv("NOTIFY_SOCKET", "secret-2", 1);
	setenv("KAFKA__SERVER", "mine-1", 1);
	setenv("HTTP", "mine-2", 1);
	sigset_t blocked;
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &blocked, NULL);
	signal(SIGTERM, SIG_IGN);
	int leaked = fcntl(STDERR_FILENO, F_DUPFD, 50);
	rig_open(rig, "jobs:send");
	rig_assert_delivered(rig, rig_submit(rig, 1, "c"));
	close(leaked);
	signal(SIGTERM, SIG_DFL);
	g_autofree char *env = rig_read(rig, "env"), *fds = rig_read(rig, "fds"),
			*misc = rig_read(rig, "state");
	assert_null(strstr(env, "secret-"));
	assert_non_null(strstr(env, "mine-1"));
	assert_non_null(strstr(env, "mine-2"));
	/* The fourth is that of the channel, the fifth the listing itself. */
	assert_string_equal(fds, "[0, 1, 2, 3, 4]\n");
	assert_string_equal(misc, "[True, '', 'jobs:send', set(), True]\n");
	rig_free(rig);
}

static void test_withheld_variables(void **state)
{
	(void)state;
	static const struct {
		const char *name, *value;
		bool withheld;
	} cases[] = {
		{"ACTIONS_DB__PASSWORD", "x", true},
		{"actions_db__host", "x", true},
		{"ACTIONS_DB", " {\"password\": \"x\"}", true},
		{"ACTIONS_DB", "x", false},
		{"ACTIONS_DBX", "{}", false},
		{"ACTIONS_DB_URL", "x", false},
		{"INTERNAL_DB__PASSWORD_FILE", "x", true},
		{"HTTP__TOKEN", "x", true},
		{"HTTP_PROXY", "x", false},
		{"KAFKA__OPTIONS__SASL.PASSWORD", "x", true},
		{"KAFKA__OPTIONS", "{\"sasl.password\": \"x\"}", true},
		{"KAFKA__SERVER", "x", false},
		{"SERVER__TOKEN", "x", true},
		{"PLUGIN__OPTIONS", "{}", true},
		{"CREDENTIALS_DIRECTORY", "x", true},
		{"NOTIFY_SOCKET", "x", true},
		{"WATCHDOG_USEC", "1", true},
		{"LISTEN_FDS", "1", true},
		{"PATH", "/bin", false},
		{"", "", false},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
		if (python_variable_is_withheld(cases[i].name, cases[i].value) != cases[i].withheld)
			fail_msg("%s=%s", cases[i].name, cases[i].value);
}

/* A copy of the script stands for it. */
static void test_worker_script_of_the_settings(void **state)
{
	(void)state;
	struct rig *rig = rig_new("def send(command): raise ValueError(command)\n", 1);
	g_autofree char *script = NULL;
	assert_true(g_file_get_contents(PYTHON_WORKER, &script, NULL, NULL));
	g_autofree char *text = g_strconcat(script, "", NULL);
	char *end = g_strrstr(text, "main()");
	assert_non_null(end);
	*end = '\0';
	g_autofree char *other = g_strconcat(text, "print('another script')\nmain()\n", NULL);
	rig_write(rig, "other_worker.py", other);
	g_autofree char *path = g_build_filename(rig->directory, "other_worker.py", NULL);
	rig->settings.python.worker = path;
	rig_open(rig, "jobs:send");
	rig_assert_answer(rig, rig_submit(rig, 1, "c"), FIRE_REJECTED, "ValueError: c");
	rig_wait_said(rig, "another script");
	rig_free(rig);
}

static void assert_check(const struct callback_settings *settings, const char *argument, const char *message)
{
	g_autoptr(GError) error = NULL;
	bool fine = callback_python.check(settings, argument, &error);
	if (fine != !message || (message && !strstr(error->message, message)))
		fail_msg("%s: %s", argument, error ? error->message : "fine");
	if (error)
		assert_true(g_error_matches(error, AS_ERROR, AS_ERROR_INVALID));
}

static void test_check(void **state)
{
	(void)state;
	struct callback_settings settings = {.python = {.interpreter = (char *)"python3", .workers = 1}};
	static const char *const good[] = {
		"a:b", "my_callbacks:send", "a.b.c:d", "a:B.c", "_a1:_b2", "\xd0\xb1:\xd0\xb2"};
	static const char *const bad[] = {"a", "a:", ":b", "", "a:b:c", "a.:b", ".a:b", "a..b:c", "a:.b",
		"1a:b", "a:2", "a/b:c", "a b:c", "-c:d"};
	for (size_t i = 0; i < G_N_ELEMENTS(good); i++)
		assert_check(&settings, good[i], NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
		assert_check(&settings, bad[i], "a function is named as module:function");
	settings.python.worker = (char *)"/nonexistent/worker.py";
	assert_check(&settings, "a:b", "python.worker: /nonexistent/worker.py cannot be read");
	settings.python.worker = NULL;
	settings.python.interpreter = (char *)"/nonexistent/python";
	assert_check(&settings, "a:b", "there is no program /nonexistent/python");
	settings.python.interpreter = (char *)"python-nonexistent";
	assert_check(&settings, "a:b", "there is no program python-nonexistent");
}

static void test_bare_name_is_one_of_python(void **state)
{
	(void)state;
	g_autofree char *canonical = NULL;
	assert_ptr_equal(callback_find("my_callbacks:send", &canonical, NULL), &callback_python);
	assert_string_equal(canonical, "python:my_callbacks:send");
	assert_string_equal(callback_argument(&callback_python, canonical), "my_callbacks:send");
}

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	setenv("PYTHONDONTWRITEBYTECODE", "1", 1);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_command_is_the_only_argument),
		cmocka_unit_test(test_fire_is_told),
		cmocka_unit_test(test_placeholders_are_replaced_where_configured),
		cmocka_unit_test(test_exception_is_a_refusal_with_its_traceback),
		cmocka_unit_test(test_whatever_is_raised_is_a_refusal),
		cmocka_unit_test(test_coroutine_is_run),
		cmocka_unit_test(test_output_is_said_by_lines),
		cmocka_unit_test(test_large_command),
		cmocka_unit_test(test_own_package_action_scheduler),
		cmocka_unit_test(test_module_named_as_one_of_the_library),
		cmocka_unit_test(test_path_is_looked_up_in_its_order),
		cmocka_unit_test(test_environment_and_descriptors),
		cmocka_unit_test(test_withheld_variables),
		cmocka_unit_test(test_worker_script_of_the_settings),
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_bare_name_is_one_of_python),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
