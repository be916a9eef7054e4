#include "model/fire_groups.h"

#include <string.h>

/* Actions of one schedule. */
struct group {
	struct schedule *schedule; /* a reference */
	uint64_t members;
	GArray *ids; /* int64_t; NULL without jitter, where it does not matter who they are */
};

struct fire_groups {
	GHashTable *groups; /* of struct group, by the schedule */
	uint64_t actions;
};

static void group_free(void *data)
{
	struct group *group = data;
	schedule_unref(group->schedule);
	if (group->ids)
		g_array_unref(group->ids);
	g_free(group);
}

struct fire_groups *fire_groups_new(void)
{
	struct fire_groups *groups = g_new0(struct fire_groups, 1);
	groups->groups = g_hash_table_new_full(NULL, NULL, NULL, group_free);
	return groups;
}

void fire_groups_free(struct fire_groups *groups)
{
	if (!groups)
		return;
	g_hash_table_unref(groups->groups);
	g_free(groups);
}

static struct group *group_of(struct fire_groups *groups, struct schedule *schedule)
{
	struct group *group = g_hash_table_lookup(groups->groups, schedule);
	if (group)
		return group;
	group = g_new0(struct group, 1);
	group->schedule = schedule_ref(schedule);
	if (schedule_jitter(schedule))
		group->ids = g_array_new(FALSE, FALSE, sizeof(int64_t));
	g_hash_table_insert(groups->groups, schedule, group);
	return group;
}

void fire_groups_add(struct fire_groups *groups, struct schedule *schedule, int64_t action_id)
{
	struct group *group = group_of(groups, schedule);
	group->members++;
	groups->actions++;
	if (group->ids)
		g_array_append_val(group->ids, action_id);
}

uint64_t fire_groups_actions(const struct fire_groups *groups)
{
	return groups->actions;
}

size_t fire_groups_schedules(const struct fire_groups *groups)
{
	return g_hash_table_size(groups->groups);
}

size_t fire_groups_seconds(time_us from, time_us to)
{
	return (size_t)(floor_div(to - 1, US_PER_SECOND) - floor_div(from, US_PER_SECOND)) + 1;
}

struct window {
	time_us from, to;
	int64_t first_s;
	uint64_t *counts;
};

static void window_add(const struct window *window, time_us due, uint64_t fires)
{
	window->counts[floor_div(due, US_PER_SECOND) - window->first_s] += fires;
}

/* All members draw their jitter of one nominal time. */
static void count_nominal(const struct window *window, const struct group *group, time_us nominal)
{
	for (guint i = 0; i < group->ids->len; i++) {
		time_us due = fire_due_at(group->schedule, g_array_index(group->ids, int64_t, i), nominal);
		if (due >= window->from && due < window->to)
			window_add(window, due, 1);
	}
}

static void count_group(const struct window *window, const struct group *group)
{
	time_us nominal = window->from - schedule_jitter(group->schedule) - 1;
	while (schedule_next(group->schedule, nominal, &nominal) && nominal < window->to) {
		if (group->ids)
			count_nominal(window, group, nominal);
		else
			window_add(window, nominal, group->members);
	}
}

void fire_groups_count(const struct fire_groups *groups, time_us from, time_us to, uint64_t *counts)
{
	struct window window = {from, to, floor_div(from, US_PER_SECOND), counts};
	GHashTableIter iter;
	void *group;
	memset(counts, 0, fire_groups_seconds(from, to) * sizeof *counts);
	g_hash_table_iter_init(&iter, groups->groups);
	while (g_hash_table_iter_next(&iter, NULL, &group))
		count_group(&window, group);
}
