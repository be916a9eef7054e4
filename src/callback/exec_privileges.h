/* Purpose: the helper of exec gives up what programs shall not have, once, for itself and all that it starts.
 * Called in the helper, which has one thread. */
#pragma once

#include "callback/exec_wire.h"

/* Raises its own limit of open files as far as the plan needs, and hard limits that programs shall get; then
 * becomes plan->user and plan->group without supplementary groups and capabilities, and makes sure that there
 * is no way back; then sets no_new_privs. *files is what limit of open files it had, for programs. Errors:
 * AS_ERROR_INVALID, naming the key of the configuration; the process is then in between and must end. */
struct rlimit;
bool exec_privileges_drop(const struct exec_plan *plan, struct rlimit *files, GError **error);
