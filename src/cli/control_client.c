#include "cli/control_client.h"

#include "base/clock.h"
#include "base/json.h"
#include "config/control_path.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* What is asked for is durable first, which takes as long as internal_db takes. */
#define ANSWER_WAIT US_PER_MINUTE
#define ANSWER_MAX  (8 * 1024 * 1024)

struct control_connection {
	int fd;
	char *path;
	GString *received;
};

static bool fail(GError **error, enum as_error kind, const char *format, ...) G_GNUC_PRINTF(3, 4);
static bool fail(GError **error, enum as_error kind, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	g_autofree char *text = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	g_set_error_literal(error, AS_ERROR, (gint)kind, text);
	return false;
}

/* With where it was asked in front. */
static bool fail_at(const struct control_connection *connection, GError **error)
{
	g_prefix_error(error, "the scheduler on %s: ", connection->path);
	return false;
}

/* Someone else could have put a socket there. */
static bool is_trusted(int fd)
{
	struct ucred peer;
	socklen_t length = sizeof peer;
	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 &&
	       (peer.uid == geteuid() || peer.uid == 0 || geteuid() == 0);
}

json_t *control_request(const struct config *config, const char *command)
{
	g_autofree char *identity = config_identity(config);
	json_t *request = json_object();
	json_object_set_new(request, "command", json_string(command));
	json_object_set_new(request, "internal_db", json_text(identity, strlen(identity)));
	return request;
}

/* --- connecting --- */

static enum control_reply connect_to(int fd, const char *path, dur_us wait, GError **error)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof address.sun_path)
		return CONTROL_NOBODY; /* the scheduler could not make it */
	strcpy(address.sun_path, path);
	/* One that accepts nobody, as it is stopped or has too many waiting, would be waited for without end.
	 */
	struct timeval most = {.tv_sec = wait / US_PER_SECOND, .tv_usec = wait % US_PER_SECOND};
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &most, sizeof most);
	if (connect(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
		if (errno == ENOENT || errno == ENOTDIR || errno == ECONNREFUSED)
			return CONTROL_NOBODY;
		fail(error, AS_ERROR_UNAVAILABLE, "%s",
			errno == EAGAIN ? "it takes no request" : g_strerror(errno));
		return CONTROL_FAILED;
	}
	if (is_trusted(fd))
		return CONTROL_ANSWERED;
	fail(error, AS_ERROR_UNAVAILABLE, "another user's process answers there");
	return CONTROL_FAILED;
}

struct control_connection *control_connect(
	const char *path, dur_us wait, enum control_reply *reply, GError **error)
{
	struct control_connection *connection = g_new0(struct control_connection, 1);
	connection->path = g_strdup(path);
	connection->received = g_string_new(NULL);
	connection->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	*reply = CONTROL_FAILED;
	if (connection->fd < 0)
		fail(error, AS_ERROR_FAILED, "%s", g_strerror(errno));
	else
		*reply = connect_to(connection->fd, path, wait, error);
	if (*reply == CONTROL_ANSWERED)
		return connection;
	if (*reply == CONTROL_FAILED)
		fail_at(connection, error);
	control_disconnect(connection);
	return NULL;
}

void control_disconnect(struct control_connection *connection)
{
	if (!connection)
		return;
	if (connection->fd >= 0)
		close(connection->fd);
	g_string_free(connection->received, TRUE);
	g_free(connection->path);
	g_free(connection);
}

int control_fd(const struct control_connection *connection)
{
	return connection->fd;
}

/* --- lines --- */

/* Waits until something can be done; false at the deadline. */
static bool wait_for(int fd, short events, time_us deadline)
{
	struct pollfd descriptor = {.fd = fd, .events = events};
	time_us left = deadline - clock_monotonic();
	return left > 0 && poll(&descriptor, 1, (int)(left / US_PER_MS) + 1) != 0;
}

static bool send_text(int fd, const char *text, size_t length, GError **error)
{
	time_us deadline = clock_monotonic() + ANSWER_WAIT;
	for (size_t at = 0; at < length;) {
		ssize_t sent = send(fd, text + at, length - at, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (sent > 0)
			at += (size_t)sent;
		else if (errno == EPIPE || errno == ECONNRESET)
			return true; /* it may say why */
		else if (errno != EAGAIN && errno != EINTR)
			return fail(error, AS_ERROR_UNAVAILABLE, "%s", g_strerror(errno));
		else if (!wait_for(fd, POLLOUT, deadline))
			return fail(error, AS_ERROR_UNAVAILABLE, "it takes no request");
	}
	return true;
}

bool control_send(struct control_connection *connection, const char *line, GError **error)
{
	g_autofree char *text = g_strconcat(line, "\n", NULL);
	return send_text(connection->fd, text, strlen(text), error) || fail_at(connection, error);
}

/* True where a whole line is there, or none has come by the deadline. */
static bool receive_line(struct control_connection *connection, time_us deadline, GError **error)
{
	char buffer[16384];
	GString *line = connection->received;
	while (!memchr(line->str, '\n', line->len)) {
		ssize_t got = recv(connection->fd, buffer, sizeof buffer, MSG_DONTWAIT);
		if (got > 0)
			g_string_append_len(line, buffer, got);
		else if (got == 0 || errno == ECONNRESET)
			return fail(error, AS_ERROR_UNAVAILABLE,
				"it ended before it answered; what was asked for may be done all the same");
		else if (errno != EAGAIN && errno != EINTR)
			return fail(error, AS_ERROR_UNAVAILABLE, "%s", g_strerror(errno));
		else if (!wait_for(connection->fd, POLLIN, deadline))
			return true;
		if (line->len > ANSWER_MAX)
			return fail(error, AS_ERROR_FAILED, "its answer is too long");
	}
	return true;
}

static bool read_answer(const char *line, size_t length, json_t **answer, GError **error)
{
	g_autoptr(json_t) document = json_read(line, length, error);
	if (!document)
		return false;
	if (json_is_true(json_object_get(document, "ok"))) {
		*answer = g_steal_pointer(&document);
		return true;
	}
	const char *reason = json_string_value(json_object_get(document, "error"));
	return fail(error, AS_ERROR_INVALID, "%s", reason ? reason : "it gives no reason");
}

bool control_receive(struct control_connection *connection, dur_us wait, json_t **answer, GError **error)
{
	GString *line = connection->received;
	*answer = NULL;
	if (!receive_line(connection, clock_monotonic() + wait, error))
		return fail_at(connection, error);
	const char *end = memchr(line->str, '\n', line->len);
	if (!end)
		return true;
	size_t length = (size_t)(end - line->str);
	bool read = read_answer(line->str, length, answer, error);
	g_string_erase(line, 0, (gssize)length + 1);
	return read || fail_at(connection, error);
}

enum control_reply control_ask(const char *path, const char *line, json_t **answer, GError **error)
{
	enum control_reply reply;
	struct control_connection *connection = control_connect(path, ANSWER_WAIT, &reply, error);
	if (!connection)
		return reply;
	bool done = control_send(connection, line, error) &&
		    control_receive(connection, ANSWER_WAIT, answer, error);
	if (done && !*answer) {
		done = fail(error, AS_ERROR_UNAVAILABLE,
			"it has not answered within %d s, as long as internal_db takes nothing; what was "
			"asked "
			"for may be done all the same",
			(int)(ANSWER_WAIT / US_PER_SECOND));
		fail_at(connection, error);
	}
	control_disconnect(connection);
	return done ? CONTROL_ANSWERED : CONTROL_FAILED;
}
