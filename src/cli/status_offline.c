#include "cli/status_offline.h"

#include "base/progress_bar.h"
#include "cli/action_view.h"
#include "cli/run_view.h"

/* --- actions --- */

struct walk {
	struct cli *cli;
	struct status *out;
	struct progress_bar *bar;
	uint64_t rows;
};

static struct position position_of(const struct status_fire *fire)
{
	return (struct position){fire->due_at, fire->action_id, fire->nominal};
}

/* The name of its lane. */
static char *callback_of(const struct cli *cli, const struct action_view *view)
{
	const struct text *name = &view->effective.callback;
	g_autofree char *given = g_utf8_make_valid(name->data, (gssize)name->length);
	const char *canonical = cli->host->callback_name(cli->host->context, given);
	return g_strdup(canonical ? canonical : given);
}

/* The first ones of all are kept, in order. */
static void next_take(const struct cli *cli, GArray *next, const struct action_view *view)
{
	guint at = next->len;
	while (at > 0 && position_compare(view->next,
				 position_of(&g_array_index(next, struct status_fire, at - 1))) < 0)
		at--;
	if (at == STATUS_NEXT_MAX)
		return;
	struct status_fire fire = {.action_id = view->row->id,
		.action_name = g_utf8_make_valid(view->row->name.data, (gssize)view->row->name.length),
		.callback = callback_of(cli, view),
		.nominal = view->next.nominal,
		.due_at = view->next.due_at,
		.next_attempt_at = TIME_US_MIN};
	g_array_insert_val(next, at, fire);
	if (next->len > STATUS_NEXT_MAX)
		g_array_set_size(next, STATUS_NEXT_MAX);
}

static bool row_take(void *context, const struct action_row *row)
{
	struct walk *walk = context;
	struct status *out = walk->out;
	struct action_view view;
	action_view_init(&view, walk->cli, row);
	switch (view.state) {
	case ACTION_DISABLED: out->paused++; break;
	case ACTION_BAD: out->bad++; break;
	case ACTION_ACTIVE: *(view.has_next ? &out->active : &out->finished) += 1; break;
	}
	if (view.state == ACTION_ACTIVE && view.has_next)
		next_take(walk->cli, out->next_fires, &view);
	action_view_clear(&view);
	progress_bar_set(walk->bar, ++walk->rows);
	return true;
}

static void counts_set(struct status *out, int64_t to)
{
	out->active = out->paused = out->finished = out->bad = to;
}

static void health_set(struct cli *cli, struct status_health *health, const GError *error)
{
	health->health = error ? HEALTH_FAILING : HEALTH_OK;
	health->error = error ? config_hide_secrets(cli->config, error->message) : NULL;
	health->since = TIME_US_MIN;
}

/* Returns the store, where it can be read. */
static struct store *actions_fill(struct cli *cli, struct status *out)
{
	g_autoptr(GError) error = NULL;
	out->actions_db.place = config_database_place(&cli->config->actions_db);
	struct store *store = cli_open_store(cli, CLI_STORE_READ, &error);
	if (store) {
		struct walk walk = {cli, out, progress_bar_new("reading actions", 0, cli->quiet), 0};
		counts_set(out, 0);
		bool read = store_read(store, row_take, &walk, &error);
		progress_bar_free(walk.bar);
		if (!read) {
			counts_set(out, STATUS_UNKNOWN);
			g_array_set_size(out->next_fires, 0);
		}
	}
	health_set(cli, &out->actions_db.health, error);
	return store;
}

/* --- progress --- */

static struct status_callback *callback_named(struct status *out, const char *name)
{
	for (guint i = 0; i < out->callbacks->len; i++) {
		struct status_callback *callback = &g_array_index(out->callbacks, struct status_callback, i);
		if (g_strcmp0(callback->name, name) == 0)
			return callback;
	}
	struct status_callback callback = {.name = g_strdup(name),
		.last_error_at = TIME_US_MIN,
		.last_refusal_at = TIME_US_MIN,
		.watermark = TIME_US_MIN,
		.late_since = TIME_US_MIN,
		.backlog.done_at = TIME_US_MIN,
		.handed_out = STATUS_UNKNOWN,
		.delivered = STATUS_UNKNOWN,
		.refused = STATUS_UNKNOWN,
		.rate = STATUS_UNKNOWN};
	g_array_append_val(out->callbacks, callback);
	return &g_array_index(out->callbacks, struct status_callback, out->callbacks->len - 1);
}

static void backlog_take(struct status_backlog *backlog, const struct backlog_record *record)
{
	time_us to = MIN(record->to.due_at, record->fire_until);
	if (backlog->records++ == 0) {
		backlog->from = record->cursor.due_at;
		backlog->to = record->to.due_at;
	}
	if (record->cursor.due_at != TIME_US_MIN && to > record->cursor.due_at)
		backlog->left += to - record->cursor.due_at;
}

static void open_take(struct status *out, struct action_names *names, const struct open_fire *open)
{
	out->open_count++;
	callback_named(out, open->lane)->open++;
	if (out->open_fires->len == STATUS_OPEN_MAX)
		return;
	struct status_fire fire = {.action_id = open->action_id,
		.action_name = g_strdup(action_names_find(names, open->action_id)),
		.callback = g_strdup(open->lane),
		.nominal = open->nominal,
		.due_at = open->due_at,
		.attempts = open->attempts,
		.next_attempt_at = open->next_attempt_at};
	g_strlcpy(fire.manual, open->manual, sizeof fire.manual);
	g_array_append_val(out->open_fires, fire);
}

static gint open_compare(gconstpointer a, gconstpointer b)
{
	const struct open_fire *x = a, *y = b;
	return (x->due_at > y->due_at) - (x->due_at < y->due_at);
}

static void progress_take(struct status *out, struct action_names *names, const struct progress *progress)
{
	out->open_count = 0;
	out->held = progress->hold.since != TIME_US_MIN;
	out->held_since = progress->hold.since;
	out->held_reason = g_strdup(progress->hold.reason);
	for (guint i = 0; i < progress->lanes->len; i++) {
		const struct lane_progress *lane = &g_array_index(progress->lanes, struct lane_progress, i);
		struct status_callback *callback = callback_named(out, lane->name);
		callback->watermark = lane->watermark.due_at;
		callback->clock_epoch = lane->clock_epoch;
	}
	for (guint i = 0; i < progress->backlog->len; i++) {
		const struct backlog_record *record =
			&g_array_index(progress->backlog, struct backlog_record, i);
		backlog_take(&callback_named(out, record->lane)->backlog, record);
	}
	g_array_sort(progress->open, open_compare);
	for (guint i = 0; i < progress->open->len; i++)
		open_take(out, names, &g_array_index(progress->open, struct open_fire, i));
	out->callback_count = out->callbacks->len;
}

static bool journal_take(
	struct status *out, struct action_names *names, struct journal *journal, GError **error)
{
	struct journal_owner owner;
	if (!journal_read_owner(journal, &owner, error))
		return false;
	out->owner = owner.who;
	out->owner_holds = owner.holds;
	struct progress *progress = journal_load(journal, NULL, NULL, error);
	if (!progress)
		return false;
	progress_take(out, names, progress);
	progress_free(progress);
	return true;
}

static void internal_db_fill(struct cli *cli, struct store *store, struct status *out)
{
	g_autoptr(GError) error = NULL;
	out->internal_db.health.health = HEALTH_UNUSED;
	if (!cli->config->internal_db.set)
		return;
	out->internal_db.place = config_database_place(&cli->config->internal_db);
	struct journal *journal = cli_open_journal(cli, &error);
	/* It is not there before the first start. */
	if (!journal && !error)
		return;
	struct action_names *names = action_names_new(store);
	if (journal)
		journal_take(out, names, journal, &error);
	action_names_free(names);
	journal_close(journal);
	health_set(cli, &out->internal_db.health, error);
}

void status_offline_fill(struct cli *cli, struct status *out)
{
	out->at = cli->now;
	struct store *store = actions_fill(cli, out);
	internal_db_fill(cli, store, out);
	store_close(store);
}
