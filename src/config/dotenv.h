/* Purpose: reading a .env file by the conventions of dotenv.
 *   KEY=value            up to the end of the line or ` #`; white space around it is dropped
 *   export KEY=value     the same
 *   KEY='value'          literally, over several lines too
 *   KEY="value"          with \n \r \t \a \b \f \v \\ \" \' \$, over several lines too
 * ${VAR} and ${VAR:-default} are expanded except in single quotes: from the environment, else from the keys
 * before; the default stands in for a variable that is absent or empty. A line that begins with # is a
 * comment. */
#pragma once

#include "config/config.h"

/* The most that the values of one file may come to after expansion, bytes. */
#define DOTENV_VALUES_MAX ((size_t)4 << 20)

struct dotenv_entry {
	char *name;
	char *value;
	int line; /* from 1 */
};

/* Reads the text into an array of struct dotenv_entry, in the order of the file; the caller owns it. What is
 * wrong is added to problems with `name:line`, and reading goes on in the next line. environment may be NULL.
 */
GPtrArray *dotenv_read(
	const char *text, size_t length, const char *name, char **environment, GPtrArray *problems);
