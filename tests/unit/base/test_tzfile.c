/* Zone files: which names reach the file system, and what is taken for a zone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <glib/gstdio.h>

#include "base/error.h"
#include "base/tzfile.h"

static void names_of_zones(void **state)
{
	(void)state;
	static const char *const valid[] = {"UTC", "Europe/Moscow", "Etc/GMT+5", "Etc/GMT-14", "EST5EDT",
		"America/Argentina/Buenos_Aires", "America/Port-au-Prince", "GB-Eire"};
	static const char *const invalid[] = {"", "/", "/UTC", "/etc/passwd", "..", "../UTC", "Europe/../UTC",
		"Europe//Moscow", "Europe/", "./UTC", ".UTC", "-UTC", "Europe/-x", "posix/UTC", "right/UTC",
		"posixrules", "localtime", "tzdata.zi", "zone.tab", "UTC ", " UTC", "UTC\n", "Europe\\Moscow",
		"+03:00", "UTC;x", "\xd0\x9c",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
	for (size_t i = 0; i < G_N_ELEMENTS(valid); i++)
		if (!tzfile_name_is_valid(valid[i]))
			fail_msg("'%s' is refused", valid[i]);
	for (size_t i = 0; i < G_N_ELEMENTS(invalid); i++) {
		if (tzfile_name_is_valid(invalid[i]))
			fail_msg("'%s' is taken", invalid[i]);
		g_autoptr(GError) error = NULL;
		size_t size = 0;
		assert_null(tzfile_read(invalid[i], &size, &error));
		assert_true(g_error_matches(error, AS_ERROR, AS_ERROR_INVALID));
	}
}

static void the_zones_of_the_system_are_read(void **state)
{
	(void)state;
	static const char *const names[] = {"UTC", "Europe/Moscow", "America/Argentina/Buenos_Aires"};
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		g_autoptr(GError) error = NULL;
		size_t size = 0;
		g_autofree uint8_t *data = tzfile_read(names[i], &size, &error);
		if (!data)
			fail_msg("%s", error->message);
		assert_true(size > 44);
		assert_memory_equal(data, "TZif", 4);
	}
}

static void assert_is_no_zone(const char *name)
{
	g_autoptr(GError) error = NULL;
	size_t size = 0;
	assert_null(tzfile_read(name, &size, &error));
	assert_true(g_error_matches(error, AS_ERROR, AS_ERROR_INVALID));
	assert_non_null(strstr(error->message, name));
}

static void other_files_are_no_zones(void **state)
{
	(void)state;
	assert_is_no_zone("No/Such");
	assert_is_no_zone("europe/moscow"); /* case counts */
	assert_is_no_zone("Europe");        /* a directory */
	assert_is_no_zone("UTC/UTC");       /* a file in the place of one */
	assert_is_no_zone("leapseconds");   /* a text beside the zones */
}

static void write_file(const char *directory, const char *name, size_t length)
{
	g_autofree char *path = g_build_filename(directory, name, NULL);
	g_autofree char *data = g_malloc0(length + 1);
	memcpy(data, "TZif", MIN(length, 4));
	assert_true(g_file_set_contents(path, data, (gssize)length, NULL));
}

static void another_directory_may_be_named_and_sizes_are_bounded(void **state)
{
	(void)state;
	static const char *const names[] = {"Small", "Large", "Short", "Empty"};
	g_autofree char *directory = g_dir_make_tmp("zones-XXXXXX", NULL);
	assert_non_null(directory);
	write_file(directory, "Small", 44);
	write_file(directory, "Large", 300 * 1024);
	write_file(directory, "Short", 3);
	write_file(directory, "Empty", 0);
	assert_true(g_setenv("TZDIR", directory, TRUE));
	size_t size = 0;
	g_autofree uint8_t *data = tzfile_read("Small", &size, NULL);
	assert_non_null(data);
	assert_int_equal(size, 44);
	assert_is_no_zone("Large");
	assert_is_no_zone("Short");
	assert_is_no_zone("Empty");
	assert_is_no_zone("UTC");
	g_unsetenv("TZDIR");
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		g_autofree char *path = g_build_filename(directory, names[i], NULL);
		g_unlink(path);
	}
	g_rmdir(directory);
}

static void the_machine_has_a_zone(void **state)
{
	(void)state;
	static const char *const pairs[][2] = {
		{"Europe/Moscow", "Europe/Moscow"}, {":Asia/Kathmandu", "Asia/Kathmandu"}, {"UTC", "UTC"}};
	for (size_t i = 0; i < G_N_ELEMENTS(pairs); i++) {
		assert_true(g_setenv("TZ", pairs[i][0], TRUE));
		g_autofree char *name = tzfile_machine_zone_name();
		assert_string_equal(name, pairs[i][1]);
	}
	/* What names no zone file is passed over; whatever else the machine has is one. */
	static const char *const others[] = {"", "MSK-3", ":/etc/localtime", "../UTC"};
	for (size_t i = 0; i < G_N_ELEMENTS(others); i++) {
		assert_true(g_setenv("TZ", others[i], TRUE));
		g_autofree char *name = tzfile_machine_zone_name();
		size_t size = 0;
		g_autofree uint8_t *data = tzfile_read(name, &size, NULL);
		assert_non_null(data);
	}
	g_unsetenv("TZ");
}

int main(void)
{
	g_unsetenv("TZDIR");
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_of_zones),
		cmocka_unit_test(the_zones_of_the_system_are_read),
		cmocka_unit_test(other_files_are_no_zones),
		cmocka_unit_test(another_directory_may_be_named_and_sizes_are_bounded),
		cmocka_unit_test(the_machine_has_a_zone),
	};
	return cmocka_run_group_tests_name("tzfile", tests, NULL, NULL);
}
