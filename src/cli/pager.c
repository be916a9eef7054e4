#include "cli/pager.h"

#include "base/progress_bar.h"
#include "cli/cells.h"
#include "cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* What a shell says of a command that is not there, or cannot be run. */
enum { STATUS_CANNOT_RUN = 126, STATUS_NOT_FOUND = 127 };

struct pager {
	char *command;
	FILE *file;
	GString *held;  /* until the pager runs, or it is clear that none will */
	size_t lines;   /* of the terminal, in what is held */
	size_t counted; /* bytes of it, up to the end of a line */
	unsigned width, height;
	int out; /* -1 as long as all is held; the pipe to the pager, or stdout */
	GString *deferred;
};

static struct pager *current;
/* Of the pager that runs; read by the handler of SIGINT. */
static volatile sig_atomic_t running;

/* --- what goes through --- */

size_t pager_count_lines(const char *line, size_t length, unsigned width)
{
	g_autoptr(GString) bare = g_string_sized_new(length);
	for (size_t i = 0; i < length; i++) {
		if (line[i] == '\033' && i + 1 < length && line[i + 1] == '[')
			while (i < length && !g_ascii_isalpha(line[i]))
				i++;
		else
			g_string_append_c(bare, line[i]);
	}
	g_autofree char *valid = g_utf8_make_valid(bare->str, (gssize)bare->len);
	size_t cells = cells_width(valid);
	return cells ? (cells + width - 1) / width : 1;
}

static void count_lines(struct pager *pager)
{
	const char *text = pager->held->str, *end;
	while ((end = memchr(text + pager->counted, '\n', pager->held->len - pager->counted))) {
		size_t length = (size_t)(end - text) - pager->counted;
		pager->lines += pager_count_lines(text + pager->counted, length, pager->width);
		pager->counted += length + 1;
	}
}

static bool write_all(int to, const char *data, size_t length)
{
	while (length) {
		ssize_t n = write(to, data, length);
		if (n < 0 && errno != EINTR)
			return false;
		data += MAX(n, 0);
		length -= (size_t)MAX(n, 0);
	}
	return true;
}

/* --- the pager's process --- */

/* Ctrl-C is the pager's as long as it runs; it is ours again once it is gone. */
static void on_interrupt(int number)
{
	int status;
	if (running && waitpid(running, &status, WNOHANG) == 0)
		return;
	signal(number, SIG_DFL);
	raise(number);
}

static void watch_signals(void)
{
	struct sigaction interrupt = {.sa_handler = on_interrupt, .sa_flags = SA_RESTART};
	sigaction(SIGINT, &interrupt, NULL);
	sigaction(SIGQUIT, &interrupt, NULL);
	/* Whoever quits the pager has seen enough: writing fails, and all is well. */
	signal(SIGPIPE, SIG_IGN);
}

static char **environment(void)
{
	char **names = g_get_environ();
	names = g_environ_setenv(names, "LESS", "FRX", FALSE);
	return g_environ_setenv(names, "LV", "-c", FALSE);
}

/* A shell only where one is needed: it would be between Ctrl-C and a pager that lives on. Free with
 * g_strfreev. */
static char **arguments_of(const char *command)
{
	if (strpbrk(command, "|&;<>()$`\\\"'*?[#~=%\n"))
		return g_strdupv((char *[]){"sh", "-c", (char *)command, NULL});
	g_autofree char *blank = g_strdelimit(g_strdup(command), "\t", ' ');
	g_auto(GStrv) words = g_strsplit(blank, " ", -1);
	GPtrArray *arguments = g_ptr_array_new();
	for (size_t i = 0; words[i]; i++)
		if (*words[i])
			g_ptr_array_add(arguments, g_strdup(words[i]));
	g_ptr_array_add(arguments, NULL);
	return (char **)g_ptr_array_free(arguments, FALSE);
}

/* Its id, or -1 with errno set. */
static int spawn(const struct pager *pager, int in)
{
	pid_t pid;
	posix_spawnattr_t attributes;
	posix_spawn_file_actions_t actions;
	sigset_t defaults;
	g_auto(GStrv) arguments = arguments_of(pager->command);
	g_auto(GStrv) names = environment();
	sigemptyset(&defaults);
	sigaddset(&defaults, SIGPIPE);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setsigdefault(&attributes, &defaults);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
	errno = *arguments ? posix_spawnp(&pid, *arguments, &actions, &attributes, arguments, names) : ENOENT;
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	return errno ? -1 : pid;
}

/* Where that is not possible, all goes to stdout as it is. */
static void start(struct pager *pager)
{
	int ends[2];
	pager->out = STDOUT_FILENO;
	if (pipe2(ends, O_CLOEXEC))
		return;
	progress_bar_forbid();
	int pid = spawn(pager, ends[0]);
	int failure = errno;
	close(ends[0]);
	if (pid < 0) {
		g_string_append_printf(pager->deferred,
			"action-scheduler: warning: the pager '%s' ($PAGER) cannot be run: %s\n",
			pager->command, g_strerror(failure));
		close(ends[1]);
		return;
	}
	running = pid;
	pager->out = ends[1];
	watch_signals();
}

static bool release(struct pager *pager)
{
	bool ok = write_all(pager->out, pager->held->str, pager->held->len);
	g_string_truncate(pager->held, 0);
	return ok;
}

/* Of fopencookie: 0 is an error. */
static ssize_t take(void *cookie, const char *data, size_t length)
{
	struct pager *pager = cookie;
	if (pager->out >= 0)
		return write_all(pager->out, data, length) ? (ssize_t)length : 0;
	g_string_append_len(pager->held, data, (gssize)length);
	count_lines(pager);
	/* The shell's prompt wants a line, too. */
	if (pager->lines < pager->height)
		return (ssize_t)length;
	start(pager);
	return release(pager) ? (ssize_t)length : 0;
}

/* --- from outside --- */

static char *choose_command(void)
{
	const char *wanted = g_getenv("PAGER");
	if (wanted)
		return *wanted && strcmp(wanted, "cat") != 0 ? g_strdup(wanted) : NULL;
	g_autofree char *less = g_find_program_in_path("less");
	return less ? g_strdup("less") : NULL;
}

struct pager *pager_open(unsigned width, unsigned height)
{
	g_autofree char *command = choose_command();
	if (!command || !width || !height)
		return NULL;
	struct pager *pager = g_new0(struct pager, 1);
	pager->command = g_steal_pointer(&command);
	pager->width = width;
	pager->height = height;
	pager->out = -1;
	pager->held = g_string_new(NULL);
	pager->deferred = g_string_new(NULL);
	pager->file = fopencookie(pager, "w", (cookie_io_functions_t){.write = take});
	current = pager;
	return pager;
}

FILE *pager_file(struct pager *pager)
{
	return pager->file;
}

bool pager_defer(const char *line)
{
	if (!current || !isatty(STDERR_FILENO))
		return false;
	fflush(current->file);
	if (current->out == STDOUT_FILENO || (current->out < 0 && !current->held->len))
		return false;
	g_string_append(current->deferred, line);
	return true;
}

/* Returns the status of waitpid. */
static int wait_for_pager(void)
{
	int status = 0;
	while (waitpid(running, &status, 0) < 0 && errno == EINTR)
		continue;
	running = 0;
	return status;
}

/* The exit status, once the pager has its last line. */
static int finish(struct pager *pager, int status)
{
	close(pager->out);
	int how = wait_for_pager();
	if (WIFSIGNALED(how) && WTERMSIG(how) == SIGINT) {
		signal(SIGINT, SIG_DFL);
		raise(SIGINT);
	}
	if (!WIFEXITED(how) ||
		(WEXITSTATUS(how) != STATUS_NOT_FOUND && WEXITSTATUS(how) != STATUS_CANNOT_RUN))
		return status;
	fprintf(stderr, "action-scheduler: the pager '%s' ($PAGER) cannot be run; --no-pager does without\n",
		pager->command);
	return EXIT_FAILED;
}

int pager_close(struct pager *pager, int status)
{
	fclose(pager->file);
	current = NULL;
	if (pager->out < 0) {
		pager->out = STDOUT_FILENO;
		progress_bar_hide();
		release(pager);
	}
	if (running)
		status = finish(pager, status);
	fputs(pager->deferred->str, stderr);
	g_string_free(pager->held, TRUE);
	g_string_free(pager->deferred, TRUE);
	g_free(pager->command);
	g_free(pager);
	return status;
}
