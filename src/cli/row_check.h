/* Purpose: what is wrong, or suspicious, with the rows of the table. One thread. */
#pragma once

#include "cli/check_history.h"

struct row_check {
	struct cli *cli;
	struct problems *problems;
	GHashTable *suspicions; /* struct schedule * (a reference) -> char *, NULL where there is none */
	const struct check_history *history; /* borrowed; NULL: there is none */
	uint64_t rows, bad;
	struct progress_bar *bar;
};

void row_check_init(struct row_check *check, struct cli *cli, struct problems *problems);
void row_check_clear(struct row_check *check);
/* There are no more rows: takes the progress bar away. */
void row_check_end(struct row_check *check);
/* A store_row_fn with a struct row_check. */
bool row_check_row(void *context, const struct action_row *row);

/* Finds the first fire later than `after` that one of the two has and the other has not; false where some
 * thousand fires are the same. */
bool row_check_first_difference(
	const struct schedule *a, const struct schedule *b, time_us after, time_us *out);
