#include "base/clock.h"
#include "base/log.h"
#include "daemon/internal.h"

#include <systemd/sd-daemon.h>
#include <unistd.h>

static char *place_of(const struct config_database *database)
{
	if (!database->set)
		return g_strdup("none: nothing is remembered over a restart");
	return config_database_place(database);
}

void report_start(const struct daemon *d)
{
	g_autofree char *path = d->config->path ? g_canonicalize_filename(d->config->path, NULL) : NULL;
	g_autofree char *actions = place_of(&d->config->actions_db);
	g_autofree char *internal = place_of(&d->config->internal_db);
	log_info("action-scheduler %s starts, process %d, config %s, actions_db %s, internal_db %s",
		PROGRAM_VERSION, (int)getpid(), path ? path : "none", actions, internal);
}

void report_table(struct daemon *d, const struct table_summary *s)
{
	d->bad_rows = s->bad_rows;
	d->disabled_rows = s->disabled_rows;
	d->table_read = true;
	double ms = (double)s->took / (double)US_PER_MS;
	if (d->phase == PHASE_READING)
		log_info("loaded: actions %zu, schedules %zu, bad rows %zu, in %.0f ms",
			engine_action_count(d->engine), engine_schedule_count(d->engine), s->bad_rows, ms);
	/* What a first start finds is no change. */
	if ((d->known || d->phase != PHASE_READING) && (s->added || s->changed || s->removed))
		log_info("changes: rows added %zu, changed %zu, removed %zu; disabled %zu, bad %zu; actions "
			 "firing: "
			 "%zu, in %.0f ms",
			s->added, s->changed, s->removed, s->disabled, s->went_bad,
			engine_action_count(d->engine), ms);
}

void report_notes(struct daemon *d)
{
	char *note;
	while ((note = engine_take_note(d->engine))) {
		log_warning("%s", note);
		g_free(note);
	}
}

static char *status_text(const struct daemon *d)
{
	GString *text = g_string_new("STATUS=");
	g_string_append_printf(text, "actions firing: %zu", engine_action_count(d->engine));
	if (d->bad_rows)
		g_string_append_printf(text, ", bad rows: %zu", d->bad_rows);
	if (engine_held(d->engine))
		g_string_append(text, ", all is held");
	for (uint16_t i = 0; i < d->lane_count; i++) {
		struct engine_lane_status s;
		engine_lane_status(d->engine, i, &s);
		if (s.backlog_records)
			g_string_append_printf(text, ", making up for missed fires (%s)", s.name);
		if (s.waiting)
			g_string_append_printf(text, ", callback %s does not answer", s.name);
	}
	return g_string_free(text, FALSE);
}

void report_status(struct daemon *d)
{
	if (d->phase != PHASE_RUNNING)
		return;
	char *text = status_text(d);
	if (g_strcmp0(text, d->status) != 0)
		sd_notify(0, text);
	g_free(d->status);
	d->status = text;
}

static void job_log(void *context, const struct action *action, bool has_next, time_us next_due)
{
	(void)context;
	char text[TIME_TEXT_MAX] = "never";
	if (has_next)
		zone_format(schedule_zone(action->schedule), next_due, text);
	log_info("action %" PRId64 " \"%s\": next fire %s", action->id, action_name(action), text);
}

static gboolean jobs_print(gpointer data)
{
	struct daemon *d = data;
	if (d->phase == PHASE_RUNNING)
		engine_each_action(d->engine, job_log, NULL);
	return G_SOURCE_CONTINUE;
}

void report_jobs_schedule(struct daemon *d)
{
	if (d->jobs_source)
		g_source_remove(d->jobs_source);
	d->jobs_source = 0;
	if (!d->config->test.print_apscheduler_jobs || d->phase >= PHASE_STOPPING)
		return;
	jobs_print(d);
	d->jobs_source = g_timeout_add((guint)(d->config->track_changes_period / US_PER_MS), jobs_print, d);
}
