/* The journal of a scheduler without internal_db: there is nothing to survive a restart, and nobody to read
 * it. */
#include "journal/backend.h"

static struct journal *memory_open(const struct journal_options *options, GError **error)
{
	(void)options;
	(void)error;
	struct journal *journal = g_new0(struct journal, 1);
	journal->backend = &journal_memory;
	return journal;
}

static void memory_close(struct journal *journal)
{
	g_free(journal);
}

static struct progress *memory_load(
	struct journal *journal, journal_definition_fn each, void *context, GError **error)
{
	(void)journal;
	(void)each;
	(void)context;
	(void)error;
	return progress_new();
}

static bool memory_commit(struct journal *journal, const struct commit *commit, GError **error)
{
	(void)journal;
	(void)commit;
	(void)error;
	return true;
}

static bool memory_trim(struct journal *journal, time_us now, bool *more, GError **error)
{
	(void)journal;
	(void)now;
	(void)error;
	*more = false;
	return true;
}

static int64_t memory_foreign_version(struct journal *journal)
{
	(void)journal;
	return -1;
}

static const char *memory_path(const struct journal *journal)
{
	(void)journal;
	return NULL;
}

static bool memory_history(struct journal *journal, const struct history_query *query, history_fn each,
	void *context, GError **error)
{
	(void)journal;
	(void)query;
	(void)each;
	(void)context;
	(void)error;
	return true;
}

static bool memory_inspect(const struct journal_options *options, struct journal_state *state, GError **error)
{
	(void)options;
	(void)state;
	(void)error;
	return true;
}

const struct journal_backend journal_memory = {
	.dialect = NULL,
	.open = memory_open,
	.inspect = memory_inspect,
	.close = memory_close,
	.load = memory_load,
	.commit = memory_commit,
	.trim = memory_trim,
	.foreign_version = memory_foreign_version,
	.path = memory_path,
	.history = memory_history,
};
