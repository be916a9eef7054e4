/* The callback `exec`: what programs have, and what they do not have. As root, the user is given up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "callback/backends.h"
#include "callback/exec_keeper.h"
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

static const char *output_of(struct exec_rig *rig, const char *command)
{
	const struct fire_result *result = exec_rig_run(rig, command);
	if (result->answer != FIRE_DELIVERED)
		fail_msg("%s: %s", command, result->detail);
	return result->detail ? result->detail : "";
}

static void assert_has_line(const char *text, const char *line)
{
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	if (!g_strv_contains((const gchar *const *)lines, line))
		fail_msg("no line “%s” in\n%s", line, text);
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void assert_environment(struct exec_rig *rig, const char *expected)
{
	g_auto(GStrv) lines = g_strsplit(output_of(rig, "/usr/bin/env"), "\n", -1);
	qsort(lines, g_strv_length(lines), sizeof *lines, compare);
	g_autofree char *sorted = g_strjoinv("\n", lines);
	assert_string_equal(sorted, expected);
}

#define OF_THE_FIRE "ACTION_ID=17\nACTION_NAME=report\nATTEMPT=2\nFIRE_ID=17@2024-01-01T00:05:00Z\n"

static void the_environment_is_what_is_allowed(void **state)
{
	struct exec_settings *exec = &exec_rig_settings(*state)->exec;
	setenv("PATH", "/usr/bin:/bin", 1);
	setenv("SECRET", "x", 1);
	setenv("ACTION_ID", "99", 1);
	unsetenv("LANG");
	unsetenv("LC_ALL");
	setenv("TZ", "UTC", 1);
	assert_environment(
		*state, OF_THE_FIRE "PATH=/usr/bin:/bin\nSCHEDULED_AT=2024-01-01T00:05:00Z\nTZ=UTC");
	exec_rig_close(*state, EXEC_RIG_WAIT);
	exec_rig_set(&exec->pass_environment, "TZ,ACTION_ID  NO_SUCH");
	g_hash_table_insert(exec->environment, g_strdup("HOME"), g_strdup("/a b=c"));
	g_hash_table_insert(exec->environment, g_strdup("TZ"), g_strdup("Europe/Berlin"));
	g_hash_table_insert(exec->environment, g_strdup("FIRE_ID"), g_strdup("forged"));
	assert_environment(
		*state, OF_THE_FIRE "HOME=/a b=c\nSCHEDULED_AT=2024-01-01T00:05:00Z\nTZ=Europe/Berlin");
}

/* The PATH of programs is what they are found by. */
static void programs_are_looked_up_in_their_own_path(void **state)
{
	struct exec_settings *exec = &exec_rig_settings(*state)->exec;
	g_hash_table_insert(exec->environment, g_strdup("PATH"), g_strdup("/nowhere:/usr/bin/env:/bin"));
	exec_rig_delivers(*state, "echo a", "a");
	exec_rig_close(*state, EXEC_RIG_WAIT);
	g_hash_table_insert(exec->environment, g_strdup("PATH"), g_strdup("/nowhere"));
	exec_rig_refuses(*state, "echo a", "exec: echo: No such file or directory");
}

static void descriptors_of_the_scheduler_stay_there(void **state)
{
	/* Opened before the keeper and without close-on-exec: see main. The 3 is of ls itself. */
	assert_string_equal(output_of(*state, "ls /proc/self/fd"), "0\n1\n2\n3");
	assert_string_equal(output_of(*state, "readlink /proc/self/fd/0"), "/dev/null");
	/* Beside others, whose pipes are open in the helper. */
	for (int i = 0; i < 20; i++)
		exec_rig_submit(*state, "sleep 0.3", 0);
	assert_string_equal(output_of(*state, "ls /proc/self/fd"), "0\n1\n2\n3");
}

static void the_helper_has_nothing_of_the_scheduler_open(void **state)
{
	exec_rig_delivers(*state, "true", NULL);
	pid_t processes[] = {exec_rig_keeper(), exec_rig_helper()};
	for (size_t i = 0; i < G_N_ELEMENTS(processes); i++) {
		g_autofree char *command =
			g_strdup_printf("find /proc/%d/fd -lname '/*' -not -lname /dev/null", processes[i]);
		assert_string_equal(output_of(*state, command), "");
	}
}

static void signals_are_as_new(void **state)
{
	const char *status = output_of(*state, "grep Sig /proc/self/status");
	assert_has_line(status, "SigBlk:\t0000000000000000");
	assert_has_line(status, "SigIgn:\t0000000000000000");
}

static void each_has_a_group_of_its_own_and_no_terminal(void **state)
{
	/* pid, group, session, terminal */
	g_auto(GStrv) fields = g_strsplit(
		output_of(*state,
			"sh -c 'read pid name state parent group session tty rest </proc/self/stat; "
			"echo $pid $group $session $tty'"),
		" ", -1);
	assert_int_equal(g_strv_length(fields), 4);
	assert_string_equal(fields[0], fields[1]);
	assert_int_equal(atoi(fields[2]), exec_rig_helper());
	assert_string_equal(fields[3], "0");
}

static void nothing_gives_new_privileges(void **state)
{
	assert_has_line(output_of(*state, "cat /proc/self/status"), "NoNewPrivs:\t1");
}

static void limits_are_set(void **state)
{
	struct exec_settings *exec = &exec_rig_settings(*state)->exec;
	exec->limit_memory_bytes = INT64_C(1) << 32;
	exec->limit_file_bytes = 12345;
	exec->limit_open_files = 77;
	exec->limit_processes = 1234;
	exec->limit_cpu = 5 * US_PER_SECOND;
	const char *limits = output_of(*state, "cat /proc/self/limits");
	assert_has_line(
		limits, "Max address space         4294967296           4294967296           bytes     ");
	assert_has_line(
		limits, "Max file size             12345                12345                bytes     ");
	assert_has_line(
		limits, "Max open files            77                   77                   files     ");
	assert_has_line(
		limits, "Max processes             1234                 1234                 processes ");
	assert_has_line(
		limits, "Max cpu time              5                    10                   seconds   ");
}

static void without_limits_they_are_those_of_the_scheduler(void **state)
{
	struct rlimit files;
	getrlimit(RLIMIT_NOFILE, &files);
	exec_rig_settings(*state)->exec.concurrency = 5000; /* the helper needs more open files for these */
	g_autofree char *expected = g_strdup_printf(
		"%llu\n%llu", (unsigned long long)files.rlim_cur, (unsigned long long)files.rlim_max);
	assert_string_equal(output_of(*state, "sh -c 'ulimit -Sn; ulimit -Hn'"), expected);
}

static void a_limit_ends_the_program(void **state)
{
	struct exec_settings *exec = &exec_rig_settings(*state)->exec;
	exec->limit_cpu = US_PER_SECOND;
	exec_rig_refuses(*state, "sh -c 'while :; do :; done'", "killed by SIGXCPU");
}

/* --- as root --- */

static bool is_root(void)
{
	if (geteuid() == 0)
		return true;
	fprintf(stderr, "not root: that a user is given up cannot be tested\n");
	return false;
}

static void the_user_is_given_up_for_good(void **state)
{
	if (!is_root()) {
		skip();
	}
	const struct passwd *nobody = getpwnam("nobody");
	assert_non_null(nobody);
	unsigned uid = nobody->pw_uid, gid = nobody->pw_gid;
	exec_rig_set(&exec_rig_settings(*state)->exec.user, "nobody");
	/* What must not be kept. */
	gid_t groups[] = {0, 1, 2};
	assert_int_equal(setgroups(3, groups), 0);
	g_autofree char *uids = g_strdup_printf("Uid:\t%u\t%u\t%u\t%u", uid, uid, uid, uid);
	g_autofree char *gids = g_strdup_printf("Gid:\t%u\t%u\t%u\t%u", gid, gid, gid, gid);
	const char *status = output_of(*state, "cat /proc/self/status");
	assert_has_line(status, uids);
	assert_has_line(status, gids);
	assert_has_line(status, "Groups:\t ");
	assert_has_line(status, "CapEff:\t0000000000000000");
	assert_has_line(status, "CapPrm:\t0000000000000000");
	assert_has_line(status, "CapInh:\t0000000000000000");
	assert_has_line(status, "CapAmb:\t0000000000000000");
	assert_int_equal(exec_rig_run(*state, "cat /etc/shadow")->answer, FIRE_REJECTED);
	/* So has the helper. */
	g_autofree char *path = g_strdup_printf("/proc/%d/status", exec_rig_helper());
	g_autofree char *of_helper = exec_rig_read(path);
	assert_has_line(of_helper, uids);
	assert_has_line(of_helper, gids);
	assert_has_line(of_helper, "Groups:\t ");
	assert_has_line(of_helper, "CapPrm:\t0000000000000000");
	assert_has_line(of_helper, "NoNewPrivs:\t1");
}

static void the_group_can_be_another(void **state)
{
	if (!is_root()) {
		skip();
	}
	exec_rig_set(&exec_rig_settings(*state)->exec.user, "nobody");
	exec_rig_set(&exec_rig_settings(*state)->exec.group, "daemon");
	exec_rig_delivers(*state, "id -un", "nobody");
	exec_rig_delivers(*state, "id -Gn", "daemon");
	exec_rig_close(*state, EXEC_RIG_WAIT);
	exec_rig_set(&exec_rig_settings(*state)->exec.user, "54321");
	exec_rig_set(&exec_rig_settings(*state)->exec.group, "54322");
	exec_rig_delivers(*state, "sh -c 'id -u; id -G'", "54321\n54322");
	exec_rig_close(*state, EXEC_RIG_WAIT);
	exec_rig_set(&exec_rig_settings(*state)->exec.user, NULL);
	exec_rig_delivers(*state, "sh -c 'id -u; id -G'", "0\n54322");
}

static void timeouts_work_on_another_user_too(void **state)
{
	if (!is_root()) {
		skip();
	}
	exec_rig_set(&exec_rig_settings(*state)->exec.user, "nobody");
	const struct fire_result *result = exec_rig_answer(*state, exec_rig_submit(*state, "sleep 600", 1));
	assert_string_equal(result->detail, "timed out after 1 s");
}

/* --- what cannot be followed is said at once --- */

static void assert_refused(struct exec_plan plan, const char *expected)
{
	g_autoptr(GError) error = NULL;
	char *nothing[] = {NULL};
	plan.directory = (char *)(void *)"/";
	plan.environment = nothing;
	int socket = exec_helper_connect(&plan, -1, &error);
	assert_int_equal(socket, -1);
	assert_true(g_error_matches(error, AS_ERROR, AS_ERROR_INVALID));
	if (!strstr(error->message, expected))
		fail_msg("“%s” and not “%s”", error->message, expected);
}

#define TEXT(text) ((char *)(void *)(text))

static void a_user_that_is_not_there_is_told(void **state)
{
	(void)state;
	assert_refused((struct exec_plan){.user = TEXT("no-such-user")},
		"exec.user: there is no user \"no-such-user\"");
	assert_refused(
		(struct exec_plan){.user = TEXT("4294967295")}, "exec.user: there is no user \"4294967295\"");
	assert_refused((struct exec_plan){.user = TEXT("54321")},
		"exec.user: the user 54321 has no entry that tells its group; set exec.group");
	assert_refused((struct exec_plan){.group = TEXT("no-such-group")},
		"exec.group: there is no group \"no-such-group\"");
}

/* In a process of its own, which is no longer root. */
static void without_root_no_user_can_be_given_up(void **state)
{
	(void)state;
	pid_t child = fork();
	if (child == 0) {
		g_autoptr(GError) error = NULL;
		char *nothing[] = {NULL};
		struct exec_plan plan = {
			.user = TEXT("nobody"), .directory = TEXT("/"), .environment = nothing};
		struct rlimit limit = {256, 256};
		bool good = (geteuid() != 0 || setresuid(1, 1, 1) == 0) && exec_keeper_start(&error) &&
			    exec_helper_connect(&plan, -1, &error) < 0 &&
			    strstr(error->message, "the scheduler must run as root for this");
		g_clear_error(&error);
		plan.user = NULL;
		plan.open_files = 1000;
		good = good && setrlimit(RLIMIT_NOFILE, &limit) == 0 && exec_keeper_start(&error) &&
		       exec_helper_connect(&plan, -1, &error) < 0 &&
		       strstr(error->message, "exec.limit_open_files: 1000 is more than the 256 that");
		g_clear_error(&error);
		plan.open_files = 0;
		plan.concurrency = 1000;
		good = good && exec_helper_connect(&plan, -1, &error) < 0 &&
		       strstr(error->message,
			       "exec.concurrency: 1000 needs more open files than the 256 that");
		if (!good)
			fprintf(stderr, "%s\n", error ? error->message : "nothing was refused");
		_exit(good ? 0 : 1);
	}
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void off_nothing_is_prepared_or_opened(void **state)
{
	struct callback_settings *settings = exec_rig_settings(*state);
	g_autoptr(GError) error = NULL;
	settings->exec.enabled = false;
	assert_true(callback_exec.prepare(settings, NULL));
	const struct callback_open open = {.name = "exec", .settings = settings};
	assert_null(callback_exec.open(&open, &error));
	assert_non_null(strstr(error->message, "exec is off; set exec.enabled: true"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	/* What must not get through: descriptors, signals that are blocked or ignored. */
	assert_true(open("/etc/passwd", O_RDONLY) > 0);
	assert_true(open("/", O_RDONLY) > 0);
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGUSR1, SIG_IGN);
	exec_rig_prepare();
	const struct CMUnitTest tests[] = {
		TEST(the_environment_is_what_is_allowed),
		TEST(programs_are_looked_up_in_their_own_path),
		TEST(descriptors_of_the_scheduler_stay_there),
		TEST(the_helper_has_nothing_of_the_scheduler_open),
		TEST(signals_are_as_new),
		TEST(each_has_a_group_of_its_own_and_no_terminal),
		TEST(nothing_gives_new_privileges),
		TEST(limits_are_set),
		TEST(without_limits_they_are_those_of_the_scheduler),
		TEST(a_limit_ends_the_program),
		TEST(the_user_is_given_up_for_good),
		TEST(the_group_can_be_another),
		TEST(timeouts_work_on_another_user_too),
		TEST(a_user_that_is_not_there_is_told),
		TEST(without_root_no_user_can_be_given_up),
		TEST(off_nothing_is_prepared_or_opened),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
