/* Purpose: one scheduler for each internal_db. A lock on a file beside the database that the kernel frees
 * when the process ends, however it ends. Works across symlinks (the database's real path counts) and is not
 * handed to programs that this one starts. One thread at a time. */
#pragma once

#include "base/error.h"

#include <stdbool.h>

struct owner_lock;

/* Locks `<database>.owner`, where database is a real path, and writes down who holds it. Errors:
 * AS_ERROR_BUSY with the holder's process, host and the file; AS_ERROR_UNAVAILABLE where the file cannot be
 * written. The caller owns the result. */
struct owner_lock *owner_lock_take(const char *database, GError **error);
/* The process that holds the lock, in words; NULL where none does. Free with g_free. */
char *owner_lock_holder(const char *database);
void owner_lock_free(struct owner_lock *lock); /* NULL is fine */

/* Who holds the lock, or held it last, on one line (NULL: nobody has ever); free with g_free. *holds tells
 * whether it is held. */
char *owner_lock_look(const char *database, bool *holds);
