/* Purpose: rows of the table that a verb changes: named by ids on the command line, read as a whole, shown
 * afterwards as `list` shows them. One thread. */
#pragma once

#include "cli/verb.h"

struct row_set {
	GArray *rows; /* struct action_row, ascending by id, each once */
	GStringChunk *texts;
};

/* What a verb does with the rows; returns the exit status with everything said. */
typedef int (*row_set_fn)(struct cli *cli, struct store *store, struct row_set *set, void *context);

/* The ids among the arguments, ascending, each once; one or more. Returns EXIT_DONE, or EXIT_USAGE with
 * everything said. Free with g_array_unref. */
int row_set_parse(struct cli *cli, char **arguments, GArray **ids);
/* Prepares the command, opens the database, reads the rows of all ids and calls `change`. Returns its exit
 * status, or EXIT_FAILED with everything said: each row that is not there is. */
int row_set_change(
	struct cli *cli, const GArray *ids, enum cli_store_mode mode, row_set_fn change, void *context);
/* Shows them as a listing of actions. */
void row_set_show(struct cli *cli, const struct row_set *set);
