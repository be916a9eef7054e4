#include "daemon/control_socket.h"

#include "config/control_path.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define WAITING_MAX 64

static int fail(GError **error, enum as_error kind, const char *text)
{
	g_set_error_literal(error, AS_ERROR, (gint)kind, text);
	return -1;
}

static int fail_errno(GError **error, const char *doing)
{
	g_set_error(error, AS_ERROR, AS_ERROR_UNAVAILABLE, "%s: %s", doing, g_strerror(errno));
	return -1;
}

static bool address_of(const char *path, struct sockaddr_un *address, GError **error)
{
	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (strlen(path) < sizeof address->sun_path) {
		strcpy(address->sun_path, path);
		return true;
	}
	g_set_error(error, AS_ERROR, AS_ERROR_INVALID,
		"the path of a socket has at most %zu bytes, this one %zu: set server.socket to a shorter "
		"one",
		sizeof address->sun_path - 1, strlen(path));
	return false;
}

/* The runtime directory may not be there yet. In /tmp somebody else may have made it. */
static bool folder_prepare(const char *path, GError **error)
{
	g_autofree char *folder = g_path_get_dirname(path);
	g_autofree char *runtime = config_runtime_directory();
	struct stat status;
	if (strcmp(folder, runtime) != 0)
		return true;
	if (mkdir(folder, 0700) != 0 && errno != EEXIST)
		return fail_errno(error, "its folder cannot be made") == 0;
	if (lstat(folder, &status) != 0)
		return fail_errno(error, "its folder") == 0;
	if (!S_ISDIR(status.st_mode) || status.st_uid != geteuid() || (status.st_mode & 022))
		return fail(error, AS_ERROR_INVALID,
			       "its folder belongs to another user, or others may write it") == 0;
	return true;
}

/* What lies at the path and is no socket that a dead process left, stays. */
static bool leftover_remove(const struct sockaddr_un *address, GError **error)
{
	struct stat status;
	if (lstat(address->sun_path, &status) != 0)
		return errno == ENOENT || fail_errno(error, "what is there cannot be looked at") == 0;
	if (!S_ISSOCK(status.st_mode))
		return fail(error, AS_ERROR_INVALID, "there is something else than a socket") == 0;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool refused = fd >= 0 && connect(fd, (const struct sockaddr *)address, sizeof *address) != 0 &&
		       errno == ECONNREFUSED;
	if (fd >= 0)
		close(fd);
	if (!refused)
		return fail(error, AS_ERROR_BUSY,
			       "another process answers on it: give this scheduler a server.socket of its "
			       "own") == 0;
	if (unlink(address->sun_path) != 0)
		return fail_errno(error, "what a dead process left cannot be removed") == 0;
	return true;
}

int control_socket_listen(const char *path, GError **error)
{
	struct sockaddr_un address;
	if (!address_of(path, &address, error) || !folder_prepare(path, error) ||
		!leftover_remove(&address, error))
		return -1;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	/* The mode of the descriptor becomes that of the path: no umask, which other threads share. */
	if (fd >= 0 && fchmod(fd, 0600) == 0 &&
		bind(fd, (const struct sockaddr *)&address, sizeof address) == 0 &&
		listen(fd, WAITING_MAX) == 0)
		return fd;
	fail_errno(error, "it cannot be made");
	if (fd >= 0)
		close(fd);
	return -1;
}

/* Where another process has put its own in the place meanwhile, that stays: this one refuses by now. */
void control_socket_remove(const char *path, int fd)
{
	struct sockaddr_un address;
	struct stat status;
	close(fd);
	if (address_of(path, &address, NULL) && lstat(path, &status) == 0 && S_ISSOCK(status.st_mode))
		leftover_remove(&address, NULL);
}

bool control_socket_trusts(int fd)
{
	struct ucred peer;
	socklen_t length = sizeof peer;
	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 &&
	       (peer.uid == geteuid() || peer.uid == 0);
}
