#include "engine/internal.h"

static guint cohort_hash(const void *data)
{
	const struct cohort *cohort = data;
	uint64_t h =
		((uint64_t)(uintptr_t)cohort->schedule >> 4) ^ (uint64_t)cohort->jittered_id * 0x9e3779b1u;
	return (guint)(h ^ (h >> 32));
}

static gboolean cohort_equal(const void *a, const void *b)
{
	const struct cohort *x = a, *y = b;
	return x->schedule == y->schedule && x->jittered_id == y->jittered_id;
}

static void cohort_free(void *data)
{
	struct cohort *cohort = data;
	action_list_clear(&cohort->members);
	if (cohort->out)
		g_array_unref(cohort->out);
	if (cohort->in)
		g_ptr_array_unref(cohort->in);
	schedule_unref(cohort->schedule);
	g_free(cohort);
}

struct cohort *lane_cohort(struct lane *lane, struct schedule *schedule, int64_t id, bool create)
{
	if (!lane->cohorts)
		lane->cohorts = g_hash_table_new_full(cohort_hash, cohort_equal, cohort_free, NULL);
	struct cohort key = {.schedule = schedule, .jittered_id = schedule_jitter(schedule) ? id : 0};
	struct cohort *cohort = g_hash_table_lookup(lane->cohorts, &key);
	if (cohort || !create)
		return cohort;
	cohort = g_new0(struct cohort, 1);
	cohort->schedule = schedule_ref(schedule);
	cohort->jittered_id = key.jittered_id;
	cohort->cursor =
		(struct cursor){.schedule = schedule, .members = &cohort->members, .heap_index = UINT32_MAX};
	g_hash_table_add(lane->cohorts, cohort);
	return cohort;
}

void lane_cohort_drop(struct lane *lane, struct cohort *cohort)
{
	source_remove(&lane->source, &cohort->cursor);
	g_hash_table_remove(lane->cohorts, cohort);
}
