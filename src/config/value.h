/* Purpose: the text of an option to its value in struct config, and back. Any thread. */
#pragma once

#include "config/options.h"

/* Where the option lies in the configuration; to be read as its type says. */
gpointer option_slot(const struct option *option, struct config *config);

/* Reads the text as the option's type and puts it into config. Returns NULL, or why not (free with g_free; a
 * secret is never quoted). Not for maps. */
char *option_parse(const struct option *option, const char *text, struct config *config);
/* What the option holds where nothing is given: its default, or nothing. */
void option_set_default(const struct option *option, struct config *config);
/* Frees what the option owns. */
void option_clear(const struct option *option, struct config *config);

/* The value as one would write it, secrets masked; NULL for none. Free with g_free. */
char *option_show(const struct option *option, const struct config *config);
/* The type with its range, in words: "a whole number from 1 to 65535". Free with g_free. */
char *option_type_text(const struct option *option);
