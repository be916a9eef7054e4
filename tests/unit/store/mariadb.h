/* Purpose: a MariaDB server for the tests of the store: the row of the contract suite, and the parts of it
 * for the backend's own tests. The server lives as long as the program. */
#pragma once

#include "backends.h"

/* Starts the server if need be; false where none is installed, which has then been said on stderr. */
bool mariadb_available(void);
/* stop, start, pause (it hangs) or resume. */
void mariadb_command(const char *command);
const char *mariadb_socket(void);

struct place *mariadb_new(void);
void mariadb_free(struct place *place);
struct store_options mariadb_options(struct place *place);
void mariadb_run(struct place *place, const char *sql);
char *mariadb_query(struct place *place, const char *sql);

extern const struct test_backend mariadb_server;
