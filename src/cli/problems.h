/* Purpose: what `check` found, as it shows it. One thread. */
#pragma once

#include "cli/verb.h"

enum problem_level { PROBLEM_ERROR, PROBLEM_WARNING };

struct problem {
	enum problem_level level;
	const char *place;  /* config.yaml:3:11, actions_db, internal_db */
	const int64_t *id;  /* of the row; NULL: it is about none */
	const char *field;  /* a column, or a key of the configuration; NULL: none alone */
	const char *reason; /* a clause */
};

/* Where problems go, with their number. */
struct problems {
	struct output *output;
	uint64_t errors, warnings;
};

void problems_begin(struct problems *problems, const struct output_style *style);
void problems_add(struct problems *problems, const struct problem *problem);
void problems_add_error(struct problems *problems, const char *place, const char *field, const char *reason);
void problems_add_warning(
	struct problems *problems, const char *place, const char *field, const char *reason);
void problems_end(struct problems *problems);
/* Ends it where nothing is to be shown. */
void problems_abandon(struct problems *problems);
