/* The threads of actions_db and internal_db, and what they share: the cache of schedules and the tracker,
 * which are the journal thread's while it loads, and the store thread's from then on. */
#include "base/clock.h"
#include "base/log.h"
#include "base/tzfile.h"
#include "config/sample_actions.h"
#include "daemon/internal.h"

#include <string.h>
#include <sys/stat.h>

struct action_defaults databases_defaults(const struct daemon *d, const struct config *config)
{
	g_autofree char *callback = NULL;
	callback_find(config->action.callback, &callback, NULL);
	return (struct action_defaults){
		.timezone = config->timezone ? config->timezone : d->machine_zone,
		.callback = callback ? g_intern_string(callback) : config->action.callback,
		.dialect = config->unix_dialect == CONFIG_UNIX_APSCHEDULER ? UNIX_DIALECT_APSCHEDULER
									   : UNIX_DIALECT_STANDARD,
		.dst = config->action.defaults.dst == CONFIG_DST_VIXIE ? DST_VIXIE : DST_WALL_CLOCK,
		.merge_missed = config->action.defaults.merge_missed,
		.actuality_s = config->action.defaults.actuality_s,
		.catch_up_limit = config->action.defaults.catch_up_limit,
		.timeout_s = config->action.defaults.timeout_s,
		.max_instances = config->action.defaults.max_instances,
		.max_attempts = config->action.defaults.max_attempts,
	};
}

/* --- sample actions --- */

static bool samples_load(struct daemon *d, GError **error)
{
	g_autoptr(GPtrArray) problems = config_problems_new();
	d->samples = sample_actions_load(d->config->path, problems);
	if (!d->samples) {
		g_autofree char *text = config_problem_text(g_ptr_array_index(problems, 0));
		g_set_error_literal(error, AS_ERROR, AS_ERROR_INVALID, text);
		return false;
	}
	guint count = d->samples->rows->len;
	d->sample_rows = g_new0(struct action_row, count + 1);
	for (guint i = 0; i < count; i++)
		d->sample_rows[i] = row_list_at(d->samples, i)->row;
	return true;
}

struct store_options databases_store_options(
	const struct config_database *database, struct store_setting **settings)
{
	size_t count;
	g_autofree struct config_pair *pairs = config_database_pairs(database, &count);
	*settings = g_new(struct store_setting, count + 1);
	for (size_t i = 0; i < count; i++)
		(*settings)[i] = (struct store_setting){pairs[i].name, pairs[i].value};
	return (struct store_options){.dialect = config_dialect_name(database->dialect),
		.database = database->database,
		.host = database->host,
		.port = database->port,
		.username = database->username,
		.password = database->password,
		.settings = *settings,
		.setting_count = count};
}

/* --- what the journal thread asks for while it loads --- */

static struct action *definition_build(void *context, const struct definition *definition, GError **error)
{
	struct daemon *d = context;
	return tracker_seed(d->tracker, definition, error);
}

/* Beside an internal_db where no scheduler has been, what the Python program left in it. */
static bool python_jobs_read(void *context, struct apscheduler_jobs **out, GError **error)
{
	const struct daemon *d = context;
	const struct config_database *database = &d->config->internal_db;
	g_autofree struct store_setting *settings = NULL;
	struct store_options where = databases_store_options(database, &settings);
	g_autoptr(GError) reason = NULL;
	bool done = apscheduler_jobs_read(&where, out, &reason);
	/* :memory: is no file. */
	if (done || g_error_matches(reason, AS_ERROR, AS_ERROR_MISSING))
		return true;
	g_propagate_error(error, g_steal_pointer(&reason));
	return false;
}

/* --- start and end --- */

void databases_new(struct daemon *d)
{
	d->machine_zone = tzfile_machine_zone_name();
	d->zones = zone_cache_new(tzfile_read);
	d->cache = schedule_cache_new(zone_cache_source(d->zones));
	d->defaults = databases_defaults(d, d->config);
	d->tracker = tracker_new(&d->defaults, &d->lane_finder, d->cache);
}

bool databases_prepare(struct daemon *d, GError **error)
{
	uint16_t lane;
	databases_new(d);
	if (!lane_find(d, d->config->action.callback, &lane, error)) {
		g_prefix_error(error, "action.callback: ");
		return false;
	}
	g_autoptr(GError) reason = NULL;
	/* What may pass is tried again with the first fire. */
	if (!lane_open(d, d->lanes[lane], &reason) &&
		!g_error_matches(reason, AS_ERROR, AS_ERROR_UNAVAILABLE)) {
		g_propagate_error(error, g_steal_pointer(&reason));
		g_prefix_error(error, "callback %s: ", d->lanes[lane]->name);
		return false;
	}
	if (!failures_check(d, d->config, error))
		return false;
	return !d->config->test.write_sample_actions_to_db || samples_load(d, error);
}

static void journal_options_set(
	struct daemon *d, const struct config_database *database, struct journal_options *out)
{
	size_t count;
	g_autofree struct config_pair *pairs = config_database_pairs(database, &count);
	d->journal_settings = g_new(struct journal_setting, count + 1);
	for (size_t i = 0; i < count; i++)
		d->journal_settings[i] = (struct journal_setting){pairs[i].name, pairs[i].value};
	out->dialect = config_dialect_name(database->dialect);
	out->database = database->database;
	out->driver = database->driver;
	out->host = database->host;
	out->port = database->port;
	out->username = database->username;
	out->password = database->password;
	out->settings = d->journal_settings;
	out->setting_count = count;
}

void databases_journal_options(struct daemon *d, struct journal_thread_options *out)
{
	const struct config *c = d->config;
	*out = (struct journal_thread_options){
		.journal = {.history_level = (enum history_level)c->history.level,
			.history_max_age = c->history.max_age,
			.history_max_bytes = c->history.max_bytes},
		.what = "internal_db",
		.load = {.build = definition_build, .context = d, .cache = d->cache},
	};
	if (c->internal_db.set) {
		journal_options_set(d, &c->internal_db, &out->journal);
		out->load.first_start = python_jobs_read;
	}
}

void databases_start_journal(struct daemon *d)
{
	struct journal_thread_options options;
	databases_journal_options(d, &options);
	options.inbox = d->inbox;
	if (d->manual) {
		options.load.see = manual_run_see;
		options.once = true;
	}
	d->journal_thread = journal_thread_start(&options);
}

static void echo_log(void *context, const char *sql)
{
	(void)context;
	log_info("actions_db: %s", sql);
}

static int64_t foreign_version(void *context)
{
	return journal_foreign_version(context);
}

static bool is_same_file(const char *a, const char *b)
{
	struct stat sa, sb;
	return a && b && stat(a, &sa) == 0 && stat(b, &sb) == 0 && sa.st_dev == sb.st_dev &&
	       sa.st_ino == sb.st_ino;
}

void databases_start_store(struct daemon *d)
{
	const struct config *c = d->config;
	struct journal *journal = journal_thread_journal(d->journal_thread);
	struct store_thread_options options = {
		.store = databases_store_options(&c->actions_db, &d->store_settings),
		.what = "actions_db",
		.inbox = d->inbox,
		.tracker = d->tracker,
		.cache = d->cache,
		.period = c->track_changes_period,
		.fresh = !d->known,
		.samples = d->sample_rows,
		.sample_count = d->samples ? d->samples->rows->len : 0,
	};
	options.store.echo = c->test.echo_actions_db_engine ? echo_log : NULL;
	options.store.context = journal;
	if (c->actions_db.dialect == CONFIG_SQLITE &&
		is_same_file(journal_path(journal), c->actions_db.database))
		options.store.foreign_version = foreign_version;
	d->store_thread = store_thread_start(&options);
}

/* The journal is closed after the store, which may ask it for its version. */
bool databases_stop(struct daemon *d, time_us deadline)
{
	if (!store_thread_stop(d->store_thread, deadline))
		return false;
	d->store_thread = NULL;
	if (!journal_thread_stop(d->journal_thread, deadline))
		return false;
	d->journal_thread = NULL;
	return true;
}

void databases_free(struct daemon *d)
{
	tracker_free(d->tracker);
	schedule_cache_free(d->cache);
	zone_cache_free(d->zones);
	g_free(d->store_settings);
	g_free(d->journal_settings);
	g_free(d->sample_rows);
	g_clear_pointer(&d->samples, row_list_free);
	g_free(d->machine_zone);
}
