/* import yaml: a list of actions in the form of sample_actions.yaml. */
#include "cli/verb_import.h"
#include "config/row_node.h"

bool import_yaml_read(struct import_file *file)
{
	bool read = row_nodes_read(file->text, file->length, file->name, file->rows, file->problems);
	/* It may be as large as the rows. */
	g_clear_pointer(&file->text, g_free);
	return read;
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
