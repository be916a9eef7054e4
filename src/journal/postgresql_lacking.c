/* What a role lacks on PostgreSQL. */
#include "journal/postgresql.h"

#define TABLES                                                                                 \
	"FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace " \
	"JOIN names ON names.name = c.relname "                                                \
	"WHERE n.nspname = pg_catalog.current_schema() AND c.relkind = 'r'"

static const char to_use[] =
	"SELECT pg_catalog.format('the role %I needs %s on the tables of internal_db: GRANT %2$s ON ALL "
	"TABLES IN SCHEMA %I TO %1$I', current_user, "
	"pg_catalog.string_agg(privilege, ', ' ORDER BY number), pg_catalog.current_schema()) "
	"FROM pg_catalog.unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) "
	"WITH ORDINALITY AS p (privilege, number) "
	"WHERE EXISTS (SELECT " TABLES " AND NOT pg_catalog.has_table_privilege(c.oid, privilege)) "
	"HAVING pg_catalog.count(*) > 0";

static const char to_update[] =
	"SELECT pg_catalog.format('the schema is of an older version, and the role %1$I needs to own the "
	"tables of internal_db to update it: REASSIGN OWNED BY %I TO %1$I, or start the scheduler once "
	"with the role that owns them', current_user, pg_catalog.pg_get_userbyid(c.relowner)) " TABLES
	" AND NOT pg_catalog.pg_has_role(c.relowner, 'USAGE') LIMIT 1";

static const char to_make[] =
	"SELECT CASE WHEN pg_catalog.current_schema() IS NULL THEN pg_catalog.format('the role %1$I has no "
	"schema in its search_path: CREATE SCHEMA %1$I AUTHORIZATION %1$I', current_user) "
	"WHEN NOT pg_catalog.has_schema_privilege(pg_catalog.current_schema(), 'CREATE') THEN "
	"pg_catalog.format('the role %I may make tables in no schema of its search_path: GRANT CREATE ON "
	"SCHEMA %I TO %1$I, or CREATE SCHEMA %1$I AUTHORIZATION %1$I', current_user, "
	"pg_catalog.current_schema()) END";

/* `names`: those of the tables. */
static bool ask(struct pgj_link *link, const char *sql, char **out, GError **error)
{
	g_autofree char *names = g_strjoinv("'), ('", (char **)server_tables);
	g_autofree char *text = g_strconcat("WITH names (name) AS (VALUES ('", names, "')) ", sql, NULL);
	return pgj_ask(link, text, out, error);
}

bool pgj_lacking(struct server_link *base, bool there, bool older, char **out, GError **error)
{
	struct pgj_link *link = pgj_link(base);
	if (!there)
		return pgj_ask(link, to_make, out, error);
	return ask(link, to_use, out, error) && (*out || !older || ask(link, to_update, out, error));
}
