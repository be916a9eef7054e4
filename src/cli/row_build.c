#include "cli/row_build.h"

struct action *row_build(struct cli *cli, const struct action_row *row, GError **error)
{
	g_autoptr(GByteArray) packed = g_byte_array_new();
	struct lane_names lanes = cli_row_lanes(cli);
	struct action_row enabled = *row;
	struct action_defaults defaults;
	struct action *action = NULL;
	/* What is no truth value stays, and is an error. */
	if (row->enabled.set && !row->enabled.value)
		enabled.enabled = (struct maybe_int){0};
	cli_defaults(cli, &defaults);
	action_pack(&enabled, &defaults, packed);
	action_build(packed->data, packed->len, &defaults, &lanes, cli_schedules(cli), &action, error);
	return action;
}
