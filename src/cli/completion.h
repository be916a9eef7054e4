/* Purpose: shell completion and man pages, made from the tables of verbs and options. One thread. */
#pragma once

#include <glib.h>

/* The script for a shell (bash, zsh, fish); NULL for another one. Free with g_free. */
char *completion_script(const char *shell);
