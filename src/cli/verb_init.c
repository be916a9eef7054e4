#include "cli/verb.h"
#include "config/template.h"

#include <glib/gstdio.h>

static struct {
	gboolean force, no_trigger;
} given;

static const GOptionEntry options[] = {
	{"force", 0, 0, G_OPTION_ARG_NONE, &given.force, "overwrite config.yaml where there is one", NULL},
	{"no-trigger", 0, 0, G_OPTION_ARG_NONE, &given.no_trigger,
		"leave out the trigger that tells of changes at once (PostgreSQL)", NULL},
	{NULL},
};

/* Never over a file that appeared in between, and never half a file. */
static bool write_config(struct cli *cli, const char *path)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *text = config_template();
	if (g_file_set_contents(path, text, -1, &error)) {
		g_print("wrote %s\n", path);
		return true;
	}
	cli_error(cli, "%s", error->message);
	return false;
}

static bool ensure_config(struct cli *cli)
{
	const char *found = cli->config_path ? cli->config_path : config_find();
	const char *path = cli->config_path ? cli->config_path : "config.yaml";
	if (given.force || !found || !g_file_test(found, G_FILE_TEST_EXISTS))
		return write_config(cli, path);
	g_print("%s is there and stays as it is\n", found);
	return true;
}

static bool ensure_table(struct cli *cli)
{
	GError *error = NULL;
	unsigned added = 0;
	struct store *store = cli_open_store(cli, CLI_STORE_CREATE, &error);
	bool installed = false;
	bool ok = store && store_create_table(store, &error) && store_complete_table(store, &added, &error) &&
		  (given.no_trigger || store_install_trigger(store, &installed, &error));
	store_close(store);
	if (!ok) {
		cli_fail(cli, error, "actions_db");
		return false;
	}
	g_autofree char *place = cli_database_place(&cli->config->actions_db);
	g_print("actions_db: %s has the table action; %u columns added%s\n", place, added,
		installed ? ", trigger in place" : "");
	return true;
}

static bool ensure_journal(struct cli *cli)
{
	g_autoptr(GError) error = NULL;
	struct journal_options where = cli_journal_options(cli);
	if (!where.dialect) {
		g_print("internal_db: none is configured, nothing will be remembered over a restart\n");
		return true;
	}
	struct journal *journal = journal_open(&where, &error);
	journal_close(journal);
	g_autofree char *place = cli_database_place(&cli->config->internal_db);
	/* A scheduler that runs on it has made it. */
	if (journal || g_error_matches(error, AS_ERROR, AS_ERROR_BUSY)) {
		g_print("internal_db: %s is ready%s\n", place, journal ? "" : ", a scheduler runs on it");
		return true;
	}
	cli_error(cli, "internal_db: %s", error->message);
	return false;
}

static int init(struct cli *cli, char **arguments)
{
	(void)arguments;
	if (!ensure_config(cli) || !cli_prepare(cli) || !ensure_table(cli) || !ensure_journal(cli))
		return EXIT_FAILED;
	return EXIT_DONE;
}

const struct verb verb_init = {
	.name = "init",
	.summary = "writes a config.yaml where there is none, and creates or completes the tables",
	.help = "A table that is there keeps its rows and gets the optional columns it lacks.\n"
		"On PostgreSQL a trigger tells the scheduler at once which rows changed.",
	.examples = "init\n--config /etc/action-scheduler/config.yaml init",
	.options = options,
	.run = init,
};
