#include "cli/check.h"
#include "cli/time_arg.h"

#include <string.h>

/* So far back runs are looked at. */
#define SINCE "7 days ago"

static struct {
	gboolean fix, no_trigger;
	char *since;
} given;

static const GOptionEntry options[] = {
	{"fix", 0, 0, G_OPTION_ARG_NONE, &given.fix,
		"add the optional columns that the table lacks, and the trigger", NULL},
	{"no-trigger", 0, 0, G_OPTION_ARG_NONE, &given.no_trigger,
		"the trigger that tells of changes at once (PostgreSQL) is left out on purpose", NULL},
	{"since", 0, 0, G_OPTION_ARG_FILENAME, &given.since,
		"look at runs that ended at this time or later (default: " SINCE ")", "TIME"},
	{NULL},
};

void check_fact(const struct checking *checking, const char *name, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	g_autofree char *text = g_strdup_vprintf(format, args);
	va_end(args);
	g_autofree char *safe = log_escape(text);
	if (checking->cli->style.format == OUTPUT_TABLE)
		fprintf(checking->cli->style.file, "%-12s %s\n", name ? name : "", safe);
}

void check_problem(struct checking *checking, const char *place, const char *field, GError *error)
{
	problems_add_error(&checking->problems, place, field, error->message);
	g_error_free(error);
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
	check_fact(checking, "config", "%s", path ? path : "none");
	write_settings(checking);
	check_fact(checking, "timezone", "%s", checking->cli->zone_name ? checking->cli->zone_name : "");
	check_fact(checking, "callback", "%s", config->action.callback);
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

/* Whether there is such a callback, and its receiver would take a fire. */
static void check_callback(struct checking *checking, const char *name, bool is_default)
{
	const struct cli *cli = checking->cli;
	GError *error = NULL;
	if (cli->host->callback_probe(cli->host->context, &cli->config->callback, name, &error))
		return;
	if (is_default && g_error_matches(error, AS_ERROR, AS_ERROR_INVALID))
		check_problem(checking, source_of(cli->config, "action.callback"), "action.callback", error);
	else
		check_problem(checking, cli->host->callback_name(cli->host->context, name), NULL, error);
}

/* Those that rows name, each receiver once. */
static void check_row_callbacks(struct checking *checking)
{
	struct cli *cli = checking->cli;
	g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
	GHashTableIter iter;
	gpointer name;
	const char *canonical = cli->host->callback_name(cli->host->context, cli->config->action.callback);
	if (canonical)
		g_hash_table_add(seen, (char *)canonical);
	if (!cli->callbacks)
		return;
	g_hash_table_iter_init(&iter, cli->callbacks);
	while (g_hash_table_iter_next(&iter, &name, NULL)) {
		canonical = cli->host->callback_name(cli->host->context, name);
		if (g_hash_table_add(seen, (char *)canonical))
			check_callback(checking, name, false);
	}
}

bool check_directory(struct checking *checking, const char *place, const struct config_database *database)
{
	g_autofree char *path = g_canonicalize_filename(database->database, NULL);
	g_autofree char *directory = g_path_get_dirname(path);
	if (database->dialect != CONFIG_SQLITE || g_file_test(directory, G_FILE_TEST_IS_DIR))
		return true;
	g_autofree char *reason = g_strdup_printf("there is no directory %s", directory);
	problems_add_error(&checking->problems, place, "database", reason);
	return false;
}

static void write_count(const struct checking *checking, uint64_t count, const char *what, const char *after)
{
	fprintf(checking->cli->style.file, "%" G_GUINT64_FORMAT " %s%s%s", count, what, count == 1 ? "" : "s",
		after);
}

static void write_summary(const struct checking *checking)
{
	const struct problems *problems = &checking->problems;
	unsigned missing = (unsigned)__builtin_popcount(COLUMNS_OPTIONAL & ~checking->columns);
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

/* What the options say of a configuration that was read. */
static bool parse_since(struct checking *checking, GError **error)
{
	const struct cli *cli = checking->cli;
	const char *since = given.since ? given.since : SINCE;
	time_us now = cli->now - cli->now % US_PER_SECOND; /* as it is shown */
	return time_arg_parse(since, now, cli->zone, &checking->since, error);
}

/* Facts first, then what is wrong, in the same order. */
static void check_all(struct checking *checking)
{
	struct cli *cli = checking->cli;
	write_config_facts(checking);
	check_callback(checking, cli->config->action.callback, true);
	check_actions_db(checking);
	check_internal_db(checking);
	if (cli->style.format == OUTPUT_TABLE)
		fputc('\n', cli->style.file);
	check_rows(checking);
	check_row_callbacks(checking);
}

static int check_settings(struct checking *checking)
{
	struct cli *cli = checking->cli;
	GError *error = NULL;
	if (!check_config(checking))
		return EXIT_FAILED;
	if (!cli_choose_zone(cli, NULL, &error)) {
		check_problem(checking, source_of(cli->config, "timezone"), "timezone", error);
		/* The rest is worth looking at all the same. */
		if (!cli_choose_zone(cli, "UTC", NULL))
			return EXIT_FAILED;
	}
	error = NULL;
	if (parse_since(checking, &error)) {
		check_all(checking);
		return EXIT_DONE;
	}
	g_autoptr(GError) wrong = error;
	return cli_usage(cli, "--since: %s", wrong->message);
}

static void checking_clear(struct checking *checking)
{
	row_check_clear(&checking->rows);
	check_history_free(checking->history);
	store_close(checking->store);
	g_clear_error(&checking->store_error);
}

static int check(struct cli *cli, char **arguments)
{
	(void)arguments;
	struct checking checking = {.cli = cli, .fix = given.fix, .no_trigger = given.no_trigger};
	problems_begin(&checking.problems, &cli->style);
	row_check_init(&checking.rows, cli, &checking.problems);
	int status = check_settings(&checking);
	if (status == EXIT_USAGE) {
		problems_abandon(&checking.problems);
	} else {
		problems_end(&checking.problems);
		write_summary(&checking);
		status = checking.problems.errors ? EXIT_FAILED : EXIT_DONE;
	}
	checking_clear(&checking);
	return status;
}

const struct verb verb_check = {
	.name = "check",
	.summary = "checks configuration, databases and every row, and lists every problem",
	.help = "Exit status 1 where there are errors, 0 where there are only warnings. Looked at are:\n"
		"the configuration; whether each database can be reached, and what the role may do there; "
		"the receivers\nof the callbacks, where they can be asked (kafka); each row; and the "
		"history.\n\n"
		"Warnings are what may be meant as it is: rows that never fire, unix expressions that "
		"APScheduler reads\notherwise, runs that lasted until after the next fire (of the last 100 "
		"of "
		"each action), fires skipped by\nmax_instances (both in at most 1,000,000 entries of the "
		"history), privileges and a trigger that are lacking\nand not necessary. With -v the "
		"configuration in force is shown, secrets masked.\n\n"
		"--fix does what is safe, says what it did, and can be given again.\n\n" TIME_ARG_HELP,
	.examples = "check\ncheck --fix\n--verbose check\ncheck -o jsonl --since yesterday",
	.options = options,
	.listing = true,
	.run = check,
};
