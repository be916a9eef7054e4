#include "cli/ask_fires.h"

#include "base/json.h"
#include "model/fire.h"

static int retry(struct cli *cli, char **arguments)
{
	g_autoptr(json_t) ids = json_array();
	for (char **argument = arguments; *argument; argument++) {
		int64_t action_id;
		time_us nominal;
		char manual[FIRE_MANUAL_MAX];
		if (!fire_id_parse(*argument, &action_id, &nominal, manual))
			return cli_usage(
				cli, "'%s' is no fire id: it is ACTION_ID@TIME or ACTION_ID!UUID", *argument);
		json_array_append_new(ids, json_string(*argument));
	}
	if (json_array_size(ids) == 0)
		return cli_usage(cli, "retry takes one fire id or more");
	return ask_fires(cli, "retry", "fire_ids", g_steal_pointer(&ids));
}

const struct verb verb_retry = {
	.name = "retry",
	.arguments = "FIRE_ID...",
	.summary = "runs failed fires again",
	.help = "A fire that failed gets max_attempts more, with the id it had and the command that its "
		"action has\n"
		"now. It keeps its one entry in the history, and the attempts count on. `history --status "
		"failed`\n"
		"lists what can be run again.\n"
		"As with `trigger`, the running scheduler does it, or this process where none runs.\n"
		"\n"
		"Exit status 1 where one could not be asked for (each is named, the others are done), or, "
		"run by\n"
		"this process, was not delivered.",
	.examples = "retry 17@2024-01-01T00:05:00Z\nretry '17!0b2d7c1e-6f0a-4a53-9a55-0c1f5e5f4a11'",
	.listing = true,
	.run = retry,
};
