#include "config/problem.h"

#include "base/log.h"

#define QUOTED_MAX 80

static void problem_free(gpointer data)
{
	struct config_problem *problem = data;
	g_free(problem->place);
	g_free(problem->key);
	g_free(problem->reason);
	g_free(problem);
}

GPtrArray *config_problems_new(void)
{
	return g_ptr_array_new_with_free_func(problem_free);
}

char *config_problem_text(const struct config_problem *problem)
{
	if (!problem->key)
		return g_strdup_printf("%s: %s", problem->place, problem->reason);
	return g_strdup_printf("%s: %s: %s", problem->place, problem->key, problem->reason);
}

bool problems_full(const GPtrArray *problems)
{
	return problems->len > PROBLEMS_MAX;
}

void problem_add(GPtrArray *problems, const char *place, const char *key, const char *format, ...)
{
	if (problems_full(problems))
		return;
	struct config_problem *problem = g_new0(struct config_problem, 1);
	problem->place = log_escape(place);
	if (problems->len == PROBLEMS_MAX) {
		problem->reason = g_strdup("there are more errors, not shown");
	} else {
		va_list args;
		va_start(args, format);
		problem->reason = g_strdup_vprintf(format, args);
		va_end(args);
		problem->key = key ? log_escape(key) : NULL;
	}
	g_ptr_array_add(problems, problem);
}

char *problem_quote(const char *text)
{
	g_autofree char *valid = g_utf8_make_valid(text, -1);
	bool cut = g_utf8_strlen(valid, -1) > QUOTED_MAX;
	if (cut)
		*g_utf8_offset_to_pointer(valid, QUOTED_MAX) = '\0';
	g_autofree char *escaped = log_escape(valid);
	return g_strdup_printf("'%s%s'", escaped, cut ? "…" : "");
}
