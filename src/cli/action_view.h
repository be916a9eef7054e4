/* Purpose: a row of the table as verbs show it: what it means, its state, when it fires next. One thread. */
#pragma once

#include "cli/verb.h"
#include "model/fire.h"

struct action_view {
	struct cli *cli;
	const struct action_row *row; /* borrowed */
	struct action_row effective;  /* timezone, callback and dst resolved */
	GByteArray *packed;           /* what the texts of `effective` lie in */
	enum action_state state;
	struct action *action; /* of an active one */
	char *error;           /* of a bad one: column and reason */
	bool has_next;
	struct position next;
	const char *last_status; /* static; NULL: none known */
};

/* Looks at a row; cli_prepare must have been called. */
void action_view_init(struct action_view *view, struct cli *cli, const struct action_row *row);
/* The same with other defaults, borrowed during the call. */
void action_view_init_with(struct action_view *view, struct cli *cli, const struct action_row *row,
	const struct action_defaults *defaults);
void action_view_clear(struct action_view *view);
/* active, paused, finished (never fires again) or bad. */
const char *action_view_state(const struct action_view *view);

/* Of struct action_view. */
extern const struct output_column action_columns[];
extern const size_t action_columns_count;

/* `30 9 * * 1-5`, `hour=9 minute=30 end_date=2050-05-05`: a schedule document on a short line; NULL where it
 * is none. Free with g_free. */
char *schedule_short_text(const json_t *document);
