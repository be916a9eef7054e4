/* Purpose: the parts of the verb `simulate` among themselves: which fires a table has in a stretch of time,
 * counted, listed or compared, without firing any. One thread. */
#pragma once

#include "cli/verb_import.h"
#include "cron/time_unit.h"
#include "model/fire.h"

struct simulation {
	struct cli *cli;
	const struct zone *zone; /* of the times shown; borrowed */
	time_us from, to;        /* fires due in [from, to) */
	uint64_t limit;          /* rows listed; UINT64_MAX: all */
	const int64_t *ids;      /* ascending, each once; NULL: every action */
	size_t id_count;
	const char *table; /* a file in place of the table; NULL: the table */
	/* Of the counts. */
	enum time_unit unit;
	bool by_action;   /* not by unit of time */
	uint64_t hottest; /* so many, those with the most fires first; 0: all, in order */
	bool histogram;
	/* Of an edit. */
	const char *diff; /* the file with the rows as they would be */
	bool prune;       /* those that it has not would go */
	/* Of what was missed. */
	time_us catch_up_from; /* as in struct cli_run */
};

/* --- simulate_rows.c: the actions --- */

/* An action that fires; the reference is the callee's. Returns false to stop. */
typedef bool (*simulate_action_fn)(void *context, struct action *action);
/* Whether an action is among those asked for. */
bool simulate_is_asked(const struct simulation *simulation, int64_t id);
/* Says that a row is bad; of very many not of all. `said` counts them. */
void simulate_bad_row(const struct cli *cli, int64_t id, const char *reason, uint64_t *said);
/* The same of a row that a file has; `name` is the file. */
void simulate_bad_line(
	const struct cli *cli, const char *name, unsigned line, const char *reason, uint64_t *said);
/* What was left out of that, once all rows were read. */
void simulate_bad_rows_end(const struct cli *cli, uint64_t said);
/* The rows of a file in place of the table, ascending by id: one without an id gets the next that is free.
 * Says what is wrong; rows that cannot be read are left out. False where none can. */
bool simulate_file_read(struct cli *cli, const char *name, struct import_file *file);
/* Calls `each` for the actions of the table that fire, ascending by id; says which rows are bad, and that ids
 * asked for are not there. Returns the exit status. */
int simulate_each_action(const struct simulation *simulation, simulate_action_fn each, void *context);

/* --- what is shown of them; each returns the exit status --- */

/* simulate_fires.c: one fire after the other. */
int simulate_fires(const struct simulation *simulation);
/* simulate_counts.c: how many for each unit of time. */
int simulate_counts(const struct simulation *simulation);
/* simulate_actions.c: how many of each action. */
int simulate_actions(const struct simulation *simulation);

/* simulate_diff.c: what an edit of the table would change. EXIT_FAILED, too, where `import yaml` would refuse
 * the file, once the rest is shown. */
int simulate_diff(const struct simulation *simulation);
/* simulate_missed.c: what a start now would make up for. Takes cli->config. */
int simulate_missed(const struct simulation *simulation);

/* The most bars of a histogram. */
#define SIMULATE_BARS_MAX 10000
/* The smallest unit of which at most a hundred make up the stretch, or days. */
enum time_unit simulate_unit_for(time_us from, time_us to);

/* --- simulate_tally.c: counts as they are shown --- */

/* Fires of a stretch of time, or of an action. */
struct tally {
	time_us from, to;
	int64_t id;
	char *name; /* NULL: it is a stretch */
	uint64_t fires;
};

struct tallies;

struct tallies *tallies_new(const struct simulation *simulation);
/* Adds the next one in order; takes the name over. Returns false where no more are wanted. */
bool tallies_add(struct tallies *tallies, struct tally *tally);
/* Writes out what was held back, and frees it. */
void tallies_end(struct tallies *tallies);
/* Frees it where the counts could not be made. */
void tallies_abandon(struct tallies *tallies);
/* All fires added so far, and the tally with the most, the first of several; NULL where none has any. */
uint64_t tallies_total(const struct tallies *tallies);
const struct tally *tallies_most(const struct tallies *tallies);
