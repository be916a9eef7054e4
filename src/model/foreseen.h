/* Purpose: what would become of fires that are owed. Plain data, borrowed by whoever is told. */
#pragma once

#include "model/fire.h"

/* Fires of an action that are owed and share their fate. */
struct foreseen {
	int64_t action_id;
	const char *lane;        /* NULL: not known, they are of a row that went */
	enum fire_status status; /* STATUS_DELIVERED: they would be handed out, however that ends */
	enum fire_reason reason;
	bool open; /* it was handed out before, and is handed out again or recorded as it ended */
	uint64_t count;
	time_us first, last; /* nominal; TIME_US_MIN for one that was asked for */
	time_us merged_into; /* TIME_US_MIN for none */
};
