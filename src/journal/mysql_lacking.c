/* What a role lacks on MySQL and MariaDB. Grants may come from roles and patterns, so the server itself is
 * asked, by statements that can change nothing: they are only prepared, or name a column that no table has.
 */
#include "journal/mysql.h"

#include <mysqld_error.h>
#include <string.h>

/* A table that nobody has: what the role may do in the database as a whole. */
#define NO_TABLE "scheduler_privilege_probe"

struct probe {
	const char *privilege;
	const char *sql, *rest; /* around the table's name */
	bool prepared;          /* it is never executed */
};

static const struct probe using_tables[] = {
	{"SELECT", "SELECT * FROM ", "", true},
	{"INSERT", "INSERT INTO ", " VALUES (1)", true},
	{"UPDATE", "UPDATE ", " SET no_such_column = 1", true},
	{"DELETE", "DELETE FROM ", "", true},
};
static const struct probe making_tables[] = {
	{"CREATE", "CREATE TABLE ", " LIKE " NO_TABLE "_2", false},
	{"ALTER", "ALTER TABLE ", " DROP COLUMN no_such_column", false},
	{"INDEX", "CREATE INDEX no_such_index ON ", " (no_such_column)", false},
};
/* “INSERT command denied to user 'u'@'h' for table `d`.`t`” is about INSERT. */
static bool is_denied(unsigned number, const char *message, const char *privilege)
{
	bool denied = number == ER_TABLEACCESS_DENIED_ERROR || number == ER_COLUMNACCESS_DENIED_ERROR;
	const char *command = strstr(message, " command denied");
	return denied && command && strstr(message, privilege) && strstr(message, privilege) < command;
}

/* Errors: only where the connection is of no use any more. */
static bool try(
	struct jmy_link *link, const struct probe *probe, const char *table, bool *denied, GError **error)
{
	g_autofree char *sql = g_strconcat(probe->sql, table, probe->rest, NULL);
	if (!probe->prepared) {
		g_autoptr(GError) said = NULL;
		bool done = jmy_script(&link->base, sql, &said);
		*denied = !done && is_denied(mysql_errno(link->mysql), said->message, probe->privilege);
		if (link->base.broken)
			g_propagate_error(error, g_steal_pointer(&said));
		return !link->base.broken;
	}
	MYSQL_STMT *statement = mysql_stmt_init(link->mysql);
	g_assert(statement); /* out of memory */
	bool done = mysql_stmt_prepare(statement, sql, strlen(sql)) == 0;
	*denied = !done &&
		  is_denied(mysql_stmt_errno(statement), mysql_stmt_error(statement), probe->privilege);
	bool lost = !done && mysql_stmt_errno(statement) >= 2000 && mysql_stmt_errno(statement) < 3000;
	if (lost)
		g_set_error_literal(error, AS_ERROR, AS_ERROR_UNAVAILABLE, mysql_stmt_error(statement));
	mysql_stmt_close(statement);
	return !lost;
}

static bool try_all(struct jmy_link *link, const struct probe *probes, size_t count, const char *const *names,
	GString *lacking, GError **error)
{
	for (size_t i = 0; i < count; i++) {
		bool denied = false;
		for (size_t k = 0; names[k] && !denied; k++)
			if (!try(link, &probes[i], names[k], &denied, error))
				return false;
		if (denied)
			g_string_append_printf(
				lacking, "%s%s", lacking->len ? ", " : "", probes[i].privilege);
	}
	return true;
}

/* 'keeper'@'%', as GRANT takes it. */
static char *current_user(struct jmy_link *link, GError **error)
{
	static const char sql[] =
		"SELECT CONCAT(QUOTE(LEFT(u, CHAR_LENGTH(u) - LOCATE('@', REVERSE(u)))), '@', "
		"QUOTE(SUBSTRING_INDEX(u, '@', -1))) FROM (SELECT CURRENT_USER() AS u) AS c";
	MYSQL_RES *result =
		mysql_real_query(link->mysql, sql, strlen(sql)) == 0 ? mysql_store_result(link->mysql) : NULL;
	MYSQL_ROW row = result ? mysql_fetch_row(result) : NULL;
	char *user = row && row[0] ? g_strdup(row[0]) : NULL;
	mysql_free_result(result);
	if (!user)
		jmy_fail(link, error);
	return user;
}

bool jmy_lacking(struct server_link *base, bool there, bool older, char **out, GError **error)
{
	static const char *const none[] = {NO_TABLE, NULL};
	struct jmy_link *link = jmy_link(base);
	g_autoptr(GString) lacking = g_string_new(NULL);
	if (!try_all(link, using_tables, G_N_ELEMENTS(using_tables), there ? server_tables : none, lacking,
		    error))
		return false;
	if ((!there || older) &&
		!try_all(link, making_tables, G_N_ELEMENTS(making_tables), none, lacking, error))
		return false;
	*out = NULL;
	if (!lacking->len)
		return true;
	g_autofree char *user = current_user(link, error);
	if (user)
		*out = g_strdup_printf("the role %s needs %s on the database: GRANT %s ON `%s`.* TO %s", user,
			lacking->str, lacking->str, link->mysql->db, user);
	return user;
}
