/* Purpose: the state of a scheduler as `status` shows it: sections for people, one object in JSON. One
 * thread. */
#pragma once

#include "cli/verb.h"

/* The object is that of docs/schema/status.json; another scheduler may have made it, so nothing in it is
 * relied on. */
void status_view_show(const struct cli *cli, const json_t *status);
