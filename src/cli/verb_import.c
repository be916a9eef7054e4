#include "cli/verb_import.h"

#include <string.h>

static struct {
	char *from;
	gboolean dry_run, prune, system;
} given;

static const GOptionEntry options[] = {
	{"dry-run", 'n', 0, G_OPTION_ARG_NONE, &given.dry_run, "list what would be done, and write nothing",
		NULL},
	{"prune", 0, 0, G_OPTION_ARG_NONE, &given.prune,
		"crontab, yaml: remove the rows that are not in the file", NULL},
	{"system", 0, 0, G_OPTION_ARG_NONE, &given.system,
		"crontab: the form of /etc/crontab, with a user before the command", NULL},
	{"from", 0, 0, G_OPTION_ARG_FILENAME, &given.from,
		"apscheduler: the job store, a SQLite file or a URL as SQLAlchemy has it (default: "
		"internal_db)",
		"FILE|URL"},
	{NULL},
};

static const struct kind {
	const char *name;
	int (*run)(struct cli *cli, const struct import_args *args);
	bool has_file, has_system;
} kinds[] = {
	{"crontab", import_crontab, true, true},
	{"yaml", import_yaml, true, false},
	{"apscheduler", import_apscheduler, false, false},
};

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

/* An option that is not for this kind. */
static const char *foreign_option(const struct kind *kind)
{
	if (given.from && kind->has_file)
		return "--from";
	if (given.prune && !kind->has_file)
		return "--prune";
	return given.system && !kind->has_system ? "--system" : NULL;
}

static int import(struct cli *cli, char **arguments)
{
	const struct kind *kind = NULL;
	for (size_t i = 0; arguments[0] && i < G_N_ELEMENTS(kinds); i++)
		if (!strcmp(arguments[0], kinds[i].name))
			kind = &kinds[i];
	if (!kind)
		return no_such_kind(cli, arguments[0]);
	const char *file = kind->has_file ? arguments[1] : NULL;
	const char *rest = arguments[file ? 2 : 1];
	const char *foreign = foreign_option(kind);
	if (kind->has_file && !file)
		return cli_usage(cli, "import %s needs a file; - is stdin", kind->name);
	if (rest)
		return cli_usage(cli, "import %s takes no argument '%s'", kind->name, rest);
	if (foreign)
		return cli_usage(cli, "import %s has no option %s", kind->name, foreign);
	struct import_args args = {file, given.from, given.dry_run, given.prune, given.system};
	return kind->run(cli, &args);
}

const struct verb verb_import = {
	.name = "import",
	.arguments = "crontab|yaml|apscheduler [FILE|-]",
	.summary = "takes actions from a crontab or from YAML, or next run times from the Python program",
	.help = "crontab, yaml: the table gets the rows of the file, all in one transaction, or none where "
		"a\n"
		"line is bad. A row is that of the table with its id, where the file has ids, else the one "
		"of\n"
		"the same name; what the file does not say of it stays as it is. Listed is what changes; "
		"see\n"
		"docs/import.md.\n"
		"\n"
		"apscheduler: reads next_run_time of the table apscheduler_jobs, which is never written, "
		"and\n"
		"unpickles nothing. The fires due since then are owed, next_run_time itself included; the\n"
		"scheduler makes up for them by the rules when it starts. A paused job owes nothing. "
		"Actions\n"
		"that internal_db knows already are refused. No scheduler may run on internal_db. At the "
		"first\n"
		"start beside such a table `run` does all of this by itself; see docs/migrating.md.",
	.examples = "import crontab - < my.crontab\n"
		    "import crontab /etc/crontab --dry-run\n"
		    "import yaml actions.yaml --prune --dry-run\n"
		    "import apscheduler --dry-run\nimport apscheduler --from old/database.db\n"
		    "import apscheduler --from postgresql://scheduler@db.example/jobs",
	.options = options,
	.listing = true,
	.run = import,
};
