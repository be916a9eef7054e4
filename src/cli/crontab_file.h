/* Purpose: a crontab as cronie reads it, as a file: lines to entries and settings, without a look at what the
 * schedules and commands mean. Pure; bounded by the text; any thread.
 *
 * Beyond cronie: a line may end in CR LF, the last one without a line end, and two comments right above an
 * entry speak of it: `# name: TEXT` and `# columns: {JSON}`. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

/* cronie refuses a longer command, bytes. */
#define CRONTAB_COMMAND_MAX 131071u

struct crontab_entry {
	unsigned line;
	char *schedule;       /* five fields with a blank between; those of @daily and its like */
	char *command;        /* up to the first %, \% being % */
	char *input;          /* what the command reads from stdin, with its line ends; NULL: nothing */
	char *user;           /* of a system crontab, else NULL */
	const char *timezone; /* CRON_TZ as it stands above; NULL: none; borrowed from the settings */
	char *name;           /* NULL: none */
	char *columns;        /* NULL: none */
	unsigned columns_line;
};

struct crontab_setting {
	unsigned line;
	char *name, *value;
};

struct crontab {
	GPtrArray *entries;  /* struct crontab_entry */
	GPtrArray *settings; /* struct crontab_setting, CRON_TZ among them */
};

/* Reads the text; `name` stands for it in messages. with_users: the form of /etc/crontab. Every bad line is
 * added to problems (config/problem.h) as `name:line`; what is left is returned all the same. */
struct crontab *crontab_read(
	const char *text, size_t length, const char *name, bool with_users, GPtrArray *problems);
void crontab_free(struct crontab *crontab);

/* The command as it stands in a crontab: % is \%. Free with g_free. */
char *crontab_escape(const char *command);
