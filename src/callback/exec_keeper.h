/* Purpose: the keeper of exec: a process that is forked off while the scheduler is small and does nothing but
 * make helpers when asked to. So a helper costs little whenever it is made, and another one can take the
 * place of one that died. It ends with the scheduler. There is one keeper for the life of the process. */
#pragma once

#include "callback/exec_wire.h"

/* Once, while the process has one thread. Errors: AS_ERROR_FAILED. */
bool exec_keeper_start(GError **error);
bool exec_keeper_is_started(void);
/* A new helper that follows the plan: the socket to it, which does not block and is the caller's. Waits for
 * it, some milliseconds mostly, or until `cancel` (a descriptor, -1: none) can be read; any thread. Errors:
 * AS_ERROR_INVALID where the plan cannot be followed, AS_ERROR_UNAVAILABLE where the helper does not answer,
 * AS_ERROR_FAILED where there is no keeper any more. */
int exec_helper_connect(const struct exec_plan *plan, int cancel, GError **error);
