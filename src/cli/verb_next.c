#include "cli/fires_view.h"
#include "cli/next_batch.h"
#include "cli/schedule_arg.h"
#include "cli/time_arg.h"

#include <errno.h>
#include <string.h>

#define COUNT_MAX 100000

static struct {
	struct schedule_args of;
	char *after, *until, *batch, *count;
} given;

static const GOptionEntry options[] = {
	SCHEDULE_ARG_OPTIONS(given.of),
	{"count", 0, 0, G_OPTION_ARG_FILENAME, &given.count, "how many fires (default 10)", "N"},
	{"after", 0, 0, G_OPTION_ARG_FILENAME, &given.after, "fires later than this (default now)", "TIME"},
	{"until", 0, 0, G_OPTION_ARG_FILENAME, &given.until, "no fires later than this", "TIME"},
	{"batch", 0, 0, G_OPTION_ARG_FILENAME, &given.batch, "JSON Lines in, JSON Lines out; - is stdin",
		"FILE"},
	{NULL},
};

static bool read_range(struct cli *cli, struct fires_range *out)
{
	g_autoptr(GError) error = NULL;
	*out = (struct fires_range){.count = 10, .after = cli->now, .until = TIME_US_MAX};
	if (given.count &&
		(!cli_parse_int(given.count, &out->count) || out->count < 1 || out->count > COUNT_MAX)) {
		cli_usage(
			cli, "--count must be a whole number from 1 to %d, not '%s'", COUNT_MAX, given.count);
		return false;
	}
	const char *option = "--after";
	bool ok = !given.after || time_arg_parse(given.after, cli->now, cli->zone, &out->after, &error);
	if (ok && given.until) {
		option = "--until";
		ok = time_arg_parse(given.until, cli->now, cli->zone, &out->until, &error);
	}
	if (!ok)
		cli_usage(cli, "%s: %s", option, error->message);
	return ok;
}

/* --- schedules --- */

static void next_of(void *context, const struct schedule *schedule, const int64_t *id, bool zone_given)
{
	(void)zone_given;
	fires_output_add(context, schedule, id);
}

static int next_of_schedules(struct cli *cli, char **arguments, const struct fires_range *range)
{
	struct fires_output *output = fires_output_new(cli, range);
	int status = schedule_args_each(cli, &given.of, arguments, next_of, output);
	fires_output_end(output);
	return status;
}

/* --- a batch --- */

static int next_of_batch(struct cli *cli)
{
	GError *error = NULL;
	bool had_errors = false, from_stdin = !strcmp(given.batch, "-");
	FILE *in = from_stdin ? stdin : fopen(given.batch, "re");
	cli_unpage(cli);
	if (!in) {
		cli_error(cli, "%s: %s", given.batch, g_strerror(errno));
		return EXIT_FAILED;
	}
	struct next_batch_context context = {
		.zones = cli_zones(cli),
		.timezone = cli->zone,
		.dialect = (enum unix_dialect)cli->config->unix_dialect,
		.dst = (enum dst_policy)cli->config->action.defaults.dst,
		.now = cli->now,
	};
	bool ok = next_batch_run(in, cli->style.file, &context, &had_errors, &error);
	if (!from_stdin)
		fclose(in);
	if (!ok)
		return cli_fail(cli, error, "%s", given.batch);
	return had_errors ? EXIT_FAILED : EXIT_DONE;
}

static int next(struct cli *cli, char **arguments)
{
	struct fires_range range;
	int ways = (*arguments != NULL) + (given.of.cron != NULL) + (given.of.schedule != NULL) +
		   (given.batch != NULL);
	if (ways != 1)
		return cli_usage(cli, "next takes one of: ids, --cron, --schedule, --batch");
	if (given.batch && (given.after || given.until || given.count))
		return cli_usage(cli, "with --batch each line says its own after and count");
	int status = schedule_args_prepare(cli, &given.of, arguments);
	if (status != EXIT_DONE)
		return status;
	if (given.batch)
		return next_of_batch(cli);
	if (!read_range(cli, &range))
		return EXIT_USAGE;
	return next_of_schedules(cli, arguments, &range);
}

const struct verb verb_next = {
	.name = "next",
	.arguments = "[ID…]",
	.summary = "shows a schedule normalised, and when it fires next",
	.help = "Of actions by id, of an expression, or of any number of schedules in JSON Lines (see "
		"docs/json.md).\n"
		"--cron, --schedule and --batch need no configuration. Jitter counts for actions "
		"only.\n\n" TIME_ARG_HELP,
	.examples = "next 17\n"
		    "next --cron '30 9 * * 1-5' --timezone Europe/Berlin --count 3\n"
		    "next --schedule '{\"format\": \"apscheduler\", \"params\": {\"day\": \"last\"}}' "
		    "--until 2030-01-01\n"
		    "next --batch schedules.jsonl",
	.options = options,
	.listing = true,
	.run = next,
};
