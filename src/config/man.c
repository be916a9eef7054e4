/* action-scheduler.yaml(5), from the table of options. */
#include <string.h>

#include "base/roff.h"
#include "config/options.h"
#include "config/template.h"
#include "config/value.h"

static void append_option(GString *out, const struct option *option)
{
	g_autofree char *type = option_type_text(option);
	g_string_append_printf(out, ".TP\n\\fB%s\\fR: ", option->key);
	roff_append(out, type);
	if (option->fallback) {
		g_string_append(out, " (default ");
		roff_append(out, option->fallback);
		g_string_append_c(out, ')');
	} else if (option->required) {
		g_string_append(out, " (required)");
	}
	g_string_append_c(out, '\n');
	roff_append(out, option->help);
	g_string_append_c(out, '\n');
}

static void append_section(GString *out, const char *section)
{
	for (size_t i = 0; i < options_count; i++)
		if (option_is_directly_in(&options[i], section))
			append_option(out, &options[i]);
}

char *config_reference_man(void)
{
	GString *out =
		g_string_new(".TH ACTION\\-SCHEDULER.YAML 5 \"\" \"Action Scheduler " PROGRAM_VERSION "\"\n"
			     ".SH NAME\n"
			     "action\\-scheduler.yaml \\- configuration of action\\-scheduler(1)\n"
			     ".SH DESCRIPTION\n"
			     "A value comes from the environment, else from a file \\fI.env\\fR beside the "
			     "configuration, else "
			     "from the configuration: the file that \\fB\\-\\-config\\fR names, else "
			     "\\fIconfig.yaml\\fR in the "
			     "working directory, else \\fI/etc/action\\-scheduler/config.yaml\\fR. The "
			     "variable of a key is its "
			     "path in upper case, joined by two underscores: \\fBACTIONS_DB__DATABASE\\fR. "
			     "An unknown key is an "
			     "error. Numbers of seconds may have a suffix s, m, h or d, numbers of bytes "
			     "KiB, MiB, GiB or TiB.\n"
			     ".SH KEYS\n");
	append_section(out, "");
	for (size_t i = 0; i < option_sections_count; i++) {
		g_string_append_printf(out, ".SH %s\n", option_sections[i].key);
		roff_append(out, option_sections[i].help);
		g_string_append_c(out, '\n');
		append_section(out, option_sections[i].key);
	}
	g_string_append(out, ".SH SEE ALSO\n\\fBaction\\-scheduler\\fR(1)\n");
	return g_string_free(out, FALSE);
}
