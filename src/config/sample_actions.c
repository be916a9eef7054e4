#include "config/sample_actions.h"

#include <string.h>

#include "base/error.h"
#include "config/problem.h"
#include "config/row_node.h"
#include "config/text_file.h"
#include "config/yaml_read.h"

#define FILE_NAME "sample_actions.yaml"

/* The same as the file at the top of the project; a test compares them. */
const char sample_actions_text[] = "# Two actions to see the scheduler at work: with "
				   "test.write_sample_actions_to_db they go into an empty "
				   "table `action`.\n"
				   "- name: Action1\n"
				   "  command: command1\n"
				   "  cron:\n"
				   "      format: unix\n"
				   "      params:\n"
				   "          value: \"* * * * *\" # every minute\n"
				   "  merge_missed: null # null: as action.defaults says\n"
				   "  actuality_time: null\n"
				   "\n"
				   "- name: Action2\n"
				   "  command: command2\n"
				   "  cron:\n"
				   "      format: apscheduler\n"
				   "      params:\n"
				   "          second: \"*/20\" # at 0, 20 and 40 seconds of every minute\n"
				   "          end_date: \"2050-05-05\"\n"
				   "  merge_missed: null\n"
				   "  actuality_time: null\n";

static void check_column(
	const struct column *column, struct action_row *row, const char *place, GPtrArray *problems)
{
	if (column->kind == COLUMN_TEXT) {
		if (column->required && !column_text(column, row)->data)
			problem_add(problems, place, column->name, "is missing");
		return;
	}
	const struct maybe_int *value = column_int(column, row);
	if (!value->bad.data)
		return;
	g_autofree char *quoted = problem_quote(value->bad.data);
	problem_add(problems, place, column->name, "must be %s, not %s",
		column->kind == COLUMN_BOOLEAN ? "true or false" : "a whole number", quoted);
}

/* What the database would refuse. */
static void check_row(const struct list_row *row, const char *name, GPtrArray *problems)
{
	struct action_row copy = row->row;
	g_autofree char *place = g_strdup_printf("%s:%u", name, row->line);
	for (unsigned i = 0; i < ROW_COLUMN_COUNT; i++)
		if (row_columns[i].offset != NOT_IN_ROW)
			check_column(&row_columns[i], &copy, place, problems);
}

struct row_list *sample_actions_read(const char *text, size_t length, const char *name, GPtrArray *problems)
{
	guint before = problems->len;
	struct row_list *samples = row_list_new();
	row_nodes_read(text, length, name, samples, problems);
	for (guint i = 0; i < samples->rows->len; i++)
		check_row(row_list_at(samples, i), name, problems);
	if (problems->len == before)
		return samples;
	row_list_free(samples);
	return NULL;
}

/* Tries one file; returns whether the search ends with it, be it for an error. */
static bool try_file(const char *path, struct row_list **samples, GPtrArray *problems)
{
	g_autofree char *text = NULL;
	size_t length;
	g_autoptr(GError) error = NULL;
	if (text_file_read(path, CONFIG_TEXT_MAX, &text, &length, &error)) {
		*samples = sample_actions_read(text, length, path, problems);
		return true;
	}
	if (g_error_matches(error, AS_ERROR, AS_ERROR_MISSING))
		return false;
	problem_add(problems, path, NULL, "%s", error->message);
	return true;
}

struct row_list *sample_actions_load(const char *config_path, GPtrArray *problems)
{
	struct row_list *samples = NULL;
	g_autofree char *directory = config_path ? g_path_get_dirname(config_path) : NULL;
	g_autofree char *beside = directory ? g_build_filename(directory, FILE_NAME, NULL) : NULL;
	if ((beside && try_file(beside, &samples, problems)) || try_file(FILE_NAME, &samples, problems))
		return samples;
	return sample_actions_read(
		sample_actions_text, strlen(sample_actions_text), "the built-in " FILE_NAME, problems);
}
