#include "cli/own_journal.h"

/* Opening it for writing would create what is not there. */
static bool is_there(struct cli *cli, GError **error)
{
	g_autoptr(GError) reason = NULL;
	struct journal *journal = cli_open_journal(cli, &reason);
	journal_close(journal);
	/* An older version is brought up to date. */
	if (journal || g_error_matches(reason, AS_ERROR, AS_ERROR_UNAVAILABLE))
		return true;
	if (reason) {
		g_propagate_error(error, g_steal_pointer(&reason));
		return false;
	}
	g_set_error_literal(error, AS_ERROR, AS_ERROR_MISSING, "no scheduler has used it yet");
	return false;
}

struct journal *own_journal(struct cli *cli, journal_definition_fn each, void *context,
	struct progress **progress, GError **error)
{
	if (!cli->config->internal_db.set) {
		g_set_error_literal(error, AS_ERROR, AS_ERROR_MISSING, "none is configured");
		return NULL;
	}
	if (!is_there(cli, error))
		return NULL;
	struct journal_options where = cli_journal_options(cli);
	struct journal *journal = journal_open(&where, error);
	struct progress *read = journal ? journal_load(journal, each, context, error) : NULL;
	if (read && !read->known) {
		g_set_error_literal(error, AS_ERROR, AS_ERROR_MISSING, "no scheduler has used it yet");
		g_clear_pointer(&read, progress_free);
	}
	if (read) {
		*progress = read;
		return journal;
	}
	journal_close(journal);
	return NULL;
}
