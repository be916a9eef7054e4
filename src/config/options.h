/* Purpose: the one table of options. Reading, checking, showing, the written config.yaml and
 * docs/configuration.md are all made from it: a new option is a row here and a field in struct config.
 * Constant data; any thread. */
#pragma once

#include <stddef.h>

#include "config/config.h"

enum option_type {
	OPTION_BOOL,     /* bool */
	OPTION_INT,      /* int64_t */
	OPTION_DURATION, /* dur_us; written in seconds, with a fraction or a suffix s, m, h, d */
	OPTION_SECONDS,  /* int64_t, whole seconds, with the same suffixes */
	OPTION_SIZE,     /* int64_t, bytes, with a suffix KiB, MiB, GiB or TiB */
	OPTION_STRING,   /* char * */
	OPTION_PATH,     /* char * */
	OPTION_SECRET,   /* char *, never shown */
	OPTION_ENUM,     /* an enum (as unsigned), one of names */
	OPTION_RATE,     /* int64_t, how many an hour; written N/s, N/m or N/h */
	OPTION_MAP,      /* GHashTable of char * -> char * */
};

struct option {
	const char *key; /* actions_db.port */
	enum option_type type;
	size_t offset;            /* in struct config */
	const char *fallback;     /* the default as one would write it; NULL: none */
	int64_t absent;           /* what a number without a default holds */
	int64_t least, most;      /* range of a number, in its unit; of a duration in microseconds */
	const char *const *names; /* of an enum, in its order, NULL at the end */
	bool python;              /* a key of the Python program; else added by this one */
	bool required;            /* where its section is there at all */
	bool filled;              /* a string that must not be empty */
	const char *written; /* the value that a new config.yaml begins with; NULL: commented out there */
	const char *example; /* for a commented-out key without a default */
	const char *help;    /* sentences for the user */
};

struct option_section {
	const char *key; /* action.defaults */
	bool python;
	bool optional; /* may be absent as a whole, and its required keys with it */
	const char *help;
};

extern const struct option options[];
extern const size_t options_count;
extern const struct option_section option_sections[];
extern const size_t option_sections_count;

/* By the exact key (lower case); NULL where there is none. */
const struct option *option_find(const char *key);
const struct option_section *option_section_find(const char *key);
/* The option of type map that key lies in, NULL for none; *rest is then the key within the map. */
const struct option *option_find_map(const char *key, const char **rest);
/* Whether the key lies in the section; the section "" holds all. */
bool option_key_within(const char *key, const char *section);
/* Whether it lies in the section itself, not in one within; the section "" holds top-level keys. */
bool option_is_directly_in(const struct option *option, const char *section);
/* The name of a key without its sections. Points into key. */
const char *option_key_name(const char *key);

/* The key of an option or section that looks most like an unknown one. */
const char *option_nearest(const char *key);
/* How many letters have to be put in, left out, changed or swapped to get from a to b. */
unsigned option_distance(const char *a, const char *b);

/* The name of the variable of a key: ACTIONS_DB__PORT. Free with g_free. */
char *option_variable(const char *key);
