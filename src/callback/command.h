/* Purpose: placeholders in commands: {fire_id} {action_id} {name} {scheduled_at} {attempt}. Pure; any thread.
 * What is put in is quoted as the place needs it, so that a name cannot become a word, an option or a line of
 * shell. Braces around anything else stay as they are. */
#pragma once

#include "model/fire.h"

enum command_quoting {
	COMMAND_PLAIN, /* as it is */
	COMMAND_SHELL, /* a word of a POSIX shell */
	COMMAND_JSON,  /* a JSON string, with its quotes */
	COMMAND_URL,   /* percent-encoded */
};

/* One more placeholder; the value is put in as it is. */
struct command_extra {
	const char *name, *value;
};

/* The text with placeholders replaced; where fire is NULL, the extra ones only. Free with g_free. */
char *command_expand(const char *text, const struct fire *fire, enum command_quoting quoting,
	const struct command_extra *extra, size_t extra_count);
