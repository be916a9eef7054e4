/* Purpose: the actions that test.write_sample_actions_to_db puts into an empty table, from
 * sample_actions.yaml. Any thread. */
#pragma once

#include "config/config.h"

struct sample_action {
	char *name;
	char *command;
	char *cron; /* JSON text, as the Python program stores it: ", " and ": " between parts, ASCII only */
	bool has_merge_missed, merge_missed;
	bool has_actuality;
	int64_t actuality_s;
};

/* Reads sample_actions.yaml beside config.yaml, else in the working directory, else what is built in.
 * config_path may be NULL. Returns an array of struct sample_action in the order of the file, the caller's;
 * or NULL, with everything that is wrong added to problems. */
GPtrArray *sample_actions_load(const char *config_path, GPtrArray *problems);
/* The same from a text; name stands for it in messages. */
GPtrArray *sample_actions_read(const char *text, size_t length, const char *name, GPtrArray *problems);

/* What is built in. */
extern const char sample_actions_text[];
