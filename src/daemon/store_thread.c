#include "daemon/store_thread.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/progress_bar.h"
#include "daemon/outage.h"
#include "base/thread_wait.h"

#include <inttypes.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define RETRY_MIN  US_PER_SECOND
#define RETRY_MAX  US_PER_MINUTE
/* After a read, so many times its cost passes before a notification causes the next one. */
#define READ_PAUSE 4
#define PAUSE_MIN  (20 * US_PER_MS)
/* A notification may come before the commit that it is about can be seen (a WAL is written first, and its
 * index, which makes the commit, tells nobody): it is followed by looks after so long, each time five times
 * as long. */
#define AGAIN_MIN  (20 * US_PER_MS)
#define AGAIN_MAX  (3 * US_PER_SECOND)

struct store_thread {
	struct store_thread_options options;
	struct store *store;
	struct outage outage;
	GHashTable *bad;          /* id → what is wrong, of every bad row */
	bool bad_differ;          /* other rows are bad, or otherwise, than the last errors_write knew */
	bool errors_refused;      /* said that the column `error` cannot be written */
	bool prepared;            /* table and samples are there */
	bool look;                /* read whatever store_changed says */
	time_us next_read;        /* CLOCK_MONOTONIC; notifications wait for it */
	time_us next_rows;        /* CLOCK_MONOTONIC; those that name the rows wait for this */
	time_us next_look;        /* CLOCK_MONOTONIC; the period or the next try */
	dur_us again;             /* to the next look that follows a notification; 0: none */
	struct table_summary sum; /* of the read under way */
	bool read_once;           /* the table was read as a whole */
	struct progress_bar *bar; /* of the first read */
	uint64_t taken;           /* changes in the read under way */
	int wake;                 /* eventfd */
	int stop;                 /* eventfd, readable once the thread is to end */
	GThread *thread;
	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t finished;
	bool stopping, ended, poked, defaults_set;
	dur_us period;
	struct action_defaults defaults;
};

/* --- one look at the table --- */

static void bad_row_note(struct store_thread *t, const struct action_change *change)
{
	g_autofree char *name = NULL;
	struct action_row row;
	enum unix_dialect dialect;
	if (change->packed && action_unpack(change->packed, change->packed_length, &row, &dialect) &&
		row.name.data)
		name = g_strndup(row.name.data, row.name.length);
	log_error("action %" PRId64 "%s%s%s does not fire: %s", change->id, name ? " \"" : "",
		name ? name : "", name ? "\"" : "", change->error ? change->error : "bad row");
	t->bad_differ = true;
	g_hash_table_replace(t->bad, g_memdup2(&change->id, sizeof change->id),
		g_strdup(change->error ? change->error : "bad row"));
}

static void change_note(struct store_thread *t, const struct action_change *change)
{
	struct table_summary *sum = &t->sum;
	if (change->kind == CHANGE_REMOVE && change->reason == REASON_BAD_ROW) {
		bad_row_note(t, change);
		sum->went_bad++;
		return;
	}
	t->bad_differ |= g_hash_table_remove(t->bad, &change->id);
	if (change->kind == CHANGE_UPSERT)
		sum->changed++;
	else if (change->reason == REASON_DISABLED)
		sum->disabled++;
	else
		sum->removed++;
}

static bool changes_take(void *context, struct action_change *changes, size_t count)
{
	struct store_thread *t = context;
	for (size_t i = 0; i < count; i++)
		change_note(t, &changes[i]);
	progress_bar_set(t->bar, t->taken += count);
	struct message message = {
		.kind = MESSAGE_CHANGES, .data = g_memdup2(changes, count * sizeof *changes), .count = count};
	return inbox_put_bulk(t->options.inbox, &message);
}

static int id_compare(const void *a, const void *b)
{
	int64_t x = ((const struct store_row_error *)a)->id, y = ((const struct store_row_error *)b)->id;
	return (x > y) - (x < y);
}

/* Brings the column `error` up to date. That it cannot be written is said once and harms nothing. */
static void errors_write(struct store_thread *t)
{
	if (!(store_columns(t->store) & COLUMN_ERROR))
		return;
	size_t count = g_hash_table_size(t->bad), n = 0;
	g_autofree struct store_row_error *rows = g_new0(struct store_row_error, count + 1);
	GHashTableIter iter;
	gpointer id, text;
	g_hash_table_iter_init(&iter, t->bad);
	while (g_hash_table_iter_next(&iter, &id, &text))
		rows[n++] = (struct store_row_error){*(int64_t *)id, text};
	qsort(rows, count, sizeof *rows, id_compare);
	g_autoptr(GError) error = NULL;
	bool ok = store_write_errors(t->store, rows, count, &error);
	if (!ok && !t->errors_refused)
		log_warning("%s: the column error cannot be written: %s", t->options.what, error->message);
	t->errors_refused = !ok;
	t->bad_differ = false;
}

static bool table_prepare(struct store_thread *t, GError **error)
{
	if (t->prepared)
		return true;
	if (t->options.fresh && !store_create_table(t->store, error))
		return false;
	if (t->options.samples &&
		!store_add_samples(t->store, t->options.samples, t->options.sample_count, error))
		return false;
	t->prepared = true;
	return true;
}

static bool table_open(struct store_thread *t, GError **error)
{
	if (!t->store) {
		struct store_options options = t->options.store;
		/* A file that vanishes later is an outage. */
		options.create = t->options.fresh && !t->prepared;
		options.stop_fd = t->stop;
		t->store = store_open(&options, error);
		t->look = true;
	}
	return t->store && table_prepare(t, error);
}

static void summary_post(struct store_thread *t, size_t rows_before, dur_us took)
{
	struct table_summary *sum = &t->sum;
	sum->rows = tracker_rows(t->options.tracker);
	sum->bad_rows = tracker_bad_rows(t->options.tracker);
	sum->disabled_rows = tracker_disabled_rows(t->options.tracker);
	sum->took = took;
	/* Rows that are new changed too, as the tracker tells it. */
	size_t touched = sum->changed + sum->disabled + sum->went_bad;
	sum->added = MIN(sum->rows + sum->removed - MIN(rows_before, sum->rows + sum->removed), touched);
	sum->changed = touched - sum->added;
	struct message message = {.kind = MESSAGE_TABLE_READ, .data = g_memdup2(sum, sizeof *sum)};
	inbox_put_bulk(t->options.inbox, &message);
}

static bool table_read(struct store_thread *t, GError **error)
{
	t->sum = (struct table_summary){0};
	size_t rows_before = tracker_rows(t->options.tracker);
	time_us start = clock_monotonic();
	t->taken = 0;
	/* At a start there may be somebody who waits for it. */
	t->bar = t->read_once ? NULL : progress_bar_new("reading actions", 0, log_level() < LOG_INFO);
	bool done = tracker_read(t->options.tracker, t->store, changes_take, t, error);
	g_clear_pointer(&t->bar, progress_bar_free);
	if (!done)
		return false;
	t->read_once = true;
	time_us end = clock_monotonic();
	t->look = false;
	t->next_read = end + MAX(PAUSE_MIN, READ_PAUSE * (end - start));
	t->next_rows = end + PAUSE_MIN;
	summary_post(t, rows_before, end - start);
	schedule_cache_trim(t->options.cache);
	errors_write(t);
	return true;
}

/* The same for single rows. */
static bool rows_read(struct store_thread *t, const int64_t *ids, size_t count, GError **error)
{
	t->sum = (struct table_summary){0};
	size_t rows_before = tracker_rows(t->options.tracker);
	time_us start = clock_monotonic();
	if (!tracker_read_ids(t->options.tracker, t->store, ids, count, changes_take, t, error))
		return false;
	time_us end = clock_monotonic();
	t->next_rows = end + PAUSE_MIN;
	summary_post(t, rows_before, end - start);
	if (t->bad_differ)
		errors_write(t);
	return true;
}

/* Opens if need be, and reads if anything may have changed. */
static bool table_look(struct store_thread *t, GError **error)
{
	if (!table_open(t, error))
		return false;
	bool changed = t->look;
	if (!changed && !store_changed(t->store, &changed, error))
		return false;
	const int64_t *ids;
	size_t count;
	if (changed && !t->look && store_changed_ids(t->store, &ids, &count))
		return rows_read(t, ids, count, error);
	return !changed || table_read(t, error);
}

/* False where no other try can help, which ends the program: options that no store can be opened with. A
 * privilege that is missing may be granted while we wait. */
static bool table_failed(struct store_thread *t, const GError *error, dur_us period)
{
	if (!t->store && g_error_matches(error, AS_ERROR, AS_ERROR_INVALID)) {
		char *text = outage_text(t->options.what, error);
		inbox_put(t->options.inbox, &(struct message){.kind = MESSAGE_FAILED, .text = text});
		return false;
	}
	t->outage.delay_max = CLAMP(period, RETRY_MIN, RETRY_MAX);
	t->next_look = clock_monotonic() + outage_failed(&t->outage, error);
	t->look = true;
	/* Behind a lock the file is the same, and its watch tells when the editor is done. */
	if (!g_error_matches(error, AS_ERROR, AS_ERROR_UNAVAILABLE) || !t->prepared) {
		store_close(t->store);
		t->store = NULL;
	}
	inbox_put_bulk(t->options.inbox, &(struct message){.kind = MESSAGE_TABLE_READ});
	return true;
}

/* --- the thread --- */

/* Takes what the loop has asked for; false where the thread is to end. */
static bool wishes_take(struct store_thread *t, dur_us *period)
{
	pthread_mutex_lock(&t->lock);
	bool go_on = !t->stopping;
	*period = t->period;
	if (t->poked) {
		t->next_look = t->next_read = 0;
		t->look = true;
	}
	if (t->defaults_set)
		tracker_set_defaults(t->options.tracker, &t->defaults);
	t->poked = t->defaults_set = false;
	pthread_mutex_unlock(&t->lock);
	return go_on;
}

/* Waits for a wish, a notification, or until `until`; true after a notification that concerns the database.
 */
static bool events_wait(struct store_thread *t, time_us until, bool notifications)
{
	struct pollfd fds[2] = {{.fd = t->wake, .events = POLLIN}, {.fd = -1, .events = POLLIN}};
	if (notifications && t->store) {
		/* What came along with an answer of the server makes no descriptor readable. */
		if (store_watch_drain(t->store))
			return true;
		fds[1].fd = store_watch_fd(t->store);
	}
	dur_us left = until - clock_monotonic();
	int timeout_ms = left <= 0 ? 0 : (int)MIN((left + 999) / 1000, INT64_C(3600000));
	if (poll(fds, 2, timeout_ms) <= 0)
		return false;
	uint64_t count;
	if (fds[0].revents && read(t->wake, &count, sizeof count) < 0)
		return false;
	return fds[1].revents && store_watch_drain(t->store);
}

/* The time before which a notification causes no look. */
static time_us notified_look(const struct store_thread *t)
{
	const int64_t *ids;
	size_t count;
	bool rows = t->store && !t->look && store_changed_ids(t->store, &ids, &count);
	return rows ? t->next_rows : t->next_read;
}

/* A look each period at the latest, and soon after a notification. */
static bool table_await(struct store_thread *t, dur_us *period)
{
	bool notified = false;
	while (wishes_take(t, period)) {
		time_us now = clock_monotonic();
		if (notified && !(t->store && store_tells_after_commit(t->store)))
			t->again = AGAIN_MIN;
		if (now >= t->next_look || (notified && now >= notified_look(t)))
			return true;
		if (t->look && !outage_is_on(&t->outage))
			return true;
		time_us until = notified ? MIN(notified_look(t), t->next_look) : t->next_look;
		notified = events_wait(t, until, !notified) || notified;
	}
	return false;
}

static void next_look_set(struct store_thread *t, time_us looked, dur_us period)
{
	t->next_look = looked + period;
	if (!t->again)
		return;
	t->next_look = MIN(t->next_look, MAX(clock_monotonic() + t->again, t->next_read));
	t->again = t->again * 5 > AGAIN_MAX ? 0 : t->again * 5;
}

static bool is_stopping(struct store_thread *t)
{
	pthread_mutex_lock(&t->lock);
	bool stopping = t->stopping;
	pthread_mutex_unlock(&t->lock);
	return stopping;
}

static gpointer store_thread_run(gpointer data)
{
	struct store_thread *t = data;
	dur_us period;
	while (table_await(t, &period)) {
		g_autoptr(GError) error = NULL;
		time_us looked = clock_monotonic();
		bool done = table_look(t, &error);
		next_look_set(t, looked, period);
		if (done)
			outage_over(&t->outage);
		else if (error && !is_stopping(t) && !table_failed(t, error, period))
			break; /* a look that the end has cut short is no outage */
	}
	store_close(t->store);
	pthread_mutex_lock(&t->lock);
	t->ended = true;
	pthread_cond_broadcast(&t->finished);
	pthread_mutex_unlock(&t->lock);
	return NULL;
}

/* --- the loop's side --- */

struct store_thread *store_thread_start(const struct store_thread_options *options)
{
	struct store_thread *t = g_new0(struct store_thread, 1);
	t->options = *options;
	t->period = options->period;
	outage_init(
		&t->outage, &(struct outage){.what = options->what,
				    .effect = "the last known definitions go on firing, it is tried again",
				    .delay_min = RETRY_MIN,
				    .delay_max = RETRY_MAX});
	t->bad = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, g_free);
	t->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (t->wake < 0)
		g_error("eventfd: %m");
	t->stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (t->stop < 0)
		g_error("eventfd: %m");
	pthread_mutex_init(&t->lock, NULL);
	pthread_cond_init(&t->finished, NULL);
	t->thread = g_thread_new("store", store_thread_run, t);
	return t;
}

static void wake(int event_fd)
{
	if (write(event_fd, &(uint64_t){1}, 8) < 0)
		g_error("eventfd: %m");
}

void store_thread_poke(struct store_thread *t)
{
	pthread_mutex_lock(&t->lock);
	t->poked = true;
	pthread_mutex_unlock(&t->lock);
	wake(t->wake);
}

void store_thread_set(struct store_thread *t, dur_us period, const struct action_defaults *defaults)
{
	pthread_mutex_lock(&t->lock);
	t->period = period;
	if (defaults)
		t->defaults = *defaults;
	t->defaults_set = t->defaults_set || defaults;
	t->poked = true;
	pthread_mutex_unlock(&t->lock);
	wake(t->wake);
}

bool store_thread_outage(struct store_thread *t, char **reason, time_us *since)
{
	return outage_look(&t->outage, reason, since);
}

bool store_thread_stop(struct store_thread *t, time_us deadline)
{
	if (!t)
		return true;
	pthread_mutex_lock(&t->lock);
	t->stopping = true;
	wake(t->wake);
	wake(t->stop);
	while (!t->ended && thread_wait_until(&t->finished, &t->lock, deadline))
		continue;
	bool ended = t->ended;
	pthread_mutex_unlock(&t->lock);
	if (!ended)
		return false;
	g_thread_join(t->thread);
	g_hash_table_unref(t->bad);
	outage_clear(&t->outage);
	close(t->wake);
	close(t->stop);
	pthread_mutex_destroy(&t->lock);
	pthread_cond_destroy(&t->finished);
	g_free(t);
	return true;
}
