#include "store/apscheduler_jobs.h"
#include "store/mysql.h"

/* Rounded to microseconds by the server, as its texts of doubles are cut. */
#define SELECT_JOBS "SELECT `id`, CAST(ROUND(`next_run_time` * 1000000) AS SIGNED) FROM `apscheduler_jobs`"
#define SELECT_COLUMNS                                                                         \
	"SELECT COUNT(*) FROM information_schema.columns WHERE table_schema = DATABASE() AND " \
	"table_name = 'apscheduler_jobs' AND column_name IN ('id', 'next_run_time')"

typedef bool (*row_fn)(const struct mysql_rows *rows, void *context);

static bool rows_each(struct store_mysql *m, const char *sql, row_fn each, void *context, GError **error)
{
	g_auto(mysql_rows) rows = {0};
	g_autoptr(MYSQL_STMT) select = store_mysql_prepare(m, sql, error);
	bool there = true;
	if (!select || !store_mysql_execute(m, select, sql, NULL, error) ||
		!store_mysql_rows_begin(&rows, m, select, error))
		return false;
	while (there) {
		if (!store_mysql_rows_next(&rows, &there, error))
			return false;
		there = there && each(&rows, context);
	}
	return true;
}

static bool count_take(const struct mysql_rows *rows, void *context)
{
	struct maybe_int count = {0};
	store_mysql_number(&rows->cells[0], COLUMN_INTEGER, &count);
	*(int64_t *)context = count.set ? count.value : 0;
	return true;
}

static bool job_take(const struct mysql_rows *rows, void *context)
{
	struct maybe_int next_run_us = {0};
	store_mysql_number(&rows->cells[1], COLUMN_INTEGER, &next_run_us);
	apscheduler_jobs_add(context, store_mysql_text(&rows->cells[0]), rows->cells[1].null,
		(double)next_run_us.value / 1e6);
	return true;
}

bool store_mysql_read_jobs(struct store *store, struct apscheduler_jobs *jobs, bool *there, GError **error)
{
	struct store_mysql *m = store_mysql(store);
	int64_t columns = 0;
	if (!store_mysql_connect(m, error) || !rows_each(m, SELECT_COLUMNS, count_take, &columns, error))
		return false;
	*there = columns == 2;
	return !*there || rows_each(m, SELECT_JOBS, job_take, jobs, error);
}
