#include "cli/control_client.h"

#include "base/clock.h"
#include "base/json.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* What is asked for is durable first, which takes as long as internal_db takes. */
#define ANSWER_WAIT US_PER_MINUTE
#define ANSWER_MAX  (8 * 1024 * 1024)

static enum control_reply fail(GError **error, enum as_error kind, const char *format, ...)
	G_GNUC_PRINTF(3, 4);
static enum control_reply fail(GError **error, enum as_error kind, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	g_autofree char *text = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	g_set_error_literal(error, AS_ERROR, (gint)kind, text);
	return CONTROL_FAILED;
}

/* Someone else could have put a socket there. */
static bool is_trusted(int fd)
{
	struct ucred peer;
	socklen_t length = sizeof peer;
	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 &&
	       (peer.uid == geteuid() || peer.uid == 0 || geteuid() == 0);
}

static enum control_reply connect_to(int fd, const char *path, GError **error)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof address.sun_path)
		return CONTROL_NOBODY; /* the scheduler could not make it */
	strcpy(address.sun_path, path);
	/* One that accepts nobody, as it is stopped or has too many waiting, would be waited for without end.
	 */
	struct timeval wait = {.tv_sec = ANSWER_WAIT / US_PER_SECOND};
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
	if (connect(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
		if (errno == ENOENT || errno == ENOTDIR || errno == ECONNREFUSED)
			return CONTROL_NOBODY;
		return fail(error, AS_ERROR_UNAVAILABLE, "%s",
			errno == EAGAIN ? "it takes no request" : g_strerror(errno));
	}
	if (!is_trusted(fd))
		return fail(error, AS_ERROR_UNAVAILABLE, "another user's process answers there");
	return CONTROL_ANSWERED;
}

/* Waits until something can be done; false at the deadline. */
static bool wait_for(int fd, short events, time_us deadline)
{
	struct pollfd descriptor = {.fd = fd, .events = events};
	time_us left = deadline - clock_monotonic();
	return left > 0 && poll(&descriptor, 1, (int)(left / US_PER_MS) + 1) != 0;
}

static enum control_reply send_line(int fd, const char *line, time_us deadline, GError **error)
{
	g_autofree char *text = g_strconcat(line, "\n", NULL);
	size_t length = strlen(text), at = 0;
	while (at < length) {
		ssize_t sent = send(fd, text + at, length - at, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (sent > 0)
			at += (size_t)sent;
		else if (errno == EPIPE || errno == ECONNRESET)
			break; /* it may say why */
		else if (errno != EAGAIN && errno != EINTR)
			return fail(error, AS_ERROR_UNAVAILABLE, "%s", g_strerror(errno));
		else if (!wait_for(fd, POLLOUT, deadline))
			return fail(error, AS_ERROR_UNAVAILABLE, "it takes no request");
	}
	return CONTROL_ANSWERED;
}

static enum control_reply receive_line(int fd, GString *line, time_us deadline, GError **error)
{
	char buffer[16384];
	while (!memchr(line->str, '\n', line->len)) {
		ssize_t got = recv(fd, buffer, sizeof buffer, MSG_DONTWAIT);
		if (got > 0)
			g_string_append_len(line, buffer, got);
		else if (got == 0 || errno == ECONNRESET)
			return fail(error, AS_ERROR_UNAVAILABLE,
				"it ended before it answered; what was asked for may be done all the same");
		else if (errno != EAGAIN && errno != EINTR)
			return fail(error, AS_ERROR_UNAVAILABLE, "%s", g_strerror(errno));
		else if (!wait_for(fd, POLLIN, deadline))
			return fail(error, AS_ERROR_UNAVAILABLE,
				"it has not said within %d s that internal_db has it; what was asked for may "
				"be done all the same",
				(int)(ANSWER_WAIT / US_PER_SECOND));
		if (line->len > ANSWER_MAX)
			return fail(error, AS_ERROR_FAILED, "its answer is too long");
	}
	return CONTROL_ANSWERED;
}

static enum control_reply read_answer(const GString *line, json_t **answer, GError **error)
{
	json_t *document = json_read(line->str, strcspn(line->str, "\n"), error);
	if (!document)
		return CONTROL_FAILED;
	if (json_is_true(json_object_get(document, "ok"))) {
		*answer = document;
		return CONTROL_ANSWERED;
	}
	const char *reason = json_string_value(json_object_get(document, "error"));
	fail(error, AS_ERROR_INVALID, "%s", reason ? reason : "it gives no reason");
	json_decref(document);
	return CONTROL_FAILED;
}

enum control_reply control_ask(const char *path, const char *line, json_t **answer, GError **error)
{
	time_us deadline = clock_monotonic() + ANSWER_WAIT;
	g_autoptr(GString) received = g_string_new(NULL);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return fail(error, AS_ERROR_FAILED, "%s", g_strerror(errno));
	enum control_reply reply = connect_to(fd, path, error);
	if (reply == CONTROL_ANSWERED)
		reply = send_line(fd, line, deadline, error);
	if (reply == CONTROL_ANSWERED)
		reply = receive_line(fd, received, deadline, error);
	if (reply == CONTROL_ANSWERED)
		reply = read_answer(received, answer, error);
	close(fd);
	if (reply == CONTROL_FAILED)
		g_prefix_error(error, "the scheduler on %s: ", path);
	return reply;
}
