/* Purpose: one process of the helper of exec: made without copying the helper, in a process group of its own,
 * with nothing but what it shall have. Called in the helper, which has one thread and blocks all signals. */
#pragma once

#include <sys/resource.h>
#include <sys/types.h>

#include "callback/exec_wire.h"

/* What all have in common. */
struct exec_spawner;

struct exec_spawner *exec_spawner_new(const struct exec_plan *plan, const struct rlimit *files);

/* Starts words[0], looked up in the PATH of programs where it has no slash, with the variables. Its output is
 * to be read from *output, which does not block and is the caller's. Where it cannot be started, *lasting
 * tells whether that is so for good, or for want of processes or memory just now. Errors: AS_ERROR_FAILED
 * with the program or directory, and why. */
bool exec_spawn(struct exec_spawner *spawner, const char *const *words, const char *const *variables,
	pid_t *pid, int *output, bool *lasting, GError **error);
