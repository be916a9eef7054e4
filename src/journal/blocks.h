/* Purpose: definitions are kept in blocks of 512 action ids: a load of a million rows writes some thousand
 * blobs, and an edit rewrites one. A block is a list of (id within the block, since as a difference, length,
 * packed bytes). The same bytes in every database. Pure; any thread. */
#pragma once

#include "journal/journal.h"

/* The number of the block that an action is in. */
int64_t block_number(int64_t action_id);
/* Where the run of definitions of one block that begins at `from` ends. */
guint block_run_end(const GArray *definitions, guint from);

/* Merges the stored block (no bytes: there is none) with changes to it, ascending by id, into `out`, which it
 * empties first; false where the stored one is damaged. */
bool block_merge(int64_t number, const void *stored, size_t length, const struct definition *changes,
	guint count, GByteArray *out);
/* Gives each definition, its bytes borrowed from the block; false where the block is damaged. */
bool block_each(int64_t number, const void *bytes, size_t length, journal_definition_fn each, void *context);
