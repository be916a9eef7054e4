#include "cli/verb_import.h"

#include <string.h>

static struct {
	char *from;
	gboolean dry_run;
} given;

static const GOptionEntry options[] = {
	{"from", 0, 0, G_OPTION_ARG_FILENAME, &given.from,
		"the job store: a SQLite file, or a URL as SQLAlchemy has it (default: internal_db)",
		"FILE|URL"},
	{"dry-run", 0, 0, G_OPTION_ARG_NONE, &given.dry_run, "list what would be owed, and write nothing",
		NULL},
	{NULL},
};

static const struct kind {
	const char *name;
	int (*run)(struct cli *cli, const struct import_args *args);
} kinds[] = {{"apscheduler", import_apscheduler}};

static int no_such_kind(const struct cli *cli, const char *name)
{
	const char *names[G_N_ELEMENTS(kinds) + 1] = {NULL};
	for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++)
		names[i] = kinds[i].name;
	g_autofree char *list = g_strjoinv(", import ", (char **)names);
	const char *near = name ? cli_nearest(name, names) : NULL;
	if (!name)
		return cli_usage(cli, "import needs to know what; there is: import %s", list);
	if (near)
		return cli_usage(cli, "there is no import '%s'; did you mean 'import %s'?", name, near);
	return cli_usage(cli, "there is no import '%s'; there is: import %s", name, list);
}

static int import(struct cli *cli, char **arguments)
{
	struct import_args args = {given.from, given.dry_run};
	const struct kind *kind = NULL;
	for (size_t i = 0; arguments[0] && i < G_N_ELEMENTS(kinds); i++)
		if (!strcmp(arguments[0], kinds[i].name))
			kind = &kinds[i];
	if (!kind)
		return no_such_kind(cli, arguments[0]);
	if (arguments[1])
		return cli_usage(cli, "import %s takes no argument '%s'", kind->name, arguments[1]);
	return kind->run(cli, &args);
}

const struct verb verb_import = {
	.name = "import",
	.arguments = "apscheduler",
	.summary = "takes over from the Python program when each action was to run next",
	.help = "Reads next_run_time of the table apscheduler_jobs, which is never written, and unpickles "
		"nothing.\n"
		"The fires due since then are owed, next_run_time itself included; the scheduler makes up "
		"for "
		"them\n"
		"by the rules when it starts. A paused job owes nothing. Actions that internal_db knows "
		"already "
		"are\n"
		"refused. No scheduler may run on internal_db. At the first start beside such a table `run` "
		"does "
		"all\n"
		"of this by itself; see docs/migrating.md.",
	.examples = "import apscheduler --dry-run\nimport apscheduler --from old/database.db\n"
		    "import apscheduler --from postgresql://scheduler@db.example/jobs",
	.options = options,
	.listing = true,
	.run = import,
};
