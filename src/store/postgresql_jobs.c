#include "store/apscheduler_jobs.h"
#include "store/postgresql.h"

#include <math.h>
#include <string.h>

#define NEED_SELECT "SELECT on the table: GRANT SELECT ON apscheduler_jobs TO %s"

static bool table_is_there(struct store_pg *pg, bool *there, GError **error)
{
	static const char sql[] = "SELECT count(*) FROM pg_catalog.pg_attribute WHERE attrelid = "
				  "pg_catalog.to_regclass('apscheduler_jobs') AND NOT attisdropped AND "
				  "attname IN ('id', 'next_run_time')";
	g_autoptr(PGresult) count = pg_query(pg, NULL, sql, 0, NULL, error);
	*there = count && strcmp(PQgetvalue(count, 0, 0), "2") == 0;
	return count != NULL;
}

static bool rows_take(struct store_pg *pg, struct apscheduler_jobs *jobs, GError **error)
{
	g_autoptr(PGresult) rows = pg_query(pg, NEED_SELECT,
		"SELECT id::text, next_run_time::float8 FROM apscheduler_jobs", 0, NULL, error);
	for (int i = 0; rows && i < PQntuples(rows); i++) {
		struct text id = {PQgetvalue(rows, i, 0), (size_t)PQgetlength(rows, i, 0)};
		char *end, *time = PQgetvalue(rows, i, 1);
		double next_run_s = g_ascii_strtod(time, &end);
		apscheduler_jobs_add(
			jobs, id, PQgetisnull(rows, i, 1), *time && !*end ? next_run_s : (double)NAN);
	}
	return rows != NULL;
}

bool pg_read_jobs(struct store *store, struct apscheduler_jobs *jobs, bool *there, GError **error)
{
	struct store_pg *pg = store_pg(store);
	if (!pg_open(pg, error) || !pg_begin(pg, true, error))
		return false;
	bool done = table_is_there(pg, there, error) && (!*there || rows_take(pg, jobs, error));
	pg_rollback(pg);
	return done;
}
