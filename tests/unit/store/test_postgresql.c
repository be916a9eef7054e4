/* What is particular to actions_db on PostgreSQL: the trigger, types, connections, deadlines and roles. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "backend_postgresql.h"
#include "expect.h"
#include "wrap_poll.h"

#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

static const struct test_backend *const backend = &test_backend_postgresql;

struct fixture {
	struct place *place;
	struct store *store;
};

static int setup(void **state)
{
	struct fixture *fixture = g_new0(struct fixture, 1);
	fixture->place = backend->place_new();
	struct store_options options = backend->options(fixture->place);
	fixture->store = expect_store(&options);
	*state = fixture;
	return store_create_table(fixture->store, NULL) ? 0 : -1;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;
	store_close(fixture->store);
	backend->place_free(fixture->place);
	g_free(fixture);
	return 0;
}

static void run(struct fixture *fixture, const char *sql)
{
	backend->run(fixture->place, sql);
}

/* --- the trigger --- */

static void watched(struct fixture *fixture)
{
	g_autoptr(GError) error = NULL;
	bool installed = false;
	if (!store_install_trigger(fixture->store, &installed, &error))
		fail_msg("%s", error->message);
	assert_true(installed);
	g_free(rows_of(fixture->store));
	assert_false(changed(fixture->store));
}

static bool told(struct store *store, int wait_ms)
{
	struct pollfd fd = {.fd = store_watch_fd(store), .events = POLLIN};
	assert_true(fd.fd >= 0);
	return store_watch_drain(store) || (poll(&fd, 1, wait_ms) > 0 && store_watch_drain(store));
}

/* The change is told, and is about just these rows (texts of ids, with commas); "*": about who knows what. */
static void expect_told(struct fixture *fixture, const char *expected)
{
	const int64_t *ids = NULL;
	size_t count = 0;
	g_autoptr(GString) text = g_string_new(NULL);
	assert_true(told(fixture->store, 5000));
	assert_true(changed(fixture->store));
	if (!store_changed_ids(fixture->store, &ids, &count))
		g_string_append_c(text, '*');
	for (size_t i = 0; i < count; i++)
		g_string_append_printf(text, "%s%" G_GINT64_FORMAT, i ? "," : "", ids[i]);
	assert_string_equal(text->str, expected);
}

/* And these rows are there of them. */
static void expect_told_rows(struct fixture *fixture, const char *ids_text, const char *rows)
{
	const int64_t *ids;
	size_t count;
	g_autoptr(GError) error = NULL;
	g_autoptr(GString) out = g_string_new(NULL);
	expect_told(fixture, ids_text);
	assert_true(store_changed_ids(fixture->store, &ids, &count));
	if (!store_read_ids(fixture->store, ids, count, rows_append, out, &error))
		fail_msg("%s", error->message);
	assert_string_equal(out->str, rows);
	assert_false(changed(fixture->store));
}

static void trigger_names_the_rows(void **state)
{
	struct fixture *fixture = *state;
	run(fixture, "INSERT INTO action SELECT i, 'a', 'b', '{}', NULL, NULL FROM generate_series(1, 9) i");
	watched(fixture);
	run(fixture, "INSERT INTO action VALUES (20,'n','c','{}'), (10,'n','c','{}')");
	expect_told_rows(fixture, "10,20", "10|n|c|{}||\n20|n|c|{}||\n");
	run(fixture, "UPDATE action SET command = 'x' WHERE id = 3");
	expect_told_rows(fixture, "3", "3|a|x|{}||\n");
	/* The text counts, not what it means. */
	run(fixture, "UPDATE action SET cron = '{ }' WHERE id = 4");
	expect_told_rows(fixture, "4", "4|a|b|{ }||\n");
	run(fixture, "DELETE FROM action WHERE id = 5");
	expect_told_rows(fixture, "5", "");
	run(fixture, "UPDATE action SET id = 30 WHERE id = 6");
	expect_told_rows(fixture, "6,30", "30|a|b|{}||\n");
	run(fixture, "BEGIN; DELETE FROM action WHERE id = 7; INSERT INTO action VALUES (31,'n','c','{}'); "
		     "COMMIT");
	expect_told_rows(fixture, "7,31", "31|n|c|{}||\n");
}

static void bulk_edit_is_told_as_one(void **state)
{
	struct fixture *fixture = *state;
	watched(fixture);
	run(fixture,
		"INSERT INTO action SELECT i, 'a', 'b', '{}' FROM generate_series(1000000001, 1000000256) i");
	const int64_t *ids;
	size_t count = 0;
	assert_true(told(fixture->store, 5000));
	assert_true(store_changed_ids(fixture->store, &ids, &count));
	assert_int_equal(count, 256);
	run(fixture, "INSERT INTO action SELECT i, 'a', 'b', '{}' FROM generate_series(1, 5000) i");
	expect_told(fixture, "*");
	g_free(rows_of(fixture->store));
	assert_false(changed(fixture->store));
	run(fixture, "UPDATE action SET name = 'c'");
	expect_told(fixture, "*");
	g_free(rows_of(fixture->store));
	run(fixture, "TRUNCATE action");
	expect_told(fixture, "*");
	expect_rows(fixture->store, "");
	assert_false(changed(fixture->store));
}

static void edits_that_change_nothing_are_not_told(void **state)
{
	struct fixture *fixture = *state;
	const struct store_row_error bad[] = {{1, "bad"}};
	unsigned added;
	run(fixture, "INSERT INTO action VALUES (1,'a','b','{}'), (2,'a','b','{}')");
	assert_true(store_complete_table(fixture->store, &added, NULL));
	watched(fixture);
	run(fixture, "UPDATE action SET error = 'by hand'; UPDATE action SET name = name;"
		     "DELETE FROM action WHERE id = 77; BEGIN; DELETE FROM action; ROLLBACK");
	assert_true(store_write_errors(fixture->store, bad, 1, NULL));
	assert_false(told(fixture->store, 200));
	assert_false(changed(fixture->store));
}

static void what_the_trigger_did_not_see_is_noticed(void **state)
{
	struct fixture *fixture = *state;
	run(fixture, "INSERT INTO action VALUES (1,'a','b','{}')");
	watched(fixture);
	run(fixture, "ALTER TABLE action DISABLE TRIGGER USER; UPDATE action SET name = 'x';"
		     "ALTER TABLE action ENABLE ALWAYS TRIGGER action_scheduler_update");
	assert_true(changed(fixture->store));
	expect_rows(fixture->store, "1|x|b|{}||\n");
	/* As replication applies it. */
	run(fixture, "SET session_replication_role = replica; UPDATE action SET name = 'y';"
		     "RESET session_replication_role");
	assert_true(told(fixture->store, 5000));
	expect_rows(fixture->store, "1|y|b|{}||\n");
	run(fixture, "ALTER TABLE action ADD timezone TEXT DEFAULT 'UTC'");
	assert_true(changed(fixture->store));
	expect_rows(fixture->store, "1|y|b|{}|||timezone=UTC\n");
	run(fixture, "DROP TRIGGER action_scheduler_update ON action");
	assert_true(changed(fixture->store));
	g_free(rows_of(fixture->store));
	assert_false(changed(fixture->store));
	run(fixture, "UPDATE action SET name = 'z'");
	assert_true(changed(fixture->store));
	expect_rows(fixture->store, "1|z|b|{}|||timezone=UTC\n");
}

/* As behind a pooler, whose session is another one: what the trigger tells does not arrive. */
static void without_ears_the_rows_are_compared(void **state)
{
	struct fixture *fixture = *state;
	struct store_options options = backend->options(fixture->place);
	run(fixture, "INSERT INTO action VALUES (1,'a','b','{}'), (2,'a','b','{}')");
	watched(fixture);
	options.read_only = true;
	struct store *deaf = expect_store(&options);
	g_free(rows_of(deaf));
	run(fixture, "CREATE TABLE elsewhere (id integer); INSERT INTO elsewhere VALUES (1)");
	assert_false(changed(deaf));
	run(fixture, "BEGIN; UPDATE action SET name = 'x'; ROLLBACK");
	assert_false(changed(deaf));
	static const char *const edits[] = {"UPDATE action SET name = 'x' WHERE id = 1",
		"BEGIN; DELETE FROM action WHERE id = 2; INSERT INTO action VALUES (2,'a','b','{}'); COMMIT",
		"INSERT INTO action VALUES (3,'a','b','{}')", "DELETE FROM action WHERE id = 1",
		"TRUNCATE action"};
	for (size_t i = 0; i < G_N_ELEMENTS(edits); i++) {
		const int64_t *ids;
		size_t count;
		run(fixture, edits[i]);
		assert_true(changed(deaf));
		assert_false(store_changed_ids(deaf, &ids, &count));
		g_free(rows_of(deaf));
		assert_false(changed(deaf));
	}
	store_close(deaf);
}

static void table_made_anew_is_listened_to(void **state)
{
	struct fixture *fixture = *state;
	watched(fixture);
	run(fixture, "ALTER TABLE action RENAME TO old; CREATE TABLE action (LIKE old INCLUDING ALL)");
	assert_true(changed(fixture->store));
	watched(fixture);
	run(fixture, "INSERT INTO action VALUES (1,'a','b','{}')");
	expect_told_rows(fixture, "1", "1|a|b|{}||\n");
}

static void after_a_lost_connection_nothing_is_missed(void **state)
{
	struct fixture *fixture = *state;
	run(fixture, "INSERT INTO action VALUES (1,'a','b','{}')");
	watched(fixture);
	run(fixture, "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = "
		     "'action-scheduler' AND datname = current_database(); UPDATE action SET name = 'x'");
	assert_true(told(fixture->store, 5000));
	assert_true(changed(fixture->store));
	expect_rows(fixture->store, "1|x|b|{}||\n");
	run(fixture, "UPDATE action SET name = 'y'");
	expect_told_rows(fixture, "1", "1|y|b|{}||\n");
}

/* --- types --- */

static void types_are_read_alike(void **state)
{
	struct fixture *fixture = *state;
	static const char *const types[] = {"json", "jsonb", "text", "varchar"};
	for (size_t i = 0; i < G_N_ELEMENTS(types); i++) {
		g_autofree char *sql = g_strdup_printf(
			"DROP TABLE action; CREATE TABLE action (note text, cron %s NOT NULL, enabled %s, "
			"actuality_time %s, merge_missed %s, command text, name varchar(9), id %s);"
			"INSERT INTO action VALUES ('n','{\"a\": [1]}','1','60','0','\xd0\xb6 "
			"\\x\t','%s','7')",
			types[i], i % 2 ? "smallint" : "boolean", i % 2 ? "bigint" : "text",
			i % 2 ? "boolean" : "varchar",
			i < 2    ? "bigint"
			: i == 2 ? "text"
				 : "numeric",
			"nm");
		run(fixture, sql);
		expect_rows(fixture->store, "7|nm|\\xd0\\xb6 \\x\\x09|{\"a\": [1]}|0|60|enabled=1\n");
	}
}

static void ids_that_are_no_integers_are_passed_over(void **state)
{
	struct fixture *fixture = *state;
	run(fixture, "DROP TABLE action; CREATE TABLE action (id text, name text, command text, cron text);"
		     "INSERT INTO action VALUES ('10','a','b','c'), ('x','a','b','c'), ('9','a','b','c'),"
		     "(NULL,'a','b','c'), ('9','twice','b','c'), ('-1',NULL,'b','c')");
	g_autofree char *rows = rows_of(fixture->store);
	assert_true(g_str_has_prefix(rows, "-1||b|c||\n9|"));
	assert_true(g_str_has_suffix(rows, "\n10|a|b|c||\n"));
	assert_int_equal(store_nameless_rows(fixture->store), 3);
}

static void a_view_is_read_again_each_time(void **state)
{
	struct fixture *fixture = *state;
	run(fixture, "ALTER TABLE action RENAME TO base; INSERT INTO base VALUES (1,'a','b','{}');"
		     "CREATE VIEW action AS SELECT * FROM base");
	expect_rows(fixture->store, "1|a|b|{}||\n");
	assert_true(changed(fixture->store));
}

static void many_rows_come_in_order(void **state)
{
	struct fixture *fixture = *state;
	run(fixture, "INSERT INTO action SELECT i, 'name', repeat('x', i % 3000), '{}', NULL, NULL "
		     "FROM generate_series(20000, 1, -1) i");
	g_autofree char *rows = rows_of(fixture->store);
	char *at = rows;
	for (int id = 1; id <= 20000; id++) {
		assert_int_equal(g_ascii_strtoll(at, NULL, 10), id);
		at = strchr(at, '\n') + 1;
	}
	assert_int_equal(*at, '\0');
}

static void copy_keep(void *context, const char *sql)
{
	char **copy = context;
	if (g_str_has_prefix(sql, "COPY (")) {
		g_free(*copy);
		*copy = g_strdup(sql);
	}
}

/* Else a large table is sorted on disk at each start. */
static void rows_come_by_the_index(void **state)
{
	struct fixture *fixture = *state;
	g_autofree char *copy = NULL;
	struct store_options options = backend->options(fixture->place);
	options.echo = copy_keep;
	options.context = &copy;
	struct store *store = expect_store(&options);
	g_free(rows_of(store));
	store_close(store);
	assert_non_null(copy);
	*strstr(copy, ") TO STDOUT") = '\0';
	run(fixture, "SET enable_seqscan = off");
	g_autofree char *explain = g_strdup_printf("EXPLAIN %s", copy + strlen("COPY ("));
	g_autofree char *plan = backend->query(fixture->place, explain);
	assert_true(g_str_has_prefix(plan, "Index Scan"));
}

/* --- connections --- */

static void any_way_in(void **state)
{
	struct fixture *fixture = *state;
	const struct store_setting path[] = {{"options", "-c search_path=other"}, {"sslmode", "prefer"}};
	const char *const hosts[] = {"127.0.0.1", "localhost", "::1", postgresql_server_directory()};
	run(fixture, "CREATE SCHEMA other; CREATE TABLE other.action (LIKE action);"
		     "INSERT INTO other.action VALUES (5,'o','o','{}')");
	for (size_t i = 0; i < G_N_ELEMENTS(hosts); i++) {
		struct store_options options = backend->options(fixture->place);
		options.host = hosts[i];
		options.settings = path;
		options.setting_count = 2;
		struct store *store = expect_store(&options);
		expect_rows(store, "5|o|o|{}||\n");
		assert_false(changed(store));
		store_close(store);
	}
}

static void password_may_have_any_character(void **state)
{
	struct fixture *fixture = *state;
	const char *password = "p@ss:w/o'r\"d \\%41?&=#é\xf0\x9f\x98\x80";
	run(fixture, "CREATE ROLE secretive LOGIN PASSWORD E'p@ss:w/o\\'r\"d \\\\%41?&=#é\xf0\x9f\x98\x80';"
		     "GRANT SELECT ON action TO secretive");
	struct store_options options = backend->options(fixture->place);
	options.username = "secretive";
	options.password = password;
	struct store *store = expect_store(&options);
	expect_rows(store, "");
	store_close(store);
	options.password = "wrong";
	GError *error = NULL;
	store = store_open(&options, &error);
	expect_error(store != NULL, error, AS_ERROR_UNAVAILABLE, "password authentication failed");
	run(fixture, "DROP OWNED BY secretive; DROP ROLE secretive");
}

static void unknown_setting_is_named(void **state)
{
	struct fixture *fixture = *state;
	const struct store_setting setting = {"sslmoder", "require"};
	struct store_options options = backend->options(fixture->place);
	GError *error = NULL;
	options.settings = &setting;
	options.setting_count = 1;
	struct store *store = store_open(&options, &error);
	expect_error(store != NULL, error, AS_ERROR_INVALID, "sslmoder");
}

/* A server that takes connections and says nothing. */
static void connection_has_a_deadline(void **state)
{
	struct fixture *fixture = *state;
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof address;
	int mute = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(mute, (struct sockaddr *)&address, length), 0);
	assert_int_equal(listen(mute, 5), 0);
	assert_int_equal(getsockname(mute, (struct sockaddr *)&address, &length), 0);
	struct store_options options = backend->options(fixture->place);
	options.port = ntohs(address.sin_port);
	options.connect_ms = 300;
	wrap_poll_reset();
	expect_open_error(&options, AS_ERROR_UNAVAILABLE, "not made in time");
	assert_in_range(wrap_poll_longest(), 1, 300);
	assert_int_equal(wrap_poll_timeouts(), 1);
	close(mute);
}

static pid_t session(struct fixture *fixture)
{
	g_autofree char *pid = backend->query(fixture->place,
		"SELECT max(pid) FROM pg_stat_activity WHERE application_name = 'action-scheduler' AND "
		"datname = current_database()");
	return (pid_t)g_ascii_strtoll(pid, NULL, 10);
}

static void hung_server_costs_a_deadline(void **state)
{
	struct fixture *fixture = *state;
	struct store_options options = backend->options(fixture->place);
	options.statement_ms = 300;
	store_close(fixture->store);
	fixture->store = expect_store(&options);
	run(fixture, "INSERT INTO action VALUES (1,'a','b','{}')");
	expect_rows(fixture->store, "1|a|b|{}||\n");
	pid_t pid = session(fixture);
	assert_int_equal(kill(pid, SIGSTOP), 0);
	wrap_poll_reset();
	expect_read_error(fixture->store, AS_ERROR_UNAVAILABLE, "did not answer in time");
	int longest = wrap_poll_longest(), timeouts = wrap_poll_timeouts();
	/* Another connection serves. */
	expect_rows(fixture->store, "1|a|b|{}||\n");
	assert_int_equal(kill(pid, SIGCONT), 0);
	assert_in_range(longest, 1, 300);
	assert_int_equal(timeouts, 1);
}

static void shutdown_does_not_wait(void **state)
{
	struct fixture *fixture = *state;
	struct store_options options = backend->options(fixture->place);
	options.stop_fd = eventfd(0, EFD_CLOEXEC);
	store_close(fixture->store);
	fixture->store = expect_store(&options);
	assert_int_equal(write(options.stop_fd, &(uint64_t){1}, 8), 8);
	expect_read_error(fixture->store, AS_ERROR_UNAVAILABLE, "shutdown");
	close(options.stop_fd);
}

/* --- roles --- */

static struct store *open_as(struct fixture *fixture, const char *role)
{
	struct store_options options = backend->options(fixture->place);
	options.username = role;
	return expect_store(&options);
}

static void expect_state(struct store *store, enum store_trigger trigger, const char *errors_refused)
{
	g_autoptr(GError) error = NULL;
	struct store_state state;
	if (!store_inspect(store, &state, &error))
		fail_msg("%s", error->message);
	assert_int_equal(state.trigger, trigger);
	assert_non_null(state.role);
	if (errors_refused)
		assert_string_equal(state.errors_refused, errors_refused);
	else
		assert_null(state.errors_refused);
	store_state_clear(&state);
}

static void inspecting_tells_of_trigger_and_role(void **state)
{
	struct fixture *fixture = *state;
	bool installed = false;
	run(fixture, "CREATE ROLE \"we ak\" LOGIN");
	struct store *store = open_as(fixture, "we ak");
	/* Without the column there is nothing that the role could lack. */
	expect_state(store, STORE_TRIGGER_MISSING, NULL);
	run(fixture, "ALTER TABLE action ADD error TEXT");
	expect_state(store, STORE_TRIGGER_MISSING,
		"the role \"we ak\" needs UPDATE on the column error: GRANT UPDATE (error) ON action TO "
		"\"we ak\"");
	run(fixture, "GRANT UPDATE (error) ON action TO \"we ak\"");
	expect_state(store, STORE_TRIGGER_MISSING, NULL);
	watched(fixture);
	expect_state(store, STORE_TRIGGER_CURRENT, NULL);
	/* Who does not own the table need not, where it is up to date; else somebody has to. */
	assert_true(store_install_trigger(store, &installed, NULL));
	assert_true(installed);
	static const char silent[] =
		"CREATE OR REPLACE FUNCTION action_scheduler_notify() RETURNS trigger LANGUAGE plpgsql AS "
		"'BEGIN RETURN NULL; END'";
	static const char *const spoilt[] = {"ALTER TABLE action DISABLE TRIGGER action_scheduler_insert",
		"ALTER TABLE action ENABLE TRIGGER action_scheduler_insert",
		"DROP TRIGGER action_scheduler_truncate ON action", silent};
	for (size_t i = 0; i < G_N_ELEMENTS(spoilt); i++) {
		run(fixture, spoilt[i]);
		expect_state(store, STORE_TRIGGER_OUTDATED, NULL);
		assert_false(store_install_trigger(store, &installed, NULL));
		watched(fixture);
		expect_state(store, STORE_TRIGGER_CURRENT, NULL);
	}
	run(fixture, "ALTER TABLE action RENAME TO t; CREATE VIEW action AS SELECT * FROM t;"
		     "GRANT UPDATE (error) ON action TO \"we ak\"");
	expect_state(store, STORE_TRIGGER_NONE, NULL);
	store_close(store);
	run(fixture, "DROP OWNED BY \"we ak\"; DROP ROLE \"we ak\"");
}

static void missing_privilege_is_named(void **state)
{
	struct fixture *fixture = *state;
	const struct store_row_error bad[] = {{1, "bad"}};
	const struct action_row row = {.name = {"n", 1}, .command = {"c", 1}, .cron = {"{}", 2}};
	unsigned added;
	bool installed;
	GError *error = NULL;
	assert_true(store_complete_table(fixture->store, &added, NULL));
	run(fixture, "CREATE ROLE \"we \"\"ak\" LOGIN");
	struct store *store = open_as(fixture, "we \"ak");
	expect_read_error(store, AS_ERROR_INVALID, "GRANT SELECT ON action TO \"we \"\"ak\"");
	run(fixture, "GRANT SELECT ON action TO \"we \"\"ak\"; INSERT INTO action VALUES (1,'a','b','{}')");
	expect_rows(store, "1|a|b|{}||\n");
	bool done = store_write_errors(store, bad, 1, &error);
	expect_error(done, g_steal_pointer(&error), AS_ERROR_INVALID, "GRANT UPDATE (error) ON action TO");
	run(fixture, "GRANT UPDATE (error) ON action TO \"we \"\"ak\"");
	assert_true(store_write_errors(store, bad, 1, NULL));
	done = store_install_trigger(store, &installed, &error);
	expect_error(done, g_steal_pointer(&error), AS_ERROR_INVALID, "owner");
	run(fixture, "DELETE FROM action; ALTER TABLE action DROP error");
	done = store_complete_table(store, &added, &error);
	expect_error(done, g_steal_pointer(&error), AS_ERROR_INVALID, "owner");
	done = store_add_samples(store, &row, 1, &error);
	expect_error(done, g_steal_pointer(&error), AS_ERROR_INVALID, "GRANT SELECT, INSERT ON action TO");
	run(fixture, "REVOKE USAGE ON SCHEMA public FROM PUBLIC");
	expect_read_error(store, AS_ERROR_INVALID, "GRANT USAGE ON SCHEMA public TO");
	run(fixture, "GRANT USAGE ON SCHEMA public TO PUBLIC; DROP TABLE action");
	done = store_create_table(store, &error);
	expect_error(done, g_steal_pointer(&error), AS_ERROR_INVALID, "GRANT CREATE ON SCHEMA public TO");
	store_close(store);
	run(fixture, "DROP OWNED BY \"we \"\"ak\"; DROP ROLE \"we \"\"ak\"");
}

/* packaging/sql/postgresql-roles.sql without what is for psql. */
static void roles_make(struct fixture *fixture)
{
	g_autofree char *sql = NULL;
	assert_true(g_file_get_contents(ROLES_SQL, &sql, NULL, NULL));
	char *meta = strstr(sql, "\\set ON_ERROR_STOP on");
	assert_non_null(meta);
	run(fixture, meta + strlen("\\set ON_ERROR_STOP on"));
}

static void roles_suffice(void **state)
{
	struct fixture *fixture = *state;
	const struct store_row_error bad[] = {{1, "bad"}};
	unsigned added;
	assert_true(store_complete_table(fixture->store, &added, NULL));
	watched(fixture);
	roles_make(fixture);
	struct store *store = open_as(fixture, "action_scheduler");
	bool installed = false;
	assert_true(store_complete_table(store, &added, NULL));
	assert_true(store_install_trigger(store, &installed, NULL));
	assert_true(installed);
	expect_rows(store, "");
	run(fixture,
		"SET ROLE action_editor; INSERT INTO action (name, command, cron) VALUES ('a','b','{}'), "
		"('c','d','{}'); UPDATE action SET name = 'x' WHERE id = 1; DELETE FROM action WHERE id = 2;"
		"RESET ROLE");
	assert_true(told(store, 5000));
	expect_rows(store, "1|x|b|{}||\n");
	assert_true(store_write_errors(store, bad, 1, NULL));
	assert_false(changed(store));
	/* Nothing more than that. */
	run(fixture, "SET ROLE action_scheduler; CREATE TABLE own (id integer);"
		     "DO $$ BEGIN UPDATE action SET name = 'y'; RAISE 'may change names';"
		     "EXCEPTION WHEN insufficient_privilege THEN NULL; END $$; RESET ROLE");
	g_autofree char *schema = backend->query(
		fixture->place, "SELECT relnamespace::regnamespace FROM pg_class WHERE relname = 'own'");
	assert_string_equal(schema, "action_scheduler");
	store_close(store);
	run(fixture,
		"DROP OWNED BY action_scheduler, action_editor; DROP ROLE action_scheduler, action_editor");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(trigger_names_the_rows),
		TEST(bulk_edit_is_told_as_one),
		TEST(edits_that_change_nothing_are_not_told),
		TEST(what_the_trigger_did_not_see_is_noticed),
		TEST(without_ears_the_rows_are_compared),
		TEST(table_made_anew_is_listened_to),
		TEST(after_a_lost_connection_nothing_is_missed),
		TEST(types_are_read_alike),
		TEST(ids_that_are_no_integers_are_passed_over),
		TEST(a_view_is_read_again_each_time),
		TEST(many_rows_come_in_order),
		TEST(rows_come_by_the_index),
		TEST(any_way_in),
		TEST(password_may_have_any_character),
		TEST(unknown_setting_is_named),
		TEST(connection_has_a_deadline),
		TEST(hung_server_costs_a_deadline),
		TEST(shutdown_does_not_wait),
		TEST(inspecting_tells_of_trigger_and_role),
		TEST(missing_privilege_is_named),
		TEST(roles_suffice),
	};
	if (!postgresql_server_start()) {
		fprintf(stderr, "SKIPPED: actions_db on PostgreSQL: no server on this machine\n");
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
