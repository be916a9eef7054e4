#include "cli/check_history.h"
#include "cli/time_arg.h"

#include "model/fire.h"

/* Shorter runs are not kept, which would be all that most histories have: whatever fires more often is not
 * judged. */
#define SHORTEST_INTERVAL (100 * US_PER_MS)

struct run {
	time_us nominal;
	dur_us lasted;
};

/* What is suspicious of one action. */
struct suspect {
	int64_t id;
	GArray *runs; /* struct run: those that lasted */
	uint64_t skipped;
};

struct check_history {
	time_us since, from;
	uint64_t entries;
	GHashTable *runs;     /* id -> how many, as pointers: there may be as many as entries */
	GHashTable *suspects; /* id in it -> struct suspect */
};

_Static_assert(sizeof(gpointer) >= sizeof(int64_t), "an id is a key");

static void free_suspect(gpointer data)
{
	struct suspect *suspect = data;
	g_array_unref(suspect->runs);
	g_free(suspect);
}

struct check_history *check_history_new(time_us since)
{
	struct check_history *history = g_new0(struct check_history, 1);
	history->since = history->from = since;
	history->runs = g_hash_table_new(NULL, NULL);
	history->suspects = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, free_suspect);
	return history;
}

void check_history_free(struct check_history *history)
{
	if (!history)
		return;
	g_hash_table_unref(history->runs);
	g_hash_table_unref(history->suspects);
	g_free(history);
}

static struct suspect *suspect_of(struct check_history *history, int64_t id)
{
	struct suspect *suspect = g_hash_table_lookup(history->suspects, &id);
	if (suspect)
		return suspect;
	suspect = g_new0(struct suspect, 1);
	suspect->id = id;
	suspect->runs = g_array_new(FALSE, FALSE, sizeof(struct run));
	g_hash_table_insert(history->suspects, &suspect->id, suspect);
	return suspect;
}

static void take_run(struct check_history *history, const struct history_entry *entry)
{
	gpointer key = (gpointer)(intptr_t)entry->action_id;
	guint count = GPOINTER_TO_UINT(g_hash_table_lookup(history->runs, key));
	struct run run = {entry->scheduled_at, entry->finished_at - entry->started_at};
	if (count == CHECK_HISTORY_RUNS)
		return;
	g_hash_table_insert(history->runs, key, GUINT_TO_POINTER(count + 1));
	if (run.lasted > SHORTEST_INTERVAL)
		g_array_append_val(suspect_of(history, entry->action_id)->runs, run);
}

bool check_history_take(void *context, const struct history_entry *entry)
{
	struct check_history *history = context;
	bool ran = entry->status == STATUS_DELIVERED || entry->status == STATUS_FAILED;
	if (history->entries == CHECK_HISTORY_ENTRIES)
		return false;
	history->entries++;
	if (history->entries == CHECK_HISTORY_ENTRIES)
		history->from = entry->finished_at;
	if (entry->status == STATUS_SKIPPED && entry->reason == REASON_MAX_INSTANCES)
		suspect_of(history, entry->action_id)->skipped += entry->count;
	/* One that was asked for has no place in the schedule. */
	if (ran && !entry->manual && entry->count == 1 && entry->started_at != TIME_US_MIN)
		take_run(history, entry);
	return true;
}

uint64_t check_history_entries(const struct check_history *history)
{
	return history->entries;
}

time_us check_history_from(const struct check_history *history)
{
	return history->from;
}

/* --- what it says --- */

struct overruns {
	guint count;
	dur_us interval; /* to the next fire; -1 where it differs */
	dur_us longest;
};

/* Runs of a schedule that has been replaced since are no news. */
static void count_overruns(
	const struct suspect *suspect, const struct schedule *schedule, struct overruns *out)
{
	*out = (struct overruns){0};
	for (guint i = 0; i < suspect->runs->len; i++) {
		const struct run *run = &g_array_index(suspect->runs, struct run, i);
		time_us at, next;
		if (!schedule_next(schedule, run->nominal - 1, &at) || at != run->nominal ||
			!schedule_next(schedule, at, &next) || run->lasted <= next - at)
			continue;
		out->interval = out->count++ == 0 || out->interval == next - at ? next - at : -1;
		out->longest = MAX(out->longest, run->lasted);
	}
}

static char *overruns_text(const struct overruns *overruns, guint runs)
{
	char longest[SPAN_TEXT_MAX], interval[SPAN_TEXT_MAX];
	g_autofree char *its = overruns->interval < 0 ? g_strdup("the time to its next fire")
						      : g_strdup_printf("its interval of %s",
								span_format(overruns->interval, interval));
	return g_strdup_printf("%u of its last %u runs lasted longer than %s, the longest %s",
		overruns->count, runs, its, span_format(overruns->longest, longest));
}

static char *skipped_text(
	const struct check_history *history, const struct suspect *suspect, const struct action *action)
{
	char from[TIME_TEXT_MAX];
	zone_format(schedule_zone(action->schedule), history->from, from);
	return g_strdup_printf("%" G_GUINT64_FORMAT " fire%s skipped since %s, as %u run%s under way",
		suspect->skipped, suspect->skipped == 1 ? " was" : "s were", from, action->max_instances,
		action->max_instances == 1 ? " was" : "s were");
}

static void add_warning(struct problems *problems, const struct action *action, const char *field, char *text)
{
	struct problem problem = {PROBLEM_WARNING, "actions_db", &action->id, field, text};
	problems_add(problems, &problem);
	g_free(text);
}

void check_history_judge(const struct check_history *history, const struct action *action, bool runs,
	struct problems *problems)
{
	const struct suspect *suspect = g_hash_table_lookup(history->suspects, &action->id);
	struct overruns overruns;
	if (!suspect)
		return;
	count_overruns(suspect, action->schedule, &overruns);
	gpointer key = (gpointer)(intptr_t)action->id;
	guint count = GPOINTER_TO_UINT(g_hash_table_lookup(history->runs, key));
	if (runs && overruns.count)
		add_warning(problems, action, "cron", overruns_text(&overruns, count));
	if (suspect->skipped)
		add_warning(problems, action, "max_instances", skipped_text(history, suspect, action));
}
