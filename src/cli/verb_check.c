#include "cli/row_check.h"

#include <string.h>

static struct {
	gboolean fix, no_trigger;
} given;

static const GOptionEntry options[] = {
	{"fix", 0, 0, G_OPTION_ARG_NONE, &given.fix,
		"add the optional columns that the table lacks, and the trigger", NULL},
	{"no-trigger", 0, 0, G_OPTION_ARG_NONE, &given.no_trigger,
		"with --fix: leave out the trigger that tells of changes at once (PostgreSQL)", NULL},
	{NULL},
};

/* What is found goes into the listing; what is merely so is said above and below it, in tables only. */
struct checking {
	struct cli *cli;
	struct problems problems;
	uint64_t known_actions; /* that internal_db remembers */
	struct row_check rows;
	bool table_read;
	unsigned columns;
};

static void write_fact(const struct checking *checking, const char *name, const char *format, ...)
	G_GNUC_PRINTF(3, 4);
static void write_fact(const struct checking *checking, const char *name, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	g_autofree char *text = g_strdup_vprintf(format, args);
	va_end(args);
	g_autofree char *safe = log_escape(text);
	if (checking->cli->style.format == OUTPUT_TABLE)
		fprintf(checking->cli->style.file, "%-12s %s\n", name, safe);
}

static bool check_config(struct checking *checking)
{
	struct cli *cli = checking->cli;
	g_autoptr(GPtrArray) found = config_problems_new();
	struct config_sources sources = cli_sources(cli);
	cli->config = config_load(&sources, found);
	for (guint i = 0; !cli->config && i < found->len; i++) {
		const struct config_problem *problem = g_ptr_array_index(found, i);
		problems_add_error(&checking->problems, problem->place, problem->key, problem->reason);
	}
	return cli->config != NULL;
}

static void write_settings(const struct checking *checking)
{
	const struct cli *cli = checking->cli;
	g_autofree char *settings = config_render(cli->config);
	if (cli->verbose && cli->style.format == OUTPUT_TABLE)
		fprintf(cli->style.file, "\n%s\n", settings);
}

static void write_config_facts(const struct checking *checking)
{
	const struct config *config = checking->cli->config;
	g_autofree char *path = config->path ? g_canonicalize_filename(config->path, NULL) : NULL;
	g_autofree char *actions = cli_database_place(&config->actions_db);
	g_autofree char *internal = config->internal_db.set ? cli_database_place(&config->internal_db) : NULL;
	write_fact(checking, "config", "%s", path ? path : "none");
	write_settings(checking);
	write_fact(checking, "actions_db", "%s", actions);
	write_fact(checking, "internal_db", "%s",
		internal ? internal : "none: nothing is remembered over a restart");
}

/* Where a setting was made. */
static const char *source_of(const struct config *config, const char *key)
{
	for (guint i = 0; i < config->settings->len; i++) {
		const struct config_setting *setting = g_ptr_array_index(config->settings, i);
		if (!strcmp(setting->key, key))
			return setting->source;
	}
	return "config";
}

/* The callback of rows that name none: whether there is it, and its receiver. */
static void check_callback(struct checking *checking)
{
	const struct cli *cli = checking->cli;
	const char *name = cli->config->action.callback;
	g_autoptr(GError) error = NULL;
	if (cli->host->callback_probe(cli->host->context, &cli->config->callback, name, &error))
		return;
	if (g_error_matches(error, AS_ERROR, AS_ERROR_INVALID))
		problems_add_error(&checking->problems, source_of(cli->config, "action.callback"),
			"action.callback", error->message);
	else
		problems_add_error(&checking->problems, cli->host->callback_name(cli->host->context, name),
			NULL, error->message);
}

static bool check_settings(struct checking *checking)
{
	struct cli *cli = checking->cli;
	g_autoptr(GError) error = NULL;
	check_callback(checking);
	if (!cli_choose_zone(cli, NULL, &error)) {
		problems_add_error(
			&checking->problems, source_of(cli->config, "timezone"), "timezone", error->message);
		return false;
	}
	write_fact(checking, "timezone", "%s", cli->zone_name);
	return true;
}

static void count_definition(void *context, const struct definition *definition)
{
	struct checking *checking = context;
	checking->known_actions += definition->packed != NULL;
}

/* A file can be made only where its directory is. */
static bool directory_is_there(
	struct checking *checking, const char *place, const struct config_database *database)
{
	g_autofree char *path = g_canonicalize_filename(database->database, NULL);
	g_autofree char *directory = g_path_get_dirname(path);
	if (database->dialect != CONFIG_SQLITE || g_file_test(directory, G_FILE_TEST_IS_DIR))
		return true;
	g_autofree char *reason = g_strdup_printf("there is no directory %s", directory);
	problems_add_error(&checking->problems, place, "database", reason);
	return false;
}

static void check_internal_db(struct checking *checking)
{
	struct cli *cli = checking->cli;
	g_autoptr(GError) error = NULL;
	if (!cli->config->internal_db.set ||
		!directory_is_there(checking, "internal_db", &cli->config->internal_db))
		return;
	struct journal *journal = cli_open_journal(cli, &error);
	if (journal)
		progress_free(journal_load(journal, count_definition, checking, &error));
	journal_close(journal);
	if (error)
		problems_add_error(&checking->problems, "internal_db", NULL, error->message);
}

/* A table that was never there is made by the first run; one that went is an outage. */
static void table_is_missing(struct checking *checking, const char *reason)
{
	g_autofree char *text = NULL;
	if (checking->known_actions) {
		text = g_strdup_printf("%s, but internal_db knows %" G_GUINT64_FORMAT
				       " actions: the scheduler takes this for an outage",
			reason, checking->known_actions);
		problems_add_error(&checking->problems, "actions_db", NULL, text);
		return;
	}
	text = g_strdup_printf("%s; `init` or the first `run` makes it", reason);
	problems_add_warning(&checking->problems, "actions_db", NULL, text);
}

static bool add_columns(struct checking *checking, struct store *store, GError **error)
{
	unsigned added = 0;
	bool installed = false;
	if (!store_complete_table(store, &added, error) ||
		(!given.no_trigger && !store_install_trigger(store, &installed, error)))
		return false;
	cli_say(checking->cli, "actions_db: %u columns added%s", added,
		installed ? ", trigger in place" : "");
	return true;
}

static void check_table(struct checking *checking)
{
	struct cli *cli = checking->cli;
	g_autoptr(GError) error = NULL;
	if (!directory_is_there(checking, "actions_db", &cli->config->actions_db))
		return;
	struct store *store = cli_open_store(cli, given.fix ? CLI_STORE_WRITE : CLI_STORE_READ, &error);
	checking->table_read = store && (!given.fix || add_columns(checking, store, &error)) &&
			       store_read(store, row_check_row, &checking->rows, &error);
	row_check_end(&checking->rows);
	if (checking->table_read)
		checking->columns = store_columns(store);
	if (checking->table_read && store_nameless_rows(store)) {
		g_autofree char *reason =
			g_strdup_printf("%zu rows have an id that is no integer, or that came before",
				store_nameless_rows(store));
		problems_add_error(&checking->problems, "actions_db", "id", reason);
	}
	store_close(store);
	if (g_error_matches(error, AS_ERROR, AS_ERROR_MISSING))
		table_is_missing(checking, error->message);
	else if (error)
		problems_add_error(&checking->problems, "actions_db", NULL, error->message);
}

static void write_count(const struct checking *checking, uint64_t count, const char *what, const char *after)
{
	fprintf(checking->cli->style.file, "%" G_GUINT64_FORMAT " %s%s%s", count, what, count == 1 ? "" : "s",
		after);
}

static void write_summary(const struct checking *checking)
{
	const struct problems *problems = &checking->problems;
	unsigned missing = (unsigned)__builtin_popcount(STORE_COLUMNS_ALL & ~checking->columns);
	if (checking->cli->style.format != OUTPUT_TABLE)
		return;
	if (problems->errors || problems->warnings)
		fputc('\n', checking->cli->style.file);
	if (checking->table_read)
		write_count(checking, checking->rows.rows, "action", ", ");
	write_count(checking, problems->errors, "error", ", ");
	write_count(checking, problems->warnings, "warning", "\n");
	if (checking->table_read && missing)
		write_count(checking, missing, "optional column", " missing; `check --fix` adds them\n");
}

static int check(struct cli *cli, char **arguments)
{
	(void)arguments;
	struct checking checking = {.cli = cli};
	problems_begin(&checking.problems, &cli->style);
	row_check_init(&checking.rows, cli, &checking.problems);
	if (check_config(&checking)) {
		write_config_facts(&checking);
		bool zone_known = check_settings(&checking);
		if (cli->style.format == OUTPUT_TABLE)
			fputc('\n', cli->style.file);
		check_internal_db(&checking);
		if (zone_known)
			check_table(&checking);
	}
	problems_end(&checking.problems);
	write_summary(&checking);
	row_check_clear(&checking.rows);
	return checking.problems.errors ? EXIT_FAILED : EXIT_DONE;
}

const struct verb verb_check = {
	.name = "check",
	.summary = "checks configuration, databases and every row, and lists every problem",
	.help = "Exit status 1 where there are errors. Warnings are rows that never fire, and unix "
		"expressions that\n"
		"APScheduler reads otherwise. The receiver of action.callback is asked whether it would take "
		"a fire, where\nit can tell (kafka). With -v the configuration in force is shown, secrets "
		"masked.",
	.examples = "check\ncheck --fix\n--verbose check",
	.options = options,
	.listing = true,
	.run = check,
};
