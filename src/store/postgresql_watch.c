/* What changed in a PostgreSQL table: notifications of the trigger where every change comes as one, else a
 * digest of the versions of the rows. */
#include "store/postgresql.h"

#include <string.h>

#include "store/postgresql_sql.h"

/* More ids than this are not worth reading one by one. */
#define IDS_MAX 10000

/* --- the state of the table --- */

void pg_state_clear(struct pg_state *state)
{
	g_free(state->print);
	g_free(state->snapshot);
	g_free(state->oid);
	*state = (struct pg_state){0};
}

/* A schema that the role may not look into hides its tables. */
static bool fail_missing(struct store_pg *pg, GError **error)
{
	g_autoptr(PGresult) hidden = pg_query(pg, NULL, pg_sql_hidden, 0, NULL, error);
	if (!hidden)
		return false;
	if (PQntuples(hidden) && !PQgetisnull(hidden, 0, 0))
		g_set_error(error, AS_ERROR, AS_ERROR_INVALID,
			"%s: the role \"%s\" needs USAGE on the schema: GRANT USAGE ON SCHEMA %s TO \"%s\"",
			pg->base.place, PQuser(pg->db), PQgetvalue(hidden, 0, 0), PQuser(pg->db));
	else
		g_set_error(
			error, AS_ERROR, AS_ERROR_MISSING, "%s: there is no table “action”", pg->base.place);
	return false;
}

bool pg_state_ask(struct store_pg *pg, struct pg_state *state, GError **error)
{
	g_autofree char *pid = g_strdup_printf("%d", PQbackendPID(pg->db));
	const char *const values[] = {pid};
	g_autoptr(PGresult) row = pg_query(pg, NULL, pg_sql_state, 1, values, error);
	if (!row)
		return false;
	if (PQntuples(row) != 1)
		return fail_missing(pg, error);
	*state = (struct pg_state){
		.oid = g_strdup(PQgetvalue(row, 0, 0)),
		.print = g_strdup(PQgetvalue(row, 0, 1)),
		.exact = PQgetvalue(row, 0, 2)[0] == 't',
		.snapshot = g_strdup(PQgetvalue(row, 0, 3)),
		.has_rows_id = PQgetvalue(row, 0, 4)[0] == 't',
	};
	return true;
}

bool pg_digest(struct store_pg *pg, int64_t *digest, GError **error)
{
	g_autoptr(PGresult) row = pg_query(pg, PG_NEED_SELECT,
		"SELECT coalesce(pg_catalog.sum(" PG_ROW_DIGEST "), 0)::int8 FROM action a", 0, NULL, error);
	if (!row)
		return false;
	*digest = g_ascii_strtoll(PQgetvalue(row, 0, 0), NULL, 10);
	return true;
}

/* --- notifications --- */

static void note(struct store_pg *pg, const char *payload)
{
	g_auto(GStrv) ids = g_strsplit(payload, ",", -1);
	for (char **id = ids; *id && !pg->all; id++) {
		gint64 value;
		if (g_ascii_string_to_signed(*id, 10, G_MININT64, G_MAXINT64, &value, NULL) &&
			pg->ids->len < IDS_MAX)
			g_array_append_val(pg->ids, value);
		else
			pg->all = true;
	}
}

/* True where something new was told. */
static bool notes_take(struct store_pg *pg)
{
	bool any = false;
	for (PGnotify *notify; pg->db && (notify = PQnotifies(pg->db));) {
		if (pg->heard && g_str_has_suffix(notify->relname, pg->heard)) {
			note(pg, notify->extra);
			any = true;
		}
		PQfreemem(notify);
	}
	return any;
}

static void notes_forget(struct store_pg *pg)
{
	notes_take(pg);
	g_array_set_size(pg->ids, 0);
	pg->all = false;
}

bool pg_listen(struct store_pg *pg, GError **error)
{
	g_autoptr(GError) why = NULL;
	struct pg_state state = {0};
	if (!pg_state_ask(pg, &state, error))
		return false;
	bool heard = g_strcmp0(pg->heard, state.oid) == 0;
	g_autofree char *sql = g_strdup_printf("UNLISTEN *; LISTEN action_scheduler_%s", state.oid);
	/* Where the server cannot (a standby), the digest has to do. */
	if (!heard && !pg->options.read_only && pg_run(pg, NULL, sql, &why)) {
		g_free(pg->heard);
		pg->heard = g_strdup(state.oid);
	}
	pg_state_clear(&state);
	if (!pg->db) {
		g_propagate_error(error, g_steal_pointer(&why));
		return false;
	}
	notes_forget(pg);
	return true;
}

int pg_watch_fd(struct store *store)
{
	struct store_pg *pg = store_pg(store);
	return pg->db ? PQsocket(pg->db) : -1;
}

bool pg_watch_drain(struct store *store)
{
	struct store_pg *pg = store_pg(store);
	if (!pg->db)
		return false;
	if (PQconsumeInput(pg->db))
		return notes_take(pg);
	pg_drop(pg);
	return true;
}

/* --- changes --- */

static bool digest_differs(struct store_pg *pg, bool *differs, GError **error)
{
	int64_t digest = 0;
	bool done = pg_begin(pg, true, error) && pg_digest(pg, &digest, error) && pg_commit(pg, error);
	pg_rollback(pg);
	if (done)
		*differs = digest != pg->digest;
	return done;
}

/* Notes where more than single rows has changed. */
static bool compare(struct store_pg *pg, const struct pg_state *now, GError **error)
{
	bool differs = strcmp(now->print, pg->state.print) != 0 || now->exact != pg->state.exact ||
		       !(now->exact || now->has_rows_id);
	pg->all = pg->all || differs;
	if (pg->all || now->exact || strcmp(now->snapshot, pg->state.snapshot) == 0)
		return true;
	if (!digest_differs(pg, &pg->all, error))
		return false;
	if (!pg->all) {
		g_free(pg->state.snapshot);
		pg->state.snapshot = g_strdup(now->snapshot);
	}
	return true;
}

bool pg_changed(struct store *store, bool *changed, GError **error)
{
	struct store_pg *pg = store_pg(store);
	struct pg_state now = {0};
	g_autoptr(GError) why = NULL;
	if (!pg_open(pg, error))
		return false;
	notes_take(pg);
	if (!store->whole || pg->all || pg->ids->len) {
		*changed = true;
		return true;
	}
	if (!pg_state_ask(pg, &now, &why)) {
		/* The read will say it. */
		*changed = g_error_matches(why, AS_ERROR, AS_ERROR_MISSING);
		if (*changed)
			store_forget(store);
		else
			g_propagate_error(error, g_steal_pointer(&why));
		return *changed;
	}
	notes_take(pg);
	bool told = compare(pg, &now, error);
	pg_state_clear(&now);
	if (told)
		*changed = pg->all || pg->ids->len > 0;
	return told;
}

static int compare_ids(gconstpointer a, gconstpointer b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

bool pg_changed_ids(struct store *store, const int64_t **ids, size_t *count)
{
	struct store_pg *pg = store_pg(store);
	guint kept = 0;
	if (!store->whole || pg->all || !pg->state.exact || pg->ids->len == 0)
		return false;
	g_array_sort(pg->ids, compare_ids);
	int64_t *all = (int64_t *)(void *)pg->ids->data;
	for (guint i = 0; i < pg->ids->len; i++)
		if (kept == 0 || all[kept - 1] != all[i])
			all[kept++] = all[i];
	g_array_set_size(pg->ids, kept);
	*ids = all;
	*count = kept;
	return true;
}
