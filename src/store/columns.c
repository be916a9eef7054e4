#include "store/columns.h"

unsigned columns_alter(unsigned present, const char *const *types, char quote, GString *sql)
{
	unsigned count = 0;
	g_string_assign(sql, "ALTER TABLE action");
	for (unsigned i = 0; i < ROW_COLUMN_COUNT; i++) {
		const struct column *column = &row_columns[i];
		if (column_is_optional(column) && !(present & column->bit))
			g_string_append_printf(sql, "%s ADD COLUMN %c%s%c %s", count++ ? "," : "", quote,
				column->name, quote, types[column->kind]);
	}
	return count;
}

const char *store_column_name(enum row_column column)
{
	for (unsigned i = 0; i < ROW_COLUMN_COUNT; i++)
		if (row_columns[i].bit == (unsigned)column)
			return row_columns[i].name;
	return NULL;
}
