#include "cli/time_arg.h"
#include "cli/verb.h"

static struct {
	char *catch_up;
} given;

static const GOptionEntry options[] = {
	{"catch-up", 0, 0, G_OPTION_ARG_FILENAME, &given.catch_up,
		"what becomes of the fires missed before this start (default all)", "none|all|TIME"},
	{NULL},
};

static int run(struct cli *cli, char **arguments)
{
	(void)arguments;
	g_autoptr(GError) error = NULL;
	struct config_sources sources = cli_sources(cli);
	struct cli_run run = {
		.sources = &sources, .log_fixed = cli->quiet || cli->verbose || cli->has_log_format};
	if (!cli_prepare(cli))
		return EXIT_FAILED;
	if (!catch_up_parse(given.catch_up, cli->now, cli->zone, &run.catch_up_from, &error))
		return cli_usage(cli, "--catch-up: %s", error->message);
	enum log_level level = cli->quiet ? LOG_ERROR : cli->verbose ? LOG_DEBUG : cli->config->log.level;
	log_setup(level, cli->has_log_format ? cli->log_format : cli->config->log.format);
	run.config = g_steal_pointer(&cli->config);
	return cli->host->run(cli->host->context, &run);
}

const struct verb verb_run = {
	.name = "run",
	.summary = "runs the scheduler until SIGTERM or SIGINT",
	.help = "Loads the table of actions, makes up for what was missed, fires, and follows changes of the "
		"table.\n"
		"SIGHUP reads configuration and table again. Without a command the program does this, "
		"too.\n\n"
		"--catch-up none skips what was missed before this start, TIME skips what was due before "
		"TIME.\n\n" TIME_ARG_HELP,
	.examples = "--config /etc/action-scheduler/config.yaml run\nrun --catch-up none",
	.options = options,
	.run = run,
};
