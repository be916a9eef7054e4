/* Fuzz target: the text of a .env file, and its variables laid over a draft. */
#include <stdlib.h>
#include <string.h>

#include "config/dotenv.h"
#include "config/variables.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *environment[] = {(char *)"HOME=/root", (char *)"EMPTY=", NULL};
	g_autoptr(GPtrArray) problems = config_problems_new();
	g_autoptr(GPtrArray) entries = dotenv_read((const char *)data, size, ".env", environment, problems);
	struct variables *variables = variables_new();
	size_t total = 0;
	for (guint i = 0; i < entries->len; i++) {
		const struct dotenv_entry *entry = g_ptr_array_index(entries, i);
		total += strlen(entry->value);
		variables_add(variables, entry->name, entry->value, ".env");
	}
	if (total > DOTENV_VALUES_MAX)
		abort();
	struct draft draft;
	draft_init(&draft, problems);
	variables_merge(variables, &draft);
	draft_clear(&draft);
	variables_free(variables);
	return 0;
}
