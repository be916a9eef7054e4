/* What the role may do on a PostgreSQL table, and whether its trigger is the one of this program. */
#include "store/postgresql.h"

#include <string.h>

#include "store/postgresql_sql.h"

#define QUOTE "$function$"

/* The body of the function as the server keeps it. Free with g_free. */
static char *function_body(void)
{
	const char *begin = strstr(pg_sql_trigger, QUOTE) + strlen(QUOTE);
	return g_strndup(begin, (gsize)(strstr(begin, QUOTE) - begin));
}

bool pg_trigger_state(struct store_pg *pg, enum store_trigger *out, GError **error)
{
	static const char sql[] =
		"SELECT c.relkind = 'r', pg_catalog.count(g.oid), pg_catalog.count(g.oid) FILTER "
		"(WHERE g.tgenabled = 'A' AND p.prosrc = $1 AND g.tgname IN ('action_scheduler_insert', "
		"'action_scheduler_update', 'action_scheduler_delete', 'action_scheduler_truncate')) "
		"FROM pg_catalog.pg_class c LEFT JOIN (pg_catalog.pg_trigger g JOIN pg_catalog.pg_proc p "
		"ON p.oid = g.tgfoid AND p.proname = 'action_scheduler_notify') ON g.tgrelid = c.oid "
		"WHERE c.oid = pg_catalog.to_regclass('action') GROUP BY c.relkind";
	g_autofree char *body = function_body();
	const char *const values[] = {body};
	g_autoptr(PGresult) row = pg_query(pg, NULL, sql, 1, values, error);
	if (!row)
		return false;
	if (PQntuples(row) != 1 || PQgetvalue(row, 0, 0)[0] != 't')
		*out = STORE_TRIGGER_NONE;
	else if (strcmp(PQgetvalue(row, 0, 1), "0") == 0)
		*out = STORE_TRIGGER_MISSING;
	else if (strcmp(PQgetvalue(row, 0, 2), "4") == 0)
		*out = STORE_TRIGGER_CURRENT;
	else
		*out = STORE_TRIGGER_OUTDATED;
	return true;
}

static bool ask_errors(struct store_pg *pg, struct store_state *state, GError **error)
{
	static const char sql[] =
		"SELECT pg_catalog.has_column_privilege(c.oid, 'error', 'UPDATE'), "
		"pg_catalog.format('the role %1$I needs UPDATE on the column error: GRANT UPDATE (error) "
		"ON action TO %1$I', current_user) "
		"FROM pg_catalog.pg_class c WHERE c.oid = pg_catalog.to_regclass('action')";
	if (!(state->columns & COLUMN_ERROR))
		return true;
	g_autoptr(PGresult) row = pg_query(pg, NULL, sql, 0, NULL, error);
	if (!row)
		return false;
	if (PQntuples(row) == 1 && PQgetvalue(row, 0, 0)[0] != 't')
		state->errors_refused = g_strdup(PQgetvalue(row, 0, 1));
	return true;
}

bool pg_inspect(struct store *store, struct store_state *state, GError **error)
{
	struct store_pg *pg = store_pg(store);
	struct pg_shape shape;
	if (!pg_open(pg, error))
		return false;
	state->role = g_strdup(PQuser(pg->db));
	if (!pg_shape(pg, &shape, error))
		return false;
	state->columns = shape.bits;
	return pg_trigger_state(pg, &state->trigger, error) && ask_errors(pg, state, error);
}
