#include "daemon/journal_thread.h"

#include "base/clock.h"
#include "base/log.h"
#include "daemon/outage.h"
#include "base/thread_wait.h"

#include <malloc.h>

#define RETRY_MIN   (100 * US_PER_MS)
#define RETRY_MAX   (10 * US_PER_SECOND)
#define TRIM_PERIOD US_PER_MINUTE
/* Between two pieces of one trim, for commits to come through. */
#define TRIM_BREATH (20 * US_PER_MS)
/* After a commit of so many definitions, a load of the table, memory is given back once no other has come for
 * a while. */
#define BULK_MIN    10000
#define BULK_OVER   US_PER_SECOND

struct journal_thread {
	struct journal_thread_options options;
	struct journal *journal;
	struct outage outage;
	time_us trim_at; /* CLOCK_MONOTONIC */
	bool trim_failing;
	bool bulk; /* since memory was given back */
	GThread *thread;
	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t changed;
	struct commit *commit;
	GQueue lookups; /* struct lookup */
	bool stopping, ended;
};

struct lookup *lookup_new(size_t count)
{
	struct lookup *lookup = g_malloc0(sizeof *lookup + count * sizeof *lookup->fires);
	lookup->count = count;
	return lookup;
}

void lookup_free(struct lookup *lookup)
{
	if (!lookup)
		return;
	g_free(lookup->error);
	g_free(lookup);
}

static bool error_may_pass(const GError *error)
{
	return g_error_matches(error, AS_ERROR, AS_ERROR_UNAVAILABLE);
}

static void failed_post(struct journal_thread *t, const GError *error)
{
	char *text = outage_text(t->options.what, error);
	uint64_t kind = error->domain == AS_ERROR ? (uint64_t)error->code : AS_ERROR_FAILED;
	inbox_put(t->options.inbox, &(struct message){.kind = MESSAGE_FAILED, .text = text, .number = kind});
}

/* Sleeps; false where the thread is to end. */
static bool delay_wait(struct journal_thread *t, dur_us delay)
{
	time_us until = clock_monotonic() + delay;
	pthread_mutex_lock(&t->lock);
	while (!t->stopping && thread_wait_until(&t->changed, &t->lock, until))
		continue;
	bool stopping = t->stopping;
	pthread_mutex_unlock(&t->lock);
	return !stopping;
}

/* After a failed try: false where there is to be no other. */
static bool error_survive(struct journal_thread *t, const GError *error)
{
	if (!error_may_pass(error)) {
		failed_post(t, error);
		return false;
	}
	return delay_wait(t, outage_failed(&t->outage, error));
}

/* --- the start --- */

/* Opens and loads, once. */
static struct loaded *journal_begin(struct journal_thread *t, GError **error)
{
	if (!t->journal)
		t->journal = journal_open(&t->options.journal, error);
	return t->journal ? loaded_read(t->journal, t->options.what, &t->options.load, error) : NULL;
}

static bool journal_start(struct journal_thread *t)
{
	for (;;) {
		g_autoptr(GError) error = NULL;
		struct loaded *loaded = journal_begin(t, &error);
		if (loaded) {
			outage_over(&t->outage);
			t->outage.effect = "fires go on, their progress is written once it works";
			inbox_put(t->options.inbox,
				&(struct message){.kind = MESSAGE_JOURNAL_LOADED, .data = loaded});
			return true;
		}
		if (t->options.once) {
			failed_post(t, error);
			return false;
		}
		if (!error_survive(t, error))
			return false;
	}
}

/* --- commits --- */

/* Writes a commit, for as long as it takes; false where the thread is to end. */
static bool commit_write(struct journal_thread *t, const struct commit *commit)
{
	for (;;) {
		g_autoptr(GError) error = NULL;
		if (journal_commit(t->journal, commit, &error)) {
			outage_over(&t->outage);
			inbox_put(t->options.inbox,
				&(struct message){.kind = MESSAGE_COMMITTED, .number = commit->sequence});
			return true;
		}
		if (!error_survive(t, error))
			return false;
	}
}

static void history_trim(struct journal_thread *t)
{
	g_autoptr(GError) error = NULL;
	bool more = false;
	bool ok = journal_trim(t->journal, clock_now(), &more, &error);
	if (!ok && !t->trim_failing)
		log_warning("%s: old history could not be deleted: %s", t->options.what, error->message);
	t->trim_failing = !ok;
	t->trim_at = clock_monotonic() + (ok && more ? TRIM_BREATH : TRIM_PERIOD);
}

static void housekeeping_do(struct journal_thread *t)
{
	history_trim(t);
	if (t->bulk)
		malloc_trim(0);
	t->bulk = false;
}

static void bulk_note(struct journal_thread *t, const struct commit *commit)
{
	if (commit->definitions->len < BULK_MIN)
		return;
	t->bulk = true;
	t->trim_at = clock_monotonic() + BULK_OVER;
}

/* --- lookups --- */

/* A fire cannot have ended so long before it was due, unless the clock was set back by more. */
#define LOOKUP_BEFORE US_PER_DAY

static bool looked_up_take(void *context, const struct history_entry *entry)
{
	struct looked_up *fire = context;
	fire->found = true;
	if (entry->manual)
		fire->nominal = entry->scheduled_at;
	fire->status = entry->status;
	fire->attempts = entry->attempts;
	return false;
}

/* Failures have an index. What else became of the fire is read only to tell why it cannot be run again. */
static bool fire_look_up(struct journal *journal, struct looked_up *fire, GError **error)
{
	struct history_query query = {
		.fire_id = fire->fire_id, .since = TIME_US_MIN, .limit = 1, .failed_fire = true};
	if (!journal_history(journal, &query, looked_up_take, fire, error))
		return false;
	if (fire->found)
		return true;
	query.failed_fire = false;
	if (!*fire->manual && fire->nominal > TIME_US_MIN + LOOKUP_BEFORE)
		query.since = fire->nominal - LOOKUP_BEFORE;
	return journal_history(journal, &query, looked_up_take, fire, error);
}

static void lookup_do(struct journal_thread *t, struct lookup *lookup)
{
	g_autoptr(GError) error = NULL;
	for (size_t i = 0; i < lookup->count && !error; i++)
		fire_look_up(t->journal, &lookup->fires[i], &error);
	if (error)
		lookup->error = outage_text(t->options.what, error);
	inbox_put(t->options.inbox, &(struct message){.kind = MESSAGE_LOOKED_UP, .data = lookup});
}

/* --- serving --- */

/* What is to be done next; nothing where it is time to trim. */
struct work {
	struct commit *commit;
	struct lookup *lookup;
	bool ending;
};

/* A commit goes first: what is looked up must know of it. */
static struct work work_wait(struct journal_thread *t)
{
	struct work work = {0};
	pthread_mutex_lock(&t->lock);
	while (!t->commit && !t->stopping && g_queue_is_empty(&t->lookups) &&
		thread_wait_until(&t->changed, &t->lock, t->trim_at))
		continue;
	work.commit = g_steal_pointer(&t->commit);
	work.ending = t->stopping && !work.commit;
	if (!work.commit && !work.ending)
		work.lookup = g_queue_pop_head(&t->lookups);
	pthread_mutex_unlock(&t->lock);
	return work;
}

static void work_serve(struct journal_thread *t)
{
	t->trim_at = clock_monotonic() + TRIM_PERIOD;
	for (;;) {
		struct work work = work_wait(t);
		if (work.ending)
			return;
		bool go_on = true;
		if (work.commit) {
			go_on = commit_write(t, work.commit);
			bulk_note(t, work.commit);
		} else if (work.lookup) {
			lookup_do(t, work.lookup);
		} else {
			housekeeping_do(t);
		}
		commit_free(work.commit);
		if (!go_on)
			return;
	}
}

static gpointer journal_thread_run(gpointer data)
{
	struct journal_thread *t = data;
	if (journal_start(t))
		work_serve(t);
	journal_close(t->journal);
	pthread_mutex_lock(&t->lock);
	t->ended = true;
	pthread_cond_broadcast(&t->changed);
	pthread_mutex_unlock(&t->lock);
	return NULL;
}

/* --- the loop's side --- */

struct journal_thread *journal_thread_start(const struct journal_thread_options *options)
{
	struct journal_thread *t = g_new0(struct journal_thread, 1);
	t->options = *options;
	outage_init(&t->outage, &(struct outage){.what = options->what,
					.effect = "nothing fires until it can be opened",
					.delay_min = RETRY_MIN,
					.delay_max = RETRY_MAX});
	g_queue_init(&t->lookups);
	pthread_mutex_init(&t->lock, NULL);
	pthread_cond_init(&t->changed, NULL);
	t->thread = g_thread_new("journal", journal_thread_run, t);
	return t;
}

void journal_thread_commit(struct journal_thread *t, struct commit *commit)
{
	pthread_mutex_lock(&t->lock);
	g_assert(!t->commit);
	t->commit = commit;
	pthread_cond_broadcast(&t->changed);
	pthread_mutex_unlock(&t->lock);
}

void journal_thread_look_up(struct journal_thread *t, struct lookup *lookup)
{
	pthread_mutex_lock(&t->lock);
	g_queue_push_tail(&t->lookups, lookup);
	pthread_cond_broadcast(&t->changed);
	pthread_mutex_unlock(&t->lock);
}

struct journal *journal_thread_journal(struct journal_thread *t)
{
	return t->journal;
}

bool journal_thread_outage(struct journal_thread *t, char **reason, time_us *since)
{
	return outage_look(&t->outage, reason, since);
}

bool journal_thread_stop(struct journal_thread *t, time_us deadline)
{
	if (!t)
		return true;
	pthread_mutex_lock(&t->lock);
	t->stopping = true;
	pthread_cond_broadcast(&t->changed);
	while (!t->ended && thread_wait_until(&t->changed, &t->lock, deadline))
		continue;
	bool ended = t->ended;
	pthread_mutex_unlock(&t->lock);
	if (!ended)
		return false;
	g_thread_join(t->thread);
	commit_free(t->commit);
	g_queue_clear_full(&t->lookups, (GDestroyNotify)lookup_free);
	outage_clear(&t->outage);
	pthread_mutex_destroy(&t->lock);
	pthread_cond_destroy(&t->changed);
	g_free(t);
	return true;
}
