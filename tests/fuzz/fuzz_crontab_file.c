/* Fuzz target: a crontab. Every entry has its five fields and a command, and one that is written out reads
 * back as the same. The first byte chooses the form. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cli/crontab_file.h"
#include "config/config.h"

static void check_entry(const struct crontab_entry *entry)
{
	g_autoptr(GPtrArray) problems = config_problems_new();
	g_autofree char *escaped = crontab_escape(entry->command);
	g_autofree char *line = g_strdup_printf("%s %s\n", entry->schedule, escaped);
	/* Behind a user a command may begin with what would be a sixth field without one. */
	if (*entry->command == '*' || g_str_has_suffix(entry->command, "\r"))
		return;
	struct crontab *again = crontab_read(line, strlen(line), "again", false, problems);
	const struct crontab_entry *read =
		again->entries->len == 1 ? g_ptr_array_index(again->entries, 0) : NULL;
	/* A line that begins with `A =` would be a setting, and is no schedule either. */
	if (!again->settings->len && (!read || strcmp(read->command, entry->command) || read->input))
		abort();
	crontab_free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autoptr(GPtrArray) problems = config_problems_new();
	if (!size)
		return 0;
	struct crontab *crontab =
		crontab_read((const char *)data + 1, size - 1, "file", data[0] & 1, problems);
	for (guint i = 0; i < crontab->entries->len; i++)
		check_entry(g_ptr_array_index(crontab->entries, i));
	crontab_free(crontab);
	return 0;
}
