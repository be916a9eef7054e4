/* Purpose: the formats of `export`, a file each. One thread. */
#pragma once

#include "cli/verb.h"

/* What goes to stdout, and how many rows did not. */
struct exporting {
	struct cli *cli;
	struct store *store; /* the table; its columns are known while it is read */
	FILE *file;
	GString *line; /* for use by the format */
	char *zone;    /* crontab: the last CRON_TZ written; NULL: none */
	uint64_t rows, left_out;
};

/* Write a row. */
void export_yaml_row(struct exporting *exporting, const struct action_row *row);
void export_crontab_row(struct exporting *exporting, const struct action_row *row);

/* The row's schedule as five fields that mean the same to cron. Returns NULL with *reason, a clause that is
 * static, where there are none. Free with g_free. */
char *export_crontab_fields(
	struct cli *cli, const struct action_row *row, const struct schedule *schedule, const char **reason);

/* Appends a text as YAML that reads back as the same bytes. */
void export_yaml_text(GString *out, const char *data, size_t length);
