/* --help, and docs/cli.md: both are the table of verbs in words. */
#include "cli/verb.h"

#include <string.h>

#define PROGRAM "action-scheduler"
#define MARGIN  30

static void append_option(GString *out, const GOptionEntry *entry)
{
	gsize start = out->len;
	if (entry->short_name)
		g_string_append_printf(out, "  -%c, ", entry->short_name);
	else
		g_string_append(out, "      ");
	g_string_append_printf(out, "--%s%s%s", entry->long_name, entry->arg_description ? " " : "",
		entry->arg_description ? entry->arg_description : "");
	gsize width = out->len - start;
	if (width + 2 > MARGIN) {
		g_string_append_c(out, '\n');
		width = 0;
	}
	for (; width < MARGIN; width++)
		g_string_append_c(out, ' ');
	g_string_append_printf(out, "%s\n", entry->description);
}

static void append_options(GString *out, const char *title, const GOptionEntry *entries)
{
	if (!entries || !entries->long_name)
		return;
	if (title)
		g_string_append_printf(out, "\n%s:\n", title);
	for (; entries->long_name; entries++)
		append_option(out, entries);
}

static void append_examples(GString *out, const char *examples, const char *margin)
{
	g_auto(GStrv) lines = g_strsplit(examples, "\n", -1);
	for (size_t i = 0; lines[i]; i++)
		g_string_append_printf(
			out, "%s%s%s\n", margin, lines[i][0] == '#' ? "" : PROGRAM " ", lines[i]);
}

static void append_usage(GString *out, const struct verb *verb)
{
	g_string_append_printf(out, PROGRAM " [GLOBAL OPTIONS] %s [OPTIONS]%s%s", verb->name,
		verb->arguments ? " " : "", verb->arguments ? verb->arguments : "");
}

static void append_verb_options(GString *out, const struct verb *verb)
{
	append_options(out, "Options", verb->options);
	if (verb->listing)
		append_options(out, verb->options ? NULL : "Options", cli_output_options);
}

static char *program_help(void)
{
	GString *out = g_string_new("Runs commands at the times that the table of actions says.\n\n"
				    "Usage: " PROGRAM " [GLOBAL OPTIONS] [COMMAND] [OPTIONS]\n\nCommands:\n");
	for (size_t i = 0; verbs[i]; i++)
		g_string_append_printf(out, "  %-11s %s%s\n", verbs[i]->name, verbs[i]->summary,
			verbs[i] == &verb_run ? " (also without a command)" : "");
	append_options(out, "Global options, before or after the command", cli_global_options);
	g_string_append(out,
		"\n`" PROGRAM " COMMAND --help` tells more about a command.\n\nExample:\n  " PROGRAM
		" --config config.yaml list\n");
	return g_string_free(out, FALSE);
}

char *cli_help(const struct verb *verb)
{
	if (!verb)
		return program_help();
	GString *out = g_string_new("Usage: ");
	append_usage(out, verb);
	g_string_append_printf(out, "\n\n%c%s.\n", g_ascii_toupper(verb->summary[0]), verb->summary + 1);
	if (verb->help)
		g_string_append_printf(out, "%s\n", verb->help);
	append_verb_options(out, verb);
	append_options(out, "Global options", cli_global_options);
	g_string_append(out, "\nExamples:\n");
	append_examples(out, verb->examples, "  ");
	return g_string_free(out, FALSE);
}

static void append_fenced_options(GString *out, const struct verb *verb)
{
	g_autoptr(GString) options = g_string_new(NULL);
	append_verb_options(options, verb);
	if (options->len)
		g_string_append_printf(out, "```\n%s```\n\n", options->str + strlen("\nOptions:\n"));
}

char *cli_reference_markdown(void)
{
	GString *out = g_string_new(
		"# Command line\n\n"
		"`" PROGRAM
		" [GLOBAL OPTIONS] [COMMAND] [OPTIONS]`; no command means `run`. Results go to stdout, "
		"everything else to stderr.\n\n"
		"Exit status: 0 done; 1 it could not be done, or `check` found errors; 2 the command line is "
		"wrong, "
		"a bad expression, zone or time among its arguments included.\n\n"
		"The JSON outputs are described in [json.md](json.md).\n\n"
		"## Global options\n\nBefore or after the command.\n\n```\n");
	append_options(out, NULL, cli_global_options);
	g_string_append(out, "```\n");
	for (size_t i = 0; verbs[i]; i++) {
		const struct verb *verb = verbs[i];
		g_string_append_printf(out, "\n## %s\n\n%c%s.\n", verb->name,
			g_ascii_toupper(verb->summary[0]), verb->summary + 1);
		if (verb->help)
			g_string_append_printf(out, "\n%s\n", verb->help);
		g_string_append(out, "\n`");
		append_usage(out, verb);
		g_string_append(out, "`\n\n");
		append_fenced_options(out, verb);
		g_string_append(out, "```sh\n");
		append_examples(out, verb->examples, "");
		g_string_append(out, "```\n");
	}
	return g_string_free(out, FALSE);
}
