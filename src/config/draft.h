/* Purpose: the values of all options while the sources are laid over one another, the lowest first, and
 * before any of them is looked at: as text, with the place where it was given. One thread; owns its texts,
 * borrows problems. */
#pragma once

#include "config/node.h"

struct draft_value {
	char *text;      /* NULL: nothing is given */
	char *place;     /* where that was said last; NULL: nowhere */
	GHashTable *map; /* of an option of type map: its entries; NULL for none */
	bool broken;     /* what was given is no value at all; this has been reported */
};

struct draft {
	struct draft_value *values; /* one an option, in the order of the table */
	GHashTable *sections;       /* key -> place, of the sections that are there */
	GPtrArray *problems;
};

/* Where a node comes from. */
struct origin {
	const char *place; /* "config.yaml", ".env:2", "environment variable DEBUG"; lines of nodes are put
			      behind */
	bool variable;     /* named like a variable; a wrong key is then answered with the name of one */
};

void draft_init(struct draft *draft, GPtrArray *problems);
void draft_clear(struct draft *draft);

/* Lays what the node says about the key (an option, a section, or "" for everything) over the draft. */
void draft_merge(struct draft *draft, const char *key, const struct node *node, const struct origin *origin);
