#include "cli/pager.h"
#include "cli/take_verb.h"
#include "cli/terminal.h"

#include "base/clock.h"

#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* GOption writes here; a process parses one command line. */
static struct {
	char *config, *env_file, *log_format, *color, *output;
	gboolean quiet, verbose, no_pager, wide, version, help;
	char **arguments;
} given;

const GOptionEntry cli_global_options[] = {
	{"config", 'c', 0, G_OPTION_ARG_FILENAME, &given.config,
		"the configuration (default: config.yaml, then /etc/action-scheduler/config.yaml)", "FILE"},
	{"env-file", 0, 0, G_OPTION_ARG_FILENAME, &given.env_file,
		"variables in dotenv form (default: .env beside the configuration)", "FILE"},
	{"quiet", 'q', 0, G_OPTION_ARG_NONE, &given.quiet, "say nothing but errors", NULL},
	{"verbose", 'v', 0, G_OPTION_ARG_NONE, &given.verbose, "say more", NULL},
	{"log-format", 0, 0, G_OPTION_ARG_FILENAME, &given.log_format, "form of what is written to stderr",
		"text|json"},
	{"color", 0, 0, G_OPTION_ARG_FILENAME, &given.color,
		"colours in tables (default auto: on a terminal, unless NO_COLOR is set)",
		"auto|always|never"},
	{"no-pager", 0, 0, G_OPTION_ARG_NONE, &given.no_pager,
		"show a table longer than the terminal as it is (default: through $PAGER, else less)", NULL},
	{"version", 0, 0, G_OPTION_ARG_NONE, &given.version, "show the version", NULL},
	{"help", 'h', 0, G_OPTION_ARG_NONE, &given.help, "show this help", NULL},
	{NULL},
};

const GOptionEntry cli_output_options[] = {
	{"output", 'o', 0, G_OPTION_ARG_FILENAME, &given.output,
		"form of the result (default table); json is one document, jsonl one object a line",
		"table|json|jsonl"},
	{"wide", 0, 0, G_OPTION_ARG_NONE, &given.wide,
		"leave out and cut nothing where the terminal is too narrow for the table", NULL},
	{NULL},
};

static const GOptionEntry rest_options[] = {
	{G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &given.arguments, NULL, NULL},
	{NULL},
};

static void add_names(GPtrArray *names, const GOptionEntry *entries)
{
	for (; entries && entries->long_name; entries++)
		g_ptr_array_add(names, (gpointer)entries->long_name);
}

/* GOption says "Unknown option --foo". */
static int unknown_option(const struct cli *cli, const char *message)
{
	const char *option = message + strcspn(message, "-");
	g_autofree char *name = g_strndup(option, strcspn(option, "="));
	g_autoptr(GPtrArray) names = g_ptr_array_new();
	add_names(names, cli->verb->options);
	add_names(names, cli->verb->listing ? cli_output_options : NULL);
	add_names(names, cli_global_options);
	g_ptr_array_add(names, NULL);
	const char *bare = name + strspn(name, "-");
	const char *near = strlen(bare) > 1 ? cli_nearest(bare, (const char *const *)names->pdata) : NULL;
	if (near)
		return cli_usage(cli, "%s has no option %s; did you mean --%s?", cli->verb->name, name, near);
	return cli_usage(cli, "%s has no option %s", cli->verb->name, name);
}

static int parse_options(const struct cli *cli, char **argv)
{
	g_autoptr(GError) error = NULL;
	GOptionContext *context = g_option_context_new(NULL);
	g_option_context_set_help_enabled(context, FALSE);
	if (cli->verb->options)
		g_option_context_add_main_entries(context, cli->verb->options, NULL);
	if (cli->verb->listing)
		g_option_context_add_main_entries(context, cli_output_options, NULL);
	g_option_context_add_main_entries(context, cli_global_options, NULL);
	g_option_context_add_main_entries(context, rest_options, NULL);
	bool ok = g_option_context_parse_strv(context, &argv, &error);
	g_option_context_free(context);
	g_strfreev(argv);
	if (ok)
		return EXIT_DONE;
	if (g_error_matches(error, G_OPTION_ERROR, G_OPTION_ERROR_UNKNOWN_OPTION))
		return unknown_option(cli, error->message);
	return cli_usage(cli, "%s", error->message);
}

static bool apply_globals(struct cli *cli)
{
	static const char *const formats[] = {"text", "json", NULL};
	static const char *const colors[] = {"auto", "always", "never", NULL};
	static const char *const outputs[] = {"table", "json", "jsonl", NULL};
	int format = cli_choose(cli, "--log-format", given.log_format, formats);
	int color = cli_choose(cli, "--color", given.color, colors);
	int output = cli_choose(cli, "-o", given.output, outputs);
	if (format < 0 || color < 0 || output < 0)
		return false;
	if (given.quiet && given.verbose) {
		cli_usage(cli, "-q and -v exclude each other");
		return false;
	}
	cli->config_path = given.config;
	cli->env_path = given.env_file;
	cli->quiet = given.quiet;
	cli->verbose = given.verbose;
	cli->has_log_format = given.log_format != NULL;
	cli->log_format = (enum log_format)format;
	cli->style = (struct output_style){.file = stdout,
		.format = (enum output_format)output,
		.color = terminal_wants_color((enum terminal_color)color),
		.width = given.wide ? 0 : terminal_width(),
		.terminal = terminal_width() != 0};
	log_setup(given.quiet ? LOG_ERROR : given.verbose ? LOG_DEBUG : LOG_INFO, (enum log_format)format);
	return true;
}

static void page(struct cli *cli)
{
	bool wanted = cli->verb->listing && cli->style.format == OUTPUT_TABLE && !given.no_pager;
	if (!wanted || !terminal_is_capable())
		return;
	cli->pager = pager_open(terminal_width(), terminal_height());
	if (!cli->pager)
		return;
	cli->style.file = pager_file(cli->pager);
	cli->style.terminal = false;
}

void cli_unpage(struct cli *cli)
{
	if (!cli->pager)
		return;
	pager_close(g_steal_pointer(&cli->pager), EXIT_DONE);
	cli->style.file = stdout;
	cli->style.terminal = true;
}

static int run_verb(struct cli *cli)
{
	static char *none[] = {NULL};
	char **arguments = given.arguments ? given.arguments : none;
	if (!cli->verb->arguments && *arguments)
		return cli_usage(cli, "%s takes no argument '%s'", cli->verb->name, *arguments);
	/* A reader that has seen enough ends a listing quietly, whatever was inherited. */
	if (cli->verb->listing)
		signal(SIGPIPE, SIG_DFL);
	page(cli);
	int status = cli->verb->run(cli, arguments);
	return cli->pager ? pager_close(g_steal_pointer(&cli->pager), status) : status;
}

/* A result that did not arrive was not given. */
static int close_stdout(const struct cli *cli, int status)
{
	if (!ferror(stdout) && !fflush(stdout))
		return status;
	cli_error(cli, "cannot write to stdout: %s", g_strerror(errno));
	return EXIT_FAILED;
}

static int dispatch(struct cli *cli, char **argv)
{
	bool named;
	if (!cli_take_verb(cli, argv, &named)) {
		g_strfreev(argv);
		return EXIT_USAGE;
	}
	int status = parse_options(cli, argv);
	if (status != EXIT_DONE)
		return status;
	if (given.help) {
		g_autofree char *help = cli_help(named ? cli->verb : NULL);
		fputs(help, stdout);
		return EXIT_DONE;
	}
	if (given.version) {
		puts("action-scheduler " PROGRAM_VERSION);
		return EXIT_DONE;
	}
	return apply_globals(cli) ? run_verb(cli) : EXIT_USAGE;
}

static void clear(struct cli *cli)
{
	schedule_cache_free(cli->schedules);
	zone_unref(cli->shown_zone);
	zone_unref(cli->zone);
	zone_cache_free(cli->zones);
	g_clear_pointer(&cli->callbacks, g_hash_table_unref);
	config_free(cli->config);
	g_free(cli->zone_name);
	g_free(cli->journal_settings);
	g_strfreev(cli->environment);
	g_clear_pointer(&given.arguments, g_strfreev);
	char **texts[] = {&given.config, &given.env_file, &given.log_format, &given.color, &given.output};
	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
		g_clear_pointer(texts[i], g_free);
}

int cli_main(int argc, char **argv, const struct cli_host *host)
{
	clock_test_poll();
	struct cli cli = {
		.host = host, .now = clock_now(), .environment = g_get_environ(), .style.file = stdout};
	GStrv copy = g_new0(char *, (size_t)argc + 2);
	copy[0] = g_strdup(argc ? argv[0] : "action-scheduler");
	for (int i = 1; i < argc; i++)
		copy[i] = g_strdup(argv[i]);
	setlocale(LC_CTYPE, "");
	int status = close_stdout(&cli, dispatch(&cli, copy));
	clear(&cli);
	return status;
}
