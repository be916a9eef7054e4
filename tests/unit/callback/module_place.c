#include "module_place.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <glib/gstdio.h>
#include <stdlib.h>
#include <sys/stat.h>

static char directory[] = "/tmp/action-scheduler-plugin-XXXXXX";
static char *placed;

static void remove_all(void)
{
	g_unlink(placed);
	g_rmdir(directory);
	g_free(placed);
}

char *module_place(const char *library)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *bytes = NULL;
	gsize length;
	assert_non_null(mkdtemp(directory));
	placed = g_strconcat(directory, "/module.so", NULL);
	if (!g_file_get_contents(library, &bytes, &length, &error) ||
		!g_file_set_contents_full(
			placed, bytes, (gssize)length, G_FILE_SET_CONTENTS_NONE, 0755, &error))
		fail_msg("%s", error->message);
	assert_int_equal(g_chmod(placed, 0755), 0);
	atexit(remove_all);
	return g_strdup(placed);
}
