/* Purpose: what the sections of `status` are made of: an object of JSON that another scheduler may have made,
 * so that nothing in it is relied on, and its values as text. What is not there is NULL. Texts are to be
 * freed with g_free. One thread. */
#pragma once

#include "cli/verb.h"

/* What each column is given: an object, and what its times are told against. */
struct part {
	const struct cli *cli;
	const json_t *object;
};

const json_t *part_get(const void *row, const char *key);
const char *part_text(const void *row, const char *key); /* borrowed */
bool part_time(const void *row, const char *key, time_us *out);
bool part_is_true(const void *row, const char *key);
/* `2026-11-23T10:00:00+01:00, 3min 2s ago`; and either half of it. */
char *part_time_text(const void *row, const char *key);
char *part_wall_text(const void *row, const char *key);
char *part_from_now_text(const void *row, const char *key);
char *part_number_text(const void *row, const char *key);

/* status_tables.c: callbacks, fires to come, open fires. */
void status_tables_show(const struct cli *cli, const json_t *status);
