/* docs/configuration.md. */
#include <string.h>

#include "config/options.h"
#include "config/template.h"
#include "config/value.h"

static const char introduction[] =
	"# Configuration\n"
	"\n"
	"<!-- Made from src/config/options.c: change it there, then `meson compile config-reference`\n"
	"     and `config-reference > docs/configuration.md`. -->\n"
	"\n"
	"## Where it comes from\n"
	"\n"
	"From three sources; a value in an earlier one beats a later one:\n"
	"\n"
	"1. variables of the environment,\n"
	"2. the file `.env` beside `config.yaml` (`--env-file` names another),\n"
	"3. `config.yaml`: the file that `-c` names, else `config.yaml` in the working directory, else\n"
	"   `/etc/action-scheduler/config.yaml`. `action-scheduler init` writes a commented one.\n"
	"\n"
	"`action-scheduler check` shows the configuration in force and where each value comes from, with "
	"secrets\n"
	"masked. All errors are reported together, each with its file and line or its variable. An unknown "
	"key is\n"
	"an error that names the nearest known one.\n"
	"\n"
	"## Variables\n"
	"\n"
	"The name of a variable is the path of the key, joined by two underscores, in upper case by custom "
	"and in\n"
	"any case in fact: `ACTIONS_DB__DATABASE=/var/lib/actions.db`. A whole section may be given as a "
	"JSON object,\n"
	"which is laid over what the lower sources say:\n"
	"\n"
	"```sh\n"
	"ACTION='{\"defaults\": {\"merge_missed\": true}}'\n"
	"ACTION__DEFAULTS__ACTUALITY_TIME=600   # a single key beats the JSON of its section\n"
	"INTERNAL_DB=null                       # as if the section were not there\n"
	"```\n"
	"\n"
	"A variable that begins with the name of a section and two underscores has to be a known one. All "
	"other\n"
	"variables are left alone, and so is a plain word in a variable that happens to be called like an "
	"added section\n"
	"(`LOG=info`).\n"
	"\n"
	"## The file .env\n"
	"\n"
	"```sh\n"
	"# a comment\n"
	"ACTIONS_DB__HOST=localhost        # up to the end of the line or a # after white space\n"
	"export ACTIONS_DB__USERNAME=scheduler\n"
	"ACTIONS_DB__PASSWORD='a $ecret'   # single quotes: exactly as it stands\n"
	"KAFKA__TOPIC=\"actions\\tof ${SITE:-home}\"   # double quotes: \\n \\r \\t \\\\ \\\" \\$ and "
	"variables\n"
	"```\n"
	"\n"
	"A quoted value may go over several lines. `${NAME}` and `${NAME:-default}` stand for a variable of "
	"the\n"
	"environment or a key further up; without quotes they are expanded too.\n"
	"\n"
	"## Values\n"
	"\n"
	"- true or false: also yes/no, on/off, 1/0, in any case.\n"
	"- Numbers of seconds may have a suffix: `90`, `90s`, `5m`, `12h`, `30d`.\n"
	"- Numbers of bytes may have a suffix: `65536`, `64KiB`, `10MiB`, `1GiB`, `2TiB`.\n"
	"- `null`, or nothing behind the colon, is the same as leaving the key out.\n"
	"\n"
	"A configuration of the Python program works unchanged; the column \"since\" tells its keys "
	"(`python`) from\n"
	"those that were added.\n"
	"\n"
	"## Keys\n";

static void write_row(GString *out, const struct option *option)
{
	g_autofree char *type = option_type_text(option);
	g_string_append_printf(out, "| `%s` | %s | ", option->key, type);
	if (option->fallback)
		g_string_append_printf(out, "`%s`", option->fallback);
	else
		g_string_append(out, option->required ? "required" : "none");
	g_string_append_printf(out, " | %s | %s |\n", option->python ? "python" : "added", option->help);
}

static void write_table(GString *out, const char *section)
{
	g_string_append(
		out, "\n| key | value | default | since | meaning |\n| --- | --- | --- | --- | --- |\n");
	for (size_t i = 0; i < options_count; i++)
		if (option_is_directly_in(&options[i], section))
			write_row(out, &options[i]);
}

char *config_reference_markdown(void)
{
	GString *out = g_string_new(introduction);
	write_table(out, "");
	for (size_t i = 0; i < option_sections_count; i++) {
		g_string_append_printf(
			out, "\n### `%s`\n\n%s\n", option_sections[i].key, option_sections[i].help);
		write_table(out, option_sections[i].key);
	}
	return g_string_free(out, FALSE);
}
