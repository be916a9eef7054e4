/* The connection to a PostgreSQL server: opening, statements, deadlines, errors. */
#include "store/postgresql.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "base/host_lookup.h"

#define CONNECT_MS   5000
#define STATEMENT_MS 10000
#define LOCK_MS      5000

static int statement_ms(const struct store_pg *pg)
{
	return pg->options.statement_ms ? pg->options.statement_ms : STATEMENT_MS;
}

static int connect_ms(const struct store_pg *pg)
{
	return pg->options.connect_ms ? pg->options.connect_ms : CONNECT_MS;
}

/* --- errors --- */

static char *needed(const struct store_pg *pg, const char *need)
{
	g_autofree char *user = g_strdup(PQuser(pg->db) ? PQuser(pg->db) : "");
	g_auto(GStrv) quotes = g_strsplit(user, "\"", -1);
	g_autofree char *doubled = g_strjoinv("\"\"", quotes);
	g_autofree char *quoted = g_strconcat("\"", doubled, "\"", NULL);
	g_auto(GStrv) parts = g_strsplit(need, "%s", -1);
	g_autofree char *text = g_strjoinv(quoted, parts);
	return g_strdup_printf("; the role %s needs %s", quoted, text);
}

static const struct {
	const char *state; /* of SQL, or its first letters */
	enum as_error code;
	const char *text; /* NULL: the server's own */
} states[] = {
	{"25006", AS_ERROR_UNAVAILABLE, "the database may only be read"},
	{"55P03", AS_ERROR_UNAVAILABLE, "the table is locked by another process"},
	{"42P01", AS_ERROR_MISSING, "there is no table “action”"},
	{"3F000", AS_ERROR_MISSING, NULL},
	{"42501", AS_ERROR_INVALID, NULL},
	{"42703", AS_ERROR_INVALID, NULL},
	{"57014", AS_ERROR_UNAVAILABLE, NULL},
	{"08", AS_ERROR_UNAVAILABLE, NULL},
	{"25", AS_ERROR_UNAVAILABLE, NULL},
	{"40", AS_ERROR_UNAVAILABLE, NULL},
	{"53", AS_ERROR_UNAVAILABLE, NULL},
	{"57", AS_ERROR_UNAVAILABLE, NULL},
	{"XX001", AS_ERROR_CORRUPT, NULL},
	{"XX002", AS_ERROR_CORRUPT, NULL},
};

bool pg_fail(struct store_pg *pg, const char *need, const PGresult *result, GError **error)
{
	const char *state = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
	g_autofree char *said = error_one_line(
		state ? PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY) : PQerrorMessage(pg->db));
	g_autofree char *more =
		state && strcmp(state, "42501") == 0 && need ? needed(pg, need) : g_strdup("");
	enum as_error code = state ? AS_ERROR_FAILED : AS_ERROR_UNAVAILABLE;
	const char *text = *said ? said : "the connection was lost";
	for (size_t i = 0; state && i < G_N_ELEMENTS(states); i++) {
		if (!g_str_has_prefix(state, states[i].state))
			continue;
		code = states[i].code;
		text = states[i].text ? states[i].text : text;
		break;
	}
	g_set_error(error, AS_ERROR, (gint)code, "%s: %s%s", pg->base.place, text, more);
	if (!state || PQstatus(pg->db) == CONNECTION_BAD)
		pg_drop(pg);
	return false;
}

static bool fail_waiting(struct store_pg *pg, const char *what, GError **error)
{
	g_set_error(error, AS_ERROR, AS_ERROR_UNAVAILABLE, "%s: %s", pg->base.place, what);
	pg_drop(pg);
	return false;
}

/* --- waiting --- */

/* Waits for the socket until `until` (g_get_monotonic_time). Errors: drops the connection. */
static bool wait_socket(struct store_pg *pg, short events, int64_t until, const char *what, GError **error)
{
	for (;;) {
		int stop_fd = pg->options.stop_fd > 0 ? pg->options.stop_fd : -1;
		struct pollfd fds[2] = {
			{.fd = PQsocket(pg->db), .events = events}, {.fd = stop_fd, .events = POLLIN}};
		int64_t left_ms = (until - g_get_monotonic_time() + 999) / 1000;
		int ready = left_ms > 0 ? poll(fds, 2, (int)left_ms) : 0;
		if (ready < 0 && errno == EINTR)
			continue;
		if (ready > 0 && fds[1].revents)
			return fail_waiting(
				pg, "the wait for the server was cut short by the shutdown", error);
		if (ready > 0)
			return true;
		return fail_waiting(pg, what, error);
	}
}

static int64_t deadline(int ms)
{
	return g_get_monotonic_time() + (int64_t)ms * 1000;
}

static const char late[] = "the server did not answer in time";

static bool flush(struct store_pg *pg, int64_t until, GError **error)
{
	for (;;) {
		int left = PQflush(pg->db);
		if (left == 0)
			return true;
		if (left < 0)
			return pg_fail(pg, NULL, NULL, error);
		if (!wait_socket(pg, POLLIN | POLLOUT, until, late, error))
			return false;
		if (!PQconsumeInput(pg->db))
			return pg_fail(pg, NULL, NULL, error);
	}
}

static bool await_result(struct store_pg *pg, int64_t until, GError **error)
{
	while (PQisBusy(pg->db)) {
		if (!wait_socket(pg, POLLIN, until, late, error))
			return false;
		if (!PQconsumeInput(pg->db))
			return pg_fail(pg, NULL, NULL, error);
	}
	return true;
}

/* --- the connection --- */

void pg_drop(struct store_pg *pg)
{
	PQfinish(pg->db);
	pg->db = NULL;
	g_clear_pointer(&pg->heard, g_free);
	g_array_set_size(pg->ids, 0);
	pg->all = false;
	store_forget(&pg->base);
}

static void ignore_notice(void *context, const PGresult *result)
{
	(void)context;
	(void)result;
}

static bool connect_poll(struct store_pg *pg, GError **error)
{
	int64_t until = deadline(connect_ms(pg));
	PostgresPollingStatusType state = PGRES_POLLING_WRITING;
	if (PQstatus(pg->db) == CONNECTION_BAD)
		return pg_fail(pg, NULL, NULL, error);
	while (state != PGRES_POLLING_OK) {
		short events = state == PGRES_POLLING_READING ? POLLIN : POLLOUT;
		if (!wait_socket(pg, events, until, "the connection was not made in time", error))
			return false;
		state = PQconnectPoll(pg->db);
		if (state == PGRES_POLLING_FAILED)
			return pg_fail(pg, NULL, NULL, error);
	}
	return true;
}

/* The last of several counts; an address beside it makes it a mere name. */
static const char *host_of(const struct store_pg *pg)
{
	const char *host = NULL;
	for (guint i = 0; pg->names->pdata[i]; i++) {
		if (strcmp(pg->names->pdata[i], "host") == 0)
			host = pg->values->pdata[i];
		if (strcmp(pg->names->pdata[i], "hostaddr") == 0)
			return NULL;
	}
	return host;
}

static bool resolve(struct store_pg *pg, GError **error)
{
	if (host_lookup(host_of(pg), connect_ms(pg) * US_PER_MS, pg->options.stop_fd, error))
		return true;
	g_prefix_error(error, "%s: ", pg->base.place);
	return false;
}

bool pg_open(struct store_pg *pg, GError **error)
{
	if (pg->db && PQstatus(pg->db) == CONNECTION_OK)
		return true;
	pg_drop(pg);
	if (!resolve(pg, error))
		return false;
	pg->db = PQconnectStartParams(
		(const char *const *)pg->names->pdata, (const char *const *)pg->values->pdata, 0);
	if (!pg->db)
		g_error("out of memory");
	if (!connect_poll(pg, error))
		return false;
	PQsetnonblocking(pg->db, 1);
	PQsetNoticeReceiver(pg->db, ignore_notice, NULL);
	return true;
}

/* --- statements --- */

static void echo(const struct store_pg *pg, const char *sql)
{
	if (pg->options.echo)
		pg->options.echo(pg->options.context, sql);
}

/* The last result of the statement, or the one that begins a COPY. */
static PGresult *take_result(struct store_pg *pg, GError **error)
{
	int64_t until = deadline(statement_ms(pg));
	g_autoptr(PGresult) last = NULL;
	for (;;) {
		if (!await_result(pg, until, error))
			return NULL;
		PGresult *next = PQgetResult(pg->db);
		if (!next)
			break;
		/* The first error is the one that tells. */
		if (last && PQresultStatus(last) == PGRES_FATAL_ERROR) {
			PQclear(next);
			continue;
		}
		PQclear(last);
		last = next;
		if (PQresultStatus(last) == PGRES_COPY_OUT)
			break;
	}
	if (!last)
		pg_fail(pg, NULL, NULL, error);
	return g_steal_pointer(&last);
}

PGresult *pg_query(struct store_pg *pg, const char *need, const char *sql, int count,
	const char *const *values, GError **error)
{
	echo(pg, sql);
	/* Without parameters several statements may come at once. */
	int sent = count ? PQsendQueryParams(pg->db, sql, count, NULL, values, NULL, NULL, 0)
			 : PQsendQuery(pg->db, sql);
	if (!sent) {
		pg_fail(pg, NULL, NULL, error);
		return NULL;
	}
	if (!flush(pg, deadline(statement_ms(pg)), error))
		return NULL;
	g_autoptr(PGresult) result = take_result(pg, error);
	if (result && PQresultStatus(result) == PGRES_FATAL_ERROR) {
		pg_fail(pg, need, result, error);
		return NULL;
	}
	return g_steal_pointer(&result);
}

bool pg_run(struct store_pg *pg, const char *need, const char *sql, GError **error)
{
	g_autoptr(PGresult) result = pg_query(pg, need, sql, 0, NULL, error);
	return result != NULL;
}

bool pg_begin(struct store_pg *pg, bool reads, GError **error)
{
	int lock_ms = pg->options.wait_ms ? pg->options.wait_ms : LOCK_MS;
	/* A read is a stream, each piece of which has the deadline. */
	g_autofree char *sql = g_strdup_printf(
		"BEGIN%s%s; SET LOCAL lock_timeout = %d; SET LOCAL statement_timeout = %d",
		reads ? " ISOLATION LEVEL REPEATABLE READ" : "",
		reads || pg->options.read_only ? " READ ONLY" : "", lock_ms, reads ? 0 : statement_ms(pg));
	return pg_run(pg, NULL, sql, error);
}

bool pg_commit(struct store_pg *pg, GError **error)
{
	return pg_run(pg, NULL, "COMMIT", error);
}

void pg_rollback(struct store_pg *pg)
{
	switch (pg->db ? PQtransactionStatus(pg->db) : PQTRANS_IDLE) {
	case PQTRANS_IDLE: return;
	case PQTRANS_INTRANS:
	case PQTRANS_INERROR: pg_run(pg, NULL, "ROLLBACK", NULL); return;
	default: pg_drop(pg); /* in the middle of a stream */
	}
}

static int copy_end(struct store_pg *pg, GError **error)
{
	g_autoptr(PGresult) result = take_result(pg, error);
	if (!result)
		return -1;
	if (PQresultStatus(result) == PGRES_COMMAND_OK)
		return 0;
	pg_fail(pg, PG_NEED_SELECT, result, error);
	return -1;
}

int pg_copy_row(struct store_pg *pg, char **data, GError **error)
{
	int64_t until = 0;
	for (;;) {
		int length = PQgetCopyData(pg->db, data, 1);
		if (length > 0)
			return length;
		if (length < 0)
			return copy_end(pg, error);
		if (until == 0)
			until = deadline(statement_ms(pg));
		if (!wait_socket(pg, POLLIN, until, late, error))
			return -1;
		if (!PQconsumeInput(pg->db)) {
			pg_fail(pg, NULL, NULL, error);
			return -1;
		}
	}
}
