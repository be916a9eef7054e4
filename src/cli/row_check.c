#include "cli/row_check.h"

#include "cli/row_build.h"

#include "base/json.h"
#include "base/progress_bar.h"
#include "model/fire.h"

/* So many fires are compared to tell whether two readings mean the same. */
#define COMPARED_FIRES 2000
/* So many fires of each are shown, from where they part. */
#define SHOWN_FIRES    3

static void unref_schedule(gpointer schedule)
{
	schedule_unref(schedule);
}

void row_check_init(struct row_check *check, struct cli *cli, struct problems *problems)
{
	*check = (struct row_check){.cli = cli, .problems = problems};
	check->suspicions = g_hash_table_new_full(NULL, NULL, unref_schedule, g_free);
}

void row_check_end(struct row_check *check)
{
	g_clear_pointer(&check->bar, progress_bar_free);
}

void row_check_clear(struct row_check *check)
{
	row_check_end(check);
	g_hash_table_unref(check->suspicions);
}

static bool is_unix(struct text cron)
{
	g_autoptr(json_t) document = json_read(cron.data, cron.length, NULL);
	return g_strcmp0(json_string_value(json_object_get(document, "format")), "unix") == 0;
}

bool row_check_first_difference(
	const struct schedule *a, const struct schedule *b, time_us after, time_us *out)
{
	time_us at_a = after, at_b = after;
	for (int i = 0; i < COMPARED_FIRES; i++) {
		bool more_a = schedule_next(a, at_a, &at_a);
		bool more_b = schedule_next(b, at_b, &at_b);
		if (!more_a && !more_b)
			return false;
		if (more_a && more_b && at_a == at_b)
			continue;
		*out = !more_b || (more_a && at_a < at_b) ? at_a : at_b;
		return true;
	}
	return false;
}

/* "2030-05-06T00:00:00+00:00, ...", or "never". Free with g_free. */
static char *fires_text(const struct schedule *schedule, time_us after)
{
	GString *out = g_string_new(NULL);
	char text[TIME_TEXT_MAX];
	time_us at = after;
	for (int i = 0; i < SHOWN_FIRES && schedule_next(schedule, at, &at); i++)
		g_string_append_printf(
			out, "%s%s", i ? ", " : "", zone_format(schedule_zone(schedule), at, text));
	return g_string_free(out->len ? out : g_string_assign(out, "never"), FALSE);
}

/* What the Python program makes of a unix expression; NULL where it is the same. */
static char *compare_dialects(
	const struct row_check *check, const struct schedule *schedule, struct text cron)
{
	g_autoptr(GError) error = NULL;
	struct cli *cli = check->cli;
	struct schedule *other = schedule_cache_get(cli_schedules(cli), cron.data, cron.length,
		zone_name(schedule_zone(schedule)), UNIX_DIALECT_APSCHEDULER, schedule_dst(schedule), &error);
	if (!other) {
		g_autofree char *here = fires_text(schedule, cli->now);
		return g_strdup_printf(
			"it fires at %s; APScheduler refuses it, as `unix_dialect: apscheduler` "
			"would: %s",
			here, error->message);
	}
	time_us at;
	char *result = NULL;
	if (row_check_first_difference(schedule, other, cli->now, &at)) {
		g_autofree char *here = fires_text(schedule, at - 1);
		g_autofree char *there = fires_text(other, at - 1);
		result = g_strdup_printf(
			"it means something else under APScheduler: it fires at %s; there, and with "
			"`unix_dialect: apscheduler`, at %s",
			here, there);
	}
	schedule_unref(other);
	return result;
}

/* Once for each distinct schedule. */
static const char *suspicion_of(struct row_check *check, struct schedule *schedule, struct text cron)
{
	gpointer known;
	time_us t;
	if (g_hash_table_lookup_extended(check->suspicions, schedule, NULL, &known))
		return known;
	char *found = NULL;
	if (!schedule_next(schedule, TIME_US_MIN, &t))
		found = g_strdup("it never fires");
	else if (check->cli->config->unix_dialect == CONFIG_UNIX_STANDARD && is_unix(cron))
		found = compare_dialects(check, schedule, cron);
	g_hash_table_insert(check->suspicions, schedule_ref(schedule), found);
	return found;
}

/* "cron: the reason" is of the column cron. */
static void add_bad_row(struct row_check *check, int64_t id, const char *message)
{
	const char *colon = strstr(message, ": ");
	g_autofree char *field = colon ? g_strndup(message, (gsize)(colon - message)) : NULL;
	struct problem problem = {PROBLEM_ERROR, "actions_db", &id, field, colon ? colon + 2 : message};
	problems_add(check->problems, &problem);
	check->bad++;
}

bool row_check_row(void *context, const struct action_row *row)
{
	struct row_check *check = context;
	g_autoptr(GError) error = NULL;
	if (!check->rows)
		check->bar = progress_bar_new("checking actions", 0, check->cli->quiet);
	progress_bar_set(check->bar, ++check->rows);
	struct action *action = row_build(check->cli, row, &error);
	if (!action) {
		add_bad_row(check, row->id, error->message);
		return true;
	}
	const char *suspicion = suspicion_of(check, action->schedule, row->cron);
	if (suspicion) {
		struct problem problem = {PROBLEM_WARNING, "actions_db", &row->id, "cron", suspicion};
		problems_add(check->problems, &problem);
	}
	if (check->history)
		check_history_judge(check->history, action,
			check->cli->config->history.level == CONFIG_HISTORY_ALL, check->problems);
	action_unref(action);
	return true;
}
