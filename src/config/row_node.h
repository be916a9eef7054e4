/* Purpose: a row of the table `action` as a document has it: the form of sample_actions.yaml with `id` and
 * the optional columns. Any thread. */
#pragma once

#include "config/row_list.h"
#include "config/node.h"

/* Reads a map into *row, whose texts become the set's; what the map does not name stays as it is in *row.
 * `name` is the file, or the place where the node has no line of its own. What is wrong is added to problems;
 * returns whether nothing was. */
bool row_node_read(const struct node *node, const char *name, struct row_list *set, struct list_row *row,
	GPtrArray *problems);

/* Appends the rows of a text in YAML, a list of such maps; what is wrong is added to problems, and those rows
 * are left out. False where it is no list at all. */
bool row_nodes_read(
	const char *text, size_t length, const char *name, struct row_list *set, GPtrArray *problems);
