#include "callback/exec_runs.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "callback/exec_output.h"
#include "model/fire.h"

/* How long output is waited for once the process has ended. */
#define GRACE      US_PER_SECOND
/* How often a group that was told to end is looked at after its first process has ended. */
#define GROUP_POLL (100 * US_PER_MS)
#define READ_MAX   ((size_t)64 << 10)
#define EVENTS_MAX 64

struct run {
	struct exec_runs *runs;
	int64_t ticket;
	pid_t pid;
	int fd; /* -1: closed */
	time_us started_at, finished_at;
	dur_us timeout;      /* 0: none */
	time_us timeout_at;  /* TIME_US_MAX: none */
	time_us kill_at;     /* where it is being stopped */
	time_us grace_until; /* 0: not yet needed */
	time_us due;
	int status;
	bool exited, timed_out, stopping, killed;
	struct exec_output output;
	struct exec_lines lines;
};

struct exec_runs {
	const struct exec_plan *plan;
	struct exec_spawner *spawner;
	GByteArray *out;
	GHashTable *by_pid; /* pid → struct run, those that have not ended */
	GHashTable *all;    /* struct run → itself */
	int epoll;
	time_us next; /* at or before the first due */
	bool paused;
	uint8_t bytes[READ_MAX];
};

struct exec_runs *exec_runs_new(const struct exec_plan *plan, struct exec_spawner *spawner, GByteArray *out)
{
	struct exec_runs *runs = g_new0(struct exec_runs, 1);
	runs->plan = plan;
	runs->spawner = spawner;
	runs->out = out;
	runs->by_pid = g_hash_table_new(NULL, NULL);
	runs->all = g_hash_table_new(NULL, NULL);
	runs->next = TIME_US_MAX;
	runs->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (runs->epoll < 0)
		g_error("exec: epoll: %m");
	return runs;
}

int exec_runs_fd(const struct exec_runs *runs)
{
	return runs->epoll;
}

size_t exec_runs_count(const struct exec_runs *runs)
{
	return g_hash_table_size(runs->all);
}

/* --- the answer --- */

static void done_put(struct exec_runs *runs, int64_t ticket, enum fire_answer answer, time_us started_at,
	time_us finished_at, const void *detail, size_t length)
{
	size_t begin = exec_frame_begin(runs->out, EXEC_DONE);
	exec_put_number(runs->out, ticket);
	exec_put_number(runs->out, answer);
	exec_put_number(runs->out, started_at);
	exec_put_number(runs->out, finished_at);
	exec_put_bytes(runs->out, detail, length);
	exec_frame_end(runs->out, begin);
}

static void line_put(void *context, const uint8_t *bytes, size_t length)
{
	const struct run *run = context;
	GByteArray *out = run->runs->out;
	size_t begin = exec_frame_begin(out, EXEC_LINE);
	exec_put_number(out, run->ticket);
	exec_put_bytes(out, bytes, length);
	exec_frame_end(out, begin);
}

/* Why it was no success; NULL where it was. */
static char *reason_of(const struct run *run)
{
	if (run->timed_out)
		return g_strdup_printf(
			"timed out after %" G_GINT64_FORMAT " s", run->timeout / US_PER_SECOND);
	if (WIFSIGNALED(run->status)) {
		const char *name = sigabbrev_np(WTERMSIG(run->status));
		g_autofree char *number = g_strdup_printf("RTMIN%+d", WTERMSIG(run->status) - SIGRTMIN);
		return g_strdup_printf("killed by SIG%s", name ? name : number);
	}
	int code = WEXITSTATUS(run->status);
	return code ? g_strdup_printf("exit status %d", code) : NULL;
}

static void run_answer(struct run *run)
{
	g_autofree char *reason = reason_of(run);
	g_autoptr(GByteArray) detail = g_byte_array_new();
	if (reason)
		g_byte_array_append(detail, (const guint8 *)reason, (guint)strlen(reason));
	if (reason && run->output.kept->len)
		g_byte_array_append(detail, (const guint8 *)"\n", 1);
	exec_output_text(&run->output, detail);
	done_put(run->runs, run->ticket, reason ? FIRE_REJECTED : FIRE_DELIVERED, run->started_at,
		run->finished_at, detail->data, detail->len);
}

static void run_close(struct run *run)
{
	if (run->fd < 0)
		return;
	/* Closing is not enough: a program that is just being executed may hold a copy for a moment. */
	epoll_ctl(run->runs->epoll, EPOLL_CTL_DEL, run->fd, NULL);
	close(run->fd);
	run->fd = -1;
}

static void run_read(struct run *run);

static void run_finish(struct run *run)
{
	run_read(run);
	run_close(run);
	exec_lines_end(&run->lines);
	run_answer(run);
	exec_output_clear(&run->output);
	g_hash_table_remove(run->runs->all, run);
	g_free(run);
}

/* --- from one state to the next --- */

static void run_signal(const struct run *run, int number)
{
	kill(-run->pid, number);
}

static void run_kill(struct run *run)
{
	run_signal(run, SIGKILL);
	run->killed = true;
}

static void run_stop(struct run *run, time_us now)
{
	run->stopping = true;
	run->kill_at = now + run->runs->plan->kill_after;
	run_signal(run, SIGTERM);
	run_signal(run, SIGCONT);
}

static void due_set(struct run *run, time_us due)
{
	run->due = due;
	run->runs->next = MIN(run->runs->next, due);
}

static void advance_running(struct run *run, time_us now)
{
	if (!run->stopping && now >= run->timeout_at) {
		run->timed_out = true;
		run_stop(run, now);
	}
	if (run->stopping && !run->killed && now >= run->kill_at)
		run_kill(run);
	due_set(run, run->killed ? TIME_US_MAX : run->stopping ? run->kill_at : run->timeout_at);
}

/* Whether others of the group may live on for now. Its number is nobody else's as long as one of them lives.
 */
static bool group_waits(struct run *run, time_us now)
{
	if (!run->stopping || run->killed || kill(-run->pid, 0) != 0)
		return false;
	if (now >= run->kill_at) {
		run_kill(run);
		return false;
	}
	due_set(run, MIN(run->kill_at, now + GROUP_POLL));
	return true;
}

/* Frees it where it is at its end. */
static void run_advance(struct run *run, time_us now)
{
	if (!run->exited) {
		advance_running(run, now);
		return;
	}
	if (group_waits(run, now))
		return;
	if (!run->grace_until || run->runs->paused)
		run->grace_until = now + GRACE;
	if (run->fd < 0 || now >= run->grace_until)
		run_finish(run);
	else
		due_set(run, run->grace_until);
}

void exec_runs_due(struct exec_runs *runs, time_us now)
{
	if (now < runs->next)
		return;
	g_autoptr(GPtrArray) due = g_ptr_array_new();
	GHashTableIter iter;
	gpointer key;
	runs->next = TIME_US_MAX;
	g_hash_table_iter_init(&iter, runs->all);
	while (g_hash_table_iter_next(&iter, &key, NULL)) {
		const struct run *run = key;
		if (run->due <= now)
			g_ptr_array_add(due, key);
		else
			runs->next = MIN(runs->next, run->due);
	}
	for (guint i = 0; i < due->len; i++)
		run_advance(due->pdata[i], now);
}

time_us exec_runs_next(const struct exec_runs *runs)
{
	return runs->next;
}

void exec_runs_stop(struct exec_runs *runs, time_us now)
{
	GHashTableIter iter;
	gpointer key;
	g_hash_table_iter_init(&iter, runs->all);
	while (g_hash_table_iter_next(&iter, &key, NULL)) {
		struct run *run = key;
		if (!run->stopping && !run->exited)
			run_stop(run, now);
		due_set(run, now);
	}
	exec_runs_due(runs, now);
}

/* --- output --- */

static void run_read(struct run *run)
{
	if (run->fd < 0)
		return;
	ssize_t n = read(run->fd, run->runs->bytes, READ_MAX);
	if (n > 0) {
		exec_output_add(&run->output, run->runs->bytes, (size_t)n);
		if (run->runs->plan->log_output)
			exec_lines_add(&run->lines, run->runs->bytes, (size_t)n);
	} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		run_close(run);
	}
}

void exec_runs_read(struct exec_runs *runs, time_us now)
{
	struct epoll_event events[EVENTS_MAX];
	int count = epoll_wait(runs->epoll, events, EVENTS_MAX, 0);
	for (int i = 0; i < count && runs->out->len < EXEC_OUT_MAX; i++) {
		/* Only its own event ends a run here, so none of the others is gone by now. */
		struct run *run = events[i].data.ptr;
		run_read(run);
		if (run->fd < 0)
			run_advance(run, now);
	}
}

void exec_runs_pause(struct exec_runs *runs, bool paused)
{
	runs->paused = paused;
}

/* --- processes --- */

void exec_runs_reap(struct exec_runs *runs, time_us now)
{
	int status;
	pid_t pid;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		struct run *run = g_hash_table_lookup(runs->by_pid, GINT_TO_POINTER(pid));
		if (!run)
			continue;
		g_hash_table_remove(runs->by_pid, GINT_TO_POINTER(pid));
		run->exited = true;
		run->status = status;
		run->finished_at = now;
		if (!runs->paused)
			run_read(run);
		run_advance(run, now);
	}
}

static void run_add(
	struct exec_runs *runs, int64_t ticket, dur_us timeout, pid_t pid, int fd, time_us started_at)
{
	struct run *run = g_new0(struct run, 1);
	run->runs = runs;
	run->ticket = ticket;
	run->pid = pid;
	run->fd = fd;
	run->started_at = started_at;
	run->timeout = timeout;
	run->timeout_at = timeout ? started_at + timeout : TIME_US_MAX;
	exec_output_init(&run->output, (size_t)runs->plan->output_bytes);
	run->lines = (struct exec_lines){.line = line_put, .context = run};
	g_hash_table_insert(runs->by_pid, GINT_TO_POINTER(pid), run);
	g_hash_table_add(runs->all, run);
	due_set(run, run->timeout_at);
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = run};
	if (epoll_ctl(runs->epoll, EPOLL_CTL_ADD, fd, &event) != 0)
		run_close(run);
}

/* The plan's and the fire's; the texts are theirs. */
static const char **variables_join(const struct exec_runs *runs, const char *const *own)
{
	guint common = g_strv_length(runs->plan->environment), count = 0;
	while (own[count])
		count++;
	const char **all = g_new0(const char *, common + count + 1);
	memcpy(all, runs->plan->environment, common * sizeof *all);
	memcpy(all + common, own, count * sizeof *all);
	return all;
}

bool exec_runs_start(struct exec_runs *runs, struct exec_frame *frame, time_us now)
{
	int64_t ticket = exec_get_number(frame);
	dur_us timeout = exec_get_number(frame);
	g_autofree const char **words = exec_get_texts(frame);
	g_autofree const char **own = exec_get_texts(frame);
	if (frame->bad || !words[0])
		return false;
	g_autofree const char **variables = variables_join(runs, own);
	g_autoptr(GError) error = NULL;
	bool lasting;
	pid_t pid;
	int fd;
	if (exec_spawn(runs->spawner, words, variables, &pid, &fd, &lasting, &error))
		run_add(runs, ticket, timeout, pid, fd, now);
	else
		done_put(runs, ticket, lasting ? FIRE_REJECTED : FIRE_UNAVAILABLE, now, now, error->message,
			strlen(error->message));
	return true;
}
