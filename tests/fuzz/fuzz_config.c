/* Fuzz target: the text of config.yaml, or of sample_actions.yaml, as far as it goes without files. A
 * configuration that is accepted can be shown. */
#include <stdlib.h>
#include <string.h>

#include "config/finish.h"
#include "config/options.h"
#include "config/sample_actions.h"
#include "config/value.h"
#include "config/yaml_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_config(const char *text, size_t length, GPtrArray *problems)
{
	struct tree tree;
	struct draft draft;
	struct origin origin = {"config.yaml", false};
	tree_init(&tree);
	draft_init(&draft, problems);
	if (yaml_read(text, length, "config.yaml", &tree, problems))
		draft_merge(&draft, "", tree.root, &origin);
	struct config *config = g_new0(struct config, 1);
	/* No password files: what a fuzzer names is not to be opened. */
	bool opens = draft.values[option_find("actions_db.password_file") - options].text ||
		     draft.values[option_find("internal_db.password_file") - options].text;
	if (!opens) {
		config_finish(config, &draft, true, "config.yaml", NULL);
		g_free(config_render(config));
	}
	config_free(config);
	draft_clear(&draft);
	tree_clear(&tree);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autoptr(GPtrArray) problems = config_problems_new();
	read_config((const char *)data, size, problems);
	struct row_list *samples =
		sample_actions_read((const char *)data, size, "sample_actions.yaml", problems);
	row_list_free(samples);
	for (guint i = 0; i < problems->len; i++) {
		g_autofree char *text = config_problem_text(g_ptr_array_index(problems, i));
		if (!g_utf8_validate(text, -1, NULL) || strchr(text, '\n'))
			abort();
	}
	return 0;
}
