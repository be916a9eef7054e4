/* Purpose: a listing that is longer than the terminal goes through $PAGER, a shorter one straight to stdout.
 * What is written is held back until it is known which. A process has one at a time; one thread. */
#pragma once

#include <stdbool.h>
#include <stdio.h>

struct pager;

/* For a terminal of this size, in cells. NULL where nothing is to be paged: $PAGER is empty or `cat`, or it
 * is unset and there is no `less`. pager_close frees it. */
struct pager *pager_open(unsigned width, unsigned height);
/* Where the listing goes; borrowed. Once the pager was quit, writing to it fails. */
FILE *pager_file(struct pager *pager);
/* Shows what was held back, or waits for the pager to be quit. Returns the exit status: that which is given,
 * or 1 where the pager could not be run (said on stderr). Does not return where Ctrl-C ended the pager. */
int pager_close(struct pager *pager, int status);
/* A line for stderr while a listing is on its way: true where it was taken, to be shown at the end, as the
 * screen is the pager's or what comes before the line is still held back. */
bool pager_defer(const char *line);

/* How many lines of a terminal a line takes, escape sequences for colours not counted; the line need not end.
 * Pure. */
size_t pager_count_lines(const char *line, size_t length, unsigned width);
