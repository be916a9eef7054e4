/* action-scheduler(1), from the table of verbs. */
#include "cli/verb.h"

#include "base/roff.h"

static void append_entry(GString *out, const GOptionEntry *entry)
{
	g_string_append(out, ".TP\n");
	if (entry->short_name)
		g_string_append_printf(out, "\\fB\\-%c\\fR, ", entry->short_name);
	g_string_append(out, "\\fB\\-\\-");
	roff_append(out, entry->long_name);
	g_string_append(out, "\\fR");
	if (entry->arg_description) {
		g_string_append(out, " \\fI");
		roff_append(out, entry->arg_description);
		g_string_append(out, "\\fR");
	}
	g_string_append_c(out, '\n');
	roff_append(out, entry->description);
	g_string_append_c(out, '\n');
}

static void append_entries(GString *out, const GOptionEntry *entries)
{
	for (; entries && entries->long_name; entries++)
		append_entry(out, entries);
}

static void append_verb(GString *out, const struct verb *verb)
{
	g_string_append_printf(out, ".SS %s", verb->name);
	if (verb->arguments) {
		g_string_append(out, " \\fI");
		roff_append(out, verb->arguments);
		g_string_append(out, "\\fR");
	}
	g_string_append_printf(out, "\n%c", g_ascii_toupper(verb->summary[0]));
	roff_append(out, verb->summary + 1);
	g_string_append(out, ".\n");
	if (verb->help) {
		g_string_append(out, ".PP\n");
		roff_append(out, verb->help);
		g_string_append_c(out, '\n');
	}
	append_entries(out, verb->options);
	if (verb->listing)
		append_entries(out, cli_output_options);
	g_string_append(out, ".PP\n.EX\n");
	g_auto(GStrv) lines = g_strsplit(verb->examples, "\n", -1);
	for (size_t i = 0; lines[i]; i++) {
		g_string_append(out, lines[i][0] == '#' ? "" : "action\\-scheduler ");
		roff_append(out, lines[i]);
		g_string_append_c(out, '\n');
	}
	g_string_append(out, ".EE\n");
}

char *cli_reference_man(void)
{
	GString *out = g_string_new(
		".TH ACTION\\-SCHEDULER 1 \"\" \"Action Scheduler " PROGRAM_VERSION "\"\n"
		".SH NAME\n"
		"action\\-scheduler \\- hands commands of a database table to a callback when they "
		"are due\n"
		".SH SYNOPSIS\n"
		".B action\\-scheduler\n"
		"[\\fIGLOBAL OPTIONS\\fR] [\\fICOMMAND\\fR] [\\fIOPTIONS\\fR]\n"
		".SH DESCRIPTION\n"
		"Rows of the table \\fBaction\\fR have a command and a schedule. At each time of a "
		"schedule its command is handed to the configured callback. Fires that were missed "
		"are made up for. Without a command it does \\fBrun\\fR.\n"
		".SH GLOBAL OPTIONS\n"
		"Before or after the command.\n");
	append_entries(out, cli_global_options);
	g_string_append(out, ".SH COMMANDS\n");
	for (size_t i = 0; verbs[i]; i++)
		append_verb(out, verbs[i]);
	g_string_append(out,
		".SH EXIT STATUS\n"
		".TP\n0\nDone.\n"
		".TP\n1\nIt could not be done, \\fBcheck\\fR found errors, or \\fBrun\\fR was ended by "
		"\\fBshutdown_timeout\\fR or a second signal.\n"
		".TP\n2\nThe command line is wrong, a bad expression, zone or time among its arguments "
		"included.\n"
		".SH SIGNALS\n"
		"SIGTERM and SIGINT end \\fBrun\\fR in good order, a second one at once. SIGHUP rereads "
		"configuration and table.\n"
		".SH FILES\n"
		".TP\n\\fIconfig.yaml\\fR, \\fI/etc/action\\-scheduler/config.yaml\\fR\nThe "
		"configuration, see \\fBaction\\-scheduler.yaml\\fR(5).\n"
		".SH SEE ALSO\n"
		"\\fBaction\\-scheduler.yaml\\fR(5), \\fBcrontab\\fR(5), \\fBsystemd.service\\fR(5)\n");
	return g_string_free(out, FALSE);
}
