#include "cli/completion.h"

#include <stdbool.h>
#include <string.h>

#include "cli/verb.h"

#define PROGRAM "action-scheduler"

/* --- what an option or a verb takes --- */

enum value_kind { VALUE_NONE, VALUE_ANY, VALUE_FILE, VALUE_WORDS };

static bool is_words(const char *text)
{
	return strchr(text, '|') && strspn(text, "abcdefghijklmnopqrstuvwxyz_|") == strlen(text);
}

static enum value_kind value_kind(const GOptionEntry *entry)
{
	if (entry->arg == G_OPTION_ARG_NONE)
		return VALUE_NONE;
	const char *what = entry->arg_description ? entry->arg_description : "";
	if (is_words(what))
		return VALUE_WORDS;
	return strstr(what, "FILE") ? VALUE_FILE : VALUE_ANY;
}

/* `a|b` as `a b`. Free with g_free. */
static char *words_of(const char *text)
{
	return g_strdelimit(g_strdup(text), "|", ' ');
}

/* The words that a verb's first argument may be: what is in small letters in `crontab FILE|apscheduler`. NULL
 * where it is free. Free with g_free. */
static char *argument_words(const struct verb *verb)
{
	g_auto(GStrv) parts = g_strsplit_set(verb->arguments ? verb->arguments : "", " |[]", -1);
	g_autoptr(GString) words = g_string_new(NULL);
	for (char **part = parts; *part; part++)
		if (g_ascii_islower(**part) && strspn(*part, "abcdefghijklmnopqrstuvwxyz-") == strlen(*part))
			g_string_append_printf(words, "%s%s", words->len ? " " : "", *part);
	return words->len ? g_string_free(g_steal_pointer(&words), FALSE) : NULL;
}

static bool takes_files(const struct verb *verb)
{
	return verb->arguments && strstr(verb->arguments, "FILE");
}

typedef void (*entry_fn)(GString *out, const GOptionEntry *entry, const char *verb);

static void each_entry(GString *out, const GOptionEntry *entries, const char *verb, entry_fn each)
{
	for (; entries && entries->long_name; entries++)
		each(out, entries, verb);
}

/* The options that may stand behind a verb; NULL: before any. */
static void each_option(GString *out, const struct verb *verb, entry_fn each)
{
	const char *name = verb ? verb->name : NULL;
	if (verb)
		each_entry(out, verb->options, name, each);
	if (!verb || verb->listing)
		each_entry(out, cli_output_options, name, each);
	each_entry(out, cli_global_options, name, each);
}

/* --- bash --- */

static void bash_name(GString *out, const GOptionEntry *entry, const char *verb)
{
	(void)verb;
	if (entry->short_name)
		g_string_append_printf(out, "-%c ", entry->short_name);
	g_string_append_printf(out, "--%s ", entry->long_name);
}

static void bash_value(GString *out, const GOptionEntry *entry, const char *verb)
{
	enum value_kind kind = value_kind(entry);
	if (kind == VALUE_NONE)
		return;
	g_autofree char *words = kind == VALUE_WORDS ? words_of(entry->arg_description) : NULL;
	g_string_append_printf(out, "        %s:--%s", verb ? verb : "*", entry->long_name);
	if (entry->short_name)
		g_string_append_printf(out, "|%s:-%c", verb ? verb : "*", entry->short_name);
	if (words)
		g_string_append_printf(
			out, ") COMPREPLY=($(compgen -W '%s' -- \"$cur\")); return ;;\n", words);
	else
		g_string_append_printf(
			out, ") %s return ;;\n", kind == VALUE_FILE ? "_action_scheduler_files;" : "");
}

static void bash_verb(GString *out, const struct verb *verb)
{
	g_autofree char *words = argument_words(verb);
	g_string_append_printf(out, "        %s) words='%s'; files=%s; options='", verb->name,
		words ? words : "", takes_files(verb) ? "1" : "");
	each_option(out, verb, bash_name);
	g_string_append(out, "' ;;\n");
}

static char *bash_script(void)
{
	GString *out =
		g_string_new("# bash completion of " PROGRAM "\n"
			     "_action_scheduler_files() {\n"
			     "    compopt -o filenames 2>/dev/null\n"
			     "    COMPREPLY+=($(compgen -f -- \"$cur\"))\n"
			     "}\n"
			     "_action_scheduler() {\n"
			     "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
			     "    local verb= verbs= words= options= files= i\n"
			     "    # bash parts --option=value at the =\n"
			     "    [[ $prev == = ]] && prev=${COMP_WORDS[COMP_CWORD-2]}\n"
			     "    [[ $cur == = ]] && cur=\n"
			     "    COMPREPLY=()\n"
			     "    verbs='");
	for (size_t i = 0; verbs[i]; i++)
		g_string_append_printf(out, "%s ", verbs[i]->name);
	g_string_append(out,
		"'\n"
		"    for ((i = 1; i < COMP_CWORD; i++)); do\n"
		"        [[ \" $verbs\" == *\" ${COMP_WORDS[i]} \"* ]] && { verb=${COMP_WORDS[i]}; break; }\n"
		"    done\n"
		"    case $verb:$prev in\n");
	for (size_t i = 0; verbs[i]; i++)
		each_entry(out, verbs[i]->options, verbs[i]->name, bash_value);
	each_entry(out, cli_output_options, NULL, bash_value);
	each_entry(out, cli_global_options, NULL, bash_value);
	g_string_append(out, "    esac\n    case $verb in\n");
	for (size_t i = 0; verbs[i]; i++)
		bash_verb(out, verbs[i]);
	g_string_append(out, "        *) words=$verbs; options='");
	each_option(out, NULL, bash_name);
	g_string_append(out, "' ;;\n"
			     "    esac\n"
			     "    while [[ $verb ]] && ((++i < COMP_CWORD)); do\n"
			     "        [[ \" $words \" == *\" ${COMP_WORDS[i]} \"* ]] && words=\n"
			     "    done\n"
			     "    [[ $words ]] && files=\n"
			     "    [[ $cur == -* ]] && words=$options\n"
			     "    COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
			     "    [[ $cur != -* && $files ]] && _action_scheduler_files\n"
			     "    return 0\n"
			     "}\n"
			     "complete -F _action_scheduler " PROGRAM "\n");
	return g_string_free(out, FALSE);
}

/* --- zsh --- */

/* Within single quotes and the brackets of _arguments. */
static char *zsh_text(const char *text)
{
	GString *out = g_string_new(NULL);
	for (; *text; text++) {
		if (*text == '\'')
			g_string_append(out, "'\\''");
		else if (strchr("[]:\\", *text))
			g_string_append_printf(out, "\\%c", *text);
		else
			g_string_append_c(out, *text);
	}
	return g_string_free(out, FALSE);
}

static void zsh_action(GString *out, const GOptionEntry *entry)
{
	enum value_kind kind = value_kind(entry);
	if (kind == VALUE_NONE)
		return;
	g_autofree char *what = zsh_text(entry->arg_description ? entry->arg_description : "value");
	g_autofree char *words = kind == VALUE_WORDS ? words_of(entry->arg_description) : NULL;
	g_string_append_printf(out, ":%s:", words ? "value" : what);
	if (words)
		g_string_append_printf(out, "(%s)", words);
	else if (kind == VALUE_FILE)
		g_string_append(out, "_files");
}

static void zsh_option(GString *out, const GOptionEntry *entry, const char *verb)
{
	(void)verb;
	g_autofree char *help = zsh_text(entry->description);
	const char *takes = value_kind(entry) == VALUE_NONE ? "" : "=";
	g_string_append_printf(out, " \\\n                '--%s%s[%s]", entry->long_name, takes, help);
	zsh_action(out, entry);
	g_string_append_c(out, '\'');
	if (!entry->short_name)
		return;
	g_string_append_printf(out, " \\\n                '-%c[%s]", entry->short_name, help);
	zsh_action(out, entry);
	g_string_append_c(out, '\'');
}

static char *zsh_script(void)
{
	GString *out = g_string_new("#compdef " PROGRAM "\n"
				    "# zsh completion of " PROGRAM "\n"
				    "_action_scheduler() {\n"
				    "    local verb i\n"
				    "    local -a verbs=(\n");
	for (size_t i = 0; verbs[i]; i++) {
		g_autofree char *summary = zsh_text(verbs[i]->summary);
		g_string_append_printf(out, "        '%s:%s'\n", verbs[i]->name, summary);
	}
	g_string_append(out, "    )\n"
			     "    for ((i = 2; i < CURRENT; i++)); do\n"
			     "        if (( ${verbs[(I)${words[i]}:*]} )); then\n"
			     "            verb=${words[i]}\n"
			     "            break\n"
			     "        fi\n"
			     "    done\n"
			     "    case $verb in\n");
	for (size_t i = 0; verbs[i]; i++) {
		g_autofree char *words = argument_words(verbs[i]);
		g_string_append_printf(out,
			"        %s)\n            words=(\"${(@)words[i,-1]}\"); (( CURRENT -= i - 1 ))\n"
			"            _arguments",
			verbs[i]->name);
		each_option(out, verbs[i], zsh_option);
		if (words)
			g_string_append_printf(out, " \\\n                '1:what:(%s)'", words);
		if (verbs[i]->arguments)
			g_string_append_printf(out, " \\\n                '*:argument:%s'",
				takes_files(verbs[i]) ? "_files" : " ");
		g_string_append(out, " ;;\n");
	}
	g_string_append(out, "        *)\n            _arguments");
	each_option(out, NULL, zsh_option);
	g_string_append(out, " \\\n                '1:command:{_describe command verbs}' ;;\n"
			     "    esac\n"
			     "}\n"
			     "if [ \"$funcstack[1]\" = _action_scheduler ]; then\n"
			     "    _action_scheduler \"$@\"\n"
			     "else\n"
			     "    compdef _action_scheduler " PROGRAM "\n"
			     "fi\n");
	return g_string_free(out, FALSE);
}

/* --- fish --- */

static char *fish_text(const char *text)
{
	GString *out = g_string_new(NULL);
	for (; *text; text++) {
		if (strchr("'\\", *text))
			g_string_append_c(out, '\\');
		g_string_append_c(out, *text);
	}
	return g_string_free(out, FALSE);
}

static void fish_option(GString *out, const GOptionEntry *entry, const char *verb)
{
	g_autofree char *help = fish_text(entry->description);
	g_string_append(out, "complete -c " PROGRAM);
	if (verb)
		g_string_append_printf(out, " -n '__fish_seen_subcommand_from %s'", verb);
	if (entry->short_name)
		g_string_append_printf(out, " -s %c", entry->short_name);
	g_string_append_printf(out, " -l %s -d '%s'", entry->long_name, help);
	switch (value_kind(entry)) {
	case VALUE_NONE: break;
	case VALUE_ANY: g_string_append(out, " -x"); break;
	case VALUE_FILE: g_string_append(out, " -r -F"); break;
	case VALUE_WORDS: {
		g_autofree char *words = words_of(entry->arg_description);
		g_string_append_printf(out, " -x -a '%s'", words);
		break;
	}
	}
	g_string_append_c(out, '\n');
}

static char *fish_script(void)
{
	GString *out = g_string_new("# fish completion of " PROGRAM "\n"
				    "complete -c " PROGRAM " -f\n");
	for (size_t i = 0; verbs[i]; i++) {
		g_autofree char *summary = fish_text(verbs[i]->summary);
		g_string_append_printf(out,
			"complete -c " PROGRAM " -n __fish_use_subcommand -a %s -d '%s'\n", verbs[i]->name,
			summary);
	}
	each_entry(out, cli_global_options, NULL, fish_option);
	for (size_t i = 0; verbs[i]; i++) {
		const struct verb *verb = verbs[i];
		g_autofree char *words = argument_words(verb);
		each_entry(out, verb->options, verb->name, fish_option);
		if (verb->listing)
			each_entry(out, cli_output_options, verb->name, fish_option);
		if (words)
			g_string_append_printf(out,
				"complete -c " PROGRAM " -n '__fish_seen_subcommand_from %s; "
				"and not __fish_seen_subcommand_from %s' -a '%s'\n",
				verb->name, words, words);
		if (takes_files(verb))
			g_string_append_printf(out,
				"complete -c " PROGRAM " -n '__fish_seen_subcommand_from %s%s%s' -F\n",
				verb->name, words ? "; and __fish_seen_subcommand_from " : "",
				words ? words : "");
	}
	return g_string_free(out, FALSE);
}

char *completion_script(const char *shell)
{
	if (strcmp(shell, "bash") == 0)
		return bash_script();
	if (strcmp(shell, "zsh") == 0)
		return zsh_script();
	return strcmp(shell, "fish") == 0 ? fish_script() : NULL;
}
