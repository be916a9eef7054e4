#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "contract.h"
#include "expect.h"

const struct test_backend *contract_backend;

int contract_setup(void **state)
{
	struct fixture *fixture = g_new0(struct fixture, 1);
	fixture->place = contract_backend->place_new();
	struct store_options options = contract_backend->options(fixture->place);
	options.create = true;
	fixture->store = expect_store(&options);
	*state = fixture;
	return store_create_table(fixture->store, NULL) ? 0 : -1;
}

int contract_teardown(void **state)
{
	struct fixture *fixture = *state;
	store_close(fixture->store);
	contract_backend->place_free(fixture->place);
	g_free(fixture);
	return 0;
}

void contract_run_sql(struct fixture *fixture, const char *sql)
{
	contract_backend->run(fixture->place, sql);
}

void contract_expect_cell(struct fixture *fixture, const char *sql, const char *expected)
{
	g_autofree char *value = contract_backend->query(fixture->place, sql);
	assert_string_equal(value, expected);
}

int contract_run_tests(const struct CMUnitTest *tests, size_t count)
{
	int failed = 0;
	bool skipped = false;
	for (size_t i = 0; i < test_backend_count; i++) {
		contract_backend = test_backends[i];
		if (contract_backend->start && !contract_backend->start()) {
			fprintf(stderr, "SKIPPED: the contract of store.h on %s: no server on this machine\n",
				contract_backend->name);
			skipped = true;
			continue;
		}
		failed += _cmocka_run_group_tests(contract_backend->name, tests, count, NULL, NULL);
	}
	/* For Meson, 77 is a test that was skipped. */
	return failed ? 1 : skipped ? 77 : 0;
}
