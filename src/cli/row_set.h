/* Purpose: rows of the table that a verb changes: named by ids on the command line, read as a whole, shown
 * afterwards as `list` shows them. One thread. */
#pragma once

#include "cli/verb.h"

struct row_set {
	GArray *rows; /* struct action_row, ascending by id, each once */
	GStringChunk *texts;
};

/* Reads the rows of all ids, of which there must be one or more. Returns EXIT_DONE, or the exit status with
 * everything said: EXIT_USAGE for what is no id, EXIT_FAILED where a row is not there. Free with
 * row_set_clear in any case. */
int row_set_parse(struct cli *cli, char **arguments, GArray **ids);
int row_set_read(struct cli *cli, struct store *store, const GArray *ids, struct row_set *set);
void row_set_clear(struct row_set *set);
/* Shows them as a listing of actions. */
void row_set_show(struct cli *cli, const struct row_set *set);
