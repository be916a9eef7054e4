/* import crontab: entries of a crontab become rows of the format `unix`. */
#include "cli/crontab_file.h"
#include "cli/crontab_notes.h"
#include "cli/row_check.h"
#include "cli/schedule_arg.h"
#include "config/row_node.h"
#include "cli/verb_import.h"

#include "base/json.h"
#include "config/problem.h"

#include <stdlib.h>
#include <string.h>

/* A name made of a command has at most so many characters; of a longer one the beginning and a part of its
 * digest. */
#define NAME_MAX_CHARACTERS  60
#define NAME_HEAD_CHARACTERS 51
#define NAME_DIGEST_DIGITS   8

struct crontab_import {
	struct cli *cli;
	struct import_file *file;
	const struct crontab *crontab;
	GHashTable *names;  /* that rows have already */
	GPtrArray *sources; /* of each row its struct crontab_entry */
};

static char *place_of(const struct crontab_import *import, unsigned line)
{
	return g_strdup_printf("%s:%u", import->file->name, line);
}

static void complain(const struct crontab_import *import, unsigned line, const char *key, const char *reason)
{
	g_autofree char *place = place_of(import, line);
	problem_add(import->file->problems, place, key, "%s", reason);
}

static void set_column(
	struct crontab_import *import, struct list_row *row, const char *column, const char *text)
{
	row_list_column(
		import->file->rows, row, row_list_column_named(column), text, text ? strlen(text) : 0);
}

static bool has_column(const struct list_row *row, const char *column)
{
	return row->given >> row_list_column_named(column) & 1;
}

/* --- columns --- */

/* What `# columns: {…}` says. */
static bool take_columns(
	struct crontab_import *import, const struct crontab_entry *entry, struct list_row *row)
{
	g_autoptr(GError) error = NULL;
	if (!entry->columns)
		return true;
	g_autoptr(json_t) document = json_read(entry->columns, strlen(entry->columns), &error);
	if (!document) {
		complain(import, entry->columns_line, "columns", error->message);
		return false;
	}
	struct tree tree;
	tree_init(&tree);
	g_autofree char *place = place_of(import, entry->columns_line);
	bool fine = row_node_read(
		tree_add_json(&tree, document), place, import->file->rows, row, import->file->problems);
	tree_clear(&tree);
	return fine;
}

/* `# name: TEXT`, where a text that begins with a quote is JSON. */
static bool take_name(struct crontab_import *import, const struct crontab_entry *entry, struct list_row *row)
{
	g_autoptr(GError) error = NULL;
	if (!entry->name || !*entry->name)
		return true;
	if (*entry->name != '"') {
		set_column(import, row, "name", entry->name);
		return true;
	}
	g_autoptr(json_t) text = json_read(entry->name, strlen(entry->name), &error);
	if (!text || !json_is_string(text)) {
		complain(import, entry->line, "name",
			error ? error->message : "in quotes it must be a text of JSON");
		return false;
	}
	set_column(import, row, "name", json_string_value(text));
	return true;
}

/* cron gives the lines behind the % to the command's stdin: a pipe of the shell does the same. */
static char *command_of(const struct crontab_entry *entry)
{
	if (!entry->input || !*entry->input)
		return g_strdup(entry->command);
	g_auto(GStrv) lines = g_strsplit(entry->input, "\n", -1);
	g_autofree char *quoted = g_shell_quote(entry->command);
	g_autoptr(GString) command = g_string_new("printf '%s\\n'");
	for (size_t i = 0; lines[i] && (*lines[i] || lines[i + 1]); i++) {
		g_autofree char *line = g_shell_quote(lines[i]);
		g_string_append_printf(command, " %s", line);
	}
	g_string_append_printf(command, " | /bin/sh -c %s", quoted);
	return g_string_free(g_steal_pointer(&command), FALSE);
}

static void set_cron(struct crontab_import *import, const struct crontab_entry *entry, struct list_row *row)
{
	g_autoptr(json_t) document = schedule_arg_unix(entry->schedule);
	char *text = json_dumps(document, JSON_ENSURE_ASCII);
	set_column(import, row, "cron", text);
	free(text);
}

/* With unix_dialect: apscheduler the expression may mean something else here than it does for cron. */
static bool check_dialect(
	struct crontab_import *import, const struct crontab_entry *entry, const struct list_row *row)
{
	struct cli *cli = import->cli;
	if (cli->config->unix_dialect == CONFIG_UNIX_STANDARD)
		return true;
	const char *zone = row->row.timezone.data ? row->row.timezone.data : cli->zone_name;
	struct text cron = row->row.cron;
	struct schedule *there = schedule_cache_get(
		cli_schedules(cli), cron.data, cron.length, zone, UNIX_DIALECT_STANDARD, DST_VIXIE, NULL);
	struct schedule *here = schedule_cache_get(
		cli_schedules(cli), cron.data, cron.length, zone, UNIX_DIALECT_APSCHEDULER, DST_VIXIE, NULL);
	time_us at;
	bool same = !there || (here && !row_check_first_difference(there, here, cli->now, &at));
	schedule_unref(there);
	schedule_unref(here);
	if (!same)
		complain(import, entry->line, "cron",
			"it would mean something else here, as `unix_dialect: apscheduler` counts days of "
			"week "
			"from Monday and wants both day fields to match");
	return same;
}

/* Columns that the table lacks are left alone where cron means what NULL means here. */
static void take_zone(struct crontab_import *import, const struct crontab_entry *entry, struct list_row *row,
	unsigned present)
{
	bool needed = entry->timezone && g_strcmp0(entry->timezone, import->cli->zone_name) != 0;
	if (!has_column(row, "timezone") && (present & COLUMN_TIMEZONE || needed))
		set_column(import, row, "timezone", entry->timezone);
	if (!has_column(row, "dst") && present & COLUMN_DST)
		set_column(import, row, "dst", "vixie");
}

/* --- names --- */

static char *name_of_command(const char *command)
{
	g_autofree char *text = g_strstrip(g_strdup(command));
	if (g_utf8_strlen(text, -1) <= NAME_MAX_CHARACTERS)
		return g_steal_pointer(&text);
	g_autofree char *head = g_utf8_substring(text, 0, NAME_HEAD_CHARACTERS);
	g_autofree char *digest = g_compute_checksum_for_string(G_CHECKSUM_SHA256, text, -1);
	return g_strdup_printf("%s~%.*s", head, NAME_DIGEST_DIGITS, digest);
}

/* The command, and where it stands several times a number behind it. */
static void name_row(struct crontab_import *import, const struct crontab_entry *entry, struct list_row *row)
{
	g_autofree char *base = name_of_command(entry->command);
	g_autofree char *name = g_strdup(base);
	guint count = GPOINTER_TO_UINT(g_hash_table_lookup(import->names, base));
	while (g_hash_table_contains(import->names, name)) {
		g_free(name);
		name = g_strdup_printf("%s (%u)", base, ++count);
	}
	if (count)
		g_hash_table_insert(import->names, g_strdup(base), GUINT_TO_POINTER(count));
	g_hash_table_insert(import->names, g_strdup(name), GUINT_TO_POINTER(1));
	set_column(import, row, "name", name);
}

static void remember_name(struct crontab_import *import, const struct list_row *row)
{
	if (row->row.name.data)
		g_hash_table_insert(import->names, g_strdup(row->row.name.data), GUINT_TO_POINTER(1));
}

/* --- all of it --- */

static void take_entry(struct crontab_import *import, const struct crontab_entry *entry, unsigned present)
{
	struct list_row row = {.line = entry->line};
	bool fine = take_columns(import, entry, &row) && take_name(import, entry, &row);
	g_autofree char *command = command_of(entry);
	set_column(import, &row, "command", command);
	set_cron(import, entry, &row);
	take_zone(import, entry, &row, present);
	if (!fine || !check_dialect(import, entry, &row))
		return;
	remember_name(import, &row);
	row_list_add(import->file->rows, &row);
	g_ptr_array_add(import->sources, (gpointer)entry);
}

static void take_entries(struct crontab_import *import, unsigned present)
{
	GPtrArray *entries = import->crontab->entries;
	GArray *rows = import->file->rows->rows;
	for (guint i = 0; i < entries->len; i++)
		take_entry(import, g_ptr_array_index(entries, i), present);
	/* Names that are given go before names that are made. */
	for (guint i = 0; i < rows->len; i++) {
		struct list_row *row = &g_array_index(rows, struct list_row, i);
		if (!has_column(row, "name"))
			name_row(import, g_ptr_array_index(import->sources, i), row);
	}
}

static bool is_system(const struct import_args *args)
{
	g_autofree char *path = strcmp(args->file, "-") ? g_canonicalize_filename(args->file, NULL) : NULL;
	return args->system ||
	       (path && (!strcmp(path, "/etc/crontab") || g_str_has_prefix(path, "/etc/cron.d/")));
}

int import_crontab(struct cli *cli, const struct import_args *args)
{
	int status = EXIT_FAILED;
	struct import_file file = {0};
	struct import_table table = {0};
	if (!cli_prepare(cli))
		return EXIT_FAILED;
	if (import_file_read(cli, args, &file) && import_table_read(cli, args, &table)) {
		struct crontab *crontab =
			crontab_read(file.text, file.length, file.name, is_system(args), file.problems);
		struct crontab_import import = {cli, &file, crontab,
			g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL), g_ptr_array_new()};
		take_entries(&import, table.present);
		status = import_rows(cli, args, &file, &table);
		if (status == EXIT_DONE)
			crontab_notes(cli, crontab, file.name, table.present);
		g_hash_table_unref(import.names);
		g_ptr_array_unref(import.sources);
		crontab_free(crontab);
	}
	import_table_clear(&table);
	import_file_clear(&file);
	return status;
}
