#include "daemon/foresee.h"

#include "base/clock.h"
#include "daemon/internal.h"

struct foreseeing {
	const struct foresee *foresee;
	struct daemon *daemon;
	struct loaded *loaded;
};

/* --- the start, as phase_loaded and the store's thread do it --- */

static void engine_start(struct foreseeing *f)
{
	struct daemon *d = f->daemon;
	lanes_restore(d, f->loaded->progress);
	for (guint i = 0; i < f->loaded->actions->len; i++) {
		const struct loaded_action *each =
			&g_array_index(f->loaded->actions, struct loaded_action, i);
		engine_restore_action(d->engine, action_ref(each->action), each->since);
	}
	engine_restore(d->engine, g_steal_pointer(&f->loaded->progress), f->foresee->now, clock_boottime());
	const struct apscheduler_jobs *jobs = f->loaded->jobs;
	if (jobs)
		engine_import(
			d->engine, (const struct import_job *)(void *)jobs->jobs->data, jobs->jobs->len);
}

static bool journal_read(struct foreseeing *f, GError **error)
{
	struct journal_thread_options options;
	g_autoptr(GError) reason = NULL;
	databases_journal_options(f->daemon, &options);
	options.journal.read_only = true;
	struct journal *journal = journal_open(&options.journal, &reason);
	/* Where no scheduler has been yet. */
	if (!journal && !g_error_matches(reason, AS_ERROR, AS_ERROR_MISSING)) {
		g_propagate_error(error, g_steal_pointer(&reason));
		return false;
	}
	f->loaded = loaded_read(journal, options.what, &options.load, error);
	journal_close(journal);
	return f->loaded != NULL;
}

static bool changes_take(void *context, struct action_change *changes, size_t count)
{
	const struct foreseeing *f = context;
	for (size_t i = 0; i < count; i++)
		if (changes[i].kind == CHANGE_REMOVE && changes[i].reason == REASON_BAD_ROW)
			f->foresee->bad_row(f->foresee->context, changes[i].id,
				changes[i].error ? changes[i].error : "bad row");
	lanes_join(f->daemon);
	engine_apply(f->daemon->engine, changes, count);
	return true;
}

static bool table_read(struct foreseeing *f, GError **error)
{
	struct daemon *d = f->daemon;
	struct store_options where = databases_store_options(&d->config->actions_db, &d->store_settings);
	where.read_only = true;
	struct store *store = store_open(&where, error);
	bool done = store && tracker_read(d->tracker, store, changes_take, f, error);
	store_close(store);
	return done;
}

/* Known definitions fire without the table. */
static bool table_apply(struct foreseeing *f, GError **error)
{
	g_autoptr(GError) reason = NULL;
	struct import_result result;
	bool done = table_read(f, &reason);
	if (!done && f->loaded->actions->len == 0) {
		g_propagate_error(error, g_steal_pointer(&reason));
		return false;
	}
	if (!done)
		f->foresee->no_table(f->foresee->context, reason->message);
	if (f->loaded->jobs)
		engine_import_end(f->daemon->engine, &result);
	return true;
}

/* --- telling --- */

static gint id_of_loaded_compare(gconstpointer a, gconstpointer b)
{
	int64_t x = ((const struct loaded_action *)a)->action->id, y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

/* As it is in the table, else as it was last seen. */
static const struct action *action_find(const struct foreseeing *f, int64_t id)
{
	guint i;
	const struct action *action = engine_find_action(f->daemon->engine, id);
	if (!action && g_array_binary_search(f->loaded->actions, &id, id_of_loaded_compare, &i))
		action = g_array_index(f->loaded->actions, struct loaded_action, i).action;
	return action;
}

static void foreseen_take(void *context, const struct foreseen *foreseen)
{
	const struct foreseeing *f = context;
	const struct action *action = action_find(f, foreseen->action_id);
	struct foreseen told = *foreseen;
	if (!told.lane && action)
		told.lane = f->daemon->lanes[action->lane]->name;
	f->foresee->each(f->foresee->context, &told, action ? action_name(action) : NULL);
}

static bool foresee_all(struct foreseeing *f, GError **error)
{
	if (!journal_read(f, error)) {
		g_prefix_error(error, "internal_db: ");
		return false;
	}
	engine_start(f);
	if (!table_apply(f, error)) {
		g_prefix_error(error, "actions_db: ");
		return false;
	}
	const struct hold *hold = engine_held(f->daemon->engine);
	if (hold)
		f->foresee->held(f->foresee->context, hold->since);
	engine_foresee(f->daemon->engine, foreseen_take, f);
	return true;
}

bool foresee_run(struct config *config, const struct foresee *foresee, GError **error)
{
	struct daemon_options options = {.catch_up_from = foresee->catch_up_from};
	struct daemon *d = g_new0(struct daemon, 1);
	struct foreseeing f = {foresee, d, NULL};
	d->options = &options;
	d->config = config;
	d->lane_finder = (struct lane_names){lane_find, d};
	lanes_new(d);
	databases_new(d);
	bool done = foresee_all(&f, error);
	engine_free(d->engine);
	loaded_free(f.loaded);
	databases_free(d);
	lanes_free(d);
	g_free(d);
	config_free(config);
	return done;
}
