/* Purpose: what the suites of the contract of store.h have in common: a store on a fresh place for each test,
 * and the run over every backend. Include cmocka.h before. */
#pragma once

#include "backends.h"

extern const struct test_backend *contract_backend; /* of the group that runs */

struct fixture {
	struct place *place;
	struct store *store; /* with an empty table */
};

int contract_setup(void **state);
int contract_teardown(void **state);
#define CONTRACT_TEST(name) cmocka_unit_test_setup_teardown(name, contract_setup, contract_teardown)

/* As another client. */
void contract_run_sql(struct fixture *fixture, const char *sql);
void contract_expect_cell(struct fixture *fixture, const char *sql, const char *expected);

/* Runs the tests on every backend; the exit status of the program. */
int contract_run_tests(const struct CMUnitTest *tests, size_t count);
