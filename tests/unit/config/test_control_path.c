/* Where a scheduler answers: the same for it and for the verbs, another for another scheduler. */
#include "scratch.h"

#include "config/control_path.h"

#define SQLITE(name) MINIMAL "internal_db: {dialect: sqlite, database: " name "}\n"

static char *path_of(const char *text)
{
	struct config *config = scratch_load_good(text, NULL, NULL);
	char *path = config_control_path(config);
	config_free(config);
	return path;
}

static char *identity_of(const char *text)
{
	struct config *config = scratch_load_good(text, NULL, NULL);
	char *identity = config_identity(config);
	config_free(config);
	return identity;
}

static char *here(const char *name)
{
	char *folder = realpath(".", NULL);
	char *path = g_build_filename(folder, name, NULL);
	free(folder);
	return path;
}

static void what_is_set_counts(void **state)
{
	(void)state;
	g_autofree char *given = path_of(SQLITE("i.db") "server: {socket: /run/x.sock}\n");
	g_autofree char *relative = path_of(SQLITE("i.db") "server: {socket: x.sock}\n");
	g_autofree char *want = here("x.sock");
	assert_string_equal(given, "/run/x.sock");
	assert_string_equal(relative, want);
}

/* A symbolic link to the database is the same scheduler. */
static void it_is_beside_the_file_of_internal_db(void **state)
{
	(void)state;
	g_autofree char *want = here("control.sock");
	g_autofree char *absent = path_of(SQLITE("i.db"));
	assert_string_equal(absent, want);
	scratch_write("i.db", "");
	assert_int_equal(symlink("i.db", "link.db"), 0);
	g_autofree char *link = path_of(SQLITE("link.db"));
	assert_string_equal(link, want);
	g_autofree char *through_link = identity_of(SQLITE("link.db"));
	g_autofree char *direct = identity_of(SQLITE("i.db"));
	assert_string_equal(through_link, direct);
}

static void without_a_file_it_is_in_the_runtime_directory(void **state)
{
	(void)state;
	g_autofree char *folder = config_runtime_directory();
	const char *texts[] = {MINIMAL, SQLITE("':memory:'"),
		MINIMAL "internal_db: {dialect: postgresql, host: db1, database: d, username: u}\n"};
	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
		g_autofree char *path = path_of(texts[i]);
		g_autofree char *again = path_of(texts[i]);
		assert_true(g_str_has_prefix(path, folder) && g_str_has_suffix(path, ".sock"));
		assert_string_equal(path, again);
	}
}

static void schedulers_are_known_by_internal_db_else_by_actions_db(void **state)
{
	(void)state;
	g_autofree char *one = identity_of(SQLITE("i.db"));
	g_autofree char *other = identity_of(SQLITE("j.db"));
	g_autofree char *none = identity_of(MINIMAL);
	g_autofree char *server = identity_of(MINIMAL
		"internal_db: {dialect: postgresql, host: db1, port: 5433, database: d, username: u}\n");
	g_autofree char *path = here("a.db");
	g_autofree char *actions = g_strconcat("sqlite ", path, NULL);
	assert_string_not_equal(one, other);
	assert_string_equal(none, actions);
	assert_string_equal(server, "postgresql db1:5433/d");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_set_counts),
		cmocka_unit_test(it_is_beside_the_file_of_internal_db),
		cmocka_unit_test(without_a_file_it_is_in_the_runtime_directory),
		cmocka_unit_test(schedulers_are_known_by_internal_db_else_by_actions_db),
	};
	return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
