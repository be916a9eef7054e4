/* opening → reading → running → stopping → ended. */
#include "base/clock.h"
#include "base/log.h"
#include "daemon/internal.h"

#include <systemd/sd-daemon.h>

/* What is known waits so long for the first read of the table, so that edits made while nobody ran count
 * before anything fires. */
#define READ_WAIT (5 * US_PER_SECOND)

static gboolean deadline_pass(gpointer data)
{
	struct daemon *d = data;
	d->deadline_passed = true;
	d->deadline_source = 0;
	return G_SOURCE_REMOVE;
}

static void deadline_clear(struct daemon *d)
{
	if (d->deadline_source)
		g_source_remove(d->deadline_source);
	d->deadline_source = 0;
	d->deadline_passed = false;
}

static void deadline_set(struct daemon *d, dur_us delay)
{
	deadline_clear(d);
	d->deadline_source = g_timeout_add((guint)MIN(delay / US_PER_MS, G_MAXUINT), deadline_pass, d);
}

void phase_open(struct daemon *d)
{
	d->phase = PHASE_OPENING;
	if (!d->manual)
		report_start(d);
	databases_start_journal(d);
}

static void import_begin(struct daemon *d, const struct apscheduler_jobs *jobs)
{
	d->importing = true;
	d->import_jobs = jobs->jobs->len;
	engine_import(d->engine, (const struct import_job *)(void *)jobs->jobs->data, jobs->jobs->len);
	log_info("apscheduler_jobs: jobs that the Python program left: %zu", d->import_jobs);
	if (jobs->unusable)
		log_warning(
			"apscheduler_jobs: rows passed over, as their id is no action's or their time cannot "
			"be read: %zu; the first is \"%s\"",
			jobs->unusable, jobs->unusable_id);
}

/* The table was read as a whole: what is owed is known. */
static void import_end(struct daemon *d)
{
	struct import_result result;
	char first[TIME_TEXT_MAX];
	d->importing = false;
	engine_import_end(d->engine, &result);
	size_t orphans = d->import_jobs - result.seen;
	g_autofree char *rest =
		orphans ? g_strdup_printf("; jobs without an action that fires: %zu", orphans) : g_strdup("");
	g_autofree char *since =
		result.owing ? g_strdup_printf(", due since %s", time_format_utc(result.first_due, first))
			     : g_strdup("");
	g_autofree char *text = g_strdup_printf(
		"apscheduler_jobs: next run times taken over: %zu; actions that owe fires: %zu%s%s",
		result.seen, result.owing, since, rest);
	engine_tell(d->engine, text);
}

void phase_loaded(struct daemon *d, struct loaded *loaded)
{
	if (d->phase != PHASE_OPENING) {
		loaded_free(loaded);
		return;
	}
	if (d->manual) {
		manual_run_loaded(d->manual, loaded);
		loaded_free(loaded);
		return;
	}
	lanes_restore(d, loaded->progress);
	lanes_start(d);
	for (size_t i = 0; i < loaded->actions->len; i++) {
		struct loaded_action *each = &g_array_index(loaded->actions, struct loaded_action, i);
		engine_restore_action(d->engine, g_steal_pointer(&each->action), each->since);
	}
	d->known = loaded->actions->len > 0;
	if (d->known)
		log_info("internal_db: actions as last seen: %u, read in %.0f ms", loaded->actions->len,
			(double)loaded->took / (double)US_PER_MS);
	engine_restore(d->engine, g_steal_pointer(&loaded->progress), clock_now(), clock_boottime());
	if (loaded->jobs)
		import_begin(d, loaded->jobs);
	loaded_free(loaded);
	d->phase = PHASE_READING;
	databases_start_store(d);
	deadline_set(d, READ_WAIT);
}

static void phase_run(struct daemon *d)
{
	deadline_clear(d);
	d->phase = PHASE_RUNNING;
	d->control = control_start(d->config, d->commands);
	report_jobs_schedule(d);
	report_status(d);
	sd_notify(0, "READY=1");
	log_info("ready, actions firing: %zu", engine_action_count(d->engine));
}

void phase_table_read(struct daemon *d, const struct table_summary *summary)
{
	if (summary && d->importing)
		import_end(d);
	if (summary)
		report_table(d, summary);
	if (d->phase == PHASE_READING)
		phase_run(d);
	report_status(d);
}

void phase_stop(struct daemon *d)
{
	if (d->phase >= PHASE_STOPPING)
		return;
	if (!d->manual)
		sd_notify(0, "STOPPING=1\nSTATUS=Stopping");
	if (d->phase == PHASE_OPENING) {
		d->phase = PHASE_ENDED;
		return;
	}
	d->phase = PHASE_STOPPING;
	control_refuse(d->control);
	engine_stop(d->engine);
	deadline_set(d, d->config->shutdown_timeout);
}

void phase_fail(struct daemon *d, const char *message)
{
	log_error("%s", message);
	d->exit_status = 1;
	phase_stop(d);
}

static uint32_t fires_in_flight(const struct daemon *d)
{
	uint32_t in_flight = 0;
	for (uint16_t i = 0; i < d->lane_count; i++) {
		struct engine_lane_status status;
		engine_lane_status(d->engine, i, &status);
		in_flight += status.in_flight;
	}
	return in_flight;
}

static void stop_give_up(struct daemon *d)
{
	uint32_t in_flight = fires_in_flight(d);
	log_error("stopping: shutdown_timeout is over, fires unanswered: %u%s; they stay owed", in_flight,
		d->committing ? ", and internal_db has not taken the last progress" : "");
	d->exit_status = 1;
	d->phase = PHASE_ENDED;
}

/* Where a callback is broken its fires stay unanswered: what is known by now is written down, and that is
 * all. An import that is not whole is left to the next start. */
static bool stop_is_done(const struct daemon *d, bool busy)
{
	if (d->importing)
		return fires_in_flight(d) == 0;
	return engine_is_idle(d->engine) || (d->broken && !busy && !d->committing);
}

void phase_advance(struct daemon *d, bool busy)
{
	if (d->phase == PHASE_READING && d->deadline_passed) {
		log_warning("actions_db has not been read yet; %s",
			d->known ? "the definitions as last seen fire meanwhile"
				 : "actions fire as they are read");
		phase_run(d);
	} else if (d->phase == PHASE_STOPPING && stop_is_done(d, busy)) {
		d->phase = PHASE_ENDED;
	} else if (d->phase == PHASE_STOPPING && d->deadline_passed) {
		stop_give_up(d);
	}
	if (d->phase == PHASE_ENDED)
		deadline_clear(d);
}
