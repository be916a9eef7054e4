/* Purpose: what a fire has run: from its command to the frame EXEC_RUN. Pure; constant once made, any thread.
 */
#pragma once

#include "callback/exec_wire.h"
#include "model/callback_settings.h"
#include "model/fire.h"

struct exec_commands {
	bool shell, placeholders;
	GHashTable *programs; /* name → GStrv, the words that it stands for; empty: any program */
};

/* *commands is to be cleared either way. Errors: AS_ERROR_INVALID, naming the key. */
bool exec_commands_init(
	struct exec_commands *commands, const struct callback_settings *settings, GError **error);
void exec_commands_clear(struct exec_commands *commands);

/* The words of a fire's command as they are executed; free with g_strfreev. Errors: AS_ERROR_INVALID, for the
 * answer to the fire. */
GStrv exec_command_words(const struct exec_commands *commands, const struct fire *fire, GError **error);
/* Appends the frame that asks for its run; errors as above, then nothing is appended. */
bool exec_command_put(
	GByteArray *out, const struct exec_commands *commands, const struct fire *fire, GError **error);

/* The variables that every program gets, NAME=VALUE: those that are passed on from `variables`, and more;
 * none of those of a fire. NULL where a name is none: AS_ERROR_INVALID, naming the key. Free with g_strfreev.
 */
GStrv exec_environment(const struct exec_settings *settings, char **variables, GError **error);
