/* How a worker is started: posix_spawn, which copies nothing of a large process; no descriptor but 0 to 3. */
#include "callback/python_worker.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/json.h"

#define CHANNEL_FD 3

static const uint8_t script[] = {
#include "callback/python_worker.inc"
};
/* It is the first packet on the channel. */
G_STATIC_ASSERT(sizeof script <= PYTHON_PACKET_MAX);
static const char loader[] = "import os; exec(os.read(3, 65536))";

/* --- what is the same for all workers of a function --- */

/* Sections of the configuration that hold passwords, addresses with such, and headers. The function may want
 * the other variables of this program: those of the Python program read some (KAFKA__SERVER). */
static const char *const withheld_sections[] = {
	"ACTIONS_DB", "INTERNAL_DB", "KAFKA__OPTIONS", "HTTP", "EXEC", "PLUGIN", "SERVER"};
static const char *const withheld_names[] = {"NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC", "LISTEN_PID",
	"LISTEN_FDS", "LISTEN_FDNAMES", "CREDENTIALS_DIRECTORY"};

/* A whole section is given as JSON; another value is nobody's business (HTTP=1). */
static bool is_of_section(const char *name, const char *value, const char *section)
{
	size_t length = strlen(section);
	if (g_ascii_strncasecmp(name, section, length) != 0)
		return false;
	if (name[length] == '\0')
		return value[strspn(value, " \t\r\n")] == '{';
	return name[length] == '_' && name[length + 1] == '_';
}

bool python_variable_is_withheld(const char *name, const char *value)
{
	for (size_t i = 0; i < G_N_ELEMENTS(withheld_names); i++)
		if (strcmp(name, withheld_names[i]) == 0)
			return true;
	for (size_t i = 0; i < G_N_ELEMENTS(withheld_sections); i++)
		if (is_of_section(name, value, withheld_sections[i]))
			return true;
	return false;
}

static char **environment_make(void)
{
	g_auto(GStrv) all = g_get_environ();
	GPtrArray *kept = g_ptr_array_new();
	for (size_t i = 0; all[i]; i++) {
		const char *equals = strchr(all[i], '=');
		g_autofree char *name = equals ? g_strndup(all[i], (size_t)(equals - all[i])) : NULL;
		if (name && !python_variable_is_withheld(name, equals + 1))
			g_ptr_array_add(kept, g_strdup(all[i]));
	}
	g_ptr_array_add(kept, NULL);
	return (char **)g_ptr_array_free(kept, FALSE);
}

static char *hello_make(const char *path, const char *target)
{
	g_auto(GStrv) directories = g_strsplit(path ? path : ".", ":", -1);
	g_autoptr(json_t) hello = json_object();
	json_object_set_new(hello, "target", json_text(target, strlen(target)));
	json_t *list = json_array();
	for (size_t i = 0; directories[i]; i++)
		if (*directories[i])
			json_array_append_new(list, json_text(directories[i], strlen(directories[i])));
	json_object_set_new(hello, "path", list);
	return json_write(hello);
}

void python_program_init(
	struct python_program *program, const struct python_settings *settings, const char *target)
{
	const char *const own[] = {settings->interpreter, "-c", loader, target, NULL};
	const char *const given[] = {settings->interpreter, settings->worker, target, NULL};
	program->own = !settings->worker;
	program->arguments = g_strdupv((char **)(program->own ? own : given));
	program->environment = environment_make();
	program->hello = hello_make(settings->path, target);
}

void python_program_clear(struct python_program *program)
{
	g_strfreev(program->arguments);
	g_strfreev(program->environment);
	free(program->hello);
}

/* --- a start --- */

/* The worker's ends; -1 where there is none. They are above those that the worker has, so that putting them
 * in their places overwrites none of them. */
struct ends {
	int channel, output;
};

static int fd_raise(int fd)
{
	int raised = fcntl(fd, F_DUPFD_CLOEXEC, 10);
	int code = errno;
	close(fd);
	errno = code;
	return raised;
}

static void fd_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static bool channel_open(struct python_worker *worker, struct ends *ends)
{
	int pair[2];
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return false;
	worker->channel = pair[0];
	ends->channel = fd_raise(pair[1]);
	if (ends->channel < 0)
		return false;
	worker->unread = fcntl(ends->channel, F_DUPFD_CLOEXEC, 0);
	return worker->unread >= 0;
}

/* Only this end is non-blocking. */
static bool output_open(struct python_worker *worker, struct ends *ends)
{
	int pair[2];
	if (pipe2(pair, O_CLOEXEC) != 0)
		return false;
	worker->output = pair[0];
	ends->output = fd_raise(pair[1]);
	return ends->output >= 0 && fcntl(worker->output, F_SETFL, O_NONBLOCK) == 0;
}

static int actions_fill(posix_spawn_file_actions_t *actions, const struct ends *ends)
{
	int code = posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	if (!code)
		code = posix_spawn_file_actions_adddup2(actions, ends->output, STDOUT_FILENO);
	if (!code)
		code = posix_spawn_file_actions_adddup2(actions, ends->output, STDERR_FILENO);
	if (!code)
		code = posix_spawn_file_actions_adddup2(actions, ends->channel, CHANNEL_FD);
	if (!code)
		code = posix_spawn_file_actions_addclosefrom_np(actions, CHANNEL_FD + 1);
	return code;
}

/* No signal is blocked or ignored there, whatever the scheduler does with them. */
static int attributes_fill(posix_spawnattr_t *attributes)
{
	sigset_t none, all;
	sigemptyset(&none);
	sigfillset(&all);
	int code = posix_spawnattr_setflags(
		attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	if (!code)
		code = posix_spawnattr_setpgroup(attributes, 0);
	if (!code)
		code = posix_spawnattr_setsigmask(attributes, &none);
	if (!code)
		code = posix_spawnattr_setsigdefault(attributes, &all);
	return code;
}

static int spawn(pid_t *pid, const struct python_program *program, const struct ends *ends)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attributes);
	int code = actions_fill(&actions, ends);
	if (!code)
		code = attributes_fill(&attributes);
	if (!code)
		code = posix_spawnp(pid, program->arguments[0], &actions, &attributes, program->arguments,
			program->environment);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	return code;
}

static void say_nothing(void *context, const char *line)
{
	(void)context;
	(void)line;
}

/* Returns an errno. */
static int worker_start(struct python_worker *worker, const struct python_program *program, struct ends *ends)
{
	if (!channel_open(worker, ends) || !output_open(worker, ends))
		return errno;
	if (program->own && send(worker->channel, script, sizeof script - 1, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		return errno;
	python_worker_send(worker, program->hello, strlen(program->hello));
	int code = spawn(&worker->pid, program, ends);
	if (code)
		return code;
	worker->pidfd = pidfd_open(worker->pid, 0);
	return worker->pidfd < 0 ? errno : 0;
}

bool python_worker_start(struct python_worker *worker, const struct python_program *program, GError **error)
{
	struct ends ends = {-1, -1};
	*worker = (struct python_worker){.pidfd = -1, .channel = -1, .unread = -1, .output = -1};
	worker->line = g_string_new(NULL);
	int code = worker_start(worker, program, &ends);
	fd_close(&ends.channel);
	fd_close(&ends.output);
	if (!code)
		return true;
	g_set_error(error, AS_ERROR, AS_ERROR_UNAVAILABLE, "%s cannot be started: %s", program->arguments[0],
		g_strerror(code));
	if (worker->pid) {
		python_worker_kill(worker, SIGKILL);
		waitpid(worker->pid, NULL, 0);
	}
	python_worker_close(worker, say_nothing, NULL);
	return false;
}
