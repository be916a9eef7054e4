/* Purpose: laying variables, of the environment or a .env file, over a draft. The name of a variable is the
 * path of a key joined by `__`, in any case; a section's may hold JSON. Single keys beat the JSON of a
 * section of the same source, and a name in upper case beats its other spellings. */
#pragma once

#include "config/draft.h"

struct variables;

struct variables *variables_new(void);
void variables_free(struct variables *variables);
/* Keeps the variable if its name belongs to the configuration. All is copied. */
void variables_add(struct variables *variables, const char *name, const char *value, const char *place);
/* Lays all that were kept over the draft. */
void variables_merge(struct variables *variables, struct draft *draft);
