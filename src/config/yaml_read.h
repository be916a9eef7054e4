/* Purpose: reading one YAML document into a tree, for config.yaml and sample_actions.yaml.
 * Duplicate keys, several documents, tags of one's own and aliases to what encloses them are refused. */
#pragma once

#include "config/node.h"

/* The largest text of a configuration that is read, bytes. */
#define CONFIG_TEXT_MAX ((size_t)1 << 20)

/* Reads the text; name stands for the file in messages. An empty document is a null. Returns false where
 * nothing could be made of the text; errors that leave a tree (a duplicate key) are added to problems too,
 * and it returns true. */
bool yaml_read(const char *text, size_t length, const char *name, struct tree *tree, GPtrArray *problems);

/* Takes an item of a list; it is gone after the call. */
typedef void (*yaml_item_fn)(void *context, const struct node *item);
/* Reads a document that is a list, item by item, so that a long one takes no more memory than an item does
 * (as a whole where it has anchors). An empty document is an empty list. Errors as above; a document that is
 * no list is one. */
bool yaml_read_items(const char *text, size_t length, const char *name, yaml_item_fn each, void *context,
	GPtrArray *problems);

/* "name:line:column" of a node, or just the name where it has no line. Free with g_free. */
char *yaml_place(const char *name, const struct node *node);
