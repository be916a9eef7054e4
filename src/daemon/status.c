#include "daemon/status.h"

#include "base/clock.h"
#include "daemon/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* A commit that takes so long is worth a word, even if no error has come of it yet. */
#define COMMIT_SLOW    (5 * US_PER_SECOND)
/* A backlog that has been made up for over so long has a pace. */
#define ESTIMATE_AFTER (2 * US_PER_SECOND)

/* --- texts and times --- */

/* Those of configurations before this one count as well: what is shown may come from them. */
static char *text_shown(const struct daemon *d, const char *text)
{
	char *shown = g_strdup(text);
	for (guint i = 0; shown && i < d->configs->len; i++) {
		g_autofree char *before = shown;
		shown = config_hide_secrets(d->configs->pdata[i], before);
	}
	return shown;
}

/* By the wall clock. */
static time_us since_of(const struct status *status, time_us monotonic)
{
	return status->at - (clock_monotonic() - monotonic);
}

/* --- the process --- */

static int64_t memory_read(void)
{
	char text[128] = "";
	FILE *file = fopen("/proc/self/statm", "re");
	if (!file)
		return STATUS_UNKNOWN;
	size_t length = fread(text, 1, sizeof text - 1, file);
	fclose(file);
	text[length] = '\0';
	const char *resident = strchr(text, ' ');
	return resident ? strtoll(resident, NULL, 10) * sysconf(_SC_PAGESIZE) : STATUS_UNKNOWN;
}

static dur_us cpu_read(void)
{
	struct rusage usage;
	getrusage(RUSAGE_SELF, &usage);
	return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * US_PER_SECOND + usage.ru_utime.tv_usec +
	       usage.ru_stime.tv_usec;
}

static void process_fill(const struct daemon *d, struct status *out, time_us now_boot)
{
	const struct counters *counters = &d->counters;
	out->version = g_strdup(PROGRAM_VERSION);
	out->pid = getpid();
	out->started_at = counters->started_at;
	out->uptime = now_boot - counters->started_boot;
	out->memory = memory_read();
	out->cpu = cpu_read();
}

static void held_fill(const struct daemon *d, struct status *out)
{
	const struct hold *hold = engine_held(d->engine);
	if (!hold)
		return;
	out->held = true;
	out->held_since = hold->since;
	out->held_reason = g_strdup(hold->reason);
}

/* --- the databases --- */

/* `reason` is taken over; NULL: all is well. */
static void health_fill(const struct daemon *d, struct status_health *health, char *reason, time_us since)
{
	health->health = reason ? HEALTH_FAILING : HEALTH_OK;
	health->error = text_shown(d, reason);
	health->since = since;
	g_free(reason);
}

static void actions_db_fill(const struct daemon *d, const struct config *config, struct status *out)
{
	char *reason = NULL;
	time_us since = 0;
	out->actions_db.place = config_database_place(&config->actions_db);
	store_thread_outage(d->store_thread, &reason, &since);
	health_fill(d, &out->actions_db.health, reason, since_of(out, since));
}

static void internal_db_fill(const struct daemon *d, const struct config *config, struct status *out)
{
	char *reason = NULL;
	time_us since = 0;
	if (!config->internal_db.set) {
		out->internal_db.health.health = HEALTH_UNUSED;
		return;
	}
	dur_us waiting = d->committing ? clock_monotonic() - d->counters.commit_began : 0;
	out->internal_db.place = config_database_place(&config->internal_db);
	if (!journal_thread_outage(d->journal_thread, &reason, &since) && waiting > COMMIT_SLOW) {
		reason = g_strdup_printf("it takes long over a commit: %.0f s by now",
			(double)waiting / (double)US_PER_SECOND);
		since = d->counters.commit_began;
	}
	health_fill(d, &out->internal_db.health, reason, since_of(out, since));
}

/* --- callbacks --- */

static void lane_health(struct daemon *d, struct lane *lane, bool waiting, struct status_callback *out)
{
	char *reason = NULL;
	time_us since;
	if (outage_look(&lane->outage, &reason, &since)) {
		time_us at = clock_now() - (clock_monotonic() - since);
		health_fill(d, &out->health, reason, at);
		out->last_error = g_strdup(out->health.error);
		out->last_error_at = at;
		return;
	}
	/* Before a callback tells of trouble, fires have been waiting for a while. */
	if (lane->trouble || !waiting)
		health_fill(d, &out->health, g_strdup(lane->trouble), lane->trouble_at);
	else
		health_fill(
			d, &out->health, g_strdup(lane->counters.unavailable), lane->counters.unavailable_at);
	if (!lane->callback)
		out->health.health = HEALTH_UNUSED;
	out->last_error = text_shown(d, lane->last_trouble);
	out->last_error_at = lane->last_trouble ? lane->trouble_at : TIME_US_MIN;
}

static void backlog_fill(const struct lane *lane, const struct engine_lane_status *status, time_us at,
	time_us now_boot, bool works, struct status_backlog *out)
{
	*out = (struct status_backlog){.records = status->backlog_records,
		.from = status->backlog_from,
		.to = status->backlog_to,
		.left = status->backlog_left,
		.done_at = TIME_US_MIN};
	const struct lane_counters *counters = &lane->counters;
	/* Fires that wait for a receiver which is not there are open, which looks like progress. */
	if (status->backlog_records == 0 || counters->walking_since == 0 || !works ||
		now_boot - counters->walking_since < ESTIMATE_AFTER)
		return;
	double pace = counters_pace(&counters->walked_recent, now_boot, counters->walking_since);
	double seconds = pace > 0 ? (double)status->backlog_left / pace : -1;
	/* What would take longer than anybody waits is no estimate. */
	if (seconds >= 0 && seconds < 1e9)
		out->done_at = at + (dur_us)(seconds * (double)US_PER_SECOND);
}

static void lane_fill(struct daemon *d, struct lane *lane, const struct engine_lane_status *s,
	struct status *out, time_us now_boot)
{
	struct status_callback callback = {
		.name = g_strdup(lane->name),
		.watermark = s->watermark.due_at,
		.clock_epoch = s->clock_epoch,
		.late_since = s->next_due < out->at - ENGINE_GRACE ? s->next_due : TIME_US_MIN,
		.handed_out = s->in_flight,
		.open = s->open,
		.last_refusal_at = TIME_US_MIN,
		.delivered = (int64_t)lane->counters.delivered,
		.refused = (int64_t)lane->counters.refused,
		.rate = counters_pace(&lane->counters.answers_recent, now_boot, d->counters.started_boot),
	};
	if (lane->counters.refusal) {
		callback.last_refusal = text_shown(d, lane->counters.refusal);
		callback.last_refusal_at = lane->counters.refusal_at;
	}
	lane_health(d, lane, s->waiting, &callback);
	backlog_fill(lane, s, out->at, now_boot, callback.health.health == HEALTH_OK, &callback.backlog);
	g_array_append_val(out->callbacks, callback);
}

/* --- fires --- */

static char *name_of(const struct action *action)
{
	return action ? g_utf8_make_valid(action_name(action), (gssize)action->name_length) : NULL;
}

static void next_fill(struct daemon *d, struct status *out)
{
	struct engine_next next[STATUS_NEXT_MAX];
	size_t count = engine_next_fires(d->engine, next, STATUS_NEXT_MAX);
	for (size_t i = 0; i < count; i++) {
		struct status_fire fire = {.action_id = next[i].action->id,
			.action_name = name_of(next[i].action),
			.callback = g_strdup(d->lanes[next[i].action->lane]->name),
			.nominal = next[i].position.nominal,
			.due_at = next[i].position.due_at,
			.next_attempt_at = TIME_US_MIN};
		g_array_append_val(out->next_fires, fire);
	}
}

static void open_fill(struct daemon *d, uint16_t lane, struct status *out)
{
	struct engine_open open[STATUS_OPEN_MAX];
	size_t count = engine_open_fires(d->engine, lane, open, STATUS_OPEN_MAX);
	for (size_t i = 0; i < count; i++) {
		struct status_fire fire = {.action_id = open[i].action_id,
			.action_name = name_of(open[i].action),
			.callback = g_strdup(d->lanes[lane]->name),
			.nominal = open[i].position.nominal,
			.due_at = open[i].position.due_at,
			.attempts = open[i].attempts,
			.next_attempt_at = open[i].next_attempt_at,
			.handed_out = open[i].handed_out};
		g_strlcpy(fire.manual, open[i].manual ? open[i].manual : "", sizeof fire.manual);
		g_array_append_val(out->open_fires, fire);
	}
}

static gint open_compare(gconstpointer a, gconstpointer b)
{
	const struct status_fire *x = a, *y = b;
	return (x->due_at > y->due_at) - (x->due_at < y->due_at);
}

static void lanes_fill(struct daemon *d, struct status *out, time_us now_boot)
{
	out->callback_count = d->lane_count;
	out->open_count = 0;
	for (uint16_t i = 0; i < d->lane_count; i++) {
		struct engine_lane_status s;
		engine_lane_status(d->engine, i, &s);
		out->open_count += s.open;
		if (i < STATUS_LANES_MAX)
			lane_fill(d, d->lanes[i], &s, out, now_boot);
		if (s.open)
			open_fill(d, i, out);
	}
	g_array_sort(out->open_fires, open_compare);
	if (out->open_fires->len > STATUS_OPEN_MAX)
		g_array_set_size(out->open_fires, STATUS_OPEN_MAX);
}

/* --- numbers --- */

static void actions_fill(const struct daemon *d, struct status *out)
{
	size_t known = engine_action_count(d->engine);
	out->active = (int64_t)engine_firing_count(d->engine);
	out->finished = (int64_t)known - out->active;
	if (!d->table_read)
		return;
	out->paused = (int64_t)d->disabled_rows;
	out->bad = (int64_t)d->bad_rows;
}

static struct status_lateness lateness_of(const struct histogram *late)
{
	return (struct status_lateness){.count = late->count,
		.p50 = histogram_quantile(late, 0.5),
		.p99 = histogram_quantile(late, 0.99),
		.max = late->max};
}

static void numbers_fill(const struct daemon *d, struct status *out, time_us now_boot)
{
	const struct counters *counters = &d->counters;
	struct histogram recent = {0};
	recent_values_merge(&counters->late_recent, now_boot, &recent);
	out->late_minute = lateness_of(&recent);
	out->late_total = lateness_of(&counters->late);
	out->rate_minute = counters_pace(&counters->answers_recent, now_boot, counters->started_boot);
	out->rate_total = (double)counters->answers * (double)US_PER_SECOND /
			  (double)MAX(US_PER_SECOND, now_boot - counters->started_boot);
	for (size_t i = 0; i < G_N_ELEMENTS(out->ended); i++)
		out->ended[i] = (int64_t)counters->ended[i];
}

void status_fill(struct daemon *d, struct status *out)
{
	/* The databases are those of the start, whatever was configured since. */
	const struct config *first = d->configs->pdata[0];
	time_us now_boot = clock_boottime();
	out->running = true;
	out->at = clock_now();
	process_fill(d, out, now_boot);
	held_fill(d, out);
	actions_db_fill(d, first, out);
	internal_db_fill(d, first, out);
	lanes_fill(d, out, now_boot);
	next_fill(d, out);
	actions_fill(d, out);
	numbers_fill(d, out, now_boot);
}
