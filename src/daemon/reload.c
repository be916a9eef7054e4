/* SIGHUP: the configuration is read again. What can change at run time does; the rest is said to wait for a
 * restart. */
#include "base/clock.h"
#include "base/log.h"
#include "daemon/internal.h"

#include <string.h>
#include <systemd/sd-daemon.h>

/* Sections or keys that take effect at once. */
static const char *const runtime_keys[] = {"debug", "log.", "track_changes_period", "shutdown_timeout",
	"timezone", "unix_dialect", "action.callback", "action.defaults.", "action.on_failure.",
	"test.print_apscheduler_jobs", NULL};

static bool key_is_runtime(const char *key)
{
	for (size_t i = 0; runtime_keys[i]; i++) {
		size_t length = strlen(runtime_keys[i]);
		bool section = runtime_keys[i][length - 1] == '.';
		if (section ? g_str_has_prefix(key, runtime_keys[i]) : strcmp(key, runtime_keys[i]) == 0)
			return true;
	}
	return false;
}

static const struct config_setting *setting_find(const struct config *config, const char *key)
{
	for (guint i = 0; i < config->settings->len; i++) {
		const struct config_setting *setting = g_ptr_array_index(config->settings, i);
		if (strcmp(setting->key, key) == 0)
			return setting;
	}
	return NULL;
}

static void changes_say(const struct config *old, const struct config *fresh)
{
	for (guint i = 0; i < fresh->settings->len; i++) {
		const struct config_setting *now = g_ptr_array_index(fresh->settings, i);
		const struct config_setting *before = setting_find(old, now->key);
		if (g_strcmp0(now->value, before ? before->value : NULL) == 0)
			continue;
		if (key_is_runtime(now->key))
			log_info("%s is %s now", now->key, now->value ? now->value : "not set");
		else
			log_warning("%s was changed, which takes effect after a restart", now->key);
	}
}

/* What does not change at run time stays as it was. */
static void restart_keys_keep(struct config *fresh, const struct config *old)
{
	fresh->test.write_sample_actions_to_db = old->test.write_sample_actions_to_db;
	fresh->test.echo_actions_db_engine = old->test.echo_actions_db_engine;
}

static bool config_apply(struct daemon *d, struct config *fresh)
{
	g_autoptr(GError) error = NULL;
	uint16_t lane;
	if (!lane_find(d, fresh->action.callback, &lane, &error)) {
		log_error("action.callback: %s; the configuration stays as it was", error->message);
		return false;
	}
	if (!failures_check(d, fresh, &error)) {
		log_error("%s; the configuration stays as it was", error->message);
		return false;
	}
	changes_say(d->config, fresh);
	restart_keys_keep(fresh, d->config);
	d->config = fresh;
	g_ptr_array_add(d->configs, fresh);
	if (!d->options->log_fixed)
		log_setup(fresh->log.level, fresh->log.format);
	report_jobs_schedule(d);
	return true;
}

static bool defaults_equal(const struct action_defaults *a, const struct action_defaults *b)
{
	return strcmp(a->timezone, b->timezone) == 0 && strcmp(a->callback, b->callback) == 0 &&
	       a->dialect == b->dialect && a->dst == b->dst && a->merge_missed == b->merge_missed &&
	       a->actuality_s == b->actuality_s && a->catch_up_limit == b->catch_up_limit &&
	       a->timeout_s == b->timeout_s && a->max_instances == b->max_instances &&
	       a->max_attempts == b->max_attempts;
}

/* Hands period and defaults on, and has the table read now. */
static void table_reload(struct daemon *d)
{
	if (!d->store_thread)
		return;
	struct action_defaults defaults = databases_defaults(d, d->config);
	bool same = defaults_equal(&defaults, &d->defaults);
	d->defaults = defaults;
	store_thread_set(d->store_thread, d->config->track_changes_period, same ? NULL : &defaults);
}

void reload_run(struct daemon *d)
{
	if (d->phase >= PHASE_STOPPING)
		return;
	/* Before READY was said, it is not said here. */
	bool ready = d->phase == PHASE_RUNNING;
	if (ready)
		sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRId64, clock_monotonic());
	log_info("reading the configuration and the table again");
	g_autoptr(GPtrArray) problems = config_problems_new();
	struct config *fresh = config_load(d->options->sources, problems);
	for (guint i = 0; i < problems->len; i++) {
		g_autofree char *text = config_problem_text(g_ptr_array_index(problems, i));
		log_error("%s; the configuration stays as it was", text);
	}
	if (fresh && !config_apply(d, fresh))
		config_free(fresh);
	table_reload(d);
	if (ready)
		sd_notify(0, "READY=1");
}
