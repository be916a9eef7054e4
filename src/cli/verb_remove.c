#include "cli/row_set.h"

static struct {
	gboolean dry_run;
} given;

static const GOptionEntry options[] = {
	{"dry-run", 'n', 0, G_OPTION_ARG_NONE, &given.dry_run, "show them, and remove nothing", NULL},
	{NULL},
};

static bool delete_rows(struct store *store, const struct row_set *set, GError **error)
{
	g_autofree struct store_change *changes = g_new0(struct store_change, set->rows->len);
	for (guint i = 0; i < set->rows->len; i++)
		changes[i] = (struct store_change){
			.kind = STORE_DELETE, .row.id = g_array_index(set->rows, struct action_row, i).id};
	return store_write(store, changes, set->rows->len, NULL, NULL, error);
}

static int remove_rows(struct cli *cli, struct store *store, struct row_set *set, void *context)
{
	GError *error = NULL;
	(void)context;
	if (!given.dry_run && !delete_rows(store, set, &error))
		return cli_fail(cli, error, "actions_db");
	row_set_show(cli, set);
	return EXIT_DONE;
}

static int remove_actions(struct cli *cli, char **arguments)
{
	g_autoptr(GArray) ids = NULL;
	int status = row_set_parse(cli, arguments, &ids);
	if (status != EXIT_DONE)
		return status;
	return row_set_change(cli, ids, given.dry_run ? CLI_STORE_READ : CLI_STORE_WRITE, remove_rows, NULL);
}

const struct verb verb_remove = {
	.name = "remove",
	.arguments = "ID...",
	.summary = "removes actions",
	.help = "Deletes the rows, all of them or none: where one is not there nothing is removed.\n"
		"What they owed is skipped; their history stays. Shows them as `list` did.",
	.examples = "remove 17\nremove 17 18 19 --dry-run",
	.options = options,
	.listing = true,
	.run = remove_actions,
};
