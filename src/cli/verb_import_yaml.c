/* import yaml: a list of actions in the form of sample_actions.yaml. */
#include "cli/row_node.h"
#include "cli/verb_import.h"
#include "config/problem.h"
#include "config/yaml_read.h"

static void take_item(void *context, const struct node *item)
{
	struct import_file *file = context;
	struct list_row row = {.line = (unsigned)item->line};
	if (row_list_is_full(file->rows)) {
		problem_add(file->problems, file->name, NULL,
			"there are too many rows, or their texts are too long");
		return;
	}
	if (row_node_read(item, file->name, file->rows, &row, file->problems))
		row_list_add(file->rows, &row);
}

bool import_yaml_read(struct import_file *file)
{
	return yaml_read_items(file->text, file->length, file->name, take_item, file, file->problems);
}

int import_yaml(struct cli *cli, const struct import_args *args)
{
	int status = EXIT_FAILED;
	struct import_file file = {0};
	struct import_table table = {0};
	if (!cli_prepare(cli))
		return EXIT_FAILED;
	if (import_file_read(cli, args, &file) && import_table_read(cli, args, &table)) {
		import_yaml_read(&file);
		status = import_rows(cli, args, &file, &table);
	}
	import_table_clear(&table);
	import_file_clear(&file);
	return status;
}
