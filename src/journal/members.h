/* Purpose: the members of a backlog record as a packed column: a list of (id as a difference, lower bound,
 * length, packed definition). The same bytes in every database. Pure; any thread. */
#pragma once

#include "model/progress.h"

/* The caller owns the result. */
GByteArray *members_pack(const struct backlog_record *record);
/* Fills the members of the record, which owns them, also where it returns false: the bytes are no packing. */
bool members_unpack(const void *bytes, size_t length, struct backlog_record *record);
