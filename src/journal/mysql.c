/* MySQL and MariaDB: the texts of the statements, and batches of them. Values are bound here, as `?N`:
 * numbers as digits, texts and bytes as hexadecimal digits, so that no value can be taken for SQL. What
 * stands in braces is repeated for statements that follow each other: many rows are one statement. */
#include "journal/mysql.h"

#include <string.h>

#include "journal/mysql_migrations.h"

/* Locks are those of the whole server; their names have at most 64 characters. */
#define KEY                                                                                      \
	"CONCAT('action-scheduler.', LEFT(SHA2(IF(@@lower_case_table_names, LOWER(DATABASE()), " \
	"DATABASE()), "                                                                          \
	"256), 40))"
#define SET(column)        column " = VALUES(" column ")"
#define SET_POSITION(name) SET(name "_due_us") ", " SET(name "_action_id") ", " SET(name "_nominal_us")

static const char *const sql_texts[SERVER_SQL_COUNT] =
	{
		/* clang-format off */
	[SERVER_EXISTS] =
		"SELECT count(*) FROM information_schema.tables "
		"WHERE table_schema = DATABASE() AND table_name = 'scheduler_meta'",
	[SERVER_VERSION] = "SELECT coalesce(max(schema_version), 0) FROM scheduler_meta",
	[SERVER_META] = "SELECT owner_epoch, last_sequence, commits, history_bytes, owner FROM scheduler_meta",
	[SERVER_LOCK] = "SELECT GET_LOCK(" KEY ", 0)",
	[SERVER_HOLDER] =
		"SELECT holder, CONCAT('connection ', holder) FROM (SELECT IS_USED_LOCK(" KEY ") AS holder) AS l "
		"WHERE holder IS NOT NULL",
	[SERVER_END_SESSION] = "KILL ?1",
	[SERVER_TAKE_EPOCH] =
		"UPDATE scheduler_meta SET owner_epoch = owner_epoch + 1, last_sequence = NULL, owner = ?1",
	[SERVER_GUARD_COMMIT] =
		"UPDATE scheduler_meta SET last_sequence = ?1, commits = commits + 1, "
		"history_bytes = history_bytes + ?2 WHERE owner_epoch = ?3 AND last_sequence <=> ?4",
	[SERVER_GUARD_TRIM] =
		"UPDATE scheduler_meta SET history_bytes = greatest(0, history_bytes - ?1) WHERE owner_epoch = ?2",
	[SERVER_LANE_PUT] =
		"INSERT INTO scheduler_lane (name, clock_epoch, due_us, action_id, nominal_us) "
		"VALUES {(?1, ?2, ?3, ?4, ?5)} ON DUPLICATE KEY UPDATE "
		SET("clock_epoch") ", " SET("due_us") ", " SET("action_id") ", " SET("nominal_us"),
	[SERVER_LANES] =
		"SELECT name, clock_epoch, due_us, action_id, nominal_us FROM scheduler_lane ORDER BY name",
	[SERVER_BACKLOG_PUT] =
		"INSERT INTO scheduler_backlog (id, lane, from_due_us, from_action_id, from_nominal_us, to_due_us, "
		"to_action_id, to_nominal_us, decided_us, drop_before_us, settled_id, cursor_due_us, "
		"cursor_action_id, cursor_nominal_us, members, fire_until_us, drop_reason, skip_before_us, held) "
		"VALUES {(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)} "
		"ON DUPLICATE KEY UPDATE " SET("lane") ", " SET_POSITION("from") ", " SET_POSITION("to") ", "
		SET("decided_us") ", " SET("drop_before_us") ", " SET("settled_id") ", " SET_POSITION("cursor") ", "
		"members = coalesce(VALUES(members), members), " SET("fire_until_us") ", "
		SET("drop_reason") ", " SET("skip_before_us") ", " SET("held"),
	[SERVER_BACKLOG_DELETE] = "DELETE FROM scheduler_backlog WHERE id IN ({?1})",
	[SERVER_BACKLOGS] =
		"SELECT id, lane, from_due_us, from_action_id, from_nominal_us, to_due_us, to_action_id, "
		"to_nominal_us, decided_us, drop_before_us, settled_id, cursor_due_us, cursor_action_id, "
		"cursor_nominal_us, members, fire_until_us, drop_reason, skip_before_us, held "
		"FROM scheduler_backlog ORDER BY id",
	[SERVER_HOLD_PUT] =
		"INSERT INTO scheduler_hold (one, since_us, skip_until_us, reason) VALUES {(1, ?1, ?2, ?3)} "
		"ON DUPLICATE KEY UPDATE " SET("since_us") ", " SET("skip_until_us") ", " SET("reason"),
	[SERVER_HOLD] = "SELECT since_us, skip_until_us, reason FROM scheduler_hold",
	[SERVER_OPEN_PUT] =
		"INSERT INTO scheduler_open (lane, action_id, nominal_us, manual, due_us, backlog, attempts, "
		"next_attempt_us, started, attempts_before) VALUES {(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)} ON DUPLICATE KEY UPDATE "
		SET("due_us") ", " SET("backlog") ", " SET("attempts") ", " SET("next_attempt_us") ", "
		SET("started") ", " SET("attempts_before"),
	[SERVER_OPEN_DELETE] =
		"DELETE FROM scheduler_open "
		"WHERE lane = ?1 AND action_id = ?2 AND nominal_us = ?3 AND manual = ?4",
	[SERVER_OPENS] =
		"SELECT lane, action_id, nominal_us, manual, due_us, backlog, attempts, next_attempt_us, started, "
		"attempts_before FROM scheduler_open ORDER BY lane, action_id, nominal_us, manual",
	[SERVER_BLOCK_GET] = "SELECT block, body FROM scheduler_definition WHERE block IN ({?1})",
	[SERVER_BLOCK_PUT] =
		"INSERT INTO scheduler_definition (block, body) VALUES {(?1, ?2)} "
		"ON DUPLICATE KEY UPDATE " SET("body"),
	[SERVER_BLOCK_DELETE] = "DELETE FROM scheduler_definition WHERE block IN ({?1})",
	[SERVER_BLOCKS] = "SELECT block, body FROM scheduler_definition WHERE block > ?1 ORDER BY block LIMIT ?2",
	[SERVER_HISTORY_INSERT] =
		"INSERT INTO scheduler_history (kind, status, reason, attempts, fires, finished_us, span_us, "
		"min_id, max_id, body, manual, detail, failed_fire) "
		"VALUES {(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)}",
	[SERVER_HISTORY_OLDEST] =
		"SELECT id, finished_us, " G_STRINGIFY(HISTORY_ROW_BASE) " + coalesce(octet_length(body), 0) + "
		"coalesce(octet_length(detail), 0) + coalesce(octet_length(manual), 0) + "
		"coalesce(octet_length(failed_fire), 0) FROM scheduler_history ORDER BY finished_us, id LIMIT ?1",
	[SERVER_HISTORY_DELETE] = "DELETE FROM scheduler_history WHERE id IN ({?1})",
	[SERVER_FAILED_BYTES] =
		"SELECT CAST(coalesce(sum(" G_STRINGIFY(HISTORY_ROW_BASE) " + coalesce(octet_length(body), 0) + "
		"coalesce(octet_length(detail), 0) + coalesce(octet_length(manual), 0) + "
		"coalesce(octet_length(failed_fire), 0)), 0) AS SIGNED) "
		"FROM scheduler_history WHERE failed_fire = ?1",
	[SERVER_FAILED_DELETE] = "DELETE FROM scheduler_history WHERE failed_fire = ?1",
	[SERVER_HISTORY_FAILED] =
		"SELECT id, kind, status, reason, attempts, finished_us, body, manual, detail "
		"FROM scheduler_history WHERE finished_us >= ?1 AND failed_fire = ?2 "
		"ORDER BY finished_us DESC, id DESC",
	[SERVER_HISTORY] =
		"SELECT id, kind, status, reason, attempts, finished_us, body, manual, detail "
		"FROM scheduler_history WHERE finished_us >= ?1 AND finished_us <= ?5 "
		"AND (finished_us < ?5 OR id < ?6) AND "
		"(?2 IS NULL OR min_id IS NULL OR (min_id <= ?2 AND max_id >= ?2)) AND "
		"CASE kind WHEN 2 THEN ?4 <> 0 ELSE ?3 IS NULL OR status = ?3 END "
		"ORDER BY finished_us DESC, id DESC LIMIT ?7",
	[SERVER_BEGIN_READ] = "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
	[SERVER_END_READ] = "COMMIT",
		/* clang-format on */
};

/* --- rendering --- */

/* The text of one sending ends once it is longer: well below what any server takes (max_allowed_packet). */
#define TEXT_MAX (1024 * 1024)

static void put_hex(GString *text, const char *bytes, size_t length)
{
	static const char digits[] = "0123456789abcdef";
	gsize at = text->len;
	g_string_set_size(text, at + 2 * length);
	for (size_t i = 0; i < length; i++) {
		text->str[at++] = digits[(guint8)bytes[i] >> 4];
		text->str[at++] = digits[(guint8)bytes[i] & 15];
	}
}

static void put_value(GString *text, const struct server_value *value)
{
	switch (value->kind) {
	case SERVER_NULL: g_string_append(text, "NULL"); return;
	case SERVER_INT: g_string_append_printf(text, "%" G_GINT64_FORMAT, value->integer); return;
	case SERVER_TEXT: g_string_append(text, "_utf8mb4 "); break;
	case SERVER_BLOB: g_string_append(text, "_binary "); break;
	}
	g_string_append(text, "X'");
	put_hex(text, value->bytes, value->length);
	g_string_append_c(text, '\'');
}

/* A part of a statement's text, `?N` being its values. */
static void put_part(
	GString *text, const char *part, const char *end, const struct server_value *values, guint count)
{
	while (part < end) {
		if (*part != '?') {
			g_string_append_c(text, *part++);
			continue;
		}
		char *after;
		guint64 number = g_ascii_strtoull(part + 1, &after, 10);
		g_assert(number >= 1 && number <= count);
		put_value(text, &values[number - 1]);
		part = after;
	}
}

/* NULL where it has none. */
static const struct server_value *values_of(
	const struct server_batch *batch, const struct server_statement *statement)
{
	const struct server_value *values = (const void *)batch->values->data;
	return statement->count ? values + statement->first : NULL;
}

/* Writes the statement at `at`, and those that follow it as far as they can be one with it; the number of
 * them. */
static guint put_statement(GString *text, const struct server_batch *batch, guint at)
{
	const struct server_statement *list = (const void *)batch->statements->data;
	const struct server_statement *first = &list[at];
	const char *sql = sql_texts[first->sql], *end = sql + strlen(sql);
	const char *open = strchr(sql, '{'), *close = open ? strchr(open, '}') : NULL;
	if (!open) {
		put_part(text, sql, end, values_of(batch, first), first->count);
		return 1;
	}
	guint count = 0;
	g_string_append_len(text, sql, open - sql);
	do {
		const struct server_statement *each = &list[at + count];
		if (count++ > 0)
			g_string_append(text, ", ");
		put_part(text, open + 1, close, values_of(batch, each), each->count);
	} while (at + count < batch->statements->len && list[at + count].sql == first->sql &&
		 text->len < TEXT_MAX);
	g_string_append_len(text, close + 1, end - close - 1);
	return count;
}

/* --- receiving --- */

#define COLUMNS_MAX 19

static struct server_value value_of(const MYSQL_FIELD *field, const char *bytes, unsigned long length)
{
	if (!bytes)
		return (struct server_value){.kind = SERVER_NULL};
	if (IS_NUM(field->type))
		return (struct server_value){.kind = SERVER_INT, .integer = g_ascii_strtoll(bytes, NULL, 10)};
	return (struct server_value){SERVER_TEXT, 0, bytes, length};
}

static bool give_rows(
	MYSQL_RES *result, enum server_sql sql, server_row_fn each, void *context, GError **error)
{
	const MYSQL_FIELD *fields = mysql_fetch_fields(result);
	unsigned columns = mysql_num_fields(result);
	struct server_value row[COLUMNS_MAX];
	MYSQL_ROW bytes;
	g_assert(columns <= COLUMNS_MAX);
	while ((bytes = mysql_fetch_row(result))) {
		const unsigned long *lengths = mysql_fetch_lengths(result);
		for (unsigned i = 0; i < columns; i++)
			row[i] = value_of(&fields[i], bytes[i], lengths[i]);
		if (!each(context, sql, row, error))
			return false;
	}
	return true;
}

/* Sends what was rendered, and takes the results of all of its statements. */
static bool send_text(struct jmy_link *link, const GString *text, const GArray *sqls, server_row_fn each,
	void *context, GError **error)
{
	bool done = true;
	if (mysql_real_query(link->mysql, text->str, text->len) != 0)
		return jmy_fail(link, error);
	int more = 0;
	for (guint i = 0; more == 0; i++) {
		MYSQL_RES *result = mysql_store_result(link->mysql);
		if (!result && mysql_field_count(link->mysql) > 0)
			return done ? jmy_fail(link, error) : jmy_fail(link, NULL);
		if (result && each && done)
			done = give_rows(
				result, g_array_index(sqls, enum server_sql, i), each, context, error);
		mysql_free_result(result);
		more = mysql_next_result(link->mysql);
	}
	return more > 0 ? jmy_fail(link, done ? error : NULL) : done;
}

static bool send_batch(struct jmy_link *link, const struct server_batch *batch, guint at, const char *last,
	server_row_fn each, void *context, GError **error)
{
	g_autoptr(GString) text = g_string_new(NULL);
	g_autoptr(GArray) sqls = g_array_new(FALSE, FALSE, sizeof(enum server_sql));
	bool done = true;
	while (done && at < batch->statements->len) {
		if (text->len > 0)
			g_string_append(text, "; ");
		g_array_append_val(sqls, g_array_index(batch->statements, struct server_statement, at).sql);
		at += put_statement(text, batch, at);
		if (text->len < TEXT_MAX && at < batch->statements->len)
			continue;
		if (at == batch->statements->len && last)
			g_string_append_printf(text, "; %s", last);
		done = send_text(link, text, sqls, each, context, error);
		g_string_truncate(text, 0);
		g_array_set_size(sqls, 0);
	}
	return done;
}

static void roll_back(struct jmy_link *link)
{
	if (!link->base.broken && !jmy_script(&link->base, "ROLLBACK", NULL))
		link->base.broken = true;
}

static bool jmy_run(struct server_link *base, const struct server_batch *batch, server_row_fn each,
	void *context, GError **error)
{
	bool done = send_batch(jmy_link(base), batch, 0, NULL, each, context, error);
	if (!done)
		roll_back(jmy_link(base));
	return done;
}

/* The guard first, on its own: what follows is sent once it has found its row, which is locked from then on.
 */
static bool jmy_transact(
	struct server_link *base, const struct server_batch *batch, bool *refused, GError **error)
{
	struct jmy_link *link = jmy_link(base);
	g_autoptr(GString) guard = g_string_new("START TRANSACTION; ");
	uint64_t found = 0;
	put_statement(guard, batch, 0);
	bool done = jmy_send(link, guard->str, guard->len, &found, error);
	*refused = done && found != 1;
	if (done && !*refused)
		done = batch->statements->len > 1 ? send_batch(link, batch, 1, "COMMIT", NULL, NULL, error)
						  : jmy_script(base, "COMMIT", error);
	if (!done || *refused)
		roll_back(link);
	return done && !*refused;
}

static const struct server_driver driver;

static struct journal *jmy_open(const struct journal_options *options, GError **error)
{
	return server_open(&driver, options, error);
}

static bool jmy_inspect(const struct journal_options *options, struct journal_state *state, GError **error)
{
	return server_inspect(&driver, options, state, error);
}

static const struct server_driver driver = {
	.backend = &journal_mysql,
	.name = "MySQL",
	.migrations = migrations,
	.migration_count = G_N_ELEMENTS(migrations),
	.check_target = jmy_check_target,
	.connect = jmy_connect,
	.close = jmy_close,
	.run = jmy_run,
	.transact = jmy_transact,
	.lacking = jmy_lacking,
	.script = jmy_script,
};

#define BACKEND(name)                                                                                  \
	{                                                                                              \
		.dialect = name, .open = jmy_open, .inspect = jmy_inspect, .close = server_close,      \
		.load = server_load, .commit = server_commit, .trim = server_trim,                     \
		.foreign_version = server_foreign_version, .path = server_path, .owner = server_owner, \
		.history = server_history,                                                             \
	}
const struct journal_backend journal_mysql = BACKEND("mysql");
const struct journal_backend journal_mariadb = BACKEND("mariadb");
