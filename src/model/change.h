/* Purpose: a change of one row of the table, as the tracker reports it and the engine applies it. Plain data.
 */
#pragma once

#include "model/fire.h"

enum change_kind {
	CHANGE_UPSERT, /* added or changed; action and packed are set */
	CHANGE_REMOVE, /* the row is gone, disabled or bad; reason says which */
};

/* Whoever holds it owns action, packed or its reference to block, and error. */
struct action_change {
	enum change_kind kind;
	int64_t id;
	struct action *action;
	uint8_t *packed; /* the packed definition, for internal_db; of a bad row for its name */
	GBytes *block; /* what packed lies in, with those of other rows; NULL: it is an allocation of its own
			*/
	uint32_t packed_length;
	enum fire_reason reason; /* REASON_REMOVED, REASON_DISABLED, REASON_BAD_ROW */
	char *error;             /* for a bad row: what is wrong, and where */
};

/* Frees what it holds and zeroes it. */
void action_change_clear(struct action_change *change);
