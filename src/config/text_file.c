#include "config/text_file.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/error.h"

static bool read_all(int fd, size_t most, GString *out)
{
	char part[65536];
	while (out->len <= most) {
		ssize_t got = read(fd, part, sizeof part);
		if (got > 0)
			g_string_append_len(out, part, got);
		else if (got == 0)
			return true;
		else if (errno != EINTR)
			return false;
	}
	return true;
}

static void set_errno(GError **error, int number)
{
	int code = number == ENOENT || number == ENOTDIR ? AS_ERROR_MISSING : AS_ERROR_FAILED;
	g_set_error(error, AS_ERROR, code, "cannot be read: %s", g_strerror(number));
}

bool text_fd_read(int fd, size_t most, char **text, size_t *length, GError **error)
{
	GString *content = g_string_new(NULL);
	bool done = read_all(fd, most, content);
	if (!done)
		set_errno(error, errno);
	else if (content->len > most)
		g_set_error(error, AS_ERROR, AS_ERROR_INVALID, "is larger than %zu bytes", most);
	if (!done || content->len > most) {
		g_string_free(content, TRUE);
		return false;
	}
	*length = content->len;
	*text = g_string_free(content, FALSE);
	return true;
}

bool text_file_read(const char *path, size_t most, char **text, size_t *length, GError **error)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		set_errno(error, errno);
		return false;
	}
	bool done = text_fd_read(fd, most, text, length, error);
	close(fd);
	return done;
}
