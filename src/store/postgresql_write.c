/* Writing to a PostgreSQL database: the table, its optional columns and triggers, errors. */
#include "store/postgresql.h"

#include <inttypes.h>
#include <string.h>

#include "base/json.h"
#include "store/postgresql_sql.h"

#define NEED_CREATE \
	"CREATE on the schema: GRANT CREATE ON SCHEMA public TO %s (or make the table by another role)"
#define NEED_OWNER                                                                                        \
	"to be the owner of the table: let the owner run `init` or `check --fix`, or ALTER TABLE action " \
	"OWNER TO %s"
#define NEED_UPDATE_ERROR "UPDATE on the column error: GRANT UPDATE (error) ON action TO %s"

/* What SQLAlchemy makes of the Python program's model. */
static const char create_sql[] = "CREATE TABLE action (\n"
				 "\tid SERIAL NOT NULL, \n"
				 "\tname VARCHAR NOT NULL, \n"
				 "\tcommand VARCHAR NOT NULL, \n"
				 "\tcron JSON NOT NULL, \n"
				 "\tmerge_missed BOOLEAN, \n"
				 "\tactuality_time INTEGER, \n"
				 "\tPRIMARY KEY (id)\n"
				 ")";

static const char *const type_names[] = {
	[COLUMN_TEXT] = "VARCHAR", [COLUMN_INTEGER] = "INTEGER", [COLUMN_BOOLEAN] = "BOOLEAN"};

/* Runs `work` as one transaction that writes. */
static bool pg_write(struct store_pg *pg, bool (*work)(struct store_pg *, void *, GError **), void *context,
	GError **error)
{
	if (!pg_open(pg, error))
		return false;
	bool done = pg_begin(pg, false, error) && work(pg, context, error) && pg_commit(pg, error);
	pg_rollback(pg);
	return done;
}

static bool create_work(struct store_pg *pg, void *context, GError **error)
{
	(void)context;
	g_autoptr(PGresult) there =
		pg_query(pg, NULL, "SELECT pg_catalog.to_regclass('action')", 0, NULL, error);
	if (!there || !PQgetisnull(there, 0, 0))
		return there != NULL;
	return pg_run(pg, NEED_CREATE, create_sql, error);
}

bool pg_create_table(struct store *store, GError **error)
{
	return pg_write(store_pg(store), create_work, NULL, error);
}

/* --- the optional columns --- */

static bool add_columns(struct store_pg *pg, void *context, GError **error)
{
	unsigned *added = context;
	struct pg_shape shape;
	g_autoptr(GString) sql = g_string_new(NULL);
	if (!pg_shape(pg, &shape, error))
		return false;
	*added = columns_alter(shape.bits, type_names, '"', sql);
	return *added == 0 || (pg_run(pg, NEED_OWNER, sql->str, error) && pg_shape(pg, &shape, error));
}

bool pg_complete_table(struct store *store, unsigned *added, GError **error)
{
	unsigned count = 0;
	store_forget(store);
	if (!pg_write(store_pg(store), add_columns, &count, error))
		return false;
	*added = count;
	return true;
}

/* --- the trigger --- */

static bool trigger_work(struct store_pg *pg, void *context, GError **error)
{
	(void)context;
	return pg_run(pg, NEED_OWNER, pg_sql_trigger, error);
}

static bool trigger_is_current(struct store_pg *pg)
{
	enum store_trigger state;
	return pg->db && pg_trigger_state(pg, &state, NULL) && state == STORE_TRIGGER_CURRENT;
}

bool pg_install_trigger(struct store *store, bool *installed, GError **error)
{
	struct store_pg *pg = store_pg(store);
	g_autoptr(GError) why = NULL;
	store_forget(store);
	bool done = pg_write(pg, trigger_work, NULL, &why);
	/* A role that does not own the table need not, where the owner has done it. */
	if (!done && g_error_matches(why, AS_ERROR, AS_ERROR_INVALID))
		done = trigger_is_current(pg);
	if (done)
		*installed = true;
	else
		g_propagate_error(error, g_steal_pointer(&why));
	return done;
}

/* --- the column `error` --- */

static void list_add(json_t *list, const char *id, const char *text)
{
	json_t *object = json_object();
	json_object_set_new(object, "id", json_string(id));
	json_object_set_new(object, "error", json_text(text, text ? strlen(text) : 0));
	json_array_append_new(list, object);
}

/* What differs: rows that have another error than they should, and those that should have none. */
static json_t *errors_compare(const PGresult *present, const struct store_row_error *errors, size_t count)
{
	g_autoptr(GHashTable) texts = g_hash_table_new(g_str_hash, g_str_equal);
	json_t *list = json_array();
	for (int i = 0; i < PQntuples(present); i++)
		g_hash_table_insert(texts, PQgetvalue(present, i, 0), PQgetvalue(present, i, 1));
	for (size_t i = 0; i < count; i++) {
		g_autofree char *id = g_strdup_printf("%" PRId64, errors[i].id);
		const char *text = g_hash_table_lookup(texts, id);
		if (!text || strcmp(text, errors[i].text) != 0)
			list_add(list, id, errors[i].text);
		g_hash_table_remove(texts, id);
	}
	GHashTableIter iter;
	gpointer id;
	g_hash_table_iter_init(&iter, texts);
	while (g_hash_table_iter_next(&iter, &id, NULL))
		list_add(list, id, NULL);
	return list;
}

/* The trigger is to keep still about these, and the digest moves with them. */
static bool errors_work(struct store_pg *pg, void *context, GError **error)
{
	const char *const values[] = {context};
	if (!pg_run(pg, NULL, "SET LOCAL action_scheduler.writes_errors = 'on'", error))
		return false;
	g_autoptr(PGresult) moved = pg_query(pg, NEED_UPDATE_ERROR, pg_sql_write_errors, 1, values, error);
	if (!moved)
		return false;
	pg->digest += g_ascii_strtoll(PQgetvalue(moved, 0, 0), NULL, 10);
	return true;
}

bool pg_write_errors(struct store *store, const struct store_row_error *errors, size_t count, GError **error)
{
	struct store_pg *pg = store_pg(store);
	struct pg_shape shape;
	if (!pg_open(pg, error) || !pg_shape(pg, &shape, error))
		return false;
	if (!(shape.bits & COLUMN_ERROR))
		return true;
	g_autoptr(PGresult) present = pg_query(pg, PG_NEED_SELECT,
		"SELECT id::text, error FROM action WHERE error IS NOT NULL", 0, NULL, error);
	if (!present)
		return false;
	json_t *list = errors_compare(present, errors, count);
	int64_t digest = pg->digest;
	bool done = true;
	if (json_array_size(list)) {
		char *text = json_dumps(list, JSON_COMPACT);
		done = pg_write(pg, errors_work, text, error);
		free(text);
	}
	json_decref(list);
	if (!done)
		pg->digest = digest;
	return done;
}
