/* Purpose: what the scheduler and the helper of exec say to each other over a stream socket: frames of a
 * length, a kind and fields. Both are the same program on the same machine, so numbers are as they are in
 * memory; each still checks what it reads, as the helper may run as another user. Pure; any thread. */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "base/time_us.h"

/* The longest frame; longer command lines than this the kernel would refuse. */
#define EXEC_FRAME_MAX ((size_t)8 << 20)

enum exec_kind {
	/* To the helper. */
	EXEC_PLAN = 1, /* struct exec_plan; the first */
	EXEC_RUN,      /* ticket, timeout in µs (0: none), words, variables */
	/* From the helper. */
	EXEC_READY, /* the plan can be followed */
	EXEC_ERROR, /* it cannot: text; the helper ends */
	EXEC_LINE,  /* ticket, bytes: a line of output */
	EXEC_DONE,  /* ticket, answer, begin and end (CLOCK_MONOTONIC), bytes: the detail, empty for none */
};

/* --- writing: fields are put between begin and end --- */

size_t exec_frame_begin(GByteArray *out, enum exec_kind kind);
void exec_frame_end(GByteArray *out, size_t begin);
void exec_put_number(GByteArray *out, int64_t number);
void exec_put_bytes(GByteArray *out, const void *bytes, size_t length);
void exec_put_text(GByteArray *out, const char *text); /* NULL stays NULL */
void exec_put_texts(GByteArray *out, const char *const *texts);

/* --- reading --- */

struct exec_frame {
	enum exec_kind kind;
	const uint8_t *p, *end;
	bool bad; /* a field was not there or not whole; every later one reads as 0 or NULL */
};

enum exec_frame_state { EXEC_FRAME_WHOLE, EXEC_FRAME_PARTIAL, EXEC_FRAME_BAD };

/* The frame at the offset, which moves behind it where it is whole. It points into `in`. */
enum exec_frame_state exec_frame_next(const GByteArray *in, size_t *offset, struct exec_frame *frame);
int64_t exec_get_number(struct exec_frame *frame);
/* In place, with a NUL behind them that is not counted. NULL where there is none. */
const char *exec_get_bytes(struct exec_frame *frame, size_t *length);
/* The same, as a text without a NUL within. */
const char *exec_get_text(struct exec_frame *frame);
/* NULL-terminated; the texts are in place, the array is the caller's, to be freed with g_free. NULL where it
 * is bad. */
const char **exec_get_texts(struct exec_frame *frame);

/* --- the plan --- */

/* How programs are run, for the life of a helper. */
struct exec_plan {
	char *user, *group; /* as configured; NULL: unchanged */
	char *directory;
	GStrv environment; /* NAME=VALUE, the same for every program */
	dur_us kill_after;
	int64_t concurrency;
	int64_t output_bytes;
	bool log_output;
	int64_t memory_bytes, file_bytes, open_files, processes, cpu_s; /* 0: no limit of their own */
};

void exec_plan_put(GByteArray *out, const struct exec_plan *plan);
/* False where the frame is bad; *plan is to be cleared either way. */
bool exec_plan_get(struct exec_frame *frame, struct exec_plan *plan);
void exec_plan_clear(struct exec_plan *plan);
