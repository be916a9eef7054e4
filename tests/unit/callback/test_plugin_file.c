/* Which files may be loaded as plugins. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "callback/plugin_file.h"

#define NOBODY 65534

/* A directory of its own, `good/lib.so` in it. Everything is named relative to it. */
static char *root;

static char *path_of(const char *name)
{
	return g_build_filename(root, name, NULL);
}

static void make_directory(const char *name, mode_t mode)
{
	g_autofree char *path = path_of(name);
	assert_int_equal(g_mkdir(path, 0700), 0);
	assert_int_equal(chmod(path, mode), 0);
}

static void make_file(const char *name, mode_t mode)
{
	g_autofree char *path = path_of(name);
	assert_true(g_file_set_contents(path, "", 0, NULL));
	assert_int_equal(chmod(path, mode), 0);
}

static void make_link(const char *name, const char *target)
{
	g_autofree char *path = path_of(name);
	assert_int_equal(symlink(target, path), 0);
}

static int setup(void **state)
{
	(void)state;
	root = g_dir_make_tmp("plugin-file-XXXXXX", NULL);
	assert_non_null(root);
	make_directory("good", 0755);
	make_file("good/lib.so", 0644);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	const char *argv[] = {"rm", "-rf", root, NULL};
	g_spawn_sync(NULL, (char **)(uintptr_t)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL,
		NULL);
	g_clear_pointer(&root, g_free);
	return 0;
}

static void assert_leads_to(const char *name, const char *expected)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *path = path_of(name), *to = path_of(expected), *real = NULL;
	if (!plugin_file_check(path, &real, &error))
		fail_msg("%s", error->message);
	assert_string_equal(real, to);
}

/* `what` is relative to the root, and the error begins with it. */
static void assert_refused(const char *name, const char *what, const char *reason)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *path = path_of(name), *begin = path_of(what);
	char *real = NULL;
	assert_false(plugin_file_check(path, &real, &error));
	assert_null(real);
	assert_int_equal(error->code, AS_ERROR_INVALID);
	if (!g_str_has_prefix(error->message, begin) || !strstr(error->message, reason))
		fail_msg("“%s” is not about %s and “%s”", error->message, begin, reason);
}

static void assert_split_fails(const char *argument, const char *reason)
{
	g_autoptr(GError) error = NULL;
	char *path = NULL, *symbol = NULL;
	assert_false(plugin_file_split(argument, &path, &symbol, &error));
	assert_null(path);
	assert_int_equal(error->code, AS_ERROR_INVALID);
	assert_non_null(strstr(error->message, reason));
}

static void the_argument_is_a_path_and_a_symbol(void **state)
{
	(void)state;
	g_autofree char *path = NULL, *symbol = NULL;
	assert_true(plugin_file_split("/a:b/lib.so:_send2", &path, &symbol, NULL));
	assert_string_equal(path, "/a:b/lib.so");
	assert_string_equal(symbol, "_send2");
	assert_split_fails("lib.so:send", "must be absolute");
	assert_split_fails("./lib.so:send", "must be absolute");
	assert_split_fails("", "must be absolute");
	assert_split_fails("/lib.so", "name of its symbol");
	assert_split_fails("/lib.so:", "name of its symbol");
	assert_split_fails("/lib.so:2send", "name of its symbol");
	assert_split_fails("/lib.so:send\n", "name of its symbol");
	assert_split_fails("/lib.so:se nd", "name of its symbol");
}

static void a_good_file_is_found(void **state)
{
	(void)state;
	assert_leads_to("good/lib.so", "good/lib.so");
	assert_leads_to("good//.///lib.so", "good/lib.so");
	assert_leads_to("good/../good/lib.so", "good/lib.so");
}

static void what_is_no_file_is_refused(void **state)
{
	(void)state;
	assert_refused("good/other.so", "good/other.so", "No such file");
	assert_refused("none/lib.so", "none", "No such file");
	assert_refused("good/lib.so/x", "good/lib.so/x", "Not a directory");
	assert_refused("good", "good", "is not a file");
}

static void a_file_that_others_may_write_is_refused(void **state)
{
	(void)state;
	make_file("good/group.so", 0664);
	make_file("good/all.so", 0646);
	assert_refused("good/group.so", "good/group.so", "written to by its group");
	assert_refused("good/all.so", "good/all.so", "written to by everybody");
	assert_refused("good/all.so", "good/all.so", "chmod go-w");
}

static void a_directory_that_others_may_write_is_refused(void **state)
{
	(void)state;
	make_directory("open", 0777);
	make_directory("open/inner", 0755);
	make_file("open/inner/lib.so", 0644);
	assert_refused("open/inner/lib.so", "open", "written to by everybody");
	assert_refused("open/../good/lib.so", "open", "written to by everybody");
	g_autofree char *path = path_of("open");
	g_chmod(path, 0775);
	assert_refused("open/inner/lib.so", "open", "written to by its group");
	g_chmod(path, 01777);
	assert_leads_to("open/inner/lib.so", "open/inner/lib.so");
}

static void links_are_followed(void **state)
{
	(void)state;
	g_autofree char *absolute = path_of("good/lib.so");
	make_link("near.so", "good/lib.so");
	make_link("far.so", absolute);
	make_link("directory", "./good");
	make_link("chain.so", "directory/../near.so");
	assert_leads_to("near.so", "good/lib.so");
	assert_leads_to("far.so", "good/lib.so");
	assert_leads_to("directory/lib.so", "good/lib.so");
	assert_leads_to("chain.so", "good/lib.so");
}

static void links_are_looked_at_on_their_way(void **state)
{
	(void)state;
	make_directory("open", 0777);
	make_link("open/lib.so", "../good/lib.so");
	make_link("indirect.so", "open/lib.so");
	make_link("loop", "loop");
	make_link("gone.so", "good/gone.so");
	assert_refused("indirect.so", "open", "written to by everybody");
	assert_refused("loop", "loop", "symbolic links");
	assert_refused("gone.so", "good/gone.so", "No such file");
}

static void what_belongs_to_others_is_refused(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip(); /* only root can give files away */
	g_autofree char *file = path_of("good/lib.so"), *directory = path_of("good");
	make_link("link.so", "good/lib.so");
	g_autofree char *link = path_of("link.so");
	assert_int_equal(chown(file, NOBODY, 0), 0);
	assert_refused("good/lib.so", "good/lib.so", "belongs to user 65534");
	assert_refused("good/lib.so", "good/lib.so", "chown root");
	assert_int_equal(chown(file, 0, 0), 0);
	assert_int_equal(chown(directory, NOBODY, 0), 0);
	assert_refused("good/lib.so", "good", "belongs to user 65534");
	assert_int_equal(chown(directory, 0, 0), 0);
	assert_int_equal(lchown(link, NOBODY, 0), 0);
	assert_refused("link.so", "link.so", "chown -h root");
}

static void the_users_own_files_are_fine(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	g_autofree char *file = path_of("good/lib.so"), *directory = path_of("good");
	assert_int_equal(chown(file, NOBODY, 0), 0);
	assert_int_equal(chown(directory, NOBODY, 0), 0);
	assert_int_equal(chown(root, NOBODY, 0), 0);
	assert_int_equal(seteuid(NOBODY), 0);
	assert_leads_to("good/lib.so", "good/lib.so");
	assert_int_equal(seteuid(0), 0);
}

#define IN_ROOT(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_argument_is_a_path_and_a_symbol),
		IN_ROOT(a_good_file_is_found),
		IN_ROOT(what_is_no_file_is_refused),
		IN_ROOT(a_file_that_others_may_write_is_refused),
		IN_ROOT(a_directory_that_others_may_write_is_refused),
		IN_ROOT(links_are_followed),
		IN_ROOT(links_are_looked_at_on_their_way),
		IN_ROOT(what_belongs_to_others_is_refused),
		IN_ROOT(the_users_own_files_are_fine),
	};
	return cmocka_run_group_tests_name("plugin_file", tests, NULL, NULL);
}
