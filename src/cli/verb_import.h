/* Purpose: the kinds of `import`, a file each, and where they read from. One thread. */
#pragma once

#include "cli/verb.h"

/* Options of the verb as given. */
struct import_args {
	const char *from; /* NULL: internal_db */
	bool dry_run;
};

/* import apscheduler; returns the exit status. */
int import_apscheduler(struct cli *cli, const struct import_args *args);

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
