#include "model/import.h"

time_us import_owed_after(const struct schedule *schedule, int64_t action_id, time_us next_run)
{
	dur_us jitter = schedule_jitter(schedule);
	time_us nominal;
	bool drawn = jitter && next_run < TIME_US_MAX && schedule_prev(schedule, next_run + 1, &nominal) &&
		     nominal >= next_run - jitter;
	return (drawn ? MIN(next_run, fire_due_at(schedule, action_id, nominal)) : next_run) - 1;
}

static int jobs_compare(const void *a, const void *b)
{
	const struct import_job *x = a, *y = b;
	return (x->action_id > y->action_id) - (x->action_id < y->action_id);
}

void import_jobs_sort(GArray *jobs)
{
	struct import_job *job = (struct import_job *)(void *)jobs->data;
	guint kept = 0;
	g_array_sort(jobs, jobs_compare);
	for (guint i = 0; i < jobs->len; i++)
		if (kept == 0 || job[kept - 1].action_id != job[i].action_id)
			job[kept++] = job[i];
	g_array_set_size(jobs, kept);
}

const struct import_job *import_jobs_find(const GArray *jobs, int64_t action_id)
{
	struct import_job wanted = {.action_id = action_id};
	guint at;
	bool found = g_array_binary_search((GArray *)jobs, &wanted, jobs_compare, &at);
	return found ? &g_array_index(jobs, struct import_job, at) : NULL;
}
