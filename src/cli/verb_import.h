/* Purpose: the kinds of `import`, a file each, and what they share: where a job store is read from, and how
 * the rows of a file get into the table. One thread. */
#pragma once

#include "config/row_list.h"
#include "cli/verb.h"

/* Options of the verb as given. */
struct import_args {
	const char *file; /* - is stdin; NULL where the kind takes none */
	const char *from; /* NULL: internal_db */
	bool dry_run;
	bool prune;  /* remove rows that are not in the file */
	bool system; /* the crontab has a column for the user */
};

/* Return the exit status. */
int import_apscheduler(struct cli *cli, const struct import_args *args);
int import_crontab(struct cli *cli, const struct import_args *args);
int import_yaml(struct cli *cli, const struct import_args *args);

/* --- from a job store --- */

/* A database to read from. */
struct import_source {
	struct store_options where; /* its strings are those below */
	char *dialect, *database, *host, *username, *password;
	int64_t port;
	GArray *settings; /* struct store_setting */
};
/* `from` is a SQLite file, or a URL as SQLAlchemy writes it; NULL: internal_db. Errors: AS_ERROR_INVALID. To
 * be cleared in any case. */
bool import_source_find(
	const struct cli *cli, const char *from, struct import_source *source, GError **error);
void import_source_clear(struct import_source *source);

/* --- from a file --- */

struct import_file {
	const char *name; /* for messages; borrowed from the arguments */
	char *text;
	size_t length;
	struct row_list *rows; /* what it holds; to be filled in */
	GPtrArray *problems;   /* what is wrong with it (config/problem.h) */
};
/* The table, open for what is to be done. */
struct import_table {
	struct store *store;
	struct row_list *rows;
	unsigned present; /* optional columns, enum row_column */
};
/* Return false with everything said; to be cleared in any case. */
bool import_file_read(const struct cli *cli, const struct import_args *args, struct import_file *file);
void import_file_clear(struct import_file *file);
/* The rows of a file in the form of sample_actions.yaml, whose text goes; what is wrong is added to its
 * problems. False where it is no list of rows at all. */
bool import_yaml_read(struct import_file *file);
/* Says what is wrong with the file, in the order of its lines. */
void import_file_say(const struct cli *cli, struct import_file *file);
bool import_table_read(const struct cli *cli, const struct import_args *args, struct import_table *table);
void import_table_clear(struct import_table *table);

/* Says what is wrong, or makes the table hold the rows of the file and lists what that changes, which is all
 * that a dry run does. Returns the exit status. */
int import_rows(struct cli *cli, const struct import_args *args, struct import_file *file,
	const struct import_table *table);
