/* Purpose: a parsed document, be it YAML or JSON, with the place of every node.
 * A scalar stays text until the option that it belongs to says what it is; only null is told apart.
 * A tree owns its nodes; an alias of YAML shares the node that it names, so a document never grows when it is
 * read. Immutable once read; any thread. */
#pragma once

#include <jansson.h>

#include "config/config.h"

enum node_kind { NODE_NULL, NODE_SCALAR, NODE_MAP, NODE_LIST };

struct node {
	enum node_kind kind;
	bool plain;       /* a scalar of YAML without quotes: it may mean a number or a truth value */
	bool binary;      /* a scalar with the tag !!binary: the text is base64 */
	int line, column; /* from 1; 0 where the text has no lines of its own (JSON in a variable) */
	char *text;       /* of a scalar, or of a plain null; valid UTF-8 without NUL */
	GPtrArray *keys;  /* of a map: scalars, distinct, as many as items */
	GPtrArray *items; /* of a map or a list */
};

struct tree {
	GPtrArray *nodes; /* owns them */
	struct node *root;
};

void tree_init(struct tree *tree);
void tree_clear(struct tree *tree);
/* A new node of the tree, borrowed. */
struct node *tree_add(struct tree *tree, enum node_kind kind);
/* Copies a JSON value into the tree; returns the node, borrowed. */
struct node *tree_add_json(struct tree *tree, const json_t *value);

/* The value of a key of a map, NULL where it has none. */
const struct node *node_get(const struct node *map, const char *key);
