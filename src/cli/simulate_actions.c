/* How many fires each action has. */
#include "cli/simulate.h"

struct counting {
	const struct simulation *simulation;
	struct tallies *tallies;
	GHashTable *counts; /* struct schedule * → its fires, without jitter */
};

static uint64_t count(const struct counting *counting, const struct action *action)
{
	const struct simulation *s = counting->simulation;
	const struct schedule *schedule = action->schedule;
	if (schedule_jitter(schedule))
		return fire_count(schedule, action->id, s->from - 1, s->to - 1);
	uint64_t *known = g_hash_table_lookup(counting->counts, schedule);
	if (!known) {
		known = g_new(uint64_t, 1);
		*known = schedule_count(schedule, s->from - 1, s->to - 1);
		g_hash_table_insert(counting->counts, schedule_ref((struct schedule *)schedule), known);
	}
	return *known;
}

static bool action_take(void *context, struct action *action)
{
	struct counting *counting = context;
	struct tally tally = {.id = action->id, .fires = count(counting, action)};
	tally.name = g_strndup(action_name(action), action->name_length);
	action_unref(action);
	return tallies_add(counting->tallies, &tally);
}

static void unref_schedule(void *schedule)
{
	schedule_unref(schedule);
}

int simulate_actions(const struct simulation *simulation)
{
	struct counting counting = {simulation, tallies_new(simulation),
		g_hash_table_new_full(NULL, NULL, unref_schedule, g_free)};
	int status = simulate_each_action(simulation, action_take, &counting);
	if (status == EXIT_DONE)
		tallies_end(counting.tallies);
	else
		tallies_abandon(counting.tallies);
	g_hash_table_unref(counting.counts);
	return status;
}
