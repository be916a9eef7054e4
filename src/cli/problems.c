#include "cli/problems.h"

#include <string.h>

#include "base/json.h"

static json_t *json_of(const char *text)
{
	return text ? json_text(text, strlen(text)) : json_null();
}

static json_t *level_json(const void *row)
{
	const struct problem *problem = row;
	return json_string(problem->level == PROBLEM_ERROR ? "error" : "warning");
}

static json_t *place_json(const void *row)
{
	const struct problem *problem = row;
	return json_of(problem->place);
}

static json_t *id_json(const void *row)
{
	const struct problem *problem = row;
	return problem->id ? json_integer(*problem->id) : json_null();
}

static json_t *field_json(const void *row)
{
	const struct problem *problem = row;
	return json_of(problem->field);
}

static json_t *reason_json(const void *row)
{
	const struct problem *problem = row;
	return json_of(problem->reason);
}

static const struct output_column columns[] = {
	{"level", "LEVEL", level_json, NULL, OUTPUT_STATE},
	{"place", "PLACE", place_json, NULL, OUTPUT_LEFT},
	{"id", "ID", id_json, NULL, OUTPUT_RIGHT},
	{"field", "FIELD", field_json, NULL, OUTPUT_LEFT},
	{"reason", "REASON", reason_json, NULL, OUTPUT_LEFT},
};

void problems_begin(struct problems *problems, const struct output_style *style)
{
	/* A reason is worth a second line: nothing is cut to fit a terminal. */
	struct output_style whole = *style;
	whole.width = 0;
	*problems = (struct problems){.output = output_new(&whole, columns, G_N_ELEMENTS(columns))};
}

void problems_add(struct problems *problems, const struct problem *problem)
{
	output_row(problems->output, problem);
	if (problem->level == PROBLEM_ERROR)
		problems->errors++;
	else
		problems->warnings++;
}

void problems_add_error(struct problems *problems, const char *place, const char *field, const char *reason)
{
	struct problem problem = {PROBLEM_ERROR, place, NULL, field, reason};
	problems_add(problems, &problem);
}

void problems_add_warning(struct problems *problems, const char *place, const char *field, const char *reason)
{
	struct problem problem = {PROBLEM_WARNING, place, NULL, field, reason};
	problems_add(problems, &problem);
}

void problems_end(struct problems *problems)
{
	/* A heading over nothing is noise; an empty array is an answer. */
	if (problems->errors || problems->warnings || !output_is_table(problems->output))
		output_end(problems->output);
	else
		output_abandon(problems->output);
	problems->output = NULL;
}

void problems_abandon(struct problems *problems)
{
	output_abandon(problems->output);
	problems->output = NULL;
}
