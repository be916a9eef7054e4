/* The callback `python:module:function`: what the loop thread calls. */
#include "callback/python.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "callback/backends.h"

/* --- may it be --- */

/* Names joined by dots. Which letters a name may have beyond ASCII is Python's to say. */
static bool is_dotted_name(const char *text, size_t length)
{
	bool begins = true;
	for (size_t i = 0; i < length; i++) {
		char c = text[i];
		bool letter = g_ascii_isalpha(c) || c == '_' || (c & 0x80);
		if (c == '.' ? begins : !letter && (begins || !g_ascii_isdigit(c)))
			return false;
		begins = c == '.';
	}
	return length > 0 && !begins;
}

static bool python_check(const struct callback_settings *settings, const char *argument, GError **error)
{
	const struct python_settings *python = &settings->python;
	const char *colon = strchr(argument, ':');
	if (!colon || !is_dotted_name(argument, (size_t)(colon - argument)) ||
		!is_dotted_name(colon + 1, strlen(colon + 1))) {
		g_set_error(error, AS_ERROR, AS_ERROR_INVALID,
			"callback \"python:%s\": a function is named as module:function, such as "
			"python:my_callbacks:send",
			argument);
		return false;
	}
	g_autofree char *interpreter = g_find_program_in_path(python->interpreter);
	if (!interpreter) {
		g_set_error(error, AS_ERROR, AS_ERROR_INVALID,
			"callback \"python:%s\": there is no program %s; install Python, or set "
			"python.interpreter",
			argument, python->interpreter);
		return false;
	}
	if (python->worker && access(python->worker, R_OK) != 0) {
		g_set_error(error, AS_ERROR, AS_ERROR_INVALID,
			"callback \"python:%s\": python.worker: %s cannot be read", argument, python->worker);
		return false;
	}
	return true;
}

static struct callback_limits python_limits(const struct callback_settings *settings)
{
	return settings->python.limits;
}

/* --- its life --- */

static void wake(struct callback *python)
{
	eventfd_write(python->wake, 1);
}

static struct callback *python_open(const struct callback_open *open, GError **error)
{
	if (!python_check(open->settings, open->argument, error))
		return NULL;
	int epoll = epoll_create1(EPOLL_CLOEXEC), fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (epoll < 0 || fd < 0) {
		g_set_error(error, AS_ERROR, AS_ERROR_UNAVAILABLE, "no descriptors: %s", g_strerror(errno));
		close(epoll);
		close(fd);
		return NULL;
	}
	struct callback *python = g_new0(struct callback, 1);
	python->epoll = epoll;
	python->host = open->host;
	python->settings = open->settings;
	python->target = g_strdup(open->argument);
	python->wake = fd;
	python->incoming = g_array_new(false, false, sizeof(struct fire));
	python_program_init(&python->program, &open->settings->python, open->argument);
	pthread_mutex_init(&python->lock, NULL);
	python->thread = g_thread_new("python", python_pool_run, python);
	return python;
}

static size_t python_submit(struct callback *python, const struct fire *fires, size_t count)
{
	pthread_mutex_lock(&python->lock);
	size_t accepted = python->away ? 0 : MIN(count, PYTHON_OPEN_MAX - python->open);
	bool first = python->incoming->len == 0;
	g_array_append_vals(python->incoming, fires, (guint)accepted);
	python->open += accepted;
	python->refused = python->refused || accepted < count;
	pthread_mutex_unlock(&python->lock);
	if (first && accepted)
		wake(python);
	return accepted;
}

static bool python_close(struct callback *python, time_us deadline)
{
	pthread_mutex_lock(&python->lock);
	python->stopping = true;
	python->deadline = deadline;
	pthread_mutex_unlock(&python->lock);
	wake(python);
	g_thread_join(python->thread);
	python_program_clear(&python->program);
	g_array_unref(python->incoming);
	pthread_mutex_destroy(&python->lock);
	close(python->wake);
	close(python->epoll);
	g_free(python->target);
	g_free(python);
	return true;
}

const struct callback_vtable callback_python = {
	.name = "python",
	.family = true,
	.lasting = true,
	.help = "calls a function in Python, named as module:function, with the command",
	.limits = python_limits,
	.check = python_check,
	.open = python_open,
	.submit = python_submit,
	.close = python_close,
};
