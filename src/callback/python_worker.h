/* Purpose: one worker process of the callback `python`: its start, the channel to it, what it prints, its
 * end. The protocol is at the head of python_worker.py. One thread; nothing here blocks.
 *
 * A second descriptor of the worker's end of the channel is kept here: what the worker has not read can be
 * taken back, be it alive or dead, so that it is known which fires it has begun. */
#pragma once

#include <jansson.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/time_us.h"
#include "model/callback_settings.h"

/* How workers of a function are started; constant. */
struct python_program {
	char **arguments; /* the first is the interpreter, looked up in PATH */
	char **environment;
	char *hello; /* the first frame */
	bool own;    /* the script is the one of this program */
};

struct python_worker {
	pid_t pid;
	int pidfd;   /* readable when it has ended */
	int channel; /* readable when it says something */
	int unread;  /* its end of the channel */
	int output;
	GString *line; /* output without its newline yet */
	/* A frame of which not all is sent; borrowed. NULL: none. */
	const char *frame;
	size_t frame_length, frame_sent;
};

void python_program_init(
	struct python_program *program, const struct python_settings *settings, const char *target);
void python_program_clear(struct python_program *program);

/* Whether a variable of the environment is kept from workers: it may hold a password of the scheduler's, or
 * it is by which systemd talks to the scheduler. */
bool python_variable_is_withheld(const char *name, const char *value);

/* Starts a worker, with the first frame sent. Errors: AS_ERROR_UNAVAILABLE. */
bool python_worker_start(struct python_worker *worker, const struct python_program *program, GError **error);

/* A frame that is longer is sent in pieces: only to a worker that has nothing to do, and nothing behind it,
 * as it cannot be taken back. */
#define PYTHON_PACKET_MAX ((size_t)1 << 16)
/* Sends a frame, or as much as there is room for; then `frame` is set, and python_worker_go_on is to be
 * called when the channel is writable. The frame is borrowed until it is sent. */
void python_worker_send(struct python_worker *worker, const char *frame, size_t length);
void python_worker_go_on(struct python_worker *worker);
/* How many frames, the last ones sent, the worker has not read; it will not see them. */
size_t python_worker_take_back(struct python_worker *worker);
/* The next frame that it said; NULL where there is none now. The caller owns it. *bad becomes true where it
 * is no JSON object. */
json_t *python_worker_receive(struct python_worker *worker, bool *bad);

/* Reads a piece of what it printed and says its lines; false where there is nothing now. */
bool python_worker_read_output(
	struct python_worker *worker, void (*say)(void *context, const char *line), void *context);

/* Sends a signal to it and its process group. */
void python_worker_kill(struct python_worker *worker, int number);
/* Lets it end in good order once it has done what it was sent. */
void python_worker_dismiss(struct python_worker *worker);
/* Whether it has ended. Then *how is what became of it (`was killed by signal 9 (Killed)`), the caller's.
 * Once. */
bool python_worker_reap(struct python_worker *worker, char **how);
/* Says what is left of its output and closes all; of a process that still lives nothing is known any more. */
void python_worker_close(
	struct python_worker *worker, void (*say)(void *context, const char *line), void *context);
