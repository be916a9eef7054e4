/* Purpose: the PostgreSQL server of the tests: one for the process, started on demand, stopped at its end. */
#pragma once

#include "backends.h"

extern const struct test_backend test_backend_postgresql;

/* False where there is no PostgreSQL on this machine. */
bool postgresql_server_start(void);
const char *postgresql_server_directory(void); /* of its Unix socket */
int64_t postgresql_server_port(void);
