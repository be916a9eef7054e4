/* The callback `print` in the contract suite: on a pipe whose reader may stop, or, while the receiver is to
 * be away, on a file that may not grow. print refuses nothing and has no timeouts: what is written is
 * written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "callback/backends.h"
#include "callback/print.h"
#include "contract.h"

/* `2023-06-17T23:18:40.011761+03:00 | ` */
#define STAMP_LENGTH 35

struct contract_receiver {
	int in, out; /* the pipe; out becomes the file while the receiver is to be away, and stays it */
	int wake[2]; /* written to once, to end the reader */
	int file;    /* -1 until the receiver was away */
	struct rlimit size;
	pthread_t reader;
	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t changed;
	bool hanging, ending;
	GString *text;
};

/* Waits while the reader is to hang; false at the end. */
static bool may_read(struct contract_receiver *receiver)
{
	pthread_mutex_lock(&receiver->lock);
	while (receiver->hanging && !receiver->ending)
		pthread_cond_wait(&receiver->changed, &receiver->lock);
	bool ending = receiver->ending;
	pthread_mutex_unlock(&receiver->lock);
	return !ending;
}

static void *reader_run(void *data)
{
	struct contract_receiver *receiver = data;
	char bytes[65536];
	for (;;) {
		struct pollfd fds[] = {{receiver->in, POLLIN, 0}, {receiver->wake[0], POLLIN, 0}};
		poll(fds, 2, -1);
		if (!may_read(receiver))
			return NULL;
		if (!(fds[0].revents & POLLIN))
			continue;
		ssize_t n = read(receiver->in, bytes, sizeof bytes);
		pthread_mutex_lock(&receiver->lock);
		if (n > 0)
			g_string_append_len(receiver->text, bytes, n);
		pthread_mutex_unlock(&receiver->lock);
	}
}

static struct contract_receiver *receiver_new(void)
{
	struct contract_receiver *receiver = g_new0(struct contract_receiver, 1);
	int ends[2];
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(pipe2(receiver->wake, O_CLOEXEC), 0);
	receiver->in = ends[0];
	receiver->out = ends[1];
	receiver->file = -1;
	getrlimit(RLIMIT_FSIZE, &receiver->size);
	pthread_mutex_init(&receiver->lock, NULL);
	pthread_cond_init(&receiver->changed, NULL);
	receiver->text = g_string_new(NULL);
	assert_int_equal(pthread_create(&receiver->reader, NULL, reader_run, receiver), 0);
	return receiver;
}

/* The writing end stays open for good: an abandoned instance may still be in a write, which now fails. */
static void receiver_free(struct contract_receiver *receiver)
{
	setrlimit(RLIMIT_FSIZE, &receiver->size);
	pthread_mutex_lock(&receiver->lock);
	receiver->ending = true;
	pthread_cond_broadcast(&receiver->changed);
	pthread_mutex_unlock(&receiver->lock);
	assert_int_equal(write(receiver->wake[1], "", 1), 1);
	pthread_join(receiver->reader, NULL);
	close(receiver->in);
	close(receiver->wake[0]);
	close(receiver->wake[1]);
	if (receiver->file >= 0)
		close(receiver->file);
	pthread_cond_destroy(&receiver->changed);
	pthread_mutex_destroy(&receiver->lock);
	g_string_free(receiver->text, true);
	g_free(receiver);
}

static struct callback *print_open_pipe(
	struct contract_receiver *receiver, const struct callback_host *host, GError **error)
{
	return print_open_fd(host, receiver->out, error);
}

static void go_away(struct contract_receiver *receiver)
{
	char path[] = "/tmp/contract-print-XXXXXX";
	receiver->file = mkostemp(path, O_CLOEXEC);
	assert_true(receiver->file >= 0);
	unlink(path);
	setrlimit(RLIMIT_FSIZE, &(struct rlimit){0, receiver->size.rlim_max});
	assert_true(dup3(receiver->file, receiver->out, O_CLOEXEC) >= 0);
}

/* Empty lines until nothing more goes in, so that the first line of print hangs. */
static void fill(struct contract_receiver *receiver)
{
	static char newlines[4096];
	memset(newlines, '\n', sizeof newlines);
	assert_int_equal(fcntl(receiver->out, F_SETFL, O_NONBLOCK), 0);
	while (write(receiver->out, newlines, sizeof newlines) > 0)
		continue;
	assert_int_equal(fcntl(receiver->out, F_SETFL, 0), 0);
}

static void mode(struct contract_receiver *receiver, enum contract_mode mode)
{
	if (mode == CONTRACT_AWAY)
		go_away(receiver);
	else
		setrlimit(RLIMIT_FSIZE, &receiver->size);
	pthread_mutex_lock(&receiver->lock);
	receiver->hanging = mode == CONTRACT_HANG;
	pthread_cond_broadcast(&receiver->changed);
	pthread_mutex_unlock(&receiver->lock);
	if (mode == CONTRACT_HANG)
		fill(receiver);
}

static void seen_append(const char *text, GArray *out)
{
	for (const char *end; (end = strchr(text, '\n')); text = end + 1) {
		if (end == text)
			continue;
		assert_true(end - text > STAMP_LENGTH);
		struct contract_seen seen = {
			g_strndup(text + STAMP_LENGTH, (gsize)(end - text) - STAMP_LENGTH), NULL};
		g_array_append_val(out, seen);
	}
}

static void seen(struct contract_receiver *receiver, GArray *out)
{
	pthread_mutex_lock(&receiver->lock);
	seen_append(receiver->text->str, out);
	pthread_mutex_unlock(&receiver->lock);
	if (receiver->file < 0)
		return;
	off_t length = lseek(receiver->file, 0, SEEK_END);
	g_autofree char *text = g_malloc0((gsize)length + 1);
	assert_int_equal(pread(receiver->file, text, (size_t)length, 0), length);
	seen_append(text, out);
}

static void prepare(void)
{
	signal(SIGXFSZ, SIG_IGN);
}

const struct contract_backend contract_backend = {
	.name = "print",
	.vtable = &callback_print,
	.modes = CONTRACT_MODE(CONTRACT_ACCEPT) | CONTRACT_MODE(CONTRACT_AWAY) | CONTRACT_MODE(CONTRACT_HANG),
	.batch = 1000,
	.flood = 50000, /* lines of some 45 bytes; the buffer holds 1 MiB */
	.prepare = prepare,
	.receiver_new = receiver_new,
	.receiver_free = receiver_free,
	.open = print_open_pipe,
	.mode = mode,
	.seen = seen,
};
