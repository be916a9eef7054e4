#include "cli/last_status.h"

/* The pass ends after so many entries in a row that told of no further action, ... */
#define QUIET_MAX 100000
/* ... and in any case after so many. */
#define READ_MAX  2000000

struct last_status {
	GHashTable *by_id; /* id -> status + 1 */
	uint64_t quiet;
};

static gpointer key_of(int64_t id)
{
	G_STATIC_ASSERT(sizeof(gpointer) >= sizeof(id));
	return (gpointer)(gintptr)id;
}

static bool take(void *context, const struct history_entry *entry)
{
	struct last_status *last = context;
	gpointer key = key_of(entry->action_id);
	if (!g_hash_table_contains(last->by_id, key)) {
		g_hash_table_insert(last->by_id, key, GUINT_TO_POINTER((guint)entry->status + 1));
		last->quiet = 0;
	}
	return ++last->quiet < QUIET_MAX;
}

struct last_status *last_status_read(struct cli *cli)
{
	g_autoptr(GError) error = NULL;
	struct history_query query = {.since = TIME_US_MIN, .limit = READ_MAX};
	struct last_status *last = g_new0(struct last_status, 1);
	last->by_id = g_hash_table_new(NULL, NULL);
	struct journal *journal = cli_open_journal(cli, &error);
	if (journal)
		journal_history(journal, &query, take, last, &error);
	if (error)
		cli_warn(cli, "the last results are not known: internal_db: %s", error->message);
	journal_close(journal);
	return last;
}

void last_status_free(struct last_status *last)
{
	g_hash_table_unref(last->by_id);
	g_free(last);
}

const char *last_status_find(const struct last_status *last, int64_t id)
{
	guint found = GPOINTER_TO_UINT(g_hash_table_lookup(last->by_id, key_of(id)));
	return found ? fire_status_name((enum fire_status)(found - 1)) : NULL;
}

static bool take_one(void *context, const struct history_entry *entry)
{
	const char **status = context;
	*status = fire_status_name(entry->status);
	return false;
}

const char *last_status_of(struct journal *journal, int64_t id, GError **error)
{
	const struct history_query query = {.action_id = &id, .since = TIME_US_MIN, .limit = 1};
	const char *status = NULL;
	if (journal)
		journal_history(journal, &query, take_one, &status, error);
	return status;
}
