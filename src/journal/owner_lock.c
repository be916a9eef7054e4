#include "journal/owner_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

/* The file is never removed: a file that is removed and made again can be locked twice. */
struct owner_lock {
	int fd;
};

/* The lock belongs to the open file, not to the process, so that two journals of one process exclude each
 * other. */
static bool lock_file(int fd)
{
	struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	return fcntl(fd, F_OFD_SETLK, &whole) == 0;
}

/* Who wrote the file last, on one line. Free with g_free. */
static char *read_holder(int fd)
{
	char holder[256];
	ssize_t length = pread(fd, holder, sizeof holder - 1, 0);
	holder[length > 0 ? length : 0] = '\0';
	for (char *c = g_strchomp(holder); *c; c++)
		if (g_ascii_iscntrl(*c) && *c != '\n')
			*c = '?';
	g_auto(GStrv) lines = g_strsplit(*holder ? holder : "holder not known yet", "\n", -1);
	return g_strjoinv(", ", lines);
}

static void fail_busy(int fd, const char *path, const char *database, GError **error)
{
	g_autofree char *holder = read_holder(fd);
	g_set_error(error, AS_ERROR, AS_ERROR_BUSY,
		"%s is in use by another scheduler (%s; lock file %s): stop that one first, or "
		"give "
		"this one another internal_db",
		database, holder, path);
}

char *owner_lock_look(const char *database, bool *holds)
{
	g_autofree char *path = g_strconcat(database, ".owner", NULL);
	struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	*holds = false;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return NULL;
	*holds = fcntl(fd, F_OFD_GETLK, &whole) == 0 && whole.l_type != F_UNLCK;
	char *holder = read_holder(fd);
	close(fd);
	return holder;
}

char *owner_lock_holder(const char *database)
{
	bool holds;
	char *holder = owner_lock_look(database, &holds);
	if (!holds)
		g_clear_pointer(&holder, g_free);
	return holder;
}

/* For the message of others only, so a failure costs no more than that. */
static void write_holder(int fd)
{
	char host[256] = "";
	char started[TIME_TEXT_MAX];
	if (gethostname(host, sizeof host - 1) != 0)
		host[0] = '\0';
	g_autofree char *text = g_strdup_printf(
		"pid %d\nhost %s\nsince %s\n", (int)getpid(), host, time_format_utc(clock_now(), started));
	if (ftruncate(fd, 0) != 0 || pwrite(fd, text, strlen(text), 0) < 0)
		return;
}

struct owner_lock *owner_lock_take(const char *database, GError **error)
{
	g_autofree char *path = g_strconcat(database, ".owner", NULL);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0) {
		g_set_error(error, AS_ERROR, AS_ERROR_UNAVAILABLE, "cannot open the lock file %s: %s", path,
			g_strerror(errno));
		return NULL;
	}
	if (!lock_file(fd)) {
		if (errno == EAGAIN || errno == EACCES)
			fail_busy(fd, path, database, error);
		else
			g_set_error(error, AS_ERROR, AS_ERROR_UNAVAILABLE,
				"cannot lock %s, which keeps a second scheduler away: %s", path,
				g_strerror(errno));
		close(fd);
		return NULL;
	}
	write_holder(fd);
	struct owner_lock *lock = g_new0(struct owner_lock, 1);
	lock->fd = fd;
	return lock;
}

void owner_lock_free(struct owner_lock *lock)
{
	if (!lock)
		return;
	/* Said outright: a child between fork and exec would keep the lock of a file that is only closed. */
	struct flock whole = {.l_type = F_UNLCK, .l_whence = SEEK_SET};
	fcntl(lock->fd, F_OFD_SETLK, &whole);
	close(lock->fd);
	g_free(lock);
}
