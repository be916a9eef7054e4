#include "store/file_watch.h"

#include <errno.h>
#include <glib.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#define EVENTS                                                                                          \
	(IN_MODIFY | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ATTRIB | IN_DELETE_SELF | \
		IN_MOVE_SELF)

struct file_watch {
	char *path;
	const char *const *suffixes;
	char *name; /* of the file in the directory that is watched */
	int fd;     /* of inotify, -1 before the first success */
	int mark;   /* of the directory, -1 while it is not watched */
};

struct file_watch *file_watch_new(const char *path, const char *const *suffixes)
{
	struct file_watch *watch = g_new0(struct file_watch, 1);
	watch->path = g_strdup(path);
	watch->suffixes = suffixes;
	watch->fd = -1;
	watch->mark = -1;
	return watch;
}

void file_watch_free(struct file_watch *watch)
{
	if (!watch)
		return;
	if (watch->fd >= 0)
		close(watch->fd);
	g_free(watch->path);
	g_free(watch->name);
	g_free(watch);
}

/* Where the path is a link, the file and its companions live where it leads. */
static void watch_directory(struct file_watch *watch)
{
	char *real = realpath(watch->path, NULL);
	const char *path = real ? real : watch->path;
	g_autofree char *directory = g_path_get_dirname(path);
	watch->mark = inotify_add_watch(watch->fd, directory, EVENTS | IN_ONLYDIR);
	g_free(watch->name);
	watch->name = g_path_get_basename(path);
	free(real);
}

static void unwatch(struct file_watch *watch)
{
	if (watch->mark >= 0)
		inotify_rm_watch(watch->fd, watch->mark);
	watch->mark = -1;
}

int file_watch_fd(struct file_watch *watch)
{
	if (watch->fd < 0)
		watch->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (watch->fd >= 0 && watch->mark < 0)
		watch_directory(watch);
	return watch->mark >= 0 ? watch->fd : -1;
}

static bool is_ours(const struct file_watch *watch, const struct inotify_event *event)
{
	if (event->len == 0)
		return true; /* the directory itself, or events were lost */
	if (!g_str_has_prefix(event->name, watch->name))
		return false;
	for (size_t i = 0; watch->suffixes[i]; i++)
		if (strcmp(event->name + strlen(watch->name), watch->suffixes[i]) == 0)
			return true;
	return false;
}

bool file_watch_drain(struct file_watch *watch)
{
	_Alignas(struct inotify_event) char buffer[4096];
	bool ours = false;
	ssize_t n;
	while (watch->fd >= 0 && (n = read(watch->fd, buffer, sizeof(buffer))) > 0) {
		for (char *p = buffer; p < buffer + n;) {
			const struct inotify_event *event = (const void *)p;
			ours |= is_ours(watch, event);
			/* The path leads elsewhere from now on, or will. */
			if (event->mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT))
				unwatch(watch);
			p += sizeof(*event) + event->len;
		}
	}
	return ours;
}

void file_watch_renew(struct file_watch *watch)
{
	unwatch(watch);
	file_watch_fd(watch);
}
