#include "store/apscheduler_jobs.h"

#include "base/sqlite.h"
#include "store/backend.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* Years 1 to 9999, which are all that Python knows. */
#define FIRST_S -62135596800.0
#define LAST_S  253402300800.0

static struct apscheduler_jobs *jobs_new(void)
{
	struct apscheduler_jobs *jobs = g_new0(struct apscheduler_jobs, 1);
	jobs->jobs = g_array_new(FALSE, FALSE, sizeof(struct import_job));
	return jobs;
}

void apscheduler_jobs_free(struct apscheduler_jobs *jobs)
{
	if (!jobs)
		return;
	g_array_unref(jobs->jobs);
	g_free(jobs->unusable_id);
	g_free(jobs);
}

/* The Python program names a job str(action.id). */
static bool id_parse(struct text id, int64_t *out)
{
	char text[24], again[24];
	gint64 value;
	if (!id.data || id.length >= sizeof text)
		return false;
	memcpy(text, id.data, id.length);
	text[id.length] = '\0';
	if (!g_ascii_string_to_signed(text, 10, G_MININT64, G_MAXINT64, &value, NULL))
		return false;
	snprintf(again, sizeof again, "%" PRId64, (int64_t)value);
	*out = value;
	return strlen(again) == id.length && memcmp(again, text, id.length) == 0;
}

void apscheduler_jobs_add(struct apscheduler_jobs *jobs, struct text id, bool paused, double next_run_s)
{
	struct import_job job = {.next_run = TIME_US_MAX};
	bool has_time = paused || (next_run_s >= FIRST_S && next_run_s < LAST_S);
	if (has_time && id_parse(id, &job.action_id)) {
		if (!paused)
			job.next_run = (time_us)(next_run_s * 1e6 + (next_run_s < 0 ? -0.5 : 0.5));
		g_array_append_val(jobs->jobs, job);
		return;
	}
	jobs->unusable++;
	if (!jobs->unusable_id)
		jobs->unusable_id =
			id.data ? g_utf8_make_valid(id.data, (gssize)MIN(id.length, 200)) : g_strdup("NULL");
}

/* --- SQLite --- */

static void row_take(sqlite3_stmt *row, struct apscheduler_jobs *jobs)
{
	struct text id = {(const char *)sqlite3_column_text(row, 0), (size_t)sqlite3_column_bytes(row, 0)};
	int type = sqlite3_column_type(row, 1);
	bool number = type == SQLITE_FLOAT || type == SQLITE_INTEGER;
	apscheduler_jobs_add(
		jobs, id, type == SQLITE_NULL, number ? sqlite3_column_double(row, 1) : (double)NAN);
}

static bool sqlite_rows(sqlite3 *db, struct apscheduler_jobs *jobs, GError **error)
{
	g_autoptr(sqlite3_stmt) rows =
		sqlite_prepare(db, "SELECT id, next_run_time FROM apscheduler_jobs", error);
	bool more = rows != NULL, ok = more;
	while (more && (ok = sqlite_step(rows, &more, error)) && more)
		row_take(rows, jobs);
	return ok;
}

static bool sqlite_read(const struct store_options *where, struct apscheduler_jobs **out, GError **error)
{
	g_autoptr(sqlite3) db = sqlite_open(
		where->database, SQLITE_MODE_READ, where->wait_ms ? where->wait_ms : SQLITE_WAIT_MS, error);
	int64_t columns = 0;
	if (!db || !sqlite_query_int(db,
			   "SELECT count(*) FROM pragma_table_info('apscheduler_jobs')"
			   " WHERE name IN ('id', 'next_run_time')",
			   &columns, error))
		return false;
	*out = columns == 2 ? jobs_new() : NULL;
	if (!*out || sqlite_rows(db, *out, error))
		return true;
	g_clear_pointer(out, apscheduler_jobs_free);
	return false;
}

/* --- servers --- */

static bool server_read(const struct store_options *where, struct apscheduler_jobs **out, GError **error)
{
	struct store_options options = *where;
	options.read_only = true;
	struct store *store = store_open(&options, error);
	struct apscheduler_jobs *jobs = jobs_new();
	bool there = false;
	bool done = store && store->backend->read_jobs(store, jobs, &there, error);
	store_close(store);
	if (!done || !there)
		g_clear_pointer(&jobs, apscheduler_jobs_free);
	*out = jobs;
	return done;
}

bool apscheduler_jobs_read(const struct store_options *where, struct apscheduler_jobs **out, GError **error)
{
	struct apscheduler_jobs *jobs = NULL;
	bool is_file = strcmp(where->dialect, "sqlite") == 0;
	if (!(is_file ? sqlite_read(where, &jobs, error) : server_read(where, &jobs, error)))
		return false;
	if (jobs)
		import_jobs_sort(jobs->jobs);
	*out = jobs;
	return true;
}
