/* import apscheduler: a commit with the definitions of the actions, and records of what they are owed. */
#include "cli/action_view.h"
#include "cli/verb_import.h"

#include "base/json.h"
#include "base/progress_bar.h"
#include "store/apscheduler_jobs.h"

#include <string.h>

/* A record takes in no more members than this, so that writing it down stays cheap. */
#define MEMBERS_MAX 16384

/* What becomes of a job. */
enum fate {
	FATE_OWED,
	FATE_NOTHING,
	FATE_PAUSED,
	FATE_KNOWN,
	FATE_DISABLED,
	FATE_BAD,
	FATE_ORPHAN,
	FATE_COUNT
};
static const char *const fate_names[FATE_COUNT] = {
	"owed", "nothing owed", "paused", "known", "disabled", "bad", "no action"};

struct import_view {
	int64_t id;
	struct text name; /* data is NULL where there is no action */
	enum fate fate;
	time_us next_run;
	uint64_t count;      /* of FATE_OWED: fires due up to now */
	time_us first, last; /* of FATE_OWED */
};

struct importing {
	struct cli *cli;
	struct action_defaults defaults;
	struct apscheduler_jobs *jobs;
	bool *seen;                /* of each job: there is a row */
	GHashTable *known;         /* int64_t: ids that internal_db knows */
	GString *refused;          /* their ids, as text */
	struct progress *progress; /* NULL where there is no internal_db yet */
	uint64_t next_record;
	struct commit *commit;
	struct output *output;
	size_t counts[FATE_COUNT];
	time_us first_due;
	struct progress_bar *bar;
	uint64_t rows;
};

/* --- the listing --- */

static json_t *time_json(time_us t)
{
	char text[TIME_TEXT_MAX];
	return json_string(time_format_utc(t, text));
}

static json_t *id_json(const void *row)
{
	return json_integer(((const struct import_view *)row)->id);
}

static json_t *name_json(const void *row)
{
	const struct import_view *view = row;
	return json_text(view->name.data, view->name.length);
}

static json_t *state_json(const void *row)
{
	return json_string(fate_names[((const struct import_view *)row)->fate]);
}

static json_t *next_run_json(const void *row)
{
	const struct import_view *view = row;
	return view->next_run == TIME_US_MAX ? json_null() : time_json(view->next_run);
}

static json_t *owed_json(const void *row)
{
	return json_integer((json_int_t)((const struct import_view *)row)->count);
}

static json_t *first_json(const void *row)
{
	const struct import_view *view = row;
	return view->fate == FATE_OWED ? time_json(view->first) : json_null();
}

static json_t *last_json(const void *row)
{
	const struct import_view *view = row;
	return view->fate == FATE_OWED ? time_json(view->last) : json_null();
}

static const struct output_column columns[] = {
	{"action_id", "ID", id_json, NULL, OUTPUT_RIGHT},
	{"action_name", "NAME", name_json, NULL, OUTPUT_LEFT},
	{"state", "STATE", state_json, NULL, OUTPUT_LEFT},
	{"next_run_time", "NEXT RUN TIME", next_run_json, NULL, OUTPUT_WHOLE},
	{"owed", "OWED", owed_json, NULL, OUTPUT_RIGHT},
	{"first", "FIRST", first_json, NULL, OUTPUT_WHOLE, 2},
	{"last", "LAST", last_json, NULL, OUTPUT_WHOLE, 1},
};

static void show(struct importing *importing, const struct import_view *view)
{
	importing->counts[view->fate]++;
	output_row(importing->output, view);
}

/* --- what is written --- */

static struct backlog_record *record_for(struct importing *importing, const char *lane, time_us after)
{
	GArray *records = importing->commit->backlog;
	for (guint i = records->len; i > 0; i--) {
		struct backlog_record *record = &g_array_index(records, struct backlog_record, i - 1);
		if (record->member_count < MEMBERS_MAX && !strcmp(record->lane, lane)) {
			if (after < record->from.due_at)
				record->from = record->cursor = position_end_of(after);
			return record;
		}
	}
	struct backlog_record fresh = {
		.id = importing->next_record++,
		.lane = g_strdup(lane),
		.from = position_end_of(after),
		.to = position_end_of(importing->cli->now),
		.decided_now = importing->cli->now,
		.drop_before = TIME_US_MIN,
		.drop_reason = REASON_CATCH_UP_OPTION,
		.skip_before = TIME_US_MIN,
		.fire_until = TIME_US_MAX,
		.settled_id = INT64_MIN,
		.cursor = position_end_of(after),
		.members = g_new(struct backlog_member, MEMBERS_MAX),
	};
	g_array_append_val(records, fresh);
	return &g_array_index(records, struct backlog_record, records->len - 1);
}

/* Without its progress a lane would begin at its next start. */
static void begin_lane(struct importing *importing, const char *name)
{
	GArray *sets[] = {importing->commit->lanes, importing->progress ? importing->progress->lanes : NULL};
	for (size_t i = 0; i < G_N_ELEMENTS(sets); i++)
		for (guint k = 0; sets[i] && k < sets[i]->len; k++)
			if (!strcmp(g_array_index(sets[i], struct lane_progress, k).name, name))
				return;
	struct lane_progress lane = {
		.name = g_strdup(name), .watermark = position_end_of(importing->cli->now)};
	g_array_append_val(importing->commit->lanes, lane);
}

static void write_action(struct importing *importing, const struct action_view *action, time_us after)
{
	const struct cli_host *host = importing->cli->host;
	const char *lane = host->callback_name(host->context, action->effective.callback.data);
	struct definition definition = {
		.action_id = action->row->id,
		.since = importing->cli->now,
		.packed = g_memdup2(action->packed->data, action->packed->len),
		.length = action->packed->len,
	};
	g_array_append_val(importing->commit->definitions, definition);
	begin_lane(importing, lane);
	if (after >= importing->cli->now)
		return;
	struct backlog_record *record = record_for(importing, lane, after);
	struct backlog_member *member = &record->members[record->member_count++];
	*member = (struct backlog_member){
		.action_id = action->row->id,
		.since = after,
		.schedule = schedule_ref(action->action->schedule),
	};
}

/* --- rows --- */

static void decide_owed(
	struct importing *importing, const struct action_view *action, struct import_view *view)
{
	const struct schedule *schedule = action->action->schedule;
	time_us now = importing->cli->now;
	time_us after = import_owed_after(schedule, view->id, view->next_run);
	struct position first, last;
	view->fate = FATE_NOTHING;
	if (fire_next(schedule, view->id, position_end_of(after), &first) && first.due_at <= now &&
		fire_last(schedule, view->id, now, &last)) {
		view->fate = FATE_OWED;
		view->count = fire_count(schedule, view->id, after, now);
		view->first = first.due_at;
		view->last = last.due_at;
		importing->first_due = MIN(importing->first_due, first.due_at);
	}
	write_action(importing, action, view->fate == FATE_OWED ? after : now);
}

static bool take_row(void *context, const struct action_row *row)
{
	struct importing *importing = context;
	progress_bar_set(importing->bar, ++importing->rows);
	const struct import_job *job = import_jobs_find(importing->jobs->jobs, row->id);
	if (!job)
		return true;
	importing->seen[job - (struct import_job *)(void *)importing->jobs->jobs->data] = true;
	struct import_view view = {.id = row->id, .name = row->name, .next_run = job->next_run};
	struct action_view action;
	action_view_init_with(&action, importing->cli, row, &importing->defaults);
	if (g_hash_table_contains(importing->known, &row->id)) {
		view.fate = FATE_KNOWN;
		g_string_append_printf(importing->refused, "%s%" G_GINT64_FORMAT,
			importing->refused->len ? ", " : "", row->id);
	} else if (!action.action) {
		view.fate = action.state == ACTION_DISABLED ? FATE_DISABLED : FATE_BAD;
	} else if (job->next_run == TIME_US_MAX) {
		view.fate = FATE_PAUSED;
	} else {
		decide_owed(importing, &action, &view);
	}
	show(importing, &view);
	action_view_clear(&action);
	return !ferror(importing->cli->style.file);
}

static void show_orphans(struct importing *importing)
{
	const GArray *jobs = importing->jobs->jobs;
	for (guint i = 0; i < jobs->len; i++) {
		const struct import_job *job = &g_array_index(jobs, struct import_job, i);
		struct import_view view = {
			.id = job->action_id, .fate = FATE_ORPHAN, .next_run = job->next_run};
		if (!importing->seen[i])
			show(importing, &view);
	}
}

/* --- sources --- */

/* A URL may hold a password. */
static char *place_of(const struct cli *cli, const struct import_source *source, const char *from)
{
	if (!from)
		return cli_database_place(&cli->config->internal_db);
	if (!source->host)
		return g_strdup(source->database);
	return g_strdup_printf("%s %s/%s", source->dialect, source->host, source->database);
}

static bool read_jobs(struct importing *importing, const struct import_args *args)
{
	struct cli *cli = importing->cli;
	GError *error = NULL;
	struct import_source source;
	if (!cli->config->internal_db.set) {
		cli_error(cli, "no internal_db is configured, so nothing could be remembered");
		return false;
	}
	if (!import_source_find(cli, args->from, &source, &error) ||
		!apscheduler_jobs_read(&source.where, &importing->jobs, &error)) {
		cli_fail(cli, error, "%s", args->from ? "--from" : "internal_db");
	} else if (!importing->jobs) {
		g_autofree char *place = place_of(cli, &source, args->from);
		cli_error(cli, "%s has no table apscheduler_jobs", place);
	} else {
		importing->seen = g_new0(bool, importing->jobs->jobs->len + 1);
	}
	import_source_clear(&source);
	return importing->jobs != NULL;
}

static void take_known(void *context, const struct definition *definition)
{
	struct importing *importing = context;
	if (definition->packed)
		g_hash_table_add(
			importing->known, g_memdup2(&definition->action_id, sizeof definition->action_id));
}

/* *out stays NULL for a dry run before internal_db is there. */
static bool open_journal(struct importing *importing, bool dry_run, struct journal **out, GError **error)
{
	g_autoptr(GError) reason = NULL;
	struct journal_options where = cli_journal_options(importing->cli);
	*out = dry_run ? cli_open_journal(importing->cli, &reason) : journal_open(&where, &reason);
	if (reason) {
		g_propagate_error(error, g_steal_pointer(&reason));
		return false;
	}
	if (!*out)
		return true;
	importing->progress = journal_load(*out, take_known, importing, error);
	for (guint i = 0; importing->progress && i < importing->progress->backlog->len; i++) {
		uint64_t id = g_array_index(importing->progress->backlog, struct backlog_record, i).id;
		importing->next_record = MAX(importing->next_record, id + 1);
	}
	return importing->progress != NULL;
}

/* --- all of it --- */

static bool write_commit(struct importing *importing, struct journal *journal, GError **error)
{
	struct commit *commit = importing->commit;
	if (!commit->definitions->len)
		return true;
	char first[TIME_TEXT_MAX];
	g_autofree char *since =
		importing->counts[FATE_OWED]
			? g_strdup_printf(", due since %s", time_format_utc(importing->first_due, first))
			: g_strdup("");
	struct history_note note = {.at = importing->cli->now,
		.text = g_strdup_printf(
			"import apscheduler: next run times taken over: %u; actions that owe fires: %zu%s",
			commit->definitions->len, importing->counts[FATE_OWED], since)};
	g_array_append_val(commit->notes, note);
	for (guint i = 0; i < commit->backlog->len; i++) {
		struct backlog_record *record = &g_array_index(commit->backlog, struct backlog_record, i);
		backlog_members_pack(record->members, record->member_count);
	}
	commit->sequence = 1;
	return journal_commit(journal, commit, error);
}

static bool read_table(struct importing *importing, GError **error)
{
	struct store *store = cli_open_store(importing->cli, CLI_STORE_READ, error);
	importing->bar = progress_bar_new("reading actions", 0, importing->cli->quiet);
	bool ok = store && store_read(store, take_row, importing, error);
	g_clear_pointer(&importing->bar, progress_bar_free);
	store_close(store);
	return ok;
}

static int report(const struct importing *importing, bool dry_run)
{
	const struct cli *cli = importing->cli;
	const size_t *counts = importing->counts;
	if (importing->jobs->unusable)
		cli_warn(cli, "rows of apscheduler_jobs passed over: %zu, the first has the id '%s'",
			importing->jobs->unusable, importing->jobs->unusable_id);
	cli_say(cli, "actions %s: %zu; of these owing fires: %zu",
		dry_run ? "that would be taken over" : "taken over", counts[FATE_OWED] + counts[FATE_NOTHING],
		counts[FATE_OWED]);
	if (dry_run || !counts[FATE_KNOWN])
		return EXIT_DONE;
	cli_error(cli, "refused, as internal_db knows them already and counts from there: %s",
		importing->refused->str);
	return EXIT_FAILED;
}

static int run(struct importing *importing, const struct import_args *args)
{
	GError *error = NULL;
	struct journal *journal = NULL;
	struct cli *cli = importing->cli;
	const char *place = "internal_db";
	bool ok = open_journal(importing, args->dry_run, &journal, &error);
	if (ok) {
		place = "actions_db";
		importing->output = output_new(&cli->style, columns, G_N_ELEMENTS(columns));
		ok = read_table(importing, &error);
	}
	if (ok) {
		place = "internal_db";
		show_orphans(importing);
		ok = args->dry_run || write_commit(importing, journal, &error);
	}
	journal_close(journal);
	if (ok)
		output_end(importing->output);
	else if (importing->output)
		output_abandon(importing->output);
	return ok ? report(importing, args->dry_run) : cli_fail(cli, error, "%s", place);
}

int import_apscheduler(struct cli *cli, const struct import_args *args)
{
	struct importing importing = {.cli = cli, .next_record = 1, .first_due = TIME_US_MAX};
	if (!cli_prepare(cli) || !read_jobs(&importing, args))
		return EXIT_FAILED;
	cli_defaults(cli, &importing.defaults);
	const char *callback = cli->host->callback_name(cli->host->context, importing.defaults.callback);
	if (callback)
		importing.defaults.callback = callback;
	importing.known = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
	importing.refused = g_string_new(NULL);
	importing.commit = commit_new();
	int status = run(&importing, args);
	commit_free(importing.commit);
	progress_free(importing.progress);
	g_string_free(importing.refused, TRUE);
	g_hash_table_unref(importing.known);
	apscheduler_jobs_free(importing.jobs);
	g_free(importing.seen);
	return status;
}
