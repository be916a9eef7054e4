#include "callback/python_worker.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/json.h"

/* A longer line of output is said in pieces. */
#define LINE_MAX_BYTES ((size_t)4096)
/* What is read of the output at a time, so that a worker that never stops printing holds up nobody. */
#define OUTPUT_PIECE   ((size_t)1 << 16)

/* --- the channel --- */

/* A packet with what follows next of the frame; false where there is no room. */
static bool piece_send(struct python_worker *worker)
{
	size_t left = worker->frame_length - worker->frame_sent, length = MIN(left, PYTHON_PACKET_MAX - 1);
	char mark = length < left ? '+' : '.';
	struct iovec parts[] = {{&mark, 1}, {(void *)(worker->frame + worker->frame_sent), length}};
	struct msghdr message = {.msg_iov = parts, .msg_iovlen = G_N_ELEMENTS(parts)};
	ssize_t n;
	do
		n = sendmsg(worker->channel, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return false;
	worker->frame_sent += length;
	return true;
}

/* An error other than a full buffer means that the worker is gone, which its pidfd tells. */
void python_worker_go_on(struct python_worker *worker)
{
	while (worker->frame && piece_send(worker))
		if (worker->frame_sent == worker->frame_length)
			worker->frame = NULL;
}

void python_worker_send(struct python_worker *worker, const char *frame, size_t length)
{
	worker->frame = frame;
	worker->frame_length = length;
	worker->frame_sent = 0;
	python_worker_go_on(worker);
}

size_t python_worker_take_back(struct python_worker *worker)
{
	size_t count = worker->frame != NULL;
	char mark;
	ssize_t n;
	worker->frame = NULL;
	/* The rest of a packet is dropped. */
	while ((n = recv(worker->unread, &mark, 1, MSG_DONTWAIT)) > 0 || (n < 0 && errno == EINTR))
		count += n > 0 && mark == '.';
	return count;
}

json_t *python_worker_receive(struct python_worker *worker, bool *bad)
{
	char packet[PYTHON_PACKET_MAX];
	ssize_t n;
	do
		n = recv(worker->channel, packet, sizeof packet, MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return NULL;
	json_t *frame = packet[0] == '.' ? json_read(packet + 1, (size_t)n - 1, NULL) : NULL;
	*bad = !json_is_object(frame);
	if (!*bad)
		return frame;
	json_decref(frame);
	return NULL;
}

/* --- what it prints --- */

static void line_say(
	const char *line, size_t length, void (*say)(void *context, const char *line), void *context)
{
	g_autofree char *text = g_utf8_make_valid(line, (gssize)length);
	g_strchomp(text);
	if (*text)
		say(context, text);
}

static void lines_say(
	GString *line, size_t searched, void (*say)(void *context, const char *line), void *context)
{
	size_t begin = 0;
	for (size_t end = searched; end < line->len; end++) {
		if (line->str[end] != '\n' && end - begin < LINE_MAX_BYTES)
			continue;
		line_say(line->str + begin, end - begin, say, context);
		begin = line->str[end] == '\n' ? end + 1 : end;
	}
	g_string_erase(line, 0, (gssize)begin);
}

bool python_worker_read_output(
	struct python_worker *worker, void (*say)(void *context, const char *line), void *context)
{
	char bytes[OUTPUT_PIECE];
	if (worker->output < 0)
		return false;
	ssize_t n = read(worker->output, bytes, sizeof bytes);
	if (n == 0) {
		/* It has closed it, and would be found readable for ever. */
		close(worker->output);
		worker->output = -1;
	}
	if (n <= 0)
		return n < 0 && errno == EINTR;
	size_t searched = worker->line->len;
	g_string_append_len(worker->line, bytes, n);
	lines_say(worker->line, searched, say, context);
	return true;
}

/* --- its end --- */

/* Not reaped yet, so the number is still its own. */
void python_worker_kill(struct python_worker *worker, int number)
{
	/* The function may have taken it out of its group. */
	kill(-worker->pid, number);
	kill(worker->pid, number);
}

void python_worker_dismiss(struct python_worker *worker)
{
	shutdown(worker->channel, SHUT_WR);
}

static char *status_describe(int status)
{
	if (WIFSIGNALED(status))
		return g_strdup_printf(
			"was killed by signal %d (%s)", WTERMSIG(status), g_strsignal(WTERMSIG(status)));
	return g_strdup_printf("ended with status %d", WEXITSTATUS(status));
}

bool python_worker_reap(struct python_worker *worker, char **how)
{
	int status;
	pid_t pid;
	do
		pid = waitpid(worker->pid, &status, WNOHANG);
	while (pid < 0 && errno == EINTR);
	if (pid == 0)
		return false;
	*how = pid < 0 ? g_strdup("is gone") : status_describe(status);
	worker->pid = 0;
	return true;
}

void python_worker_close(
	struct python_worker *worker, void (*say)(void *context, const char *line), void *context)
{
	line_say(worker->line->str, worker->line->len, say, context);
	g_string_free(worker->line, true);
	int fds[] = {worker->pidfd, worker->channel, worker->unread, worker->output};
	for (size_t i = 0; i < G_N_ELEMENTS(fds); i++)
		if (fds[i] >= 0)
			close(fds[i]);
}
