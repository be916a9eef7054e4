/* Purpose: the columns of the table `action` in SQL. Constant data. */
#pragma once

#include "store/store.h"

/* Writes the statement that adds the optional columns which a table with these (enum row_column) lacks, the
 * types by enum column_kind, and returns how many they are. One statement: half of them is never there. */
unsigned columns_alter(unsigned present, const char *const *types, char quote, GString *sql);
