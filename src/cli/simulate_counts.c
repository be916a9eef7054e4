/* How many fires are due in each second, minute, hour or day. Counted window by window, so that memory does
 * not go with the stretch. */
#include "base/progress_bar.h"
#include "cli/simulate.h"
#include "model/fire_groups.h"

#define WINDOW_MAX US_PER_DAY
/* A stretch is counted in so many windows at least, for the progress bar. */
#define WINDOWS    24

static bool group_add(void *context, struct action *action)
{
	fire_groups_add(context, action->schedule, action->id);
	action_unref(action);
	return true;
}

enum time_unit simulate_unit_for(time_us from, time_us to)
{
	enum time_unit unit = UNIT_SECOND;
	while (unit < UNIT_DAY && (to - from) / time_unit_length(unit) > 100)
		unit++;
	return unit;
}

/* Gathers the seconds into units. */
struct folding {
	const struct simulation *simulation;
	struct tallies *tallies;
	struct tally current;
	bool wanted;
};

static void unit_begin(struct folding *folding, time_us from)
{
	const struct simulation *s = folding->simulation;
	time_us end = time_unit_end(s->zone, s->unit, from);
	folding->current = (struct tally){.from = from, .to = MIN(end, s->to)};
}

static void fold(struct folding *folding, time_us from, time_us to, const uint64_t *counts)
{
	time_us second = floor_div(from, US_PER_SECOND) * US_PER_SECOND;
	for (size_t i = 0; folding->wanted && second < to; i++, second += US_PER_SECOND) {
		if (second >= folding->current.to) {
			folding->wanted = tallies_add(folding->tallies, &folding->current);
			unit_begin(folding, second);
		}
		folding->current.fires += counts[i];
	}
}

static void count(const struct simulation *s, const struct fire_groups *groups, struct tallies *tallies)
{
	struct folding folding = {.simulation = s, .tallies = tallies, .wanted = true};
	time_us window = CLAMP((s->to - s->from) / WINDOWS, US_PER_SECOND, WINDOW_MAX);
	/* One more where the first does not begin with a second, and one where the last does not end with it.
	 */
	g_autofree uint64_t *counts = g_new(uint64_t, (gsize)(window / US_PER_SECOND) + 2);
	struct progress_bar *bar = progress_bar_new(
		"counting fires", (uint64_t)((s->to - s->from) / US_PER_SECOND), s->cli->quiet);
	unit_begin(&folding, s->from);
	for (time_us from = s->from, to; folding.wanted && from < s->to; from = to) {
		to = MIN(floor_div(from + window, US_PER_SECOND) * US_PER_SECOND, s->to);
		fire_groups_count(groups, from, to, counts);
		fold(&folding, from, to, counts);
		progress_bar_set(bar, (uint64_t)((to - s->from) / US_PER_SECOND));
	}
	if (folding.wanted)
		tallies_add(tallies, &folding.current);
	progress_bar_free(bar);
}

static void summary_say(
	const struct simulation *s, const struct fire_groups *groups, const struct tallies *tallies)
{
	char text[TIME_TEXT_MAX];
	const struct tally *most = tallies_most(tallies);
	g_autofree char *hottest =
		most ? g_strdup_printf("; the most at once, %" G_GUINT64_FORMAT ", from %s on", most->fires,
			       zone_format(s->zone, most->from, text))
		     : g_strdup("");
	cli_say(s->cli, "%" G_GUINT64_FORMAT " fires of %" G_GUINT64_FORMAT " actions with %zu schedules%s",
		tallies_total(tallies), fire_groups_actions(groups), fire_groups_schedules(groups), hottest);
}

int simulate_counts(const struct simulation *simulation)
{
	struct fire_groups *groups = fire_groups_new();
	int status = simulate_each_action(simulation, group_add, groups);
	if (status == EXIT_DONE) {
		struct tallies *tallies = tallies_new(simulation);
		count(simulation, groups, tallies);
		if (simulation->limit == UINT64_MAX)
			summary_say(simulation, groups, tallies);
		tallies_end(tallies);
	}
	fire_groups_free(groups);
	return status;
}
