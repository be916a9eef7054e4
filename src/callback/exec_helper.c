#include "callback/exec_helper.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "callback/exec_privileges.h"
#include "callback/exec_runs.h"
#include "callback/exec_wire.h"

#define KERNEL_SIGNALS 64
/* Programs that are started before everything else is looked at again. */
#define STARTS_MAX     8
#define RECEIVE        ((size_t)64 << 10)
/* What was killed is not waited for longer than this before the helper ends. */
#define END_GRACE      (2 * US_PER_SECOND)

struct helper {
	int socket;
	int signals; /* SIGCHLD */
	int epoll;
	struct exec_plan plan;
	struct exec_runs *runs;
	GByteArray *in, *out;
	size_t taken; /* of `in` */
	uint32_t events;
	bool paused;
	bool ending; /* the scheduler is gone */
	time_us end_at;
};

/* By the kernel's own call: glibc keeps two signals to itself, and what started the scheduler may have
 * ignored them. */
static void signals_reset(void)
{
	struct {
		void *handler;
		unsigned long flags;
		void *restorer;
		unsigned long mask[2];
	} as_new = {0};
	for (int number = 1; number <= KERNEL_SIGNALS; number++)
		syscall(SYS_rt_sigaction, number, &as_new, NULL, KERNEL_SIGNALS / 8);
}

int exec_process_begin(int keep, const char *name)
{
	prctl(PR_SET_NAME, name, 0, 0, 0);
	setsid();
	sigset_t all;
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	signals_reset();
	int null_in = open("/dev/null", O_RDONLY | O_CLOEXEC),
	    null_out = open("/dev/null", O_WRONLY | O_CLOEXEC);
	int kept = fcntl(keep, F_DUPFD_CLOEXEC, 3);
	/* The numbers are distinct and above 2, or one of 0 to 2 was closed, which makes no difference. */
	if (null_in < 0 || null_out < 0 || kept < 0 || dup2(null_in, 0) < 0 || dup2(null_out, 1) < 0 ||
		dup2(null_out, 2) < 0 || fcntl(0, F_SETFD, 0) != 0)
		_exit(1);
	if (kept != 3 && dup3(kept, 3, O_CLOEXEC) < 0)
		_exit(1);
	if (close_range(4, ~0U, 0) != 0)
		_exit(1);
	return 3;
}

/* --- the first frame --- */

/* Waits for the plan; ends the process where there will be none. */
static void plan_receive(struct helper *h)
{
	struct exec_frame frame;
	enum exec_frame_state state;
	while ((state = exec_frame_next(h->in, &h->taken, &frame)) == EXEC_FRAME_PARTIAL) {
		uint8_t bytes[4096];
		ssize_t n = recv(h->socket, bytes, sizeof bytes, 0);
		if (n == 0 || (n < 0 && errno != EINTR))
			_exit(0);
		if (n > 0)
			g_byte_array_append(h->in, bytes, (guint)n);
	}
	if (state != EXEC_FRAME_WHOLE || !exec_plan_get(&frame, &h->plan))
		_exit(1);
}

static void answer_send(int socket, enum exec_kind kind, const char *text)
{
	g_autoptr(GByteArray) out = g_byte_array_new();
	size_t begin = exec_frame_begin(out, kind);
	exec_put_text(out, text);
	exec_frame_end(out, begin);
	if (send(socket, out->data, out->len, MSG_NOSIGNAL) != (ssize_t)out->len)
		_exit(1);
}

static void epoll_watch(const struct helper *h, int operation, int fd, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.fd = fd};
	if (epoll_ctl(h->epoll, operation, fd, &event) != 0)
		g_error("exec: epoll: %m");
}

static void helper_open(struct helper *h)
{
	g_autoptr(GError) error = NULL;
	struct rlimit files;
	plan_receive(h);
	if (!exec_privileges_drop(&h->plan, &files, &error)) {
		answer_send(h->socket, EXEC_ERROR, error->message);
		_exit(1);
	}
	/* Looking up a user may have left descriptors open. */
	close_range((unsigned)h->socket + 1, ~0U, 0);
	h->runs = exec_runs_new(&h->plan, exec_spawner_new(&h->plan, &files), h->out);
	sigset_t child;
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	h->signals = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
	h->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (h->signals < 0 || h->epoll < 0)
		g_error("exec: signalfd or epoll: %m");
	h->events = EPOLLIN;
	epoll_watch(h, EPOLL_CTL_ADD, h->socket, h->events);
	epoll_watch(h, EPOLL_CTL_ADD, h->signals, EPOLLIN);
	epoll_watch(h, EPOLL_CTL_ADD, exec_runs_fd(h->runs), EPOLLIN);
	answer_send(h->socket, EXEC_READY, NULL);
	fcntl(h->socket, F_SETFL, O_NONBLOCK);
}

/* --- the socket --- */

/* The scheduler is gone, or says what cannot be. */
static void end_begin(struct helper *h)
{
	if (h->ending)
		return;
	time_us now = clock_monotonic();
	h->ending = true;
	h->end_at = now + h->plan.kill_after + END_GRACE;
	epoll_watch(h, EPOLL_CTL_DEL, h->socket, 0);
	close(h->socket);
	g_byte_array_set_size(h->in, 0);
	h->taken = 0;
	exec_runs_stop(h->runs, now);
}

static void in_receive(struct helper *h)
{
	size_t before = h->in->len;
	g_byte_array_set_size(h->in, (guint)(before + RECEIVE));
	ssize_t n = recv(h->socket, h->in->data + before, RECEIVE, 0);
	int code = errno;
	g_byte_array_set_size(h->in, (guint)(before + (n > 0 ? (size_t)n : 0)));
	if (n == 0 || (n < 0 && code != EAGAIN && code != EINTR))
		end_begin(h);
}

/* Starts some of what is asked for; true where more of it is there. */
static bool requests_take(struct helper *h)
{
	for (int i = 0; i < STARTS_MAX; i++) {
		struct exec_frame frame;
		enum exec_frame_state state = exec_frame_next(h->in, &h->taken, &frame);
		if (state == EXEC_FRAME_PARTIAL) {
			g_byte_array_remove_range(h->in, 0, (guint)h->taken);
			h->taken = 0;
			return false;
		}
		if (state == EXEC_FRAME_BAD || frame.kind != EXEC_RUN ||
			!exec_runs_start(h->runs, &frame, clock_monotonic())) {
			end_begin(h);
			return false;
		}
	}
	return true;
}

static void out_send(struct helper *h)
{
	if (h->ending)
		g_byte_array_set_size(h->out, 0);
	if (!h->out->len)
		return;
	ssize_t n = send(h->socket, h->out->data, h->out->len, MSG_NOSIGNAL);
	if (n > 0)
		g_byte_array_remove_range(h->out, 0, (guint)n);
	else if (errno != EAGAIN && errno != EINTR)
		end_begin(h);
}

/* --- the loop --- */

/* What is waited for follows from how much is on its way in both directions. */
static void interest_renew(struct helper *h)
{
	bool paused = h->out->len >= EXEC_OUT_MAX;
	if (paused != h->paused) {
		h->paused = paused;
		exec_runs_pause(h->runs, paused);
		epoll_watch(h, paused ? EPOLL_CTL_DEL : EPOLL_CTL_ADD, exec_runs_fd(h->runs), EPOLLIN);
	}
	uint32_t events = (paused ? 0U : (uint32_t)EPOLLIN) | (h->out->len ? (uint32_t)EPOLLOUT : 0U);
	if (!h->ending && events != h->events) {
		h->events = events;
		epoll_watch(h, EPOLL_CTL_MOD, h->socket, events);
	}
}

static int wait_ms(const struct helper *h, bool more)
{
	time_us next = MIN(exec_runs_next(h->runs), h->end_at), now = clock_monotonic();
	if (more || next <= now)
		return 0;
	return next == TIME_US_MAX ? -1 : (int)MIN((next - now) / US_PER_MS + 1, 60000);
}

static void children_take(struct helper *h)
{
	struct signalfd_siginfo info;
	while (read(h->signals, &info, sizeof info) > 0)
		continue;
	exec_runs_reap(h->runs, clock_monotonic());
}

static void events_take(struct helper *h, const struct epoll_event *events, int count)
{
	for (int i = 0; i < count; i++) {
		if (events[i].data.fd == h->signals)
			children_take(h);
		else if (events[i].data.fd == exec_runs_fd(h->runs))
			exec_runs_read(h->runs, clock_monotonic());
		else if (!h->ending && (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
			in_receive(h);
	}
}

_Noreturn void exec_helper_run(int socket)
{
	struct helper h = {.in = g_byte_array_new(), .out = g_byte_array_new(), .end_at = TIME_US_MAX};
	h.socket = exec_process_begin(socket, "as-exec-helper");
	helper_open(&h);
	for (bool more = true;;) {
		struct epoll_event events[3];
		out_send(&h);
		interest_renew(&h);
		int count = epoll_wait(h.epoll, events, G_N_ELEMENTS(events), wait_ms(&h, more));
		events_take(&h, events, count);
		more = !h.ending && !h.paused && requests_take(&h);
		exec_runs_due(h.runs, clock_monotonic());
		if (h.ending && (!exec_runs_count(h.runs) || clock_monotonic() >= h.end_at))
			_exit(0);
	}
}
