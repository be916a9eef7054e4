#include "callback/exec_spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"

/* The child runs in the helper's memory until it is another program; ThreadSanitizer cannot follow that. */
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define CLONE_MEMORY 0
#endif
#elif defined(__SANITIZE_THREAD__)
#define CLONE_MEMORY 0
#endif
#ifndef CLONE_MEMORY
#define CLONE_MEMORY CLONE_VM
#endif
#define CHILD_CODE __attribute__((no_sanitize("address", "undefined", "thread")))

/* Enough for the child, which calls nothing but the kernel. */
#define STACK_SIZE   ((size_t)64 << 10)
/* Where there is no PATH, as execvp has it. */
#define PATH_DEFAULT "/bin:/usr/bin"
#define LIMITS_MAX   5
/* A program that catches SIGXCPU has so long, in seconds, before it is killed. */
#define CPU_GRACE_S  5

struct limit {
	__rlimit_resource_t resource;
	struct rlimit value;
};

enum stage { STAGE_PROCESS, STAGE_LIMITS, STAGE_DIRECTORY, STAGE_PROGRAM };

/* What the child says, in shared memory. */
struct report {
	int code; /* errno; 0: it is another program now */
	enum stage stage;
};

struct exec_spawner {
	char *directory;
	GStrv path; /* directories */
	struct limit limits[LIMITS_MAX];
	size_t limits_count;
	pid_t helper;
	uint8_t *stack; /* its lower end */
	volatile struct report *report;
};

struct child {
	const struct exec_spawner *spawner;
	const char *const *files; /* to be tried in turn */
	char *const *words, *const *variables;
	int output;
};

/* The hard limit is `grace` above it, or as far as there is. */
static void limit_add(
	struct exec_spawner *spawner, __rlimit_resource_t resource, int64_t limit, int64_t grace)
{
	struct rlimit now;
	if (!limit || getrlimit(resource, &now) != 0)
		return;
	rlim_t hard = MIN((rlim_t)(limit + grace), now.rlim_max);
	spawner->limits[spawner->limits_count++] = (struct limit){resource, {MIN((rlim_t)limit, hard), hard}};
}

static const char *path_of(const struct exec_plan *plan)
{
	for (size_t i = 0; plan->environment[i]; i++)
		if (g_str_has_prefix(plan->environment[i], "PATH="))
			return plan->environment[i] + strlen("PATH=");
	return PATH_DEFAULT;
}

static void *memory_new(size_t size, int flags)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | flags, -1, 0);
	if (memory == MAP_FAILED)
		g_error("exec: no memory for a stack: %m");
	return memory;
}

struct exec_spawner *exec_spawner_new(const struct exec_plan *plan, const struct rlimit *files)
{
	struct exec_spawner *spawner = g_new0(struct exec_spawner, 1);
	spawner->directory = g_strdup(plan->directory);
	spawner->path = g_strsplit(path_of(plan), ":", -1);
	limit_add(spawner, RLIMIT_AS, plan->memory_bytes, 0);
	limit_add(spawner, RLIMIT_FSIZE, plan->file_bytes, 0);
	limit_add(spawner, RLIMIT_NPROC, plan->processes, 0);
	limit_add(spawner, RLIMIT_CPU, plan->cpu_s, CPU_GRACE_S);
	limit_add(spawner, RLIMIT_NOFILE, plan->open_files, 0);
	if (!plan->open_files) /* the helper has raised its own */
		spawner->limits[spawner->limits_count++] = (struct limit){RLIMIT_NOFILE, *files};
	spawner->helper = getpid();
	spawner->stack = memory_new(STACK_SIZE, MAP_PRIVATE | MAP_STACK);
	spawner->report = memory_new(sizeof *spawner->report, MAP_SHARED);
	return spawner;
}

/* --- the child: system calls only --- */

CHILD_CODE static bool child_prepare(const struct child *child)
{
	const struct exec_spawner *spawner = child->spawner;
	/* Should the helper be killed, so shall its programs; it may be gone already. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0 || getppid() != spawner->helper)
		return false;
	/* 0 is /dev/null as it is in the helper. */
	if (setpgid(0, 0) != 0 || dup2(child->output, 1) < 0 || dup2(child->output, 2) < 0 ||
		close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) != 0)
		return false;
	spawner->report->stage = STAGE_LIMITS;
	for (size_t i = 0; i < spawner->limits_count; i++)
		if (setrlimit(spawner->limits[i].resource, &spawner->limits[i].value) != 0)
			return false;
	spawner->report->stage = STAGE_DIRECTORY;
	if (chdir(spawner->directory) != 0)
		return false;
	spawner->report->stage = STAGE_PROGRAM;
	sigset_t none;
	sigemptyset(&none);
	return sigprocmask(SIG_SETMASK, &none, NULL) == 0;
}

/* Returns where no file could be executed, as execvp does, but never hands one to a shell. */
CHILD_CODE static void child_execute(const struct child *child)
{
	bool denied = false;
	for (size_t i = 0; child->files[i]; i++) {
		execve(child->files[i], child->words, child->variables);
		if (errno != ENOENT && errno != ENOTDIR && errno != EACCES)
			return;
		denied = denied || errno == EACCES;
	}
	if (denied)
		errno = EACCES;
}

CHILD_CODE static int child_main(void *data)
{
	const struct child *child = data;
	if (child_prepare(child))
		child_execute(child);
	child->spawner->report->code = errno ? errno : ECHILD;
	_exit(127);
}

/* --- the helper --- */

static GStrv files_of(const struct exec_spawner *spawner, const char *program)
{
	if (strchr(program, '/') || !*program)
		return g_strdupv((gchar *[]){(gchar *)(void *)program, NULL});
	guint count = g_strv_length(spawner->path);
	GStrv files = g_new0(char *, count + 1);
	for (guint i = 0; i < count; i++)
		files[i] = g_strconcat(*spawner->path[i] ? spawner->path[i] : ".", "/", program, NULL);
	return files;
}

static bool errno_may_pass(int code)
{
	return code == EAGAIN || code == ENOMEM || code == EMFILE || code == ENFILE;
}

static bool cannot(const struct exec_spawner *spawner, int code, enum stage stage, const char *program,
	bool *lasting, GError **error)
{
	static const char *const what[] = {"a process for ", "the limits of ", "the directory ", ""};
	*lasting = !errno_may_pass(code);
	g_set_error(error, AS_ERROR, AS_ERROR_FAILED, "exec: %s%s: %s", what[stage],
		stage == STAGE_DIRECTORY ? spawner->directory : program, g_strerror(code));
	return false;
}

static bool pipe_new(int ends[2])
{
	if (pipe2(ends, O_CLOEXEC) != 0)
		return false;
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	return true;
}

bool exec_spawn(struct exec_spawner *spawner, const char *const *words, const char *const *variables,
	pid_t *pid, int *output, bool *lasting, GError **error)
{
	int ends[2];
	if (!pipe_new(ends))
		return cannot(spawner, errno, STAGE_PROCESS, words[0], lasting, error);
	g_auto(GStrv) files = files_of(spawner, words[0]);
	struct child child = {spawner, (const char *const *)files, (char *const *)(void *)words,
		(char *const *)(void *)variables, ends[1]};
	spawner->report->code = 0;
	spawner->report->stage = STAGE_PROCESS;
	pid_t made =
		clone(child_main, spawner->stack + STACK_SIZE, CLONE_MEMORY | CLONE_VFORK | SIGCHLD, &child);
	int code = made < 0 ? errno : spawner->report->code;
	close(ends[1]);
	if (!code) {
		*pid = made;
		*output = ends[0];
		return true;
	}
	close(ends[0]);
	if (made > 0)
		waitpid(made, NULL, 0);
	return cannot(spawner, code, spawner->report->stage, words[0], lasting, error);
}
