/* internal_db on a server: ownership, lost connections, commits of unknown outcome, readers. */
#include "journal/server.h"
#include "servers.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "proxy.h"

#define NOW INT64_C(1700000000000000)

static struct commit *note_commit(uint64_t sequence)
{
	struct commit *commit = commit_new();
	struct history_note note = {NOW, g_strdup("note")};
	struct lane_progress lane = {.name = g_strdup("print"), .watermark = {(time_us)sequence, 1, 2}};
	commit->sequence = sequence;
	g_array_append_val(commit->notes, note);
	g_array_append_val(commit->lanes, lane);
	return commit;
}

static bool try_commit(struct journal *journal, uint64_t sequence, GError **error)
{
	struct commit *commit = note_commit(sequence);
	bool done = journal_commit(journal, commit, error);
	commit_free(commit);
	return done;
}

/* As the daemon does: the same commit again while the reason may pass. */
static void commit_at_last(struct journal *journal, uint64_t sequence)
{
	for (int i = 0; i < 20; i++) {
		g_autoptr(GError) error = NULL;
		if (try_commit(journal, sequence, &error))
			return;
		if (!g_error_matches(error, AS_ERROR, AS_ERROR_UNAVAILABLE))
			fail_msg("%s", error->message);
		g_usleep(50 * US_PER_MS);
	}
	fail_msg("the commit did not get through");
}

static struct journal *try_open(const char *database, bool read_only, GError **error)
{
	struct journal_options options = test_options(database);
	options.read_only = read_only;
	return journal_open(&options, error);
}

static struct journal *open_through(struct proxy *proxy, const char *database, GError **error)
{
	struct journal_options options = test_options(database);
	options.host = "127.0.0.1";
	options.port = proxy_port(proxy);
	return journal_open(&options, error);
}

static void assert_notes(const char *database, int64_t count)
{
	assert_int_equal(run_test_sql(database, "SELECT count(*) FROM scheduler_history"), count);
	assert_int_equal(run_test_sql(database, "SELECT commits FROM scheduler_meta"), count);
}

/* --- the connection --- */

static void a_commit_whose_answer_was_lost_is_there_once(void **state)
{
	struct scratch *scratch = *state;
	struct proxy *proxy = proxy_start(backend_port());
	struct journal *journal;
	assert_ok((journal = open_through(proxy, scratch->database, error)));
	assert_ok(try_commit(journal, 1, error));
	uint64_t sequence = 1;
	for (int answers = 0; answers < 4; answers++) {
		proxy_lose_after(proxy, answers);
		sequence++;
		if (answers == 0)
			assert_fails(try_commit(journal, sequence, error), AS_ERROR_UNAVAILABLE);
		commit_at_last(journal, sequence);
		proxy_lose_after(proxy, -1);
		commit_at_last(journal, sequence);
		assert_notes(scratch->database, (int64_t)sequence);
		commit_at_last(journal, ++sequence);
		assert_notes(scratch->database, (int64_t)sequence);
	}
	journal_close(journal);
	proxy_stop(proxy);
}

/* The lost session still gets the commit, late, while the next one is already there. */
static void a_commit_that_arrives_late_is_there_once(void **state)
{
	struct scratch *scratch = *state;
	struct proxy *proxy = proxy_start(backend_port());
	struct journal *journal;
	assert_ok((journal = open_through(proxy, scratch->database, error)));
	for (uint64_t i = 1; i <= 3; i++) {
		time_us before = clock_monotonic();
		proxy_set(proxy, PROXY_STALL);
		assert_fails(try_commit(journal, i, error), AS_ERROR_UNAVAILABLE);
		assert_in_range(clock_monotonic() - before, 900 * US_PER_MS, 5 * US_PER_SECOND);
		proxy_set(proxy, PROXY_PASS);
		commit_at_last(journal, i);
		assert_notes(scratch->database, (int64_t)i);
	}
	journal_close(journal);
	proxy_stop(proxy);
}

static void a_server_that_hangs_is_given_up_in_time(void **state)
{
	struct scratch *scratch = *state;
	struct proxy *proxy = proxy_start(backend_port());
	time_us before = clock_monotonic();
	proxy_set(proxy, PROXY_STALL);
	assert_fails(open_through(proxy, scratch->database, error), AS_ERROR_UNAVAILABLE);
	assert_in_range(clock_monotonic() - before, 900 * US_PER_MS, 5 * US_PER_SECOND);
	proxy_stop(proxy);
	struct journal_options options = test_options(scratch->database);
	options.host = "127.0.0.1";
	options.port = 1; /* nobody listens */
	assert_fails(journal_open(&options, error), AS_ERROR_UNAVAILABLE);
}

static void a_killed_connection_is_made_anew(void **state)
{
	struct scratch *scratch = *state;
	struct journal *journal = open_journal(scratch->database);
	for (uint64_t i = 1; i <= 5; i++) {
		backend_kill_sessions();
		commit_at_last(journal, i);
		assert_notes(scratch->database, (int64_t)i);
	}
	backend_kill_sessions();
	struct progress *progress = journal_load(journal, NULL, NULL, NULL);
	progress_free(progress ? progress : progress_new());
	assert_ok((progress = journal_load(journal, NULL, NULL, error)));
	assert_int_equal(progress->lanes->len, 1);
	progress_free(progress);
	journal_close(journal);
}

/* --- one owner --- */

static void a_scheduler_that_lost_its_connection_to_another_is_fenced(void **state)
{
	struct scratch *scratch = *state;
	struct journal *journal = open_journal(scratch->database);
	assert_ok(try_commit(journal, 1, error));
	backend_kill_sessions();
	struct journal *other = open_journal(scratch->database);
	g_autoptr(GError) first = NULL;
	/* It may first have to find out that its connection is lost. */
	if (try_commit(journal, 2, &first))
		fail_msg("both have it");
	assert_fails(try_commit(journal, 2, error), AS_ERROR_FENCED);
	assert_ok(try_commit(other, 1, error));
	journal_close(other);
	assert_fails(try_commit(journal, 2, error), AS_ERROR_FENCED);
	assert_notes(scratch->database, 2);
	journal_close(journal);
}

static void a_commit_of_an_earlier_epoch_is_refused(void **state)
{
	struct scratch *scratch = *state;
	struct journal *journal = open_journal(scratch->database);
	assert_ok(try_commit(journal, 1, error));
	run_test_sql(scratch->database, "UPDATE scheduler_meta SET owner_epoch = owner_epoch + 1");
	assert_fails(try_commit(journal, 2, error), AS_ERROR_FENCED);
	assert_notes(scratch->database, 1);
	journal_close(journal);
}

/* A failover to a copy that lacks the last commits. */
static void a_database_that_went_back_is_not_written_to(void **state)
{
	struct scratch *scratch = *state;
	struct journal *journal = open_journal(scratch->database);
	assert_ok(try_commit(journal, 1, error));
	assert_ok(try_commit(journal, 2, error));
	run_test_sql(scratch->database, "UPDATE scheduler_meta SET last_sequence = 1");
	assert_fails(try_commit(journal, 3, error), AS_ERROR_FENCED);
	assert_notes(scratch->database, 2);
	journal_close(journal);
}

/* A process that owns the database until it is killed. */
static pid_t start_owner(const char *database)
{
	int ready[2];
	char byte;
	struct journal_options options = test_options(database);
	assert_int_equal(pipe(ready), 0);
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		struct journal *journal = journal_open(&options, NULL);
		if (!journal || !try_commit(journal, 1, NULL) || write(ready[1], "!", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return child;
}

static void a_second_process_is_told_of_the_first_until_that_is_killed(void **state)
{
	struct scratch *scratch = *state;
	pid_t child = start_owner(scratch->database);
	g_autofree char *pid = g_strdup_printf("pid %d", (int)child);
	g_autoptr(GError) busy = NULL;
	assert_null(try_open(scratch->database, false, &busy));
	assert_true(g_error_matches(busy, AS_ERROR, AS_ERROR_BUSY));
	assert_non_null(strstr(busy->message, pid));
	assert_non_null(strstr(busy->message, g_get_host_name()));
	struct journal_options options = test_options(scratch->database);
	struct journal_state found;
	assert_ok(journal_inspect(&options, &found, error));
	assert_non_null(strstr(found.owner, pid));
	journal_state_clear(&found);
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, NULL, 0), child);
	struct journal *journal = NULL;
	for (int i = 0; i < 200 && !journal; i++) {
		g_usleep(10 * US_PER_MS);
		journal = try_open(scratch->database, false, NULL);
	}
	assert_non_null(journal);
	assert_notes(scratch->database, 1);
	journal_close(journal);
}

/* --- reading only, and the schema --- */

static void readers_work_beside_the_owner(void **state)
{
	struct scratch *scratch = *state;
	GRand *random = g_rand_new_with_seed(11);
	struct model *model = model_new();
	struct history_query all = {.since = TIME_US_MIN, .notes = true};
	struct journal *reader;
	assert_fails(try_open(scratch->database, true, error), AS_ERROR_MISSING);
	assert_fails(try_open(scratch->database, true, error), AS_ERROR_MISSING);
	struct journal *journal = open_journal(scratch->database);
	assert_ok((reader = try_open(scratch->database, true, error)));
	for (uint64_t i = 0; i < 10; i++) {
		struct commit *commit = random_commit(random, model, i);
		model_apply(model, commit);
		assert_ok(journal_commit(journal, commit, error));
		commit_free(commit);
		model_check_progress(model, reader);
		model_check_history(model, reader, &all);
	}
	assert_fails(try_commit(reader, 1, error), AS_ERROR_INVALID);
	journal_close(journal);
	model_check_progress(model, reader);
	journal_close(reader);
	model_free(model);
	g_rand_free(random);
}

/* Also after an end in the midst of the update, where the server cannot undo a part of it. */
static void an_older_schema_is_updated(void **state)
{
	struct scratch *scratch = *state;
	journal_close(open_journal(scratch->database));
	run_test_sql(scratch->database, "ALTER TABLE scheduler_history DROP COLUMN failed_fire");
	if (strcmp(backend_dialect(), "postgresql") == 0) {
		run_test_sql(scratch->database, "ALTER TABLE scheduler_open DROP COLUMN started");
		run_test_sql(scratch->database, "ALTER TABLE scheduler_open DROP COLUMN attempts_before");
		run_test_sql(scratch->database, "DROP TABLE scheduler_hold");
	}
	static const char *const columns[] = {"drop_reason", "skip_before_us", "held"};
	for (size_t i = 0; i < G_N_ELEMENTS(columns); i++) {
		g_autofree char *sql =
			g_strdup_printf("ALTER TABLE scheduler_backlog DROP COLUMN %s", columns[i]);
		run_test_sql(scratch->database, sql);
	}
	run_test_sql(scratch->database, "UPDATE scheduler_meta SET schema_version = 1");
	assert_fails(try_open(scratch->database, true, error), AS_ERROR_UNAVAILABLE);
	struct journal *journal = open_journal(scratch->database);
	struct commit *commit = commit_new();
	struct open_fire open = {.lane = g_strdup("print"), .started = true, .attempts_before = 3};
	g_array_append_val(commit->open, open);
	struct backlog_record record = {.id = 5, .lane = g_strdup("print"), .held = true};
	g_array_append_val(commit->backlog, record);
	commit->hold_changed = true;
	commit->hold.since = 6;
	assert_ok(journal_commit(journal, commit, error));
	commit_free(commit);
	journal_close(journal);
	assert_int_equal(run_test_sql(scratch->database, "SELECT held FROM scheduler_backlog"), 1);
	assert_int_equal(run_test_sql(scratch->database, "SELECT since_us FROM scheduler_hold"), 6);
	assert_int_equal(run_test_sql(scratch->database, "SELECT schema_version FROM scheduler_meta"), 3);
	assert_int_equal(run_test_sql(scratch->database, "SELECT started FROM scheduler_open"), 1);
	assert_int_equal(run_test_sql(scratch->database, "SELECT attempts_before FROM scheduler_open"), 3);
	assert_int_equal(
		run_test_sql(scratch->database, "SELECT count(failed_fire) FROM scheduler_history"), 0);
}

static void a_newer_schema_is_refused(void **state)
{
	struct scratch *scratch = *state;
	journal_close(open_journal(scratch->database));
	run_test_sql(scratch->database, "UPDATE scheduler_meta SET schema_version = 99");
	for (int read_only = 0; read_only <= 1; read_only++) {
		g_autoptr(GError) error = NULL;
		assert_null(try_open(scratch->database, read_only, &error));
		assert_true(g_error_matches(error, AS_ERROR, AS_ERROR_INVALID));
		assert_non_null(strstr(error->message, "99"));
	}
	assert_int_equal(run_test_sql(scratch->database, "SELECT owner_epoch FROM scheduler_meta"), 1);
}

static void options_that_name_nothing_are_refused(void **state)
{
	struct scratch *scratch = *state;
	struct journal_options options = test_options(scratch->database);
	struct journal_setting unknown = {"no_such_option", "1"};
	options.settings = &unknown;
	options.setting_count = 1;
	assert_fails(journal_open(&options, error), AS_ERROR_INVALID);
	/* The server of the tests has no TLS. */
	if (strcmp(backend_dialect(), "mysql") == 0) {
		unknown = (struct journal_setting){"ssl_mode", "required"};
		assert_fails(journal_open(&options, error), AS_ERROR_UNAVAILABLE);
	}
	options.setting_count = 0;
	options.database = "";
	assert_fails(journal_open(&options, error), AS_ERROR_INVALID);
}

#define NEWEST INT64_MAX
/* What journal_inspect says; NULL of `lacking`: nothing is. */
static void expect_state(const struct journal_options *options, int64_t version, const char *lacking)
{
	struct journal_state found;
	assert_ok(journal_inspect(options, &found, error));
	assert_true(found.newest > 1);
	assert_int_equal(found.version, version == NEWEST ? found.newest : version);
	assert_null(found.owner);
	if (lacking && !(found.lacking && strstr(found.lacking, lacking)))
		fail_msg("“%s” is not in “%s”", lacking, found.lacking);
	if (!lacking)
		assert_null(found.lacking);
	journal_state_clear(&found);
}

static void every_table_is_known_by_name(void **state)
{
	struct scratch *scratch = *state;
	journal_close(open_journal(scratch->database));
	g_autofree char *sql = g_strdup_printf(
		"SELECT count(*) FROM information_schema.tables WHERE table_name LIKE 'scheduler%%' AND "
		"table_schema = %s",
		strcmp(backend_dialect(), "mysql") == 0 ? "DATABASE()" : "current_schema()");
	assert_int_equal(run_test_sql(scratch->database, sql), g_strv_length((char **)server_tables));
}

/* As packaging/sql has it: the schema of the table `action`, where it may make nothing, comes first. */
static void a_postgresql_role_needs_a_schema_of_its_own_and_no_more(struct scratch *scratch)
{
	struct journal_options options = test_options(scratch->database);
	run_test_sql(scratch->database, "CREATE ROLE keeper LOGIN");
	run_test_sql(scratch->database, "GRANT USAGE ON SCHEMA public TO keeper");
	options.username = "keeper";
	options.setting_count = 0;
	g_autoptr(GError) refused = NULL;
	assert_null(journal_open(&options, &refused));
	assert_true(g_error_matches(refused, AS_ERROR, AS_ERROR_INVALID));
	assert_non_null(strstr(refused->message, "permission denied for schema public"));
	expect_state(&options, 0, "GRANT CREATE ON SCHEMA public TO keeper");
	run_test_sql(scratch->database, "ALTER ROLE keeper SET search_path = nowhere");
	expect_state(&options, 0, "CREATE SCHEMA keeper AUTHORIZATION keeper");
	run_test_sql(scratch->database, "CREATE SCHEMA kept AUTHORIZATION keeper");
	run_test_sql(scratch->database, "ALTER ROLE keeper SET search_path = public, kept");
	expect_state(&options, 0, NULL);
	struct journal *journal;
	for (uint64_t i = 0; i < 2; i++) {
		assert_ok((journal = journal_open(&options, error)));
		assert_ok(try_commit(journal, i, error));
		journal_close(journal);
	}
	assert_int_equal(run_test_sql(scratch->database, "SELECT owner_epoch FROM kept.scheduler_meta"), 2);
	expect_state(&options, NEWEST, NULL);
	run_test_sql(scratch->database, "REVOKE DELETE ON kept.scheduler_open FROM keeper");
	expect_state(&options, NEWEST, "GRANT DELETE ON ALL TABLES IN SCHEMA kept TO keeper");
	run_test_sql(scratch->database, "REVOKE SELECT ON kept.scheduler_meta FROM keeper");
	expect_state(&options, -1, "GRANT SELECT, DELETE ON ALL TABLES IN SCHEMA kept TO keeper");
	run_test_sql(scratch->database, "ALTER TABLE kept.scheduler_open OWNER TO CURRENT_USER");
	run_test_sql(scratch->database, "GRANT ALL ON ALL TABLES IN SCHEMA kept TO keeper");
	expect_state(&options, NEWEST, NULL);
	run_test_sql(scratch->database, "UPDATE kept.scheduler_meta SET schema_version = 1");
	expect_state(&options, 1, "needs to own the tables");
	run_test_sql(scratch->database, "DROP SCHEMA kept CASCADE");
}

static void a_mysql_role_needs_its_database_and_no_more(struct scratch *scratch)
{
	struct journal_options options = test_options(scratch->database);
	struct journal *journal;
	g_autofree char *grant = g_strdup_printf(
		"GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, INDEX ON %s.* TO keeper",
		options.database);
	g_autofree char *less = g_strdup_printf("GRANT SELECT ON %s.* TO keeper", options.database);
	run_test_sql(scratch->database, "CREATE USER keeper IDENTIFIED BY 'it''s \"%/@:'");
	run_test_sql(scratch->database, less);
	options.host = "127.0.0.1";
	options.username = "keeper";
	options.password = "it's \"%/@:";
	g_autoptr(GError) refused = NULL;
	assert_null(journal_open(&options, &refused));
	assert_true(g_error_matches(refused, AS_ERROR, AS_ERROR_INVALID));
	assert_non_null(strstr(refused->message, "CREATE command denied"));
	g_autofree char *missing = g_strdup_printf(
		"GRANT INSERT, UPDATE, DELETE, CREATE, ALTER, INDEX ON `%s`.* TO 'keeper'@'%%'",
		options.database);
	expect_state(&options, 0, missing);
	run_test_sql(scratch->database, grant);
	expect_state(&options, 0, NULL);
	assert_int_equal(
		run_test_sql(scratch->database,
			"SELECT count(*) FROM information_schema.tables WHERE table_schema = DATABASE()"),
		0);
	for (uint64_t i = 0; i < 2; i++) {
		assert_ok((journal = journal_open(&options, error)));
		assert_ok(try_commit(journal, i, error));
		journal_close(journal);
	}
	expect_state(&options, NEWEST, NULL);
	g_autofree char *fewer =
		g_strdup_printf("REVOKE DELETE, CREATE ON %s.* FROM keeper", options.database);
	run_test_sql(scratch->database, fewer);
	expect_state(&options, NEWEST, "needs DELETE on the database: GRANT DELETE ON `");
	run_test_sql(scratch->database, "UPDATE scheduler_meta SET schema_version = 1");
	expect_state(&options, 1, "needs DELETE, CREATE on the database");
}

static void a_role_needs_a_place_of_its_own_and_no_more(void **state)
{
	if (strcmp(backend_dialect(), "postgresql") == 0)
		a_postgresql_role_needs_a_schema_of_its_own_and_no_more(*state);
	else
		a_mysql_role_needs_its_database_and_no_more(*state);
}

/* Many statements of every kind, and texts that no server would take as they are. */
static void a_large_commit_goes_through(void **state)
{
	struct scratch *scratch = *state;
	struct journal *journal = open_journal(scratch->database);
	struct commit *commit = commit_new();
	commit->sequence = 1;
	for (int i = 0; i < 20000; i++) {
		struct open_fire open = {.lane = g_strdup("it's \\ a \"lane\" ?1 $1 {x}"), .action_id = i};
		struct definition definition = {.action_id = i, .length = 100, .packed = g_malloc0(100)};
		g_array_append_val(commit->open, open);
		g_array_append_val(commit->definitions, definition);
	}
	struct outcome failed = {.action_id = 1,
		.finished_at = NOW,
		.status = STATUS_FAILED,
		.detail = g_strdup("\xff bad '\\ \xf0\x9f\x90\x98")};
	g_array_append_val(commit->outcomes, failed);
	assert_ok(journal_commit(journal, commit, error));
	commit_free(commit);
	struct progress *progress;
	assert_ok((progress = journal_load(journal, NULL, NULL, error)));
	assert_int_equal(progress->open->len, 20000);
	assert_string_equal(
		g_array_index(progress->open, struct open_fire, 0).lane, "it's \\ a \"lane\" ?1 $1 {x}");
	progress_free(progress);
	assert_int_equal(run_test_sql(scratch->database, "SELECT history_bytes FROM scheduler_meta"),
		run_test_sql(scratch->database, "SELECT sum(52 + length(body) + length(CAST(detail AS BLOB)) "
						"+ length(failed_fire)) FROM "
						"scheduler_history"));
	journal_close(journal);
}

static void count_definition(void *context, const struct definition *definition)
{
	(void)definition;
	++*(int *)context;
}

static void a_damaged_block_is_told(void **state)
{
	struct scratch *scratch = *state;
	struct journal *journal = open_journal(scratch->database);
	struct commit *commit = commit_new();
	struct definition definition = {.action_id = 7, .length = 3, .packed = g_malloc0(3)};
	int count = 0;
	commit->sequence = 1;
	g_array_append_val(commit->definitions, definition);
	assert_ok(journal_commit(journal, commit, error));
	run_test_sql(scratch->database, "UPDATE scheduler_definition SET body = x'ffff'");
	assert_fails(journal_load(journal, count_definition, &count, error), AS_ERROR_CORRUPT);
	commit->sequence = 2;
	assert_fails(journal_commit(journal, commit, error), AS_ERROR_CORRUPT);
	commit_free(commit);
	assert_ok(try_commit(journal, 3, error));
	journal_close(journal);
}

#define SERVER_TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		SERVER_TEST(a_commit_whose_answer_was_lost_is_there_once),
		SERVER_TEST(a_commit_that_arrives_late_is_there_once),
		SERVER_TEST(a_server_that_hangs_is_given_up_in_time),
		SERVER_TEST(a_killed_connection_is_made_anew),
		SERVER_TEST(a_scheduler_that_lost_its_connection_to_another_is_fenced),
		SERVER_TEST(a_commit_of_an_earlier_epoch_is_refused),
		SERVER_TEST(a_database_that_went_back_is_not_written_to),
		SERVER_TEST(a_second_process_is_told_of_the_first_until_that_is_killed),
		SERVER_TEST(readers_work_beside_the_owner),
		SERVER_TEST(an_older_schema_is_updated),
		SERVER_TEST(a_newer_schema_is_refused),
		SERVER_TEST(options_that_name_nothing_are_refused),
		SERVER_TEST(every_table_is_known_by_name),
		SERVER_TEST(a_role_needs_a_place_of_its_own_and_no_more),
		SERVER_TEST(a_large_commit_goes_through),
		SERVER_TEST(a_damaged_block_is_told),
	};
	int skipped = backend_start(argc, argv);
	if (skipped)
		return skipped;
	int failed = cmocka_run_group_tests_name(backend_dialect(), tests, NULL, NULL);
	backend_stop();
	return failed;
}
