#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "expect.h"

#include <string.h>

struct store *expect_store(const struct store_options *options)
{
	g_autoptr(GError) error = NULL;
	struct store *store = store_open(options, &error);
	if (!store)
		fail_msg("%s", error->message);
	return store;
}

void expect_error(bool result, GError *error, int code, const char *part)
{
	assert_false(result);
	if (!error) {
		fail();
		return;
	}
	if (error->code != code || !strstr(error->message, part))
		fail_msg("error %d “%s”, not %d “%s”", error->code, error->message, code, part);
	g_error_free(error);
}

void expect_open_error(const struct store_options *options, int code, const char *part)
{
	GError *error = NULL;
	struct store *store = store_open(options, &error);
	expect_error(store != NULL, error, code, part);
}

void expect_read_error(struct store *store, int code, const char *part)
{
	GError *error = NULL;
	g_autoptr(GString) out = g_string_new(NULL);
	bool result = store_read(store, rows_append, out, &error);
	expect_error(result, error, code, part);
}

void expect_rows(struct store *store, const char *expected)
{
	g_autofree char *rows = rows_of(store);
	assert_string_equal(rows, expected);
}

bool changed(struct store *store)
{
	g_autoptr(GError) error = NULL;
	bool changed = false;
	if (!store_changed(store, &changed, &error))
		fail_msg("%s", error->message);
	return changed;
}
