#include "cli/verb_export.h"

#include "base/progress_bar.h"

#include <signal.h>
#include <string.h>

static const struct format {
	const char *name;
	const char *heading;
	void (*row)(struct exporting *exporting, const struct action_row *row);
} formats[] = {
	{"yaml", "", export_yaml_row},
	{"crontab", "# Actions for `crontab`; `action-scheduler import crontab` takes them back.\n",
		export_crontab_row},
};

struct reading {
	struct exporting exporting;
	const struct format *format;
	struct progress_bar *bar;
};

static bool take_row(void *context, const struct action_row *row)
{
	struct reading *reading = context;
	reading->format->row(&reading->exporting, row);
	progress_bar_set(reading->bar, ++reading->exporting.rows);
	return !ferror(reading->exporting.file);
}

static int no_such_format(const struct cli *cli, const char *name)
{
	const char *names[G_N_ELEMENTS(formats) + 1] = {NULL};
	for (size_t i = 0; i < G_N_ELEMENTS(formats); i++)
		names[i] = formats[i].name;
	const char *near = name ? cli_nearest(name, names) : NULL;
	if (!name)
		return cli_usage(cli, "export needs to know as what; there is: export yaml, export crontab");
	if (near)
		return cli_usage(cli, "there is no export '%s'; did you mean 'export %s'?", name, near);
	return cli_usage(cli, "there is no export '%s'; there is: export yaml, export crontab", name);
}

static int write_all(struct cli *cli, const struct format *format)
{
	GError *error = NULL;
	struct reading reading = {
		.exporting = {.cli = cli, .file = cli->style.file, .line = g_string_new(NULL)},
		.format = format,
	};
	struct exporting *exporting = &reading.exporting;
	exporting->store = cli_open_store(cli, CLI_STORE_READ, &error);
	reading.bar = progress_bar_new("exporting actions", 0, cli->quiet);
	fputs(exporting->store ? format->heading : "", exporting->file);
	bool ok = exporting->store && store_read(exporting->store, take_row, &reading, &error);
	/* An empty list is a document, too. */
	if (ok && !exporting->rows && format->row == export_yaml_row)
		fputs("[]\n", exporting->file);
	progress_bar_free(reading.bar);
	size_t nameless = ok ? store_nameless_rows(exporting->store) : 0;
	store_close(exporting->store);
	g_string_free(exporting->line, TRUE);
	g_free(exporting->zone);
	if (!ok)
		return cli_fail(cli, error, "actions_db");
	if (nameless)
		cli_error(cli, "rows without an id of their own, which are left out: %zu", nameless);
	if (exporting->left_out)
		cli_error(cli,
			"rows that a crontab cannot express: %" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT,
			exporting->left_out, exporting->rows);
	return nameless || exporting->left_out ? EXIT_FAILED : EXIT_DONE;
}

static int export(struct cli *cli, char **arguments)
{
	const struct format *format = NULL;
	for (size_t i = 0; arguments[0] && i < G_N_ELEMENTS(formats); i++)
		if (!strcmp(arguments[0], formats[i].name))
			format = &formats[i];
	if (!format)
		return no_such_format(cli, arguments[0]);
	if (arguments[1])
		return cli_usage(cli, "export %s takes no argument '%s'", format->name, arguments[1]);
	if (!cli_prepare(cli))
		return EXIT_FAILED;
	signal(SIGPIPE, SIG_DFL);
	return write_all(cli, format);
}

const struct verb verb_export = {
	.name = "export",
	.arguments = "yaml|crontab",
	.summary = "writes the actions as YAML or as a crontab, for `import`",
	.help = "yaml has every column of every row, bad rows as they are: `import yaml` makes the same "
		"table of it.\n"
		"crontab has what cron can do. A row that it cannot express is named on stderr with the "
		"reason\n"
		"and stands in the file as a comment; the exit status is 1 then. See docs/import.md.",
	.examples = "export yaml > actions.yaml\nexport crontab > actions.crontab",
	.run = export,
};
