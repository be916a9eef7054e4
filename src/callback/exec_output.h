/* Purpose: what is kept of the output of a run, and its lines as they come. One owner, no I/O. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* The first and the last part, `most` bytes together; memory is taken as output comes. */
struct exec_output {
	GByteArray *kept; /* the first part, then a ring of the last one */
	size_t most;
	uint64_t total;
};

void exec_output_init(struct exec_output *output, size_t most);
void exec_output_clear(struct exec_output *output);
void exec_output_add(struct exec_output *output, const uint8_t *bytes, size_t length);
/* Appends what is kept, with a mark where something is left out, without the newlines at its end. A character
 * of UTF-8 is kept whole or not at all. */
void exec_output_text(const struct exec_output *output, GByteArray *out);

/* The longest line that is passed on; the rest of a longer one is dropped, and a mark put in its place. */
#define EXEC_LINE_MAX 2000

struct exec_lines {
	GByteArray *partial; /* NULL until there is anything */
	bool cut;
	void (*line)(void *context, const uint8_t *bytes, size_t length);
	void *context;
};

/* Passes each line on that the bytes complete, without its newline; empty ones are left out. */
void exec_lines_add(struct exec_lines *lines, const uint8_t *bytes, size_t length);
/* The same for a last line without a newline; and frees. */
void exec_lines_end(struct exec_lines *lines);
