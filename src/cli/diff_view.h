/* Purpose: how the difference of a table and a file is listed: in JSON an object for each row, in tables a
 * line for each column of it. One thread. */
#pragma once

#include "cli/output.h"
#include "cli/table_diff.h"

void diff_view_list(const struct output_style *style, const struct table_diff *diff);

/* The value of a column: JSON null for NULL; of `cron` the document, where it is JSON. The caller owns it. */
json_t *diff_view_value(const struct column *column, const struct action_row *row);
