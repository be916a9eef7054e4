/* The table apscheduler_jobs, in every database. */
#include "backends.h"

#include "store/apscheduler_jobs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

static const struct test_backend *backend;
static struct place *place;

static int setup(void **state)
{
	(void)state;
	place = backend->place_new();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	backend->place_free(place);
	return 0;
}

/* As SQLAlchemy makes it. */
static void make_table(void)
{
	bool is_postgresql = strcmp(backend->name, "postgresql") == 0;
	g_autofree char *sql =
		g_strdup_printf("CREATE TABLE apscheduler_jobs (id VARCHAR(191) NOT NULL, "
				"next_run_time FLOAT(25), job_state %s NOT NULL, PRIMARY KEY (id))",
			is_postgresql ? "BYTEA" : "BLOB");
	backend->run(place, sql);
}

static struct apscheduler_jobs *read_jobs(void)
{
	struct store_options options = backend->options(place);
	GError *error = NULL;
	struct apscheduler_jobs *jobs = NULL;
	bool done = apscheduler_jobs_read(&options, &jobs, &error);
	if (!done)
		fail_msg("%s", error->message);
	return jobs;
}

static void test_jobs(void **state)
{
	(void)state;
	make_table();
	backend->run(place, "INSERT INTO apscheduler_jobs VALUES ('17', 1904299260.25, ''), ('3', NULL, ''), "
			    "('-2', 1904299230.123457, ''), ('9223372036854775807', 0, '')");
	struct apscheduler_jobs *jobs = read_jobs();
	assert_non_null(jobs);
	const struct import_job *job = (const struct import_job *)(void *)jobs->jobs->data;
	assert_int_equal(jobs->jobs->len, 4);
	assert_int_equal(jobs->unusable, 0);
	assert_int_equal(job[0].action_id, -2);
	assert_int_equal(job[0].next_run, INT64_C(1904299230123457));
	assert_int_equal(job[1].action_id, 3);
	assert_int_equal(job[1].next_run, TIME_US_MAX);
	assert_int_equal(job[2].action_id, 17);
	assert_int_equal(job[2].next_run, INT64_C(1904299260250000));
	assert_int_equal(job[3].action_id, INT64_MAX);
	assert_int_equal(job[3].next_run, 0);
	apscheduler_jobs_free(jobs);
}

static void test_what_is_no_job_of_an_action(void **state)
{
	(void)state;
	make_table();
	backend->run(place,
		"INSERT INTO apscheduler_jobs VALUES ('017', 1, ''), ('report', 1, ''), ('', 1, ''), "
		"('9223372036854775808', 1, ''), ('1', 1e15, ''), (' 2', 1, ''), ('3', 1, '')");
	struct apscheduler_jobs *jobs = read_jobs();
	assert_int_equal(jobs->jobs->len, 1);
	assert_int_equal(g_array_index(jobs->jobs, struct import_job, 0).action_id, 3);
	assert_int_equal(jobs->unusable, 6);
	assert_non_null(jobs->unusable_id);
	apscheduler_jobs_free(jobs);
}

static void test_no_such_table(void **state)
{
	(void)state;
	backend->run(place, "CREATE TABLE other (id INTEGER)");
	assert_null(read_jobs());
	backend->run(place, "CREATE TABLE apscheduler_jobs (id INTEGER, something INTEGER)");
	assert_null(read_jobs());
}

static void test_nothing_is_written(void **state)
{
	(void)state;
	make_table();
	backend->run(place, "INSERT INTO apscheduler_jobs VALUES ('17', NULL, '')");
	apscheduler_jobs_free(read_jobs());
	g_autofree char *count = backend->query(place, "SELECT count(*) FROM apscheduler_jobs");
	assert_string_equal(count, "1");
	backend->run(place, "DROP TABLE apscheduler_jobs");
	assert_null(read_jobs());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_jobs, setup, teardown),
		cmocka_unit_test_setup_teardown(test_what_is_no_job_of_an_action, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_such_table, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nothing_is_written, setup, teardown),
	};
	int failed = 0;
	bool skipped = false;
	for (size_t i = 0; i < test_backend_count; i++) {
		backend = test_backends[i];
		if (backend->start && !backend->start()) {
			fprintf(stderr, "SKIPPED: apscheduler_jobs on %s: no server on this machine\n",
				backend->name);
			skipped = true;
			continue;
		}
		failed += cmocka_run_group_tests_name(backend->name, tests, NULL, NULL);
	}
	/* For Meson, 77 is a test that was skipped. */
	return failed ? 1 : skipped ? 77 : 0;
}
