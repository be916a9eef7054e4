/* PostgreSQL: the texts of the statements, and batches of them in pipeline mode: whatever their number, they
 * cost one round trip. */
#include "journal/postgresql.h"

#include <string.h>

#include "journal/postgresql_migrations.h"

/* Advisory locks are those of one database; the schema is part of the key. */
#define KEY                "hashtextextended('action-scheduler ' || coalesce(current_schema(), ''), 0)"
/* No row is a division by zero, which makes the server leave out all that follows in the pipeline. */
#define GUARD(update)      "WITH done AS (" update " RETURNING 1) SELECT 1 / count(*) FROM done"
#define DIVISION_BY_ZERO   "22012"
#define SET(column)        column " = excluded." column
#define SET_POSITION(name) SET(name "_due_us") ", " SET(name "_action_id") ", " SET(name "_nominal_us")

static const char *const sql_texts[SERVER_SQL_COUNT] = {
	/* clang-format off */
	[SERVER_EXISTS] =
		"SELECT count(to_regclass(quote_ident(current_schema()) || '.scheduler_meta'))",
	[SERVER_VERSION] = "SELECT schema_version FROM scheduler_meta",
	[SERVER_META] = "SELECT owner_epoch, last_sequence, commits, history_bytes, owner FROM scheduler_meta",
	[SERVER_LOCK] = "SELECT pg_try_advisory_lock(" KEY ")::int",
	[SERVER_HOLDER] =
		"SELECT l.pid, a.application_name FROM pg_locks l LEFT JOIN pg_stat_activity a USING (pid) "
		"WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 "
		"AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) "
		"AND l.classid::bigint = (" KEY " >> 32) & 4294967295 "
		"AND l.objid::bigint = " KEY " & 4294967295",
	[SERVER_END_SESSION] = "SELECT pg_terminate_backend($1)::int",
	[SERVER_TAKE_EPOCH] =
		"UPDATE scheduler_meta SET owner_epoch = owner_epoch + 1, last_sequence = NULL, owner = $1",
	[SERVER_GUARD_COMMIT] = GUARD(
		"UPDATE scheduler_meta SET last_sequence = $1, commits = commits + 1, "
		"history_bytes = history_bytes + $2 "
		"WHERE owner_epoch = $3 AND last_sequence IS NOT DISTINCT FROM $4"),
	[SERVER_GUARD_TRIM] = GUARD(
		"UPDATE scheduler_meta SET history_bytes = greatest(0, history_bytes - $1) WHERE owner_epoch = $2"),
	[SERVER_LANE_PUT] =
		"INSERT INTO scheduler_lane (name, clock_epoch, due_us, action_id, nominal_us) "
		"VALUES ($1, $2, $3, $4, $5) ON CONFLICT (name) DO UPDATE SET "
		SET("clock_epoch") ", " SET("due_us") ", " SET("action_id") ", " SET("nominal_us"),
	[SERVER_LANES] =
		"SELECT name, clock_epoch, due_us, action_id, nominal_us FROM scheduler_lane ORDER BY name",
	[SERVER_BACKLOG_PUT] =
		"INSERT INTO scheduler_backlog (id, lane, from_due_us, from_action_id, from_nominal_us, to_due_us, "
		"to_action_id, to_nominal_us, decided_us, drop_before_us, settled_id, cursor_due_us, "
		"cursor_action_id, cursor_nominal_us, members, fire_until_us, drop_reason, skip_before_us, held) "
		"VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19) "
		"ON CONFLICT (id) DO UPDATE SET " SET("lane") ", " SET_POSITION("from") ", " SET_POSITION("to") ", "
		SET("decided_us") ", " SET("drop_before_us") ", " SET("settled_id") ", " SET_POSITION("cursor") ", "
		"members = coalesce(excluded.members, scheduler_backlog.members), " SET("fire_until_us") ", "
		SET("drop_reason") ", " SET("skip_before_us") ", " SET("held"),
	[SERVER_BACKLOG_DELETE] = "DELETE FROM scheduler_backlog WHERE id = $1",
	[SERVER_BACKLOGS] =
		"SELECT id, lane, from_due_us, from_action_id, from_nominal_us, to_due_us, to_action_id, "
		"to_nominal_us, decided_us, drop_before_us, settled_id, cursor_due_us, cursor_action_id, "
		"cursor_nominal_us, members, fire_until_us, drop_reason, skip_before_us, held "
		"FROM scheduler_backlog ORDER BY id",
	[SERVER_HOLD_PUT] =
		"INSERT INTO scheduler_hold (one, since_us, skip_until_us, reason) VALUES (1, $1, $2, $3) "
		"ON CONFLICT (one) DO UPDATE SET " SET("since_us") ", " SET("skip_until_us") ", " SET("reason"),
	[SERVER_HOLD] = "SELECT since_us, skip_until_us, reason FROM scheduler_hold",
	[SERVER_OPEN_PUT] =
		"INSERT INTO scheduler_open (lane, action_id, nominal_us, manual, due_us, backlog, attempts, "
		"next_attempt_us, started, attempts_before) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) "
		"ON CONFLICT (lane, action_id, nominal_us, manual) DO UPDATE SET "
		SET("due_us") ", " SET("backlog") ", " SET("attempts") ", " SET("next_attempt_us") ", "
		SET("started") ", " SET("attempts_before"),
	[SERVER_OPEN_DELETE] =
		"DELETE FROM scheduler_open WHERE lane = $1 AND action_id = $2 AND nominal_us = $3 AND manual = $4",
	[SERVER_OPENS] =
		"SELECT lane, action_id, nominal_us, manual, due_us, backlog, attempts, next_attempt_us, started, "
		"attempts_before FROM scheduler_open ORDER BY lane, action_id, nominal_us, manual",
	[SERVER_BLOCK_GET] = "SELECT block, body FROM scheduler_definition WHERE block = $1",
	[SERVER_BLOCK_PUT] =
		"INSERT INTO scheduler_definition (block, body) VALUES ($1, $2) "
		"ON CONFLICT (block) DO UPDATE SET " SET("body"),
	[SERVER_BLOCK_DELETE] = "DELETE FROM scheduler_definition WHERE block = $1",
	[SERVER_BLOCKS] = "SELECT block, body FROM scheduler_definition WHERE block > $1 ORDER BY block LIMIT $2",
	[SERVER_HISTORY_INSERT] =
		"INSERT INTO scheduler_history (kind, status, reason, attempts, fires, finished_us, span_us, "
		"min_id, max_id, body, manual, detail, failed_fire) "
		"VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
	[SERVER_HISTORY_OLDEST] =
		"SELECT id, finished_us, " G_STRINGIFY(HISTORY_ROW_BASE) " + coalesce(octet_length(body), 0) + "
		"coalesce(octet_length(detail), 0) + coalesce(octet_length(manual), 0) + "
		"coalesce(octet_length(failed_fire), 0) FROM scheduler_history ORDER BY finished_us, id LIMIT $1",
	[SERVER_HISTORY_DELETE] = "DELETE FROM scheduler_history WHERE id = $1",
	[SERVER_FAILED_BYTES] =
		"SELECT coalesce(sum(" G_STRINGIFY(HISTORY_ROW_BASE) " + coalesce(octet_length(body), 0) + "
		"coalesce(octet_length(detail), 0) + coalesce(octet_length(manual), 0) + "
		"coalesce(octet_length(failed_fire), 0)), 0)::bigint "
		"FROM scheduler_history WHERE failed_fire = $1",
	[SERVER_FAILED_DELETE] = "DELETE FROM scheduler_history WHERE failed_fire = $1",
	[SERVER_HISTORY_FAILED] =
		"SELECT id, kind, status, reason, attempts, finished_us, body, manual, detail "
		"FROM scheduler_history WHERE finished_us >= $1 AND failed_fire = $2 "
		"ORDER BY finished_us DESC, id DESC",
	[SERVER_HISTORY] =
		"SELECT id, kind, status, reason, attempts, finished_us, body, manual, detail "
		"FROM scheduler_history WHERE finished_us >= $1 AND (finished_us, id) < ($5, $6) AND "
		"($2::bigint IS NULL OR min_id IS NULL OR (min_id <= $2 AND max_id >= $2)) AND "
		"CASE kind WHEN 2 THEN $4::bigint <> 0 ELSE $3::bigint IS NULL OR status = $3 END "
		"ORDER BY finished_us DESC, id DESC LIMIT $7",
	[SERVER_BEGIN_READ] = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
	[SERVER_END_READ] = "COMMIT",
	/* clang-format on */
};

/* --- sending --- */

/* The most values of a statement. */
#define VALUES_MAX 19

enum step { STEP_PREPARE, STEP_BEGIN, STEP_STATEMENT, STEP_COMMIT };

/* What a result of the pipeline is that of. */
struct expected {
	enum step step;
	enum server_sql sql;
	bool guard;
};

struct pipeline {
	struct pgj_link *link;
	GArray *expected; /* struct expected */
	guint at;
	server_row_fn each;
	void *context;
	bool failed, refused;
	GError *failure; /* the first */
};

static void expect(struct pipeline *pipeline, enum step step, enum server_sql sql, bool guard)
{
	struct expected expected = {step, sql, guard};
	g_array_append_val(pipeline->expected, expected);
}

static void name_of(enum server_sql sql, char name[static 16])
{
	g_snprintf(name, 16, "s%d", (int)sql);
}

static bool send_prepare(struct pipeline *pipeline, enum server_sql sql)
{
	char name[16];
	name_of(sql, name);
	expect(pipeline, STEP_PREPARE, sql, false);
	return PQsendPrepare(pipeline->link->conn, name, sql_texts[sql], 0, NULL);
}

/* Integers and texts go as text, blobs as they are. */
static bool send_statement(
	struct pipeline *pipeline, const struct server_batch *batch, const struct server_statement *statement)
{
	const char *values[VALUES_MAX];
	char numbers[VALUES_MAX][24];
	int lengths[VALUES_MAX], formats[VALUES_MAX];
	char name[16];
	g_assert(statement->count <= VALUES_MAX);
	for (guint i = 0; i < statement->count; i++) {
		const struct server_value *value =
			&g_array_index(batch->values, struct server_value, statement->first + i);
		g_snprintf(numbers[i], sizeof numbers[i], "%" G_GINT64_FORMAT, value->integer);
		values[i] = value->kind == SERVER_INT ? numbers[i] : value->bytes;
		lengths[i] = (int)value->length;
		formats[i] = value->kind == SERVER_BLOB;
	}
	name_of(statement->sql, name);
	return PQsendQueryPrepared(
		pipeline->link->conn, name, (int)statement->count, values, lengths, formats, 1);
}

/* The library moves what it has not sent yet with each piece that it sends, so that is kept small. */
#define UNSENT_MAX (256 * 1024)

static bool flush_large(struct pipeline *pipeline, const struct server_batch *batch,
	const struct server_statement *statement, size_t *unsent)
{
	for (guint i = 0; i < statement->count; i++)
		*unsent += g_array_index(batch->values, struct server_value, statement->first + i).length;
	if (*unsent < UNSENT_MAX)
		return true;
	*unsent = 0;
	return pgj_flush(pipeline->link, &pipeline->failure);
}

static bool send_batch(struct pipeline *pipeline, const struct server_batch *batch, bool guarded)
{
	size_t unsent = 0;
	bool prepared[SERVER_SQL_COUNT];
	PGconn *conn = pipeline->link->conn;
	memcpy(prepared, pipeline->link->prepared, sizeof prepared);
	if (guarded) {
		expect(pipeline, STEP_BEGIN, 0, false);
		if (!PQsendQueryParams(conn, "BEGIN", 0, NULL, NULL, NULL, NULL, 0))
			return false;
	}
	for (guint i = 0; i < batch->statements->len; i++) {
		const struct server_statement *statement =
			&g_array_index(batch->statements, struct server_statement, i);
		if (!prepared[statement->sql] && !send_prepare(pipeline, statement->sql))
			return false;
		prepared[statement->sql] = true;
		expect(pipeline, STEP_STATEMENT, statement->sql, guarded && i == 0);
		if (!send_statement(pipeline, batch, statement) ||
			!flush_large(pipeline, batch, statement, &unsent))
			return false;
	}
	if (guarded) {
		expect(pipeline, STEP_COMMIT, 0, false);
		if (!PQsendQueryParams(conn, "COMMIT", 0, NULL, NULL, NULL, NULL, 0))
			return false;
	}
	return PQpipelineSync(conn);
}

/* --- receiving --- */

static int64_t int_of(const char *bytes, int length)
{
	guint64 value = 0;
	for (int i = 0; i < length; i++)
		value = value << 8 | (guint8)bytes[i];
	switch (length) {
	case 2: return (int16_t)value;
	case 4: return (int32_t)value;
	default: return (int64_t)value;
	}
}

static struct server_value value_of(const PGresult *result, int row, int column)
{
	enum { BOOL = 16, BYTEA = 17, INT8 = 20, INT2 = 21, INT4 = 23 };
	const char *bytes = PQgetvalue(result, row, column);
	int length = PQgetlength(result, row, column);
	if (PQgetisnull(result, row, column))
		return (struct server_value){.kind = SERVER_NULL};
	switch (PQftype(result, column)) {
	case BOOL:
	case INT2:
	case INT4:
	case INT8: return (struct server_value){.kind = SERVER_INT, .integer = int_of(bytes, length)};
	case BYTEA: return (struct server_value){SERVER_BLOB, 0, bytes, (size_t)length};
	default: return (struct server_value){SERVER_TEXT, 0, bytes, (size_t)length};
	}
}

static bool give_rows(struct pipeline *pipeline, enum server_sql sql, const PGresult *result, GError **error)
{
	struct server_value row[VALUES_MAX];
	int columns = PQnfields(result);
	g_assert(columns <= VALUES_MAX);
	for (int i = 0; pipeline->each && i < PQntuples(result); i++) {
		for (int k = 0; k < columns; k++)
			row[k] = value_of(result, i, k);
		if (!pipeline->each(pipeline->context, sql, row, error))
			return false;
	}
	return true;
}

static void take_failure(struct pipeline *pipeline, const struct expected *expected, const PGresult *result)
{
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	pipeline->failed = true;
	pipeline->refused = expected && expected->guard && g_strcmp0(state, DIVISION_BY_ZERO) == 0;
	if (!pipeline->refused)
		pgj_fail(pipeline->link, result, &pipeline->failure);
}

static void take_result(struct pipeline *pipeline, const PGresult *result)
{
	const struct expected *expected =
		pipeline->at < pipeline->expected->len
			? &g_array_index(pipeline->expected, struct expected, pipeline->at)
			: NULL;
	pipeline->at++;
	switch (PQresultStatus(result)) {
	case PGRES_TUPLES_OK:
		if (expected && !pipeline->failed)
			pipeline->failed = !give_rows(pipeline, expected->sql, result, &pipeline->failure);
		break;
	case PGRES_COMMAND_OK:
		if (expected && expected->step == STEP_PREPARE)
			pipeline->link->prepared[expected->sql] = true;
		break;
	case PGRES_PIPELINE_ABORTED: break;
	default:
		if (!pipeline->failed)
			take_failure(pipeline, expected, result);
	}
}

/* Takes all results up to the end of the pipeline. */
static bool receive(struct pipeline *pipeline)
{
	struct pgj_link *link = pipeline->link;
	for (;;) {
		if (!pgj_wait(link, pipeline->failed ? NULL : &pipeline->failure))
			return false;
		PGresult *result = PQgetResult(link->conn);
		bool end = result && PQresultStatus(result) == PGRES_PIPELINE_SYNC;
		if (result && !end)
			take_result(pipeline, result);
		PQclear(result);
		if (end)
			return !pipeline->failed;
		if (PQstatus(link->conn) != CONNECTION_OK)
			return pipeline->failed ? false : pgj_fail(link, NULL, &pipeline->failure);
	}
}

static bool run_pipeline(struct pipeline *pipeline, const struct server_batch *batch, bool guarded)
{
	struct pgj_link *link = pipeline->link;
	if (!PQenterPipelineMode(link->conn) || !send_batch(pipeline, batch, guarded)) {
		/* What was sent of it is in the pipeline still. */
		link->base.broken = true;
		return pipeline->failure ? false : pgj_fail(link, NULL, &pipeline->failure);
	}
	bool done = receive(pipeline);
	if (PQstatus(link->conn) != CONNECTION_OK || !PQexitPipelineMode(link->conn))
		link->base.broken = true;
	return done;
}

/* A failed transaction is left open by the server until it is told. */
static void roll_back(struct pgj_link *link)
{
	if (link->base.broken || PQtransactionStatus(link->conn) == PQTRANS_IDLE)
		return;
	if (!pgj_script(&link->base, "ROLLBACK", NULL))
		link->base.broken = true;
}

static bool pg_run(struct server_link *base, const struct server_batch *batch, server_row_fn each,
	void *context, GError **error)
{
	struct pgj_link *link = pgj_link(base);
	struct pipeline pipeline = {.link = link,
		.expected = g_array_new(FALSE, FALSE, sizeof(struct expected)),
		.each = each,
		.context = context};
	bool done = run_pipeline(&pipeline, batch, false);
	if (pipeline.failure)
		g_propagate_error(error, pipeline.failure);
	g_array_unref(pipeline.expected);
	if (!done)
		roll_back(link);
	return done;
}

static bool pg_transact(
	struct server_link *base, const struct server_batch *batch, bool *refused, GError **error)
{
	struct pgj_link *link = pgj_link(base);
	struct pipeline pipeline = {
		.link = link, .expected = g_array_new(FALSE, FALSE, sizeof(struct expected))};
	bool done = run_pipeline(&pipeline, batch, true);
	*refused = pipeline.refused;
	if (pipeline.failure)
		g_propagate_error(error, pipeline.failure);
	g_array_unref(pipeline.expected);
	if (!done)
		roll_back(link);
	return done;
}

static const struct server_driver driver;

static struct journal *pg_open(const struct journal_options *options, GError **error)
{
	return server_open(&driver, options, error);
}

static bool pg_inspect(const struct journal_options *options, struct journal_state *state, GError **error)
{
	return server_inspect(&driver, options, state, error);
}

static const struct server_driver driver = {
	.backend = &journal_postgresql,
	.name = "PostgreSQL",
	.migrations = migrations,
	.migration_count = G_N_ELEMENTS(migrations),
	.check_target = pgj_check_target,
	.connect = pgj_connect,
	.close = pgj_close,
	.run = pg_run,
	.transact = pg_transact,
	.lacking = pgj_lacking,
	.script = pgj_script,
};

const struct journal_backend journal_postgresql = {
	.dialect = "postgresql",
	.open = pg_open,
	.inspect = pg_inspect,
	.close = server_close,
	.load = server_load,
	.commit = server_commit,
	.trim = server_trim,
	.foreign_version = server_foreign_version,
	.path = server_path,
	.owner = server_owner,
	.history = server_history,
};
