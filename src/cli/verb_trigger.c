#include "cli/ask_fires.h"

#include "base/json.h"

static int trigger(struct cli *cli, char **arguments)
{
	g_autoptr(json_t) ids = json_array();
	for (char **argument = arguments; *argument; argument++) {
		int64_t id;
		if (!cli_parse_int(*argument, &id))
			return cli_usage(cli, "'%s' is not an id", *argument);
		json_array_append_new(ids, json_integer(id));
	}
	if (json_array_size(ids) == 0)
		return cli_usage(cli, "trigger takes one id or more");
	return ask_fires(cli, "trigger", "ids", g_steal_pointer(&ids));
}

const struct verb verb_trigger = {
	.name = "trigger",
	.arguments = "ID...",
	.summary = "runs actions now, once",
	.help = "The running scheduler does it; it says so once internal_db has it, so that the fires run "
		"whatever\n"
		"becomes of the process then. Where no scheduler runs, this process takes internal_db for "
		"itself,\n"
		"runs these fires alone, and shows how they ended; all else stays owed as it was.\n"
		"A fire of this kind is ID!UUID. Neither the schedule of an action nor its missed fires are\n"
		"touched, and no limit of instances skips it. A paused action is not run: resume it first.\n"
		"\n"
		"Exit status 1 where one could not be asked for (each is named, the others are done), or, "
		"run by\n"
		"this process, was not delivered.",
	.examples = "trigger 17\ntrigger 17 18 19 -o json",
	.listing = true,
	.run = trigger,
};
