/* Purpose: the state of the running scheduler (model/status.h), for the verb `status`, and whatever else
 * shows it. What it costs does not grow with the number of actions. Loop thread. */
#pragma once

#include "model/status.h"

struct daemon;

/* Fills an empty status (status_init), which stays the caller's to clear. Secrets of the configuration are
 * masked in it. */
void status_fill(struct daemon *d, struct status *out);
