/* The callback `python` in the contract suite: a module that does what a file says, and keeps a file of what
 * it was called with. While the receiver is to be away the module cannot be imported, and workers that have
 * it are killed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "callback/backends.h"
#include "contract.h"

struct contract_receiver {
	char *directory;
	struct callback_settings *settings;
};

static const char module[] = "import os, time\n"
			     "from action_scheduler_fire import current_fire\n"
			     "\n"
			     "HERE = os.path.dirname(__file__)\n"
			     "\n"
			     "def append(name, text):\n"
			     "    fd = os.open(f'{HERE}/{name}', os.O_APPEND | os.O_CREAT | os.O_WRONLY)\n"
			     "    os.write(fd, text.encode())\n"
			     "    os.close(fd)\n"
			     "\n"
			     "def mode():\n"
			     "    with open(f'{HERE}/mode') as file:\n"
			     "        return file.read()\n"
			     "\n"
			     "append('pids', f'{os.getpid()}\\n')\n"
			     "if mode() == 'away':\n"
			     "    raise RuntimeError('the receiver is away')\n"
			     "\n"
			     "def send(command):\n"
			     "    while mode() == 'hang':\n"
			     "        time.sleep(0.005)\n"
			     "    if mode() == 'refuse':\n"
			     "        raise ValueError(f'{command} is refused')\n"
			     "    append('seen', f'{command} {current_fire().fire_id}\\n')\n";

static char *path_of(struct contract_receiver *receiver, const char *name)
{
	return g_build_filename(receiver->directory, name, NULL);
}

static void file_write(struct contract_receiver *receiver, const char *name, const char *text)
{
	g_autofree char *path = path_of(receiver, name);
	assert_true(g_file_set_contents(path, text, -1, NULL));
}

/* The lines of a file; none where it is not there yet. */
static char **file_lines(struct contract_receiver *receiver, const char *name)
{
	g_autofree char *path = path_of(receiver, name), *text = NULL;
	if (!g_file_get_contents(path, &text, NULL, NULL))
		text = g_strdup("");
	g_strchomp(text);
	return g_strsplit(text, "\n", -1);
}

static struct contract_receiver *receiver_new(void)
{
	struct contract_receiver *receiver = g_new0(struct contract_receiver, 1);
	receiver->directory = g_dir_make_tmp("contract-python-XXXXXX", NULL);
	assert_non_null(receiver->directory);
	file_write(receiver, "contract_module.py", module);
	file_write(receiver, "mode", "accept");
	receiver->settings = contract_settings_new();
	const char *interpreter = g_getenv("TEST_PYTHON");
	receiver->settings->python.interpreter = g_strdup(interpreter ? interpreter : "/usr/bin/python3");
	receiver->settings->python.path = g_strdup(receiver->directory);
	receiver->settings->python.workers = 3;
	return receiver;
}

static void receiver_free(struct contract_receiver *receiver)
{
	static const char *const names[] = {"contract_module.py", "mode", "pids", "seen"};
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		g_autofree char *path = path_of(receiver, names[i]);
		unlink(path);
	}
	assert_int_equal(rmdir(receiver->directory), 0);
	g_free(receiver->settings->python.interpreter);
	g_free(receiver->settings->python.path);
	contract_settings_free(receiver->settings);
	g_free(receiver->directory);
	g_free(receiver);
}

static struct callback *open_module(
	struct contract_receiver *receiver, const struct callback_host *host, GError **error)
{
	const struct callback_open open = {
		"python:contract_module:send", "contract_module:send", receiver->settings, *host};
	return callback_python.open(&open, error);
}

/* Whether it lives, as a child of this process: the number may be another's by now. */
static bool is_worker(pid_t pid)
{
	g_autofree char *path = g_strdup_printf("/proc/%d/stat", (int)pid), *stat = NULL;
	if (!g_file_get_contents(path, &stat, NULL, NULL))
		return false;
	char state;
	int parent;
	const char *rest = strrchr(stat, ')');
	return rest && sscanf(rest, ") %c %d", &state, &parent) == 2 && state != 'Z' && parent == getpid();
}

/* One that is not in the file yet reads the mode afterwards. */
static void workers_kill(struct contract_receiver *receiver)
{
	g_auto(GStrv) pids = file_lines(receiver, "pids");
	for (size_t i = 0; pids[i]; i++) {
		pid_t pid = atoi(pids[i]);
		while (pid > 0 && is_worker(pid)) {
			kill(pid, SIGKILL);
			usleep(1000);
		}
	}
}

static void mode(struct contract_receiver *receiver, enum contract_mode mode)
{
	static const char *const names[] = {"accept", "refuse", "away", "hang"};
	file_write(receiver, "mode", names[mode]);
	if (mode == CONTRACT_AWAY)
		workers_kill(receiver);
}

static void seen(struct contract_receiver *receiver, GArray *out)
{
	g_auto(GStrv) lines = file_lines(receiver, "seen");
	for (size_t i = 0; lines[i]; i++) {
		const char *space = strchr(lines[i], ' ');
		if (!space)
			continue;
		struct contract_seen seen = {
			g_strndup(lines[i], (gsize)(space - lines[i])), g_strdup(space + 1)};
		g_array_append_val(out, seen);
	}
}

static void prepare(void)
{
	setenv("PYTHONDONTWRITEBYTECODE", "1", 1);
}

const struct contract_backend contract_backend = {
	.name = "python",
	.vtable = &callback_python,
	.modes = CONTRACT_MODE(CONTRACT_ACCEPT) | CONTRACT_MODE(CONTRACT_REFUSE) |
		 CONTRACT_MODE(CONTRACT_AWAY) | CONTRACT_MODE(CONTRACT_HANG),
	.timeouts = true,
	.batch = 1000,
	.flood = 6000,
	.prepare = prepare,
	.receiver_new = receiver_new,
	.receiver_free = receiver_free,
	.open = open_module,
	.mode = mode,
	.seen = seen,
};
