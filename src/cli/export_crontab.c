/* export crontab: an entry with its name and columns in comments above it, or a comment that says why there
 * is none. */
#include "cli/action_view.h"
#include "cli/crontab_file.h"
#include "cli/diff_view.h"
#include "cli/verb_export.h"

#include "base/json.h"
#include "config/problem.h"

#include <stdlib.h>
#include <string.h>

/* Why a command cannot stand in a crontab, NULL where it can. */
static const char *command_obstacle(const char *command)
{
	size_t length = strlen(command);
	if (!length)
		return "its command is empty";
	if (strchr(command, '\n'))
		return "its command has several lines";
	if (strchr(" \t*", command[0]))
		return "cron would not take the first character of its command for a part of it";
	if (command[length - 1] == '\r')
		return "its command ends in a carriage return";
	g_autofree char *escaped = crontab_escape(command);
	return strlen(escaped) > CRONTAB_COMMAND_MAX ? "its command is longer than cron allows" : NULL;
}

static void append_json(GString *out, const char *lead, const json_t *value)
{
	char *text = json_dumps(value, JSON_ENCODE_ANY);
	g_string_append_printf(out, "# %s: %s\n", lead, text);
	free(text);
}

/* Bare where it reads back as the same text. */
static void append_name(GString *out, const char *name)
{
	bool bare =
		*name && *name != '"' && !g_ascii_isspace(*name) && !g_ascii_isspace(name[strlen(name) - 1]);
	for (const char *p = name; bare && *p; p++)
		bare = !g_ascii_iscntrl(*p);
	if (bare) {
		g_string_append_printf(out, "# name: %s\n", name);
		return;
	}
	g_autoptr(json_t) text = json_string(name);
	append_json(out, "name", text);
}

/* The id, and each column that `import crontab` would not find out itself. */
static void append_columns(const struct exporting *exporting, GString *out, const struct action_row *row)
{
	static const char *const told[] = {"name", "command", "cron", "timezone", "dst", NULL};
	g_autoptr(json_t) columns = json_pack("{s:I}", "id", (json_int_t)row->id);
	unsigned present = store_columns(exporting->store);
	for (unsigned i = 0; i < ROW_COLUMN_COUNT; i++) {
		const struct column *column = &row_columns[i];
		if (column->offset == NOT_IN_ROW || g_strv_contains(told, column->name))
			continue;
		g_autoptr(json_t) value = diff_view_value(column, row);
		if (!json_is_null(value))
			json_object_set(columns, column->name, value);
	}
	if (!row->timezone.data && exporting->zone && present & COLUMN_TIMEZONE)
		json_object_set_new(columns, "timezone", json_null());
	if (present & COLUMN_DST && (row->dst.length != 5 || memcmp(row->dst.data, "vixie", 5) != 0))
		json_object_set_new(columns, "dst", json_text(row->dst.data, row->dst.length));
	append_json(out, "columns", columns);
}

/* What is in force behind the line is what this row needs. Without a CRON_TZ it is the machine's zone. */
static void append_zone(struct exporting *exporting, GString *out, const struct action_view *view)
{
	const struct cli *cli = exporting->cli;
	const char *zone = zone_name(schedule_zone(view->action->schedule));
	bool machine = !cli->config->timezone && !view->row->timezone.data && !strcmp(zone, cli->zone_name);
	if (exporting->zone ? !strcmp(exporting->zone, zone) : machine)
		return;
	g_free(exporting->zone);
	exporting->zone = g_strdup(zone);
	g_string_append_printf(out, "\nCRON_TZ=%s\n", zone);
}

static void leave_out(struct exporting *exporting, const struct action_row *row, const char *reason)
{
	GString *out = exporting->line;
	g_autoptr(json_t) name = json_text(row->name.data, row->name.length);
	g_autoptr(json_t) command = json_text(row->command.data, row->command.length);
	g_autoptr(json_t) cron = diff_view_value(&row_columns[row_list_column_named("cron")], row);
	g_autoptr(json_t) columns = json_pack("{s:I,s:O,s:O,s:O}", "id", (json_int_t)row->id, "name", name,
		"command", command, "cron", cron);
	g_autofree char *quoted = problem_quote(json_is_string(name) ? json_string_value(name) : "NULL");
	g_autofree char *escaped = g_strescape(reason, NULL);
	g_string_append_printf(out, "\n# Left out: %s:\n", escaped);
	append_json(out, "row", columns);
	cli_error(exporting->cli, "row %" G_GINT64_FORMAT " %s: %s", row->id, quoted, reason);
	exporting->left_out++;
}

static void append_entry(struct exporting *exporting, const struct action_view *view, const char *fields)
{
	GString *out = exporting->line;
	g_autofree char *command = crontab_escape(action_command(view->action));
	append_zone(exporting, out, view);
	g_string_append_c(out, '\n');
	append_name(out, action_name(view->action));
	append_columns(exporting, out, view->row);
	g_string_append_printf(out, "%s %s\n", fields, command);
}

void export_crontab_row(struct exporting *exporting, const struct action_row *row)
{
	struct action_view view;
	const char *reason = NULL;
	g_autofree char *fields = NULL;
	action_view_init(&view, exporting->cli, row);
	g_string_truncate(exporting->line, 0);
	if (view.state == ACTION_BAD)
		reason = view.error;
	else if (view.state == ACTION_DISABLED)
		reason = "it is paused";
	else
		reason = command_obstacle(action_command(view.action));
	if (!reason)
		fields = export_crontab_fields(exporting->cli, row, view.action->schedule, &reason);
	if (reason)
		leave_out(exporting, row, reason);
	else
		append_entry(exporting, &view, fields);
	fwrite(exporting->line->str, 1, exporting->line->len, exporting->file);
	action_view_clear(&view);
}
