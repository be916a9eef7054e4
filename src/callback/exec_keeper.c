#include "callback/exec_keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "callback/exec_helper.h"

/* A helper that looks up its user in a directory on the network may take its time. */
#define CONNECT_WAIT (10 * US_PER_SECOND)

/* The scheduler's end; -1: none. */
static int keeper_socket = -1;

/* --- the keeper --- */

union control {
	struct cmsghdr header;
	char bytes[CMSG_SPACE(sizeof(int))];
};

/* The socket of a helper that is wanted; -1 where nothing came; false where the scheduler is gone. */
static bool wanted_receive(int socket, int *helper)
{
	char byte;
	union control control;
	struct iovec piece = {&byte, 1};
	struct msghdr message = {.msg_iov = &piece,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof control};
	ssize_t n = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
	const struct cmsghdr *header = n > 0 ? CMSG_FIRSTHDR(&message) : NULL;
	*helper = -1;
	if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS)
		memcpy(helper, CMSG_DATA(header), sizeof *helper);
	return n > 0 || (n < 0 && errno == EINTR);
}

static _Noreturn void keeper_run(int keep)
{
	int helper, socket = exec_process_begin(keep, "as-exec-keeper");
	/* Helpers that end leave nothing behind. */
	signal(SIGCHLD, SIG_IGN);
	while (wanted_receive(socket, &helper)) {
		if (helper < 0)
			continue;
		if (fork() == 0)
			exec_helper_run(helper);
		close(helper);
	}
	_exit(0);
}

/* --- the scheduler --- */

static bool socket_pair(int type, int ends[2], GError **error)
{
	if (socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends) == 0)
		return true;
	g_set_error(error, AS_ERROR, AS_ERROR_UNAVAILABLE, "no socket for a helper: %s", g_strerror(errno));
	return false;
}

bool exec_keeper_start(GError **error)
{
	int ends[2];
	if (!socket_pair(SOCK_SEQPACKET, ends, error))
		return false;
	pid_t pid = fork();
	if (pid == 0)
		keeper_run(ends[1]);
	int code = errno;
	close(ends[1]);
	if (pid < 0) {
		close(ends[0]);
		g_set_error(error, AS_ERROR, AS_ERROR_FAILED, "the helper cannot be started: %s",
			g_strerror(code));
		return false;
	}
	keeper_socket = ends[0];
	return true;
}

bool exec_keeper_is_started(void)
{
	return keeper_socket >= 0;
}

static bool wanted_send(int helper, GError **error)
{
	union control control = {0};
	struct iovec piece = {(char[]){'h'}, 1};
	struct msghdr message = {.msg_iov = &piece,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof control};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	*header = (struct cmsghdr){CMSG_LEN(sizeof helper), SOL_SOCKET, SCM_RIGHTS};
	memcpy(CMSG_DATA(header), &helper, sizeof helper);
	if (sendmsg(keeper_socket, &message, MSG_NOSIGNAL) == 1)
		return true;
	g_set_error(error, AS_ERROR, AS_ERROR_FAILED, "the process that makes helpers is gone: %s",
		g_strerror(errno));
	return false;
}

static bool plan_send(int socket, const struct exec_plan *plan, GError **error)
{
	g_autoptr(GByteArray) out = g_byte_array_new();
	exec_plan_put(out, plan);
	for (size_t sent = 0; sent < out->len;) {
		ssize_t n = send(socket, out->data + sent, out->len - sent, MSG_NOSIGNAL);
		if (n < 0 && errno != EINTR) {
			g_set_error(error, AS_ERROR, AS_ERROR_UNAVAILABLE, "the helper has ended: %s",
				g_strerror(errno));
			return false;
		}
		sent += n > 0 ? (size_t)n : 0;
	}
	return true;
}

/* False where the frame is a refusal. */
static bool ready_read(struct exec_frame *frame, GError **error)
{
	const char *text = exec_get_text(frame);
	if (frame->kind == EXEC_READY)
		return true;
	g_autofree char *message = g_utf8_make_valid(text ? text : "the helper refused", -1);
	g_set_error_literal(error, AS_ERROR, AS_ERROR_INVALID, message);
	return false;
}

/* Reads more of the answer; false where there will be none in time. */
static bool ready_receive(int socket, int cancel, time_us until, GByteArray *in, GError **error)
{
	uint8_t bytes[512];
	struct pollfd ready[] = {{socket, POLLIN, 0}, {cancel, POLLIN, 0}};
	dur_us left = until - clock_monotonic();
	int count = left > 0 ? poll(ready, G_N_ELEMENTS(ready), (int)(left / US_PER_MS) + 1) : 0;
	if (count < 0 && errno == EINTR)
		return true;
	bool readable = count > 0 && ready[0].revents;
	/* Nothing comes after the frame until something is asked for. */
	ssize_t n = readable ? recv(socket, bytes, sizeof bytes, 0) : 0;
	if (n > 0) {
		g_byte_array_append(in, bytes, (guint)n);
		return true;
	}
	g_set_error(error, AS_ERROR, AS_ERROR_UNAVAILABLE, "the helper %s",
		readable ? "has ended" : "does not answer");
	return false;
}

static bool ready_wait(int socket, int cancel, GError **error)
{
	g_autoptr(GByteArray) in = g_byte_array_new();
	struct exec_frame frame;
	size_t taken = 0;
	time_us until = clock_monotonic() + CONNECT_WAIT;
	while (exec_frame_next(in, &taken, &frame) != EXEC_FRAME_WHOLE)
		if (!ready_receive(socket, cancel, until, in, error))
			return false;
	return ready_read(&frame, error);
}

int exec_helper_connect(const struct exec_plan *plan, int cancel, GError **error)
{
	int ends[2];
	if (!socket_pair(SOCK_STREAM, ends, error))
		return -1;
	bool wanted = wanted_send(ends[1], error);
	close(ends[1]);
	if (wanted && plan_send(ends[0], plan, error) && ready_wait(ends[0], cancel, error)) {
		fcntl(ends[0], F_SETFL, O_NONBLOCK);
		return ends[0];
	}
	close(ends[0]);
	return -1;
}
