#include "cli/take_verb.h"

#include <string.h>

const struct verb *const verbs[] = {&verb_run, &verb_init, &verb_list, &verb_show, &verb_next, &verb_explain,
	&verb_simulate, &verb_check, &verb_history, &verb_status, &verb_add, &verb_edit, &verb_remove,
	&verb_pause, &verb_resume, &verb_trigger, &verb_retry, &verb_progress, &verb_import, &verb_export,
	&verb_completion, NULL};

static const GOptionEntry *find_long(const GOptionEntry *entries, const char *name, size_t length)
{
	for (; entries && entries->long_name; entries++)
		if (strlen(entries->long_name) == length && !strncmp(entries->long_name, name, length))
			return entries;
	return NULL;
}

static const GOptionEntry *find_short(const GOptionEntry *entries, char letter)
{
	for (; entries && entries->long_name; entries++)
		if (entries->short_name == letter)
			return entries;
	return NULL;
}

/* What may stand before the verb: the options of every verb, and those of `run`, which needs no verb. */
static const GOptionEntry *find_leading(const char *option)
{
	const GOptionEntry *sets[] = {cli_global_options, cli_output_options, verb_run.options};
	const GOptionEntry *found = NULL;
	for (size_t i = 0; !found && i < G_N_ELEMENTS(sets); i++) {
		if (option[1] == '-')
			found = find_long(sets[i], option + 2, strcspn(option + 2, "="));
		/* In -qc FILE the last one has the value. */
		else if (option[1])
			found = find_short(sets[i], option[strlen(option) - 1]);
	}
	return found;
}

static bool next_is_value(const char *option)
{
	const GOptionEntry *entry = find_leading(option);
	return entry && entry->arg != G_OPTION_ARG_NONE && !(option[1] == '-' && strchr(option, '='));
}

/* The index of the verb among the arguments, 0 where there is none. */
static size_t find_verb(char *const *argv)
{
	for (size_t i = 1; argv[i] && strcmp(argv[i], "--") != 0; i++) {
		if (argv[i][0] != '-' || !argv[i][1])
			return i;
		if (next_is_value(argv[i]) && argv[i + 1])
			i++;
	}
	return 0;
}

static const struct verb *verb_named(const char *name)
{
	for (size_t i = 0; verbs[i]; i++)
		if (!strcmp(name, verbs[i]->name))
			return verbs[i];
	return NULL;
}

static void unknown_verb(const struct cli *cli, const char *name)
{
	const char *names[G_N_ELEMENTS(verbs)] = {NULL};
	for (size_t i = 0; verbs[i]; i++)
		names[i] = verbs[i]->name;
	const char *near = cli_nearest(name, names);
	if (!strcmp(name, "help"))
		cli_usage(cli, "there is no command 'help': --help lists the commands, and after a command "
			       "tells of it");
	else if (near)
		cli_usage(cli, "there is no command '%s'; did you mean '%s'?", name, near);
	else
		cli_usage(cli, "there is no command '%s'", name);
}

bool cli_take_verb(struct cli *cli, char **argv, bool *named)
{
	size_t at = find_verb(argv);
	cli->verb = at ? verb_named(argv[at]) : &verb_run;
	*named = at && cli->verb;
	if (*named) {
		g_free(argv[at]);
		for (size_t i = at; argv[i]; i++)
			argv[i] = argv[i + 1];
	} else if (at > 1 && argv[at - 1][0] == '-' && !find_leading(argv[at - 1])) {
		/* Probably the value of an option of `run`, which is what is wrong. */
		cli->verb = &verb_run;
	}
	if (!cli->verb)
		unknown_verb(cli, argv[at]);
	return cli->verb != NULL;
}
