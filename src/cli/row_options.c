#include "cli/row_options.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "cli/action_view.h"
#include "cli/row_build.h"
#include "cli/schedule_arg.h"
#include "model/row_columns.h"

#define DEFAULT "default"

/* --- from options to values --- */

static void take_text(struct row_values *values, const struct column *column, const char *given)
{
	*column_text(column, &values->row) = (struct text){given, strlen(given)};
}

static bool take_bool(const struct cli *cli, struct maybe_int *out, const char *option, const char *given)
{
	column_parse(COLUMN_BOOLEAN, (struct text){given, strlen(given)}, out);
	if (out->set && (out->value == 0 || out->value == 1))
		return true;
	cli_usage(cli, "--%s must be yes, no or default, not '%s'", option, given);
	return false;
}

static bool take_int(const struct cli *cli, struct maybe_int *out, const char *option, const char *given)
{
	out->set = cli_parse_int(given, &out->value);
	if (!out->set)
		cli_usage(cli, "--%s must be a whole number or default, not '%s'", option, given);
	return out->set;
}

static bool has_default(const struct column *column)
{
	return !column->required;
}

/* `merge_missed` is --merge-missed. Free with g_free. */
static char *option_name(const struct column *column)
{
	return g_strdelimit(g_strdup(column->name), "_", '-');
}

static bool take(const struct cli *cli, struct row_values *values, unsigned bit, const char *given)
{
	const struct column *column = row_columns;
	if (!given)
		return true;
	while (column->bit != bit)
		column++;
	values->set |= bit;
	if (has_default(column) && !strcmp(given, DEFAULT))
		return true;
	g_autofree char *option = option_name(column);
	switch (column->kind) {
	case COLUMN_TEXT: take_text(values, column, given); return true;
	case COLUMN_BOOLEAN: return take_bool(cli, column_int(column, &values->row), option, given);
	case COLUMN_INTEGER: break;
	}
	return take_int(cli, column_int(column, &values->row), option, given);
}

/* As json.dumps of Python writes it. Free with free(). */
static char *unix_document(const char *expression)
{
	g_autoptr(json_t) document = schedule_arg_unix(expression);
	return json_dumps(document, 0);
}

int row_values_take(const struct cli *cli, const struct row_options *options, struct row_values *values)
{
	*values = (struct row_values){0};
	if (options->cron && options->schedule)
		return cli_usage(cli, "--cron and --schedule exclude each other");
	if (options->cron)
		values->document = unix_document(options->cron);
	const struct {
		unsigned bit;
		const char *given;
	} each[] = {
		{COLUMN_NAME, options->name},
		{COLUMN_COMMAND, options->command},
		{COLUMN_CRON, options->cron ? values->document : options->schedule},
		{COLUMN_TIMEZONE, options->timezone},
		{COLUMN_CALLBACK, options->callback},
		{COLUMN_MERGE_MISSED, options->merge_missed},
		{COLUMN_ACTUALITY_TIME, options->actuality_time},
		{COLUMN_CATCH_UP_LIMIT, options->catch_up_limit},
		{COLUMN_MAX_INSTANCES, options->max_instances},
		{COLUMN_MAX_ATTEMPTS, options->max_attempts},
		{COLUMN_TIMEOUT, options->timeout},
		{COLUMN_DST, options->dst},
		{COLUMN_TOPIC, options->topic},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(each); i++)
		if (!take(cli, values, each[i].bit, each[i].given))
			return EXIT_USAGE;
	return EXIT_DONE;
}

void row_values_clear(struct row_values *values)
{
	free(values->document);
	*values = (struct row_values){0};
}

void row_values_apply(const struct row_values *values, struct action_row *row)
{
	struct action_row from = values->row;
	for (size_t i = 0; i < ROW_COLUMN_COUNT; i++) {
		const struct column *column = &row_columns[i];
		if (!(values->set & column->bit))
			continue;
		if (column->kind == COLUMN_TEXT)
			*column_text(column, row) = *column_text(column, &from);
		else
			*column_int(column, row) = *column_int(column, &from);
	}
}

/* --- is it good? --- */

/* What is wrong with it; NULL: nothing. Free with g_error_free. */
static GError *row_fault(struct cli *cli, const struct action_row *row)
{
	GError *error = NULL;
	action_unref(row_build(cli, row, &error));
	return error;
}

/* "cron: the reason" is of the column cron, and that of --cron or --schedule. NULL where none was given for
 * it. Free with g_free. */
static char *option_at_fault(const struct row_values *values, const char *message)
{
	for (size_t i = 0; i < ROW_COLUMN_COUNT; i++) {
		const struct column *column = &row_columns[i];
		size_t length = strlen(column->name);
		if (!(values->set & column->bit) || strncmp(message, column->name, length) != 0 ||
			strncmp(message + length, ": ", 2) != 0)
			continue;
		if (column->bit == COLUMN_CRON)
			return g_strdup(values->document ? "cron" : "schedule");
		return option_name(column);
	}
	return NULL;
}

static bool refuse(const struct cli *cli, const struct row_values *values, const GError *fault)
{
	g_autofree char *option = fault ? option_at_fault(values, fault->message) : NULL;
	if (option)
		cli_error(cli, "--%s: %s", option, strstr(fault->message, ": ") + 2);
	return option != NULL;
}

static void warn_never(struct cli *cli, const struct action_row *row)
{
	struct action_view view;
	action_view_init(&view, cli, row);
	if (view.action && !view.has_next)
		cli_warn(cli, "its schedule never fires again");
	action_view_clear(&view);
}

int row_values_check(struct cli *cli, const struct row_values *values, const struct action_row *row)
{
	static const char cron[] = "{\"format\": \"unix\", \"params\": {\"value\": \"* * * * *\"}}";
	/* Beside good values, lest the fault of a column hides that of an option. */
	struct action_row alone = {.name = {"", 0}, .command = {"", 0}, .cron = {cron, strlen(cron)}};
	row_values_apply(values, &alone);
	g_autoptr(GError) of_options = row_fault(cli, &alone);
	g_autoptr(GError) of_row = row_fault(cli, row);
	if (refuse(cli, values, of_options) || refuse(cli, values, of_row))
		return EXIT_USAGE;
	if (of_row)
		cli_warn(cli, "the action does not fire: %s", of_row->message);
	warn_never(cli, row);
	return EXIT_DONE;
}
