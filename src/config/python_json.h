/* Purpose: a node of YAML as the JSON that the Python program makes of it: scalars mean what PyYAML takes
 * them for, and the text is that of json.dumps. Any thread. */
#pragma once

#include "config/node.h"

/* Writes the node. Returns NULL where it is too large (aliases can make a small document grow). Free with
 * g_free. */
char *python_json_write(const struct node *node);
