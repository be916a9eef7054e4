/* What is said on stderr: for people as one line behind the program's name, or as the log's JSON. */
#include "cli/verb.h"

#include "base/progress_bar.h"
#include "cli/pager.h"

#include <stdio.h>
#include <string.h>

G_GNUC_PRINTF(3, 0)
static void say(const struct cli *cli, enum log_level level, const char *format, va_list args)
{
	g_autofree char *message = g_strdup_vprintf(format, args);
	if (cli->has_log_format && cli->log_format == LOG_JSON) {
		log_event(level, "%s", message);
		return;
	}
	g_autofree char *safe = log_escape(message);
	static const char *const words[] = {"", "warning: ", "", ""};
	g_autofree char *line = g_strdup_printf("action-scheduler: %s%s\n", words[level], safe);
	if (pager_defer(line))
		return;
	progress_bar_hide();
	fputs(line, stderr);
}

void cli_error(const struct cli *cli, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	say(cli, LOG_ERROR, format, args);
	va_end(args);
}

void cli_warn(const struct cli *cli, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	if (!cli->quiet)
		say(cli, LOG_WARNING, format, args);
	va_end(args);
}

void cli_say(const struct cli *cli, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	if (!cli->quiet)
		say(cli, LOG_INFO, format, args);
	va_end(args);
}

int cli_fail(const struct cli *cli, GError *error, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	g_autofree char *place = g_strdup_vprintf(format, args);
	va_end(args);
	/* Where the table or its file is not there, one command makes it. */
	bool no_table = g_error_matches(error, AS_ERROR, AS_ERROR_MISSING) && !strcmp(place, "actions_db") &&
			cli->verb != &verb_init;
	cli_error(cli, "%s%s%s%s", place, *place ? ": " : "", error->message,
		no_table ? "; `action-scheduler init` makes it" : "");
	g_error_free(error);
	return EXIT_FAILED;
}

int cli_usage(const struct cli *cli, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	say(cli, LOG_ERROR, format, args);
	va_end(args);
	if (!cli->has_log_format || cli->log_format == LOG_TEXT)
		fprintf(stderr, "Try 'action-scheduler%s%s --help'.\n", cli->verb ? " " : "",
			cli->verb ? cli->verb->name : "");
	return EXIT_USAGE;
}
