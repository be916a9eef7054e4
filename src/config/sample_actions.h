/* Purpose: the actions that test.write_sample_actions_to_db puts into an empty table, from
 * sample_actions.yaml. Any thread. */
#pragma once

#include "config/row_list.h"

/* Reads sample_actions.yaml beside config.yaml, else in the working directory, else what is built in.
 * config_path may be NULL. Returns the rows in the order of the file, the caller's, with everything that a
 * row must have; or NULL, with everything that is wrong added to problems. */
struct row_list *sample_actions_load(const char *config_path, GPtrArray *problems);
/* The same from a text; name stands for it in messages. */
struct row_list *sample_actions_read(const char *text, size_t length, const char *name, GPtrArray *problems);

/* What is built in. */
extern const char sample_actions_text[];
