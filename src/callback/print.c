/* The callback `print`: a line on stdout for each fire. Lines gather in a bounded buffer that a thread writes
 * with blocking writes, a large piece at a time; a fire is answered when the last byte of its line is
 * written. stdout is never made non-blocking: the description may be shared with a shell. */
#include "callback/print.h"

#include "base/clock.h"
#include "base/thread_wait.h"
#include "callback/backends.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* A submit is accepted as long as less than this is waiting; so one line may be longer. */
#define BUFFER_MAX ((size_t)1 << 20)
/* One write; a pipe holds this much, and its fires are answered together. */
#define PIECE_MAX  ((size_t)1 << 16)
#define RETRY_MIN  (100 * US_PER_MS)
#define RETRY_MAX  (5 * US_PER_SECOND)

struct line {
	uint64_t ticket;
	time_us started_at;
	size_t end; /* offset in the buffer after its newline */
};

struct buffer {
	GByteArray *bytes;
	GArray *lines; /* struct line */
};

struct callback {
	struct callback_host host;
	int fd;
	GThread *thread;
	/* The loop thread's: the text of the second of the last line. */
	int64_t second;
	char second_text[PRINT_TIME_MAX];
	size_t second_length;
	char offset_text[16];
	size_t offset_length;

	pthread_mutex_t
		lock; /* guards what follows; held while the host is called, so that abandoning is sharp */
	pthread_cond_t filled, finished;
	struct buffer filling;
	bool refused;   /* a submit was not accepted as a whole */
	bool stopping;  /* write what is there, then end */
	bool abandoned; /* the owner is gone: no host, and the thread frees the rest */
	bool ended;     /* the thread has nothing more to do */
};

/* What the thread is writing; its own. */
struct writing {
	struct buffer buffer;
	size_t written;
	size_t answered; /* lines */
	bool trouble;
};

static struct buffer buffer_new(void)
{
	return (struct buffer){g_byte_array_new(), g_array_new(false, false, sizeof(struct line))};
}

static void buffer_free(struct buffer *buffer)
{
	g_byte_array_unref(buffer->bytes);
	g_array_unref(buffer->lines);
}

static void print_free(struct callback *print)
{
	buffer_free(&print->filling);
	pthread_mutex_destroy(&print->lock);
	pthread_cond_destroy(&print->filled);
	pthread_cond_destroy(&print->finished);
	g_free(print);
}

/* --- the thread --- */

/* Waits for lines and takes them all; false where there will be none. */
static bool lines_take(struct callback *print, struct writing *w)
{
	pthread_mutex_lock(&print->lock);
	while (print->filling.lines->len == 0 && !print->stopping)
		pthread_cond_wait(&print->filled, &print->lock);
	struct buffer emptied = w->buffer;
	w->buffer = print->filling;
	print->filling = emptied;
	if (print->refused && !print->abandoned)
		print->host.ready(print->host.context);
	print->refused = false;
	pthread_mutex_unlock(&print->lock);
	w->written = w->answered = 0;
	return w->buffer.lines->len > 0;
}

static void lines_release(struct writing *w)
{
	g_byte_array_set_size(w->buffer.bytes, 0);
	g_array_set_size(w->buffer.lines, 0);
}

/* Answers the lines that are written to their end. */
static void lines_answer(struct callback *print, struct writing *w)
{
	const struct line *lines = (const struct line *)(void *)w->buffer.lines->data;
	size_t count = 0;
	while (w->answered + count < w->buffer.lines->len && lines[w->answered + count].end <= w->written)
		count++;
	if (!count)
		return;
	g_autofree struct fire_result *results = g_new0(struct fire_result, count);
	time_us now = clock_now();
	for (size_t i = 0; i < count; i++) {
		const struct line *line = &lines[w->answered + i];
		results[i] = (struct fire_result){.ticket = line->ticket,
			.answer = FIRE_DELIVERED,
			.started_at = line->started_at,
			.finished_at = now};
	}
	w->answered += count;
	pthread_mutex_lock(&print->lock);
	if (!print->abandoned)
		print->host.resolved(print->host.context, results, count);
	pthread_mutex_unlock(&print->lock);
}

/* Says that stdout takes nothing for now, or (NULL) that it does again; each once. */
static void trouble_say(struct callback *print, struct writing *w, const char *message)
{
	if (w->trouble == (message != NULL))
		return;
	w->trouble = message != NULL;
	pthread_mutex_lock(&print->lock);
	if (!print->abandoned)
		print->host.trouble(print->host.context, message);
	pthread_mutex_unlock(&print->lock);
}

/* Sleeps before the next try; false where the callback is being closed. */
static bool trouble_wait(struct callback *print, dur_us delay)
{
	time_us until = clock_monotonic() + delay;
	pthread_mutex_lock(&print->lock);
	while (!print->stopping && thread_wait_until(&print->filled, &print->lock, until))
		continue;
	bool stopping = print->stopping;
	pthread_mutex_unlock(&print->lock);
	return !stopping;
}

static bool errno_may_pass(int code)
{
	return code == ENOSPC || code == EDQUOT || code == EFBIG || code == ENOMEM;
}

enum written { WRITTEN, GIVEN_UP, BROKEN };

/* Writes all of the buffer. The bytes of a line that is half written are completed by the next write, so a
 * disk that was full leaves no torn line. On BROKEN errno tells why. */
static enum written lines_write(struct callback *print, struct writing *w)
{
	dur_us delay = RETRY_MIN;
	while (w->written < w->buffer.bytes->len) {
		size_t piece = MIN(w->buffer.bytes->len - w->written, PIECE_MAX);
		ssize_t n = write(print->fd, w->buffer.bytes->data + w->written, piece);
		if (n >= 0) {
			w->written += (size_t)n;
			lines_answer(print, w);
			trouble_say(print, w, NULL);
			delay = RETRY_MIN;
		} else if (errno == EAGAIN) {
			/* Someone who shares the description made it non-blocking. */
			poll(&(struct pollfd){print->fd, POLLOUT, 0}, 1, -1);
		} else if (errno_may_pass(errno)) {
			trouble_say(print, w, g_strerror(errno));
			if (!trouble_wait(print, delay))
				return GIVEN_UP;
			delay = MIN(delay * 2, RETRY_MAX);
		} else if (errno != EINTR) {
			return BROKEN;
		}
	}
	return WRITTEN;
}

static void broken_say(struct callback *print, int code)
{
	g_autofree char *message = g_strdup_printf("stdout cannot be written: %s", g_strerror(code));
	pthread_mutex_lock(&print->lock);
	if (!print->abandoned)
		print->host.broken(print->host.context, message);
	pthread_mutex_unlock(&print->lock);
}

static gpointer print_thread(gpointer data)
{
	struct callback *print = data;
	struct writing w = {.buffer = buffer_new()};
	enum written outcome = WRITTEN;
	while (outcome == WRITTEN && lines_take(print, &w)) {
		outcome = lines_write(print, &w);
		if (outcome == BROKEN)
			broken_say(print, errno);
		lines_release(&w);
	}
	buffer_free(&w.buffer);
	pthread_mutex_lock(&print->lock);
	print->ended = true;
	pthread_cond_signal(&print->finished);
	bool abandoned = print->abandoned;
	pthread_mutex_unlock(&print->lock);
	if (abandoned)
		print_free(print);
	return NULL;
}

/* --- the loop thread --- */

static void second_format(struct callback *print, int64_t second)
{
	time_t t = (time_t)second;
	struct tm tm;
	localtime_r(&t, &tm);
	print->second = second;
	print->second_length =
		strftime(print->second_text, sizeof print->second_text, "%Y-%m-%dT%H:%M:%S", &tm);
	long minutes = labs(tm.tm_gmtoff) / 60;
	print->offset_length = (size_t)g_snprintf(print->offset_text, sizeof print->offset_text,
		"%c%02ld:%02ld", tm.tm_gmtoff < 0 ? '-' : '+', minutes / 60, minutes % 60);
}

size_t print_time(struct callback *print, time_us now, char out[static PRINT_TIME_MAX])
{
	int64_t second = floor_div(now, US_PER_SECOND);
	if (second != print->second || !print->second_length)
		second_format(print, second);
	char *p = out;
	memcpy(p, print->second_text, print->second_length);
	p += print->second_length;
	int64_t us = floor_mod(now, US_PER_SECOND);
	*p = '.';
	for (int i = 6; i > 0; i--, us /= 10)
		p[i] = (char)('0' + us % 10);
	p += 7;
	memcpy(p, print->offset_text, print->offset_length);
	return (size_t)(p - out) + print->offset_length;
}

static void line_append(struct callback *print, const struct fire *fire)
{
	time_us now = clock_now();
	char time[PRINT_TIME_MAX];
	size_t length = print_time(print, now, time);
	GByteArray *bytes = print->filling.bytes;
	g_byte_array_append(bytes, (const guint8 *)time, (guint)length);
	g_byte_array_append(bytes, (const guint8 *)" | ", 3);
	g_byte_array_append(
		bytes, (const guint8 *)action_command(fire->action), fire->action->command_length);
	g_byte_array_append(bytes, (const guint8 *)"\n", 1);
	struct line line = {fire->ticket, now, bytes->len};
	g_array_append_val(print->filling.lines, line);
}

static size_t print_submit(struct callback *print, const struct fire *fires, size_t count)
{
	size_t accepted = 0;
	pthread_mutex_lock(&print->lock);
	if (!print->ended)
		while (accepted < count && print->filling.bytes->len < BUFFER_MAX)
			line_append(print, &fires[accepted++]);
	print->refused = print->refused || accepted < count;
	pthread_cond_signal(&print->filled);
	pthread_mutex_unlock(&print->lock);
	return accepted;
}

struct callback *print_open_fd(const struct callback_host *host, int fd, GError **error)
{
	struct stat st;
	if (fstat(fd, &st) != 0) {
		g_set_error(
			error, AS_ERROR, AS_ERROR_FAILED, "stdout cannot be written: %s", g_strerror(errno));
		return NULL;
	}
	tzset();
	struct callback *print = g_new0(struct callback, 1);
	print->host = *host;
	print->fd = fd;
	print->filling = buffer_new();
	pthread_mutex_init(&print->lock, NULL);
	pthread_cond_init(&print->filled, NULL);
	pthread_cond_init(&print->finished, NULL);
	print->thread = g_thread_new("print", print_thread, print);
	return print;
}

static struct callback *print_open(const struct callback_open *open, GError **error)
{
	return print_open_fd(&open->host, STDOUT_FILENO, error);
}

static struct callback_limits print_limits(const struct callback_settings *settings)
{
	return settings->print;
}

static bool print_close(struct callback *print, time_us deadline)
{
	pthread_mutex_lock(&print->lock);
	print->stopping = true;
	pthread_cond_signal(&print->filled);
	while (!print->ended && thread_wait_until(&print->finished, &print->lock, deadline))
		continue;
	GThread *thread = print->thread;
	bool ended = print->ended;
	print->abandoned =
		!ended; /* it sits in a write that nobody can end; it frees the rest should it return */
	pthread_mutex_unlock(&print->lock);
	if (ended) {
		g_thread_join(thread);
		print_free(print);
	} else {
		g_thread_unref(thread);
	}
	return ended;
}

static const char *const print_also[] = {"action_scheduler.callbacks:print_command", NULL};

const struct callback_vtable callback_print = {
	.name = "print",
	.also = print_also,
	.help = "prints the local time and the command, a line for each fire",
	.limits = print_limits,
	.open = print_open,
	.submit = print_submit,
	.close = print_close,
};
