/* A plugin of Action Scheduler that appends a line to a file for each fire: the fire id, a tab, the command.
 * A fire is delivered when its line is on the disk.
 *
 *     action:
 *       callback: plugin:/usr/local/lib/action-scheduler/append_file.so:append_file
 *     plugin:
 *       options: {append_file.path: /var/lib/example/fires.log}
 *
 * It does the work within submit, on the thread that the scheduler has for it. */
#define _POSIX_C_SOURCE 200809L
#include <action_scheduler/plugin.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct instance {
	const struct action_scheduler_host *host;
	int fd;
};

static int append_init(const struct action_scheduler_host *host,
	const struct action_scheduler_option *options, size_t option_count, void **instance, char *error,
	size_t error_size)
{
	const char *path = NULL;
	for (size_t i = 0; i < option_count; i++) {
		if (strcmp(options[i].name, "path") != 0) {
			snprintf(error, error_size, "there is no option %s, only path", options[i].name);
			return ACTION_SCHEDULER_BAD;
		}
		path = options[i].value;
	}
	if (!path || path[0] != '/') {
		snprintf(error, error_size, "set plugin.options.append_file.path to an absolute path");
		return ACTION_SCHEDULER_BAD;
	}
	struct instance *self = malloc(sizeof *self);
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
	if (!self || fd < 0) {
		snprintf(error, error_size, "%s: %s", path, strerror(errno));
		if (fd >= 0)
			close(fd);
		free(self);
		return ACTION_SCHEDULER_AGAIN;
	}
	self->host = host;
	self->fd = fd;
	*instance = self;
	return ACTION_SCHEDULER_OK;
}

/* All of the text or nothing of it. Returns 0 or an errno. */
static int append(int fd, const char *text, size_t length)
{
	struct stat before;
	if (fstat(fd, &before) != 0)
		return errno;
	for (size_t done = 0; done < length;) {
		ssize_t n = write(fd, text + done, length - done);
		if (n >= 0) {
			done += (size_t)n;
		} else if (errno != EINTR) {
			int code = errno;
			return ftruncate(fd, before.st_size) == 0 ? code : errno;
		}
	}
	return 0;
}

static int append_fire(int fd, const struct action_scheduler_fire *fire)
{
	size_t id_length = strlen(fire->fire_id), length = id_length + fire->command_length + 2;
	char *line = malloc(length);
	if (!line)
		return ENOMEM;
	memcpy(line, fire->fire_id, id_length);
	line[id_length] = '\t';
	memcpy(line + id_length + 1, fire->command, fire->command_length);
	line[length - 1] = '\n';
	int code = append(fd, line, length);
	free(line);
	return code;
}

static void resolve(struct instance *self, const struct action_scheduler_fire *fire, int code)
{
	struct action_scheduler_result result = ACTION_SCHEDULER_RESULT_INIT;
	result.ticket = fire->ticket;
	result.answer = code ? ACTION_SCHEDULER_UNAVAILABLE : ACTION_SCHEDULER_DELIVERED;
	result.detail = code ? strerror(code) : NULL;
	self->host->resolve(self->host, &result);
}

/* What follows a line that could not be written is not tried: the lines keep their order. */
static size_t append_submit(void *instance, const struct action_scheduler_fire *const *fires, size_t count)
{
	struct instance *self = instance;
	size_t written = 0;
	int code = 0;
	while (written < count && (code = append_fire(self->fd, fires[written])) == 0)
		written++;
	if (written && fdatasync(self->fd) != 0) {
		code = errno;
		written = 0;
	}
	for (size_t i = 0; i < count; i++)
		resolve(self, fires[i], i < written ? 0 : code);
	return count;
}

static void append_stop(void *instance)
{
	struct instance *self = instance;
	close(self->fd);
	free(self);
}

ACTION_SCHEDULER_PLUGIN(append_file) = {
	.abi = ACTION_SCHEDULER_PLUGIN_ABI,
	.size = sizeof(struct action_scheduler_plugin),
	.init = append_init,
	.submit = append_submit,
	.stop = append_stop,
};
