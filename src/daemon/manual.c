#include "daemon/manual.h"

#include "base/clock.h"
#include "base/log.h"
#include "config/control_path.h"
#include "daemon/control_commands.h"
#include "daemon/internal.h"

#include <jansson.h>
#include <string.h>

struct asked_action {
	struct action *action; /* a reference */
	GByteArray *packed;
	bool known; /* internal_db has a definition of it */
};

struct manual_run {
	struct daemon *daemon;
	const struct manual *what;
	GArray *actions;      /* struct asked_action, ascending by id */
	GArray *held;         /* struct open_fire without their lanes: open in internal_db */
	GHashTable *expected; /* fire ids that are queued and have not ended */
	GPtrArray *ended;     /* struct outcome, by the commit that is being made */
	bool asked;           /* every fire is queued or refused */
};

static void outcome_free(gpointer data)
{
	struct outcome *outcome = data;
	g_free(outcome->manual);
	g_free(outcome->detail);
	g_free(outcome);
}

static void asked_action_clear(gpointer data)
{
	struct asked_action *asked = data;
	action_unref(asked->action);
	g_byte_array_unref(asked->packed);
}

struct manual_run *manual_run_new(struct daemon *d)
{
	if (!d->options->manual)
		return NULL;
	struct manual_run *run = g_new0(struct manual_run, 1);
	run->daemon = d;
	run->what = d->options->manual;
	run->actions = g_array_new(FALSE, FALSE, sizeof(struct asked_action));
	g_array_set_clear_func(run->actions, asked_action_clear);
	run->held = g_array_new(FALSE, FALSE, sizeof(struct open_fire));
	run->expected = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	run->ended = g_ptr_array_new_with_free_func(outcome_free);
	return run;
}

void manual_run_free(struct manual_run *run)
{
	if (!run)
		return;
	g_array_unref(run->actions);
	g_array_unref(run->held);
	g_hash_table_unref(run->expected);
	g_ptr_array_unref(run->ended);
	g_free(run);
}

/* --- the actions --- */

/* A row that does not fire is not there: what is wrong with it is for the asker to say. */
static bool action_take(void *context, const struct action_row *row)
{
	struct manual_run *run = context;
	struct daemon *d = run->daemon;
	g_autoptr(GByteArray) packed = g_byte_array_new();
	struct action *action = NULL;
	action_pack(row, &d->defaults, packed);
	action_build(packed->data, packed->len, &d->defaults, &d->lane_finder, d->cache, &action, NULL);
	if (action) {
		struct asked_action asked = {action, g_byte_array_ref(packed), false};
		g_array_append_val(run->actions, asked);
	}
	return true;
}

static gint id_of_action_compare(gconstpointer a, gconstpointer b)
{
	int64_t x = ((const struct asked_action *)a)->action->id, y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

/* Quickly, as it is asked for each definition of internal_db. */
static struct asked_action *action_find(const struct manual_run *run, int64_t id)
{
	guint i;
	bool found = g_array_binary_search(run->actions, &id, id_of_action_compare, &i);
	return found ? &g_array_index(run->actions, struct asked_action, i) : NULL;
}

static gint id_compare(gconstpointer a, gconstpointer b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

/* Ascending, each once. */
static GArray *ids_wanted(const struct manual *what)
{
	GArray *ids = g_array_new(FALSE, FALSE, sizeof(int64_t));
	g_array_append_vals(ids, what->request->ids->data, what->request->ids->len);
	for (guint i = 0; i < what->request->fires->len; i++)
		g_array_append_val(
			ids, g_array_index(what->request->fires, struct control_fire, i).action_id);
	g_array_sort(ids, id_compare);
	guint kept = 0;
	int64_t *list = (int64_t *)(void *)ids->data;
	for (guint i = 0; i < ids->len; i++)
		if (kept == 0 || list[kept - 1] != list[i])
			list[kept++] = list[i];
	g_array_set_size(ids, kept);
	return ids;
}

bool manual_run_prepare(struct manual_run *run, GError **error)
{
	const struct config_database *database = &run->daemon->config->actions_db;
	g_autoptr(GArray) ids = ids_wanted(run->what);
	g_autofree struct store_setting *settings = NULL;
	struct store_options where = databases_store_options(database, &settings);
	where.read_only = true;
	struct store *store = store_open(&where, error);
	bool done = store && store_read_ids(store, (const int64_t *)(void *)ids->data, ids->len, action_take,
				     run, error);
	store_close(store);
	if (!done)
		g_prefix_error(error, "actions_db: ");
	return done;
}

void manual_run_see(void *context, const struct definition *definition)
{
	const struct daemon *d = context;
	struct asked_action *asked = action_find(d->manual, definition->action_id);
	if (asked)
		asked->known = true;
}

/* Of a known one nothing is written down: what it owes is counted from where it was last seen. Another is
 * seen now, so that the scheduler knows whose the fire is, should it have to run it. */
static void actions_enter(struct manual_run *run, const struct progress *known)
{
	struct engine *engine = run->daemon->engine;
	struct progress *progress = progress_new();
	for (guint i = 0; i < run->actions->len; i++) {
		const struct asked_action *asked = &g_array_index(run->actions, struct asked_action, i);
		if (asked->known)
			engine_restore_action(engine, action_ref(asked->action), TIME_US_MIN);
	}
	/* Of what is known a hold alone matters: nothing is handed out. Where it is to end with the next
	 * start it is over. */
	if (known->hold.skip_until == TIME_US_MIN)
		progress->hold = hold_copy(&known->hold);
	engine_restore(engine, progress, clock_now(), clock_boottime());
	for (guint i = 0; i < run->actions->len; i++) {
		const struct asked_action *asked = &g_array_index(run->actions, struct asked_action, i);
		struct action_change change = {.kind = CHANGE_UPSERT,
			.id = asked->action->id,
			.action = action_ref(asked->action),
			.packed = g_memdup2(asked->packed->data, asked->packed->len),
			.packed_length = asked->packed->len};
		if (asked->known)
			action_change_clear(&change);
		else
			engine_apply(engine, &change, 1);
	}
}

/* --- asking --- */

bool manual_run_holds(const struct manual_run *run, const struct open_fire *fire)
{
	for (guint i = 0; run && i < run->held->len; i++) {
		const struct open_fire *held = &g_array_index(run->held, struct open_fire, i);
		if (held->action_id == fire->action_id && strcmp(held->manual, fire->manual) == 0 &&
			(*fire->manual || held->nominal == fire->nominal))
			return true;
	}
	return false;
}

static void end_if_done(struct manual_run *run)
{
	if (run->asked && (g_hash_table_size(run->expected) == 0 || engine_held(run->daemon->engine)))
		phase_stop(run->daemon);
}

/* What was queued is durable by now, but not yet handed out: none has ended before this. */
static void answer_take(void *context, const struct json_t *answer, bool last)
{
	(void)last;
	struct manual_run *run = context;
	const json_t *fires = json_object_get(answer, "fires"), *fire;
	size_t i;
	json_array_foreach(fires, i, fire)
	{
		const char *id = json_string_value(json_object_get(fire, "fire_id"));
		bool refused = json_object_get(fire, "error") != NULL;
		if (refused)
			run->daemon->exit_status = 1;
		else
			g_hash_table_add(run->expected, g_strdup(id));
	}
	run->asked = true;
	run->what->answered(run->what->context, answer);
	end_if_done(run);
}

static void held_take(struct manual_run *run, const struct progress *progress)
{
	for (guint i = 0; i < progress->open->len; i++) {
		struct open_fire open = g_array_index(progress->open, struct open_fire, i);
		open.lane = NULL;
		g_array_append_val(run->held, open);
	}
}

void manual_run_loaded(struct manual_run *run, const struct loaded *loaded)
{
	struct daemon *d = run->daemon;
	/* A commit, and nobody takes them over any more. */
	if (loaded->jobs && loaded->jobs->jobs->len > 0) {
		phase_fail(d, "internal_db has next run times of the Python program that no scheduler has "
			      "taken over: start the scheduler once, or see `import apscheduler`");
		return;
	}
	held_take(run, loaded->progress);
	lanes_join(d);
	engine_clock(d->engine, clock_now(), clock_boottime());
	actions_enter(run, loaded->progress);
	d->phase = PHASE_RUNNING;
	commands_run(d->commands, run->what->request, answer_take, run);
}

/* --- the ends --- */

void manual_run_note(struct manual_run *run, const struct commit *commit)
{
	char id[FIRE_ID_MAX];
	for (guint i = 0; run && i < commit->outcomes->len; i++) {
		const struct outcome *outcome = &g_array_index(commit->outcomes, struct outcome, i);
		fire_id_format(outcome->action_id, outcome->nominal, outcome->manual, id);
		if (!g_hash_table_contains(run->expected, id))
			continue;
		struct outcome *copy = g_memdup2(outcome, sizeof *outcome);
		copy->manual = g_strdup(outcome->manual);
		copy->detail = g_strdup(outcome->detail);
		g_ptr_array_add(run->ended, copy);
	}
}

static void end_tell(struct manual_run *run, const struct outcome *outcome)
{
	char id[FIRE_ID_MAX];
	struct history_entry entry = {
		.action_id = outcome->action_id,
		.status = (enum fire_status)outcome->status,
		.reason = (enum fire_reason)outcome->reason,
		.scheduled_at = outcome->nominal,
		.last = outcome->nominal,
		.count = 1,
		.merged_into = TIME_US_MIN,
		.started_at = outcome->started_at,
		.finished_at = outcome->finished_at,
		.attempts = outcome->attempts,
		.manual = outcome->manual,
		.detail = outcome->detail,
	};
	g_hash_table_remove(
		run->expected, fire_id_format(outcome->action_id, outcome->nominal, outcome->manual, id));
	if (outcome->status != STATUS_DELIVERED)
		run->daemon->exit_status = 1;
	const struct asked_action *asked = action_find(run, outcome->action_id);
	run->what->ended(run->what->context, &entry, asked ? action_name(asked->action) : NULL);
}

void manual_run_committed(struct manual_run *run)
{
	if (!run)
		return;
	for (guint i = 0; i < run->ended->len; i++)
		end_tell(run, run->ended->pdata[i]);
	g_ptr_array_set_size(run->ended, 0);
	end_if_done(run);
}

void manual_run_failed(const struct manual_run *run, enum as_error kind)
{
	if (!run || kind != AS_ERROR_BUSY)
		return;
	g_autofree char *path = config_control_path(run->daemon->config);
	log_error("the scheduler that has internal_db does not answer on %s: it is starting or ending, could "
		  "not make the socket (its log says so), or has another server.socket",
		path);
}

void manual_run_end(const struct manual_run *run)
{
	guint left = run ? g_hash_table_size(run->expected) : 0;
	if (left == 0)
		return;
	run->daemon->exit_status = 1;
	log_error("fires that have not ended: %u; %s", left,
		!run->daemon->config->internal_db.set ? "without internal_db they are given up"
		: engine_held(run->daemon->engine)
			? "internal_db has them, and the scheduler runs them once `resume --all` has ended "
			  "the hold"
			: "internal_db has them, and the scheduler runs them once it starts");
}
