/* Purpose: one line on a terminal's stderr that tells how far a long work is, redrawn in place, gone at its
 * end. A process shows one at a time. Nothing is drawn during the first half second, nor more often than ten
 * times a second. Log lines erase it by themselves (base/log.h); who writes to the terminal otherwise calls
 * progress_bar_hide before. One thread at a time; every function takes NULL. */
#pragma once

#include "base/time_us.h"

#include <stdbool.h>

struct progress_bar;

/* The label is what is done: "reading actions". A total of 0 is not known. NULL where nothing is to be shown:
 * stderr is no terminal, `quiet`, the log is JSON, or another one is shown. The caller frees it. */
struct progress_bar *progress_bar_new(const char *label, uint64_t total, bool quiet);
/* So many are done by now; cheap enough for every row. */
void progress_bar_set(struct progress_bar *bar, uint64_t done);
/* Erases it, too. */
void progress_bar_free(struct progress_bar *bar);
/* Takes what is drawn off the terminal; the next progress_bar_set draws it again. */
void progress_bar_hide(void);
/* From now on nothing is drawn: the terminal belongs to another program. */
void progress_bar_forbid(void);

/* The line for a state: pure. At most `width` cells; what finds no room is left out, the label is cut last.
 * ASCII but for the label. Free with g_free. */
char *progress_bar_text(const char *label, uint64_t done, uint64_t total, dur_us elapsed, unsigned width);
